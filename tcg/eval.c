// SPDX-License-Identifier: MIT
// Evaluation of value operations: integers and moves between classes; the rest is in eval-vector.c and eval-fp.c.
#include "tcg/eval.h"

#include <assert.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

void ir_eval_prepare(struct ir_eval_op *eval, const struct ir_region *region, const struct ir_ins *ins)
{
    *eval = (struct ir_eval_op){.op = ins->op, .type = ins->type, .aux = ins->aux, .imm = ins->imm, .fp = region->fp};
    if (ir_ops[ins->op].operand_count)
        eval->operand_type = (uint8_t)ir_type_of(region, ins->arg[0]);
}

void ir_eval(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a, const union ir_value *b,
             const union ir_value *c, const union ir_value *d)
{
    bool done = ir_eval_int(eval, result, a, b, c, d) || ir_eval_vector(eval, result, a, b, c) ||
                ir_eval_fp(eval, result, a, b, c) || ir_eval_host(eval, result, a, b, c, d) ||
                ir_eval_x87(eval, result, a, b);
    assert(done && "an operation without a meaning");
    (void)done;
}

static uint64_t divide(const struct ir_eval_op *e, uint64_t a, uint64_t b)
{
    bool narrow = e->type == IR_I32;
    if (e->op == IR_UDIV)
        return b ? a / b : 0;
    int64_t sa = narrow ? (int32_t)a : (int64_t)a, sb = narrow ? (int32_t)b : (int64_t)b;
    if (sb == 0)
        return 0;
    return sb == -1 ? -(uint64_t)sa : (uint64_t)(sa / sb);
}

static uint32_t flags_of(uint64_t result, unsigned width, bool carry, bool overflow)
{
    bool negative = result >> (width - 1) & 1, zero = (width == 32 ? (uint32_t)result : result) == 0;
    return (negative ? IR_FLAG_N : 0) | (zero ? IR_FLAG_Z : 0) | (carry ? IR_FLAG_C : 0) | (overflow ? IR_FLAG_V : 0);
}

// Flags of a + b + carry.
static uint32_t flags_of_add(uint64_t a, uint64_t b, unsigned carry, unsigned width)
{
    unsigned __int128 wide = (unsigned __int128)a + b + carry;
    uint64_t result = (uint64_t)wide;
    bool carry_out = wide >> width & 1;
    bool overflow = (~(a ^ b) & (a ^ result)) >> (width - 1) & 1;
    return flags_of(result, width, carry_out, overflow);
}

static bool flag_condition(enum ir_flag_cond cond, uint32_t flags)
{
    bool n = flags & IR_FLAG_N, z = flags & IR_FLAG_Z, c = flags & IR_FLAG_C, v = flags & IR_FLAG_V, holds;
    switch (cond & ~1u) {
    case IR_FC_EQ:
        holds = z;
        break;
    case IR_FC_CS:
        holds = c;
        break;
    case IR_FC_MI:
        holds = n;
        break;
    case IR_FC_VS:
        holds = v;
        break;
    case IR_FC_HI:
        holds = c && !z;
        break;
    case IR_FC_GE:
        holds = n == v;
        break;
    default:
        holds = !z && n == v;
    }
    return holds != (cond & 1);
}

