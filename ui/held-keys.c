// SPDX-License-Identifier: MIT
#include "ui/held-keys.h"

#include "tcg/base/bits.h"

void held_keys_send(struct held_keys *held, struct machine *machine, enum input_key key, bool down)
{
    if ((unsigned)key >= INPUT_KEYS)
        return;
    uint64_t bit = UINT64_C(1) << (key % 64);
    // What went down somewhere else is not let go here.
    if (!down && !held_keys_has(held, key))
        return;
    held->bits[key / 64] = down ? held->bits[key / 64] | bit : held->bits[key / 64] & ~bit;
    input_send_key(machine, key, down);
}

void held_keys_press(struct held_keys *held, struct machine *machine, struct keymap_stroke stroke)
{
    if (stroke.shift)
        held_keys_send(held, machine, INPUT_KEY_SHIFT, true);
    if (stroke.alt_gr)
        held_keys_send(held, machine, INPUT_KEY_ALT_RIGHT, true);
    held_keys_send(held, machine, stroke.key, true);
}

void held_keys_stroke(struct held_keys *held, struct machine *machine, struct keymap_stroke stroke)
{
    static const enum input_key shifts[] = {INPUT_KEY_SHIFT, INPUT_KEY_SHIFT_RIGHT};
    bool had[ARRAY_SIZE(shifts)], any_shift = false;
    bool had_alt_gr = held_keys_has(held, INPUT_KEY_ALT_RIGHT);
    // A modifier key is itself what it needs.
    bool modifier = stroke.key >= INPUT_KEY_CTRL;
    for (size_t i = 0; i < ARRAY_SIZE(shifts); i++)
        any_shift |= had[i] = held_keys_has(held, shifts[i]);
    bool add_shift = stroke.shift && !any_shift && !modifier, drop_shift = !stroke.shift && any_shift && !modifier;
    bool change_alt_gr = stroke.alt_gr != had_alt_gr && !modifier;
    if (add_shift)
        held_keys_send(held, machine, INPUT_KEY_SHIFT, true);
    for (size_t i = 0; i < ARRAY_SIZE(shifts) && drop_shift; i++)
        held_keys_send(held, machine, shifts[i], false);
    if (change_alt_gr)
        held_keys_send(held, machine, INPUT_KEY_ALT_RIGHT, stroke.alt_gr);
    held_keys_send(held, machine, stroke.key, true);
    if (change_alt_gr)
        held_keys_send(held, machine, INPUT_KEY_ALT_RIGHT, had_alt_gr);
    if (add_shift)
        held_keys_send(held, machine, INPUT_KEY_SHIFT, false);
    for (size_t i = 0; i < ARRAY_SIZE(shifts) && drop_shift; i++)
        if (had[i])
            held_keys_send(held, machine, shifts[i], true);
}

void held_keys_release(struct held_keys *held, struct machine *machine)
{
    for (unsigned i = 0; i < INPUT_KEYS / 64; i++)
        while (held->bits[i])
            held_keys_send(held, machine, (enum input_key)(i * 64 + ctz64(held->bits[i])), false);
}
