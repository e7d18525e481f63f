// SPDX-License-Identifier: MIT
// Evaluation of floating-point operations by softfloat, in the rounding mode that the host's control register holds.
#include "tcg/eval.h"

#include "tcg/base/bits.h"
#include "tcg/softfloat.h"

struct lanes {
    const struct fp_format *format;
    unsigned count;
    bool wide; // 64-bit lanes
};

static struct lanes lanes_of(enum ir_type type, unsigned aux)
{
    bool wide = type == IR_F64 || (type == IR_V128 && aux == 3);
    return (struct lanes){wide ? &fp_double : &fp_single, type == IR_V128 ? (wide ? 2 : 4) : 1, wide};
}

static uint64_t get(const union ir_value *v, struct lanes l, unsigned n)
{
    return l.wide ? v->u64[n] : v->u32[n];
}

static void put(union ir_value *v, struct lanes l, unsigned n, uint64_t value)
{
    if (l.wide)
        v->u64[n] = value;
    else
        v->u32[n] = (uint32_t)value;
}

static uint64_t mask_if(bool holds)
{
    return holds ? ~UINT64_C(0) : 0;
}

// One lane of an operation whose operands and result have one format. False when it is none of them.
static bool arithmetic(const struct ir_eval_op *e, struct fp_context *c, const struct fp_format *f, uint64_t a,
                       uint64_t b, uint64_t d, uint64_t *out)
{
    uint64_t sign = BIT64(f->exponent_bits + f->fraction_bits);
    switch ((enum ir_op)e->op) {
    case IR_FADD:
        *out = fp_add(c, f, a, b);
        return true;
    case IR_FSUB:
        *out = fp_sub(c, f, a, b);
        return true;
    case IR_FMUL:
        *out = fp_mul(c, f, a, b);
        return true;
    case IR_FDIV:
        *out = fp_div(c, f, a, b);
        return true;
    case IR_FSQRT:
        *out = fp_sqrt(c, f, a);
        return true;
    case IR_FMA:
        *out = fp_fma(c, f, a, b, d, false);
        return true;
    case IR_FMIN:
    case IR_FMINNM:
        *out = fp_min(c, f, a, b, e->op == IR_FMINNM);
        return true;
    case IR_FMAX:
    case IR_FMAXNM:
        *out = fp_max(c, f, a, b, e->op == IR_FMAXNM);
        return true;
    case IR_FNEG:
        *out = a ^ sign;
        return true;
    case IR_FABS:
        *out = a & ~sign;
        return true;
    case IR_FCMPEQ:
        *out = mask_if(fp_compare(c, f, a, b, false) == FP_EQUAL);
        return true;
    case IR_FCMPGE: {
        enum fp_order o = fp_compare(c, f, a, b, true);
        *out = mask_if(o == FP_EQUAL || o == FP_GREATER);
        return true;
    }
    case IR_FCMPGT:
        *out = mask_if(fp_compare(c, f, a, b, true) == FP_GREATER);
        return true;
    case IR_FRINT:
        *out = fp_rint(c, f, a, e->imm & IR_RINT_EXACT);
        return true;
    default:
        return false;
    }
}

static uint32_t flags_of_order(enum fp_order order)
{
    switch (order) {
    case FP_LESS:
        return IR_FLAG_N;
    case FP_EQUAL:
        return IR_FLAG_Z | IR_FLAG_C;
    case FP_GREATER:
        return IR_FLAG_C;
    default:
        return IR_FLAG_C | IR_FLAG_V;
    }
}

// Conversions and comparisons. False when it is none of them.
static bool conversion(const struct ir_eval_op *e, struct fp_context *c, const union ir_value *a,
                       const union ir_value *b, union ir_value *out)
{
    struct lanes from = lanes_of(e->operand_type, 0), to = lanes_of(e->type, 0);
    unsigned width = e->type == IR_I32 ? 32 : 64;
    uint64_t value;
    switch ((enum ir_op)e->op) {
    case IR_FLAGFCMP:
        value = flags_of_order(fp_compare(c, from.format, get(a, from, 0), get(b, from, 0), e->aux));
        break;
    case IR_FCVT:
        value = fp_convert(c, from.format, to.format, get(a, from, 0));
        break;
    case IR_FTOSI:
    case IR_FTOUI:
        value = fp_to_int(c, from.format, get(a, from, 0), width, e->op == IR_FTOSI, e->aux);
        break;
    case IR_SITOF:
    case IR_UITOF:
        value = e->operand_type == IR_I32 ? a->u32[0] : a->u64[0];
        if (e->op == IR_SITOF && e->operand_type == IR_I32)
            value = (uint64_t)(int32_t)value;
        value = fp_from_int(c, to.format, value, e->op == IR_SITOF, e->aux);
        break;
    default:
        return false;
    }
    *out = (union ir_value){.u64 = {value, 0}};
    return true;
}

bool ir_eval_fp(const struct ir_eval_op *e, union ir_value *result, const union ir_value *a, const union ir_value *b,
                const union ir_value *c)
{
    unsigned count = ir_ops[e->op].operand_count;
    bool explicit_rounding = e->op == IR_FRINT || e->op == IR_FTOSI || e->op == IR_FTOUI;
    unsigned rounding = explicit_rounding ? e->imm & 7 : IR_ROUND_CURRENT;
    struct fp_context context = {.rules = e->fp,
                                 .rounding = (uint8_t)(rounding == IR_ROUND_CURRENT ? fp_env_rounding() : rounding)};
    union ir_value out = {.u64 = {0, 0}};
    bool done = conversion(e, &context, a, b, &out);
    if (!done) {
        struct lanes l = lanes_of(e->type, e->aux);
        done = true;
        for (unsigned n = 0; n < l.count && done; n++) {
            uint64_t value = 0;
            done = arithmetic(e, &context, l.format, get(a, l, n), count > 1 ? get(b, l, n) : 0,
                              count > 2 ? get(c, l, n) : 0, &value);
            put(&out, l, n, value);
        }
    }
    if (done) {
        fp_env_raise(context.flags);
        *result = out;
    }
    return done;
}