// Operations whose result is one integer. False when `e` is none of them.
static bool scalar(const struct ir_eval_op *e, uint64_t a, uint64_t b, uint64_t c, uint64_t *out)
{
    bool narrow = e->type == IR_I32;
    unsigned width = narrow ? 32 : 64, count = (unsigned)b & (width - 1);
    unsigned start = e->imm & 0xff, length = e->imm >> 8 & 0xff;
    switch ((enum ir_op)e->op) {
    case IR_ADD:
        *out = a + b;
        return true;
    case IR_ADDSHL:
        *out = a + (b << e->imm);
        return true;
    case IR_ADDC:
        *out = a + b + (c & 1);
        return true;
    case IR_SUB:
        *out = a - b;
        return true;
    case IR_SUBB:
        *out = a - b - (c & 1);
        return true;
    case IR_MUL:
        *out = a * b;
        return true;
    case IR_MULHU:
        *out = (uint64_t)(((unsigned __int128)a * b) >> 64);
        return true;
    case IR_MULHS:
        *out = (uint64_t)(((__int128)(int64_t)a * (int64_t)b) >> 64);
        return true;
    case IR_UDIV:
    case IR_SDIV:
        *out = divide(e, a, b);
        return true;
    case IR_NEG:
        *out = -a;
        return true;
    case IR_NOT:
        *out = ~a;
        return true;
    case IR_AND:
        *out = a & b;
        return true;
    case IR_OR:
        *out = a | b;
        return true;
    case IR_XOR:
        *out = a ^ b;
        return true;
    case IR_ANDN:
        *out = a & ~b;
        return true;
    case IR_SHL:
        *out = a << count;
        return true;
    case IR_SHR:
        *out = a >> count;
        return true;
    case IR_SAR:
        *out = narrow ? (uint64_t)((int32_t)a >> count) : (uint64_t)((int64_t)a >> count);
        return true;
    case IR_ROR:
        *out = narrow ? ror32((uint32_t)a, count) : ror64(a, count);
        return true;
    case IR_CLZ:
        *out = narrow ? clz32((uint32_t)a) : clz64(a);
        return true;
    case IR_CTZ:
        *out = narrow ? ctz32((uint32_t)a) : ctz64(a);
        return true;
    case IR_BSWAP:
        *out = narrow ? __builtin_bswap32((uint32_t)a) : __builtin_bswap64(a);
        return true;
    case IR_SEXT8:
        *out = (uint64_t)(int8_t)a;
        return true;
    case IR_SEXT16:
        *out = (uint64_t)(int16_t)a;
        return true;
    case IR_SEXT32:
        *out = (uint64_t)(int32_t)a;
        return true;
    case IR_ZEXT8:
        *out = (uint8_t)a;
        return true;
    case IR_ZEXT16:
        *out = (uint16_t)a;
        return true;
    case IR_ZEXT32:
    case IR_TRUNC:
        *out = (uint32_t)a;
        return true;
    case IR_EXTRACT:
        *out = extract64(a, start, length);
        return true;
    case IR_SEXTRACT:
        *out = (uint64_t)sextract64(a, start, length);
        return true;
    case IR_DEPOSIT:
        *out = deposit64(a, start, length, b);
        return true;
    case IR_EXTR:
        *out = narrow ? (uint32_t)((a << 32 | b) >> e->imm) : b >> e->imm | a << (64 - e->imm);
        return true;
    case IR_SETCOND:
        *out = ir_cond_holds(e->aux, (enum ir_type)e->imm, a, b);
        return true;
    case IR_FLAGTEST:
        *out = flag_condition(e->aux, (uint32_t)a);
        return true;
    default:
        break;
    }
    unsigned operand_width = e->operand_type == IR_I32 ? 32 : 64;
    uint64_t inverted = operand_width == 32 ? (uint32_t)~b : ~b;
    switch ((enum ir_op)e->op) {
    case IR_FLAGADD:
        *out = flags_of_add(a, b, 0, operand_width);
        return true;
    case IR_FLAGSUB:
        *out = flags_of_add(a, inverted, 1, operand_width);
        return true;
    case IR_FLAGADC:
        *out = flags_of_add(a, b, c & 1, operand_width);
        return true;
    case IR_BORROW:
        *out = (flags_of_add(a, inverted, ~c & 1, operand_width) & IR_FLAG_C) == 0;
        return true;
    case IR_CARRY:
        *out = (flags_of_add(a, b, c & 1, operand_width) & IR_FLAG_C) != 0;
        return true;
    case IR_FLAGLOGIC:
        *out = flags_of(a, operand_width, false, false);
        return true;
    default:
        return false;
    }
}

bool ir_eval_int(const struct ir_eval_op *e, union ir_value *result, const union ir_value *a, const union ir_value *b,
                 const union ir_value *c, const union ir_value *d)
{
    if (e->op == IR_SELECT) {
        *result = ir_cond_holds(e->aux, (enum ir_type)e->imm, a->u64[0], b->u64[0]) ? *c : *d;
        return true;
    }
    uint64_t value;
    unsigned count = ir_ops[e->op].operand_count;
    if (!scalar(e, a->u64[0], count > 1 ? b->u64[0] : 0, count > 2 ? c->u64[0] : 0, &value))
        return false;
    *result = (union ir_value){.u64 = {e->type == IR_I32 ? (uint32_t)value : value, 0}};
    return true;
}

bool ir_eval_snapshot(unsigned op, enum ir_type type, const union ir_value operands[IR_SNAPSHOT_OPERANDS],
                      union ir_value *result)
{
    struct ir_eval_op eval = {.op = (uint8_t)op, .type = IR_I32, .operand_type = type};
    union ir_value a = operands[1], b = operands[2];
    if (type == IR_I32) { // in the low half of what is there
        a.u64[0] = a.u32[0];
        b.u64[0] = b.u32[0];
    }
    if (op == IR_FLAGADC)
        return ir_eval_int(&eval, result, &a, &b, &operands[0], NULL);
    return operands[0].u32[0] && ir_eval_int(&eval, result, &a, &b, NULL, NULL);
}
