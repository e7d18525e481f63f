// SPDX-License-Identifier: MIT
// Decoding of A64 instructions: rows of bit patterns (a64.inc, a64-simd.inc) compiled into an index.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"

struct a64;

// Translates one instruction. Returns whether the block goes on with the next one; if not, the current path of the
// builder has been ended.
typedef bool a64_handler(struct a64 *a, uint32_t insn);

struct a64_row {
    a64_handler *translate;
    const char *name;    // the manual's
    const char *pattern; // 32 characters, most significant bit first: 0, 1, or a letter for a field's bit
    uint32_t mask, value;
    uint8_t feature;     // enum arm_feature; without it the encoding is unallocated
};

// The row that `insn` matches, the most specific one where several do; NULL for unallocated encodings.
const struct a64_row *a64_decode(uint32_t insn);

// All rows, for tests and tools.
unsigned a64_row_count(void);
const struct a64_row *a64_row_at(unsigned index);
