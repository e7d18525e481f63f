// SPDX-License-Identifier: MIT
// The keys that one user interface holds down in the guest, so that it can let all of them go when it loses the keyboard.
// Device lock held in all calls.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/input.h"
#include "ui/keymap.h"

struct held_keys {
    uint64_t bits[INPUT_KEYS / 64];
};

void held_keys_send(struct held_keys *held, struct machine *machine, enum input_key key, bool down);
// Presses a key with the modifiers that its character needs, all of which stay down.
void held_keys_press(struct held_keys *held, struct machine *machine, struct keymap_stroke stroke);
// The same, and without other modifiers; those are put back at once.
void held_keys_stroke(struct held_keys *held, struct machine *machine, struct keymap_stroke stroke);
void held_keys_release(struct held_keys *held, struct machine *machine);
static inline bool held_keys_has(const struct held_keys *held, enum input_key key)
{
    return held->bits[key / 64] >> (key % 64) & 1;
}
