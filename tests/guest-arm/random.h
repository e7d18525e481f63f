// SPDX-License-Identifier: MIT
// A generator for tests that must repeat: xorshift64*. One sequence a program.
#pragma once

#include <stdint.h>

static uint64_t random_state;

static inline void random_seed(uint64_t seed)
{
    random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}
