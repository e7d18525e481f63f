// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Takes the next character off the text; what is no UTF-8 is passed over. 0 at its end.
uint32_t utf8_next(const char **text);
