// SPDX-License-Identifier: MIT
// A generator for tests that must repeat: xorshift64*. One sequence a program.
#pragma once

#include <stdint.h>

void random_seed(uint64_t seed);
uint64_t random64(void);
// 0 to n - 1.
unsigned below(unsigned n);
