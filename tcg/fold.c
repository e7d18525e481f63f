// SPDX-License-Identifier: MIT
// Constant folding, identities and strength reduction of single operations, as they are built.
#include <stdbool.h>

#include "tcg/base/bits.h"
#include "tcg/eval.h"
#include "tcg/ir-private.h"

bool ir_cond_holds(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    if (type == IR_I32) {
        a = (uint32_t)a;
        b = (uint32_t)b;
        sa = (int32_t)a;
        sb = (int32_t)b;
    }
    switch (cond) {
    case IR_EQ:
        return a == b;
    case IR_NE:
        return a != b;
    case IR_LTU:
        return a < b;
    case IR_GEU:
        return a >= b;
    case IR_LEU:
        return a <= b;
    case IR_GTU:
        return a > b;
    case IR_LT:
        return sa < sb;
    case IR_GE:
        return sa >= sb;
    case IR_LE:
        return sa <= sb;
    case IR_GT:
        return sa > sb;
    case IR_TSTEQ:
        return (a & b) == 0;
    default:
        return (a & b) != 0;
    }
}

// The operation on constants; false when it is none of one or two integers.
static bool compute(const struct ir_region *r, const struct ir_ins *ins, uint64_t *out)
{
    struct ir_eval_op op;
    union ir_value values[2] = {{.u64 = {0}}}, result;
    unsigned count = ir_ops[ins->op].operand_count;
    if (count > 2)
        return false;
    for (unsigned i = 0; i < count; i++)
        values[i].u64[0] = ir_const(r, ins->arg[i])->lo;
    ir_eval_prepare(&op, r, ins);
    if (!ir_eval_int(&op, &result, &values[0], &values[1], NULL, NULL))
        return false;
    *out = result.u64[0];
    return true;
}

static uint64_t cut(uint64_t value, enum ir_type type)
{
    return type == IR_I32 ? (uint32_t)value : value;
}

static ir_ref constant(struct ir_region *r, enum ir_type type, uint64_t value)
{
    return ir_add_const(r, type, cut(value, type), 0);
}

// The low bits of an integer that may be set: what the operation that makes it shows.
static uint64_t possible_bits(const struct ir_region *r, ir_ref ref)
{
    if (ir_is_const(ref))
        return ir_const(r, ref)->lo;
    const struct ir_ins *ins = &r->ins[ref];
    uint64_t all = cut(~UINT64_C(0), ins->type);
    switch ((enum ir_op)ins->op) {
    case IR_LD:
    case IR_LDP: {
        struct ir_mem mem = ir_mem_unpack(ins->imm);
        return mem.sign_extend || mem.size_log2 >= 3 ? all : mask64(8u << mem.size_log2);
    }
    case IR_ZEXT8:
        return 0xff;
    case IR_ZEXT16:
        return 0xffff;
    case IR_ZEXT32:
        return possible_bits(r, ins->arg[0]); // of 32 bits, so not one itself
    case IR_EXTRACT:
        return mask64(ins->imm >> 8 & 0xff);
    case IR_AND:
        return ir_is_const(ins->arg[1]) ? ir_const(r, ins->arg[1])->lo & all : all;
    case IR_SETCOND:
        return 1;
    default:
        return all;
    }
}

// Identities with a constant second operand `c`.
static ir_ref fold_right_const(struct ir_region *r, struct ir_ins *ins, uint64_t c)
{
    unsigned width = ins->type == IR_I32 ? 32 : 64;
    uint64_t ones = width == 32 ? 0xffffffff : ~UINT64_C(0);
    switch ((enum ir_op)ins->op) {
    case IR_SUB:
        if (c == 0)
            return ins->arg[0];
        ins->op = IR_ADD;
        ins->arg[1] = constant(r, ins->type, -c);
        c = cut(-c, ins->type);
        // fall through
    case IR_ADD: {
        if (c == 0)
            return ins->arg[0];
        // (x + c1) + c2: shorter chains, as long as x lives on anyway.
        const struct ir_ins *inner = ir_is_const(ins->arg[0]) ? NULL : &r->ins[ins->arg[0]];
        if (inner && inner->op == IR_ADD && ir_is_const(inner->arg[1])) {
            uint64_t sum = cut(c + ir_const(r, inner->arg[1])->lo, ins->type);
            ins->arg[0] = inner->arg[0];
            if (sum == 0)
                return ins->arg[0];
            ins->arg[1] = constant(r, ins->type, sum);
        }
        return IR_NONE;
    }
    case IR_OR:
    case IR_XOR:
        if (c == 0)
            return ins->arg[0];
        if (c == ones && ins->op == IR_OR)
            return ins->arg[1];
        if (c == ones) {
            ins->op = IR_NOT;
            ins->arg[1] = IR_NONE;
        }
        return IR_NONE;
    case IR_ANDN:
        ins->op = IR_AND;
        ins->arg[1] = constant(r, ins->type, ~c);
        c = cut(~c, ins->type);
        // fall through
    case IR_AND:
        if (c == 0)
            return constant(r, ins->type, 0);
        if (!(possible_bits(r, ins->arg[0]) & ~c))
            return ins->arg[0];
        if (c == 0xff || c == 0xffff) {
            ins->op = c == 0xff ? IR_ZEXT8 : IR_ZEXT16;
            ins->arg[1] = IR_NONE;
        }
        return IR_NONE;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROR:
        return (c & (width - 1)) == 0 ? ins->arg[0] : IR_NONE;
    case IR_MUL:
        if (c == 0)
            return constant(r, ins->type, 0);
        if (c == 1)
            return ins->arg[0];
        if (is_power_of_two(c)) {
            ins->op = IR_SHL;
            ins->arg[1] = constant(r, ins->type, ctz64(c));
        }
        return IR_NONE;
    case IR_UDIV:
        if (is_power_of_two(c)) {
            if (c == 1)
                return ins->arg[0];
            ins->op = IR_SHR;
            ins->arg[1] = constant(r, ins->type, ctz64(c));
        }
        return IR_NONE;
    default:
        return IR_NONE;
    }
}

