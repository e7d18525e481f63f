// SPDX-License-Identifier: MIT
#include "random.h"

static uint64_t state = 1;

void random_seed(uint64_t seed)
{
    state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    random64();
}

uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}
