// SPDX-License-Identifier: MIT
// The meaning of the IR's value operations, in C: what the interpreter runs, and what backends call for operations that
// they do not emit inline. All engines agree with these bit for bit.
#pragma once

#include "tcg/ir.h"

// A value of any type. Integers are zero-extended; the part of a vector that a float does not use is zero.
union ir_value {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    int8_t s8[16];
    int16_t s16[8];
    int32_t s32[4];
    int64_t s64[2];
};

// An operation as it is evaluated: the fields of its instruction that matter.
struct ir_eval_op {
    uint8_t op, type, aux;
    uint8_t operand_type; // of operand 0
    uint64_t imm;
    struct ir_fp_rules fp;
};

// Fills in `eval` from an instruction.
void ir_eval_prepare(struct ir_eval_op *eval, const struct ir_region *region, const struct ir_ins *ins);

// result = op(a, b, c, d). Only for operations without memory, state or control. FP operations raise their
// cumulative flags in the host's control register. The operands may be the same object as the result;
// those that the operation does not have are not looked at.
void ir_eval(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a, const union ir_value *b,
             const union ir_value *c, const union ir_value *d);

// The operation of a snapshot's entry on the operands that stand before it. False when the slot's memory is right as it is.
bool ir_eval_snapshot(unsigned op, enum ir_type type, const union ir_value operands[IR_SNAPSHOT_OPERANDS],
                      union ir_value *result);

// The parts of ir_eval, by kind of operation. False when the operation is not theirs.
bool ir_eval_int(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                 const union ir_value *b, const union ir_value *c, const union ir_value *d);
bool ir_eval_vector(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                    const union ir_value *b, const union ir_value *c);
bool ir_eval_fp(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                const union ir_value *b, const union ir_value *c);
bool ir_eval_host(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                  const union ir_value *b, const union ir_value *c, const union ir_value *stub); // host-*/host-op.c
bool ir_eval_x87(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                 const union ir_value *b); // host-*/host-x87.c
