// SPDX-License-Identifier: MIT
// Random bytes.
#include "hw/core/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// SplitMix64: enough for a repeatable run, which has no secrets.
static uint64_t next_seeded(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void rng_fill(struct rng *rng, void *buffer, size_t length)
{
    char *bytes = buffer;
    while (length) {
        size_t n = length;
        if (rng->seeded) {
            uint64_t value = next_seeded(&rng->state);
            n = n < sizeof(value) ? n : sizeof(value);
            memcpy(bytes, &value, n);
        } else {
            ssize_t got = getrandom(bytes, n, 0);
            if (got < 0)
                continue; // interrupted
            n = (size_t)got;
        }
        bytes += n;
        length -= n;
    }
}