static ir_ref fold_same_operands(struct ir_region *r, const struct ir_ins *ins)
{
    switch ((enum ir_op)ins->op) {
    case IR_AND:
    case IR_OR:
    case IR_VAND:
    case IR_VOR:
        return ins->arg[0];
    case IR_SUB:
    case IR_XOR:
    case IR_ANDN:
        return constant(r, ins->type, 0);
    case IR_VXOR:
        return ir_add_const(r, IR_V128, 0, 0);
    default:
        return IR_NONE;
    }
}

static ir_ref fold_field(struct ir_region *r, struct ir_ins *ins)
{
    unsigned width = ins->type == IR_I32 ? 32 : 64;
    unsigned start = ins->imm & 0xff, length = ins->imm >> 8 & 0xff;
    bool is_signed = ins->op == IR_SEXTRACT;
    if (ins->op == IR_DEPOSIT)
        return length == width ? ins->arg[1] : IR_NONE;
    if (length == width)
        return ins->arg[0];
    if (start + length == width) {
        ins->op = is_signed ? IR_SAR : IR_SHR;
        ins->arg[1] = constant(r, ins->type, start);
        ins->imm = 0;
    } else if (start == 0 && (length == 8 || length == 16)) {
        ins->op = length == 8 ? (is_signed ? IR_SEXT8 : IR_ZEXT8) : (is_signed ? IR_SEXT16 : IR_ZEXT16);
        ins->imm = 0;
    }
    return IR_NONE;
}

static ir_ref fold_compare(struct ir_region *r, struct ir_ins *ins)
{
    enum ir_type type = (enum ir_type)ins->imm;
    bool known = false, holds = false;
    if (ir_is_const(ins->arg[0]) && ir_is_const(ins->arg[1])) {
        known = true;
        holds = ir_cond_holds(ins->aux, type, ir_const(r, ins->arg[0])->lo, ir_const(r, ins->arg[1])->lo);
    } else if (ir_is_const(ins->arg[0])) {
        ir_ref t = ins->arg[0];
        ins->arg[0] = ins->arg[1];
        ins->arg[1] = t;
        ins->aux = ir_cond_swap(ins->aux);
    } else if (ins->arg[0] == ins->arg[1] && ins->aux < IR_TSTEQ) {
        known = true;
        holds = ins->aux == IR_EQ || ins->aux == IR_GEU || ins->aux == IR_LEU || ins->aux == IR_GE || ins->aux == IR_LE;
    }
    if (ins->op == IR_SELECT) {
        if (known)
            return ins->arg[holds ? 2 : 3];
        return ins->arg[2] == ins->arg[3] ? ins->arg[2] : IR_NONE;
    }
    return known ? constant(r, ins->type, holds) : IR_NONE;
}

// Whether the upper half of a vector is seen to be zero, looking at no more than a few operations.
static bool upper_is_zero(const struct ir_region *r, ir_ref ref, unsigned depth)
{
    if (ir_is_const(ref))
        return ir_const(r, ref)->hi == 0;
    const struct ir_ins *ins = &r->ins[ref];
    switch ((enum ir_op)ins->op) {
    case IR_VFROM:
    case IR_VFROMI:
        return true;
    case IR_VNEG:
    case IR_VABS:
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR:
    case IR_VANDN:
        return depth && upper_is_zero(r, ins->arg[0], depth - 1);
    case IR_VAND:
        return depth && (upper_is_zero(r, ins->arg[0], depth - 1) || upper_is_zero(r, ins->arg[1], depth - 1));
    case IR_VADD:
    case IR_VSUB:
    case IR_VMUL:
    case IR_VOR:
    case IR_VXOR:
    case IR_VCMPGTS:
    case IR_VCMPGTU:
    case IR_VMINS:
    case IR_VMINU:
    case IR_VMAXS:
    case IR_VMAXU:
        return depth && upper_is_zero(r, ins->arg[0], depth - 1) && upper_is_zero(r, ins->arg[1], depth - 1);
    default:
        return false;
    }
}

