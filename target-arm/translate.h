// SPDX-License-Identifier: MIT
// What the A64 translators share: the context of the block being translated, and access to registers, memory
// attributes, flags and exceptions in terms of the manual. Private to target-arm.
//
// A handler does everything that may fault (loads, stores, helpers that MAY_FAULT) before its first a64_set*.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"
#include "target-arm/decode.h"
#include "target-arm/slots.h"
#include "tcg/base/bits.h"
#include "tcg/builder.h"

// What is known at a point, kept along side blocks (ir_keep_notes).
struct a64_notes {
    bool sp_aligned;           // SP is a multiple of 16
    ir_ref rbit_result, rbit_source; // of the last RBIT, so that RBIT and CLZ become one operation
};

struct a64 {
    struct ir_builder *b;
    struct tcg_translation *t;
    const struct arm_cpu *cpu; // for features and identification only
    uint64_t flags;            // ARM_BF_*
    int32_t pc;                // of the instruction, from the page base of the block's entry
    uint8_t el;
    uint8_t mmu_index;
    bool first;                // the first instruction of the block
    struct a64_notes notes;
};

// Handlers, one a row.
#define INSN(handler, feature, name, pattern) a64_handler a64_##handler;
#include "target-arm/a64.inc"
#include "target-arm/a64-simd.inc"
#undef INSN

// --- fields that have one place in all instructions ---
static inline unsigned insn_rd(uint32_t insn)
{
    return insn & 31;
}
static inline unsigned insn_rn(uint32_t insn)
{
    return insn >> 5 & 31;
}
static inline unsigned insn_rm(uint32_t insn)
{
    return insn >> 16 & 31;
}
// Ra and Rt2
static inline unsigned insn_ra(uint32_t insn)
{
    return insn >> 10 & 31;
}
// The type that the `sf` bit chooses.
static inline enum ir_type insn_type(uint32_t insn)
{
    return insn >> 31 ? IR_I64 : IR_I32;
}

static inline bool a64_flag(const struct a64 *a, unsigned bit)
{
    return a->flags >> bit & 1;
}

// --- general registers ---
// X[n] or W[n] by type; 31 is zero.
ir_ref a64_reg(struct a64 *a, enum ir_type type, unsigned n);
// The same, with 31 for SP. Checks nothing.
ir_ref a64_reg_sp(struct a64 *a, enum ir_type type, unsigned n);
// Writes X[n]; an i32 is zero-extended. 31 is discarded.
void a64_set(struct a64 *a, unsigned n, ir_ref value);
// The same, with 31 for SP.
void a64_set_sp(struct a64 *a, unsigned n, ir_ref value);

static inline ir_ref a64_x(struct a64 *a, unsigned n)
{
    return a64_reg(a, IR_I64, n);
}

// --- SIMD&FP registers ---
ir_ref a64_v(struct a64 *a, unsigned n); // v128
void a64_set_v(struct a64 *a, unsigned n, ir_ref value);
// Before anything else in an instruction that uses FP or SIMD registers. False: the access trap was raised and the
// path is ended; the handler returns false.
bool a64_fp_enabled(struct a64 *a);

// --- conditions ---
// 1 or 0 as i32 for a condition field.
ir_ref a64_condition(struct a64 *a, unsigned cond);
void a64_set_nzcv(struct a64 *a, ir_ref packed);
// The packed form of a 4-bit NZCV immediate.
uint32_t a64_pack_nzcv(unsigned nzcv);

// --- memory ---
// The base register of an access, SP alignment checked.
ir_ref a64_base(struct a64 *a, unsigned n);
// Attributes of an ordinary access of 1 << size_log2 bytes.
struct ir_mem a64_mem(const struct a64 *a, unsigned size_log2);

// --- leaving; all return false, for the handler to return ---
bool a64_undefined(struct a64 *a);
// Exception with this syndrome at the instruction, to the exception level that the architecture routes it to.
bool a64_raise(struct a64 *a, uint32_t esr);
bool a64_goto(struct a64 *a, int64_t offset);   // relative to the instruction
bool a64_next_loop(struct a64 *a);              // on with the next instruction after a look at modes and interrupts
bool a64_branch_if(struct a64 *a, enum ir_cond cond, ir_ref x, ir_ref y, int64_t offset); // else the next instruction

// --- pointer authentication ---
// AuthIA, AuthIB, AuthDA or AuthDB by `key` 0 to 3; the pointer unchanged where the key is disabled.
ir_ref a64_pauth_authenticate(struct a64 *a, ir_ref pointer, ir_ref modifier, unsigned key);
ir_ref a64_pauth_add(struct a64 *a, ir_ref pointer, ir_ref modifier, unsigned key);
// A hint of the pointer authentication space (CRm:op2).
bool a64_pauth_hint(struct a64 *a, unsigned hint);

// Shorthand for calls.
ir_ref a64_call0(struct a64 *a, const struct ir_helper *helper);
ir_ref a64_call1(struct a64 *a, const struct ir_helper *helper, ir_ref x);
ir_ref a64_call2(struct a64 *a, const struct ir_helper *helper, ir_ref x, ir_ref y);
ir_ref a64_call3(struct a64 *a, const struct ir_helper *helper, ir_ref x, ir_ref y, ir_ref z);

// Translates a block; the guest_ops entry.
void arm_translate(struct tcg_translation *t);
