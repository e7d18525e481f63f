// SPDX-License-Identifier: MIT
// What a terminal sends for keys, by libvterm.
#pragma once

#include <vterm.h>

#include "hw/core/display.h"

// UTF-8 text; of bytes that are none, nothing is sent.
void vc_keys_text(VTerm *terminal, const char *text, unsigned modifiers);
// A key that makes no text; those that a terminal does not know send nothing.
void vc_keys_key(VTerm *terminal, enum input_key key, unsigned modifiers);
