// SPDX-License-Identifier: MIT
// Which keys of a keyboard with a certain layout make a character: for input that comes as characters (text that is pasted,
// VNC, a window told to go by symbols). The layouts are xkbcommon's; names are those of -k ("de", "en-us", "fr-ch").
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/input.h"
#include "tcg/base/error.h"

struct keymap;

// Keys that are to be held while `key` is pressed.
struct keymap_stroke {
    enum input_key key;
    bool shift, alt_gr;
};

// The layout that the guest has been told its keyboard has. NULL with a message that names what there is.
struct keymap *keymap_create(const char *layout, struct error *error);
void keymap_destroy(struct keymap *keymap);
// How a keysym of X is typed, or a Unicode character. False: not on this keyboard.
bool keymap_find_symbol(const struct keymap *keymap, uint32_t keysym, struct keymap_stroke *stroke);
bool keymap_find_character(const struct keymap *keymap, uint32_t code, struct keymap_stroke *stroke);
// The keysym that a stroke makes, 0: none, or one that a plainer stroke makes.
uint32_t keymap_symbol_of(const struct keymap *keymap, struct keymap_stroke stroke);