// x itself if it is the high half of x in the place of the low one, or both are the same; else IR_NONE.
static ir_ref moved_down(const struct ir_region *r, ir_ref ref, unsigned lane)
{
    const struct ir_ins *ins = ir_is_const(ref) ? NULL : &r->ins[ref];
    if (ins && ins->op == IR_VEXT && ins->arg[0] == ins->arg[1] && ins->imm == 8)
        return ins->arg[0];
    return ins && ins->op == IR_VDUPLANE && ins->aux == lane ? ref : IR_NONE;
}

// Conversions of conversions.
static ir_ref fold_conversion(struct ir_region *r, struct ir_ins *ins)
{
    if (ir_is_const(ins->arg[0]))
        return IR_NONE;
    const struct ir_ins *inner = &r->ins[ins->arg[0]];
    switch ((enum ir_op)ins->op) {
    case IR_ZEXT8:
    case IR_SEXT8:
    case IR_ZEXT16:
    case IR_SEXT16: {
        bool is_signed = ins->op == IR_SEXT8 || ins->op == IR_SEXT16;
        unsigned length = (ins->op == IR_ZEXT8 || ins->op == IR_SEXT8 ? 8 : 16) - is_signed;
        return possible_bits(r, ins->arg[0]) & ~mask64(length) ? IR_NONE : ins->arg[0];
    }
    case IR_TRUNC:
        if (inner->op == IR_ZEXT32 || inner->op == IR_SEXT32)
            return inner->arg[0];
        return IR_NONE;
    case IR_VLOW:
        if (inner->op == IR_VFROM && ir_type_of(r, inner->arg[0]) == ins->type)
            return inner->arg[0];
        return IR_NONE;
    case IR_VMULLS:
    case IR_VMULLU: {
        ir_ref a = moved_down(r, ins->arg[0], ins->aux), b = moved_down(r, ins->arg[1], ins->aux);
        if (ins->aux >= 1 && ins->imm == 0 && a != IR_NONE && b != IR_NONE) {
            ins->arg[0] = a;
            ins->arg[1] = b;
            ins->imm = 1;
        }
        return IR_NONE;
    }
    case IR_VFROM: // the low half of a vector, as operations on half a register end with
        return inner->op == IR_VLOW && inner->type == IR_F64 && upper_is_zero(r, inner->arg[0], 4) ? inner->arg[0] : IR_NONE;
    case IR_FBITS:
        if (inner->op == IR_FFROMBITS)
            return inner->arg[0];
        return IR_NONE;
    case IR_FFROMBITS:
        if (inner->op == IR_FBITS)
            return inner->arg[0];
        return IR_NONE;
    case IR_NOT:
    case IR_NEG:
        if (inner->op == ins->op)
            return inner->arg[0];
        return IR_NONE;
    default:
        return IR_NONE;
    }
}

// x + (y << 1..3) is one operation, as hosts have it.
static void combine_shift(const struct ir_region *r, struct ir_ins *ins)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct ir_ins *shift = ir_is_const(ins->arg[i]) ? NULL : &r->ins[ins->arg[i]];
        if (!shift || shift->op != IR_SHL || !ir_is_const(shift->arg[1]))
            continue;
        uint64_t count = ir_const(r, shift->arg[1])->lo;
        if (count < 1 || count > 3)
            continue;
        ins->op = IR_ADDSHL;
        ins->imm = count;
        ins->arg[0] = ins->arg[1 - i];
        ins->arg[1] = shift->arg[0];
        return;
    }
}

ir_ref ir_fold(struct ir_region *r, struct ir_ins *ins)
{
    const struct ir_op_info *info = &ir_ops[ins->op];
    if (info->properties & IR_PROP_CMP)
        return fold_compare(r, ins);
    if ((info->properties & IR_PROP_COMM) && ir_is_const(ins->arg[0]) && !ir_is_const(ins->arg[1])) {
        ir_ref t = ins->arg[0];
        ins->arg[0] = ins->arg[1];
        ins->arg[1] = t;
    }
    unsigned n = info->operand_count;
    if (!n || ins->type == IR_V128 || !ir_type_is_int(ins->type))
        return n == 2 && ins->arg[0] == ins->arg[1] ? fold_same_operands(r, ins) : fold_conversion(r, ins);
    bool left = ir_is_const(ins->arg[0]), right = n >= 2 && ir_is_const(ins->arg[1]);
    if (left && (n == 1 || right) && ir_type_is_int(ir_const(r, ins->arg[0])->type)) {
        uint64_t value;
        return compute(r, ins, &value) ? constant(r, ins->type, value) : IR_NONE;
    }
    if (ins->op == IR_EXTRACT || ins->op == IR_SEXTRACT || ins->op == IR_DEPOSIT)
        return fold_field(r, ins);
    if (n == 2 && right)
        return fold_right_const(r, ins, ir_const(r, ins->arg[1])->lo);
    if (n == 2 && ins->arg[0] == ins->arg[1])
        return fold_same_operands(r, ins);
    if (ins->op == IR_ADD)
        combine_shift(r, ins);
    return n == 1 ? fold_conversion(r, ins) : IR_NONE;
}
