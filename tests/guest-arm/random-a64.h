// SPDX-License-Identifier: MIT
// Random A64 instructions for tests of streams of them: rows of the decode table with random fields, of which Capstone says that
// they are allocated. None writes X24 to X28, but that accesses to memory, which all go through X28, may change that by their
// writeback. Left out are branches, system instructions, exclusives, loads near the PC, and what the architecture leaves open.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random_a64 {
    uint32_t insn;
    bool memory;
    bool by_register; // the offset is in the register at bit 16, which is to be chosen
    bool scaled;      // the offset is an unsigned number of 12 bits
    bool atomic;
};

void random_a64_open(void);
void random_a64_close(void);
// With `simd`, vector instructions mostly; without, none.
struct random_a64 random_a64(bool simd);
// B.cond, CBZ, CBNZ, TBZ or TBNZ over the next instruction.
uint32_t random_a64_branch_over(void);
void random_a64_print(uint32_t insn);
