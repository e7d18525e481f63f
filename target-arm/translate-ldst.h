// SPDX-License-Identifier: MIT
// Shared by the translators of loads and stores.
#pragma once

#include "target-arm/translate.h"

// Attributes of an ordinary access at `offset` from its address operand.
struct ir_mem a64_mem_at(const struct a64 *a, unsigned size_log2, int64_t offset);
// A load zero-extended, or sign-extended to 64 or 32 bits.
ir_ref a64_load_extended(struct a64 *a, ir_ref address, struct ir_mem mem, bool sign64, bool sign32);
// Base register plus extended and shifted register; false when the option is unallocated.
bool a64_register_offset(struct a64 *a, uint32_t insn, unsigned shift, ir_ref *address);
// Writes a base register back that has moved by `offset`.
void a64_write_base(struct a64 *a, unsigned rn, ir_ref value, int64_t offset);

// The addressing of a pair.
struct a64_pair {
    ir_ref base;
    int64_t offset;
    struct ir_mem mem, mem2; // of the first and of the second register
    bool writeback;
};
struct a64_pair a64_pair_decode(struct a64 *a, uint32_t insn, unsigned size);
void a64_pair_finish(struct a64 *a, uint32_t insn, const struct a64_pair *p);
