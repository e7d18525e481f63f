// SPDX-License-Identifier: MIT
// Types text into the guest key by key, no faster than firmware reads its keyboard.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct typist;

// On a keyboard with the layout of that name (ui/keymap.h), NULL: en-us. It is looked up when there is something to type.
struct typist *typist_create(struct machine *machine, const char *layout, struct error *error);
// With the machine stopped, without the device lock. NULL is fine.
void typist_destroy(struct typist *typist);
// Types UTF-8 text after what is still to be typed. Characters that the keyboard does not have are left out, and counted in
// one line on stderr. Any thread, no locks.
void typist_type(struct typist *typist, const char *text);
