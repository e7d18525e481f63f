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

void held_keys_release(struct held_keys *held, struct machine *machine)
{
    for (unsigned i = 0; i < INPUT_KEYS / 64; i++)
        while (held->bits[i])
            held_keys_send(held, machine, (enum input_key)(i * 64 + ctz64(held->bits[i])), false);
}
