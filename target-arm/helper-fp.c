// SPDX-License-Identifier: MIT
// Floating-point helpers (helper-simd.h) over tcg/softfloat.h: every operation in every precision, lane by lane. The
// translators use them for half precision, and for what the IR has no operation for. Names of functions in comments
// are those of the manual's shared pseudocode (Arm ARM, J1.3).
//
// Half precision flushes by FPCR.FZ16 and without the input denormal flag; conversions from and to half do not flush
// the half-precision side. The rounding mode is the one in force on the thread.

#include <string.h>

#include "target-arm/helper-fp.h"
#include "target-arm/helper-simd.h"
#include "target-arm/helper.h"
#include "tcg/base/bits.h"

static const struct fp_format *const formats[4] = {NULL, &fp_half, &fp_single, &fp_double};

uint64_t arm_fp_lane(const void *v, unsigned size, unsigned n)
{
    uint64_t out = 0;
    memcpy(&out, (const char *)v + ((size_t)n << size), (size_t)1 << size);
    return out;
}

void arm_fp_set_lane(void *v, unsigned size, unsigned n, uint64_t value)
{
    memcpy((char *)v + ((size_t)n << size), &value, (size_t)1 << size);
}

struct fp_context arm_fp_context(uint32_t control, unsigned size)
{
    bool flush = control & (size == 1 ? FP_CONTROL_FZ16 : FP_CONTROL_FZ);
    return (struct fp_context){.rules = {.default_nan = control & FP_CONTROL_DN,
                                         .nan_arm = true,
                                         .flush_inputs = flush,
                                         .flush_outputs = flush,
                                         .tiny_before = true},
                               .rounding = (uint8_t)fp_env_rounding()};
}

void arm_fp_finish(const struct fp_context *c, unsigned size)
{
    fp_env_raise(size == 1 ? c->flags & ~(unsigned)FP_DENORMAL : c->flags);
}

static uint64_t sign_of(unsigned size)
{
    return BIT64((8U << size) - 1);
}

static uint64_t all_ones_if(bool holds)
{
    return holds ? ~UINT64_C(0) : 0;
}

// FPRoundIntN: an integral value that fits a signed integer of `bits`.
static uint64_t rint_to(struct fp_context *c, const struct fp_format *f, unsigned size, uint64_t a, unsigned bits)
{
    unsigned exponent = (1U << (f->exponent_bits - 1)) - 1 + bits - 1;
    uint64_t smallest = sign_of(size) | (uint64_t)exponent << f->fraction_bits; // -2^(bits - 1)
    uint64_t limit = smallest & ~sign_of(size);
    unsigned before = c->flags;
    uint64_t result = fp_rint(c, f, a, true);
    uint64_t rounded = result & ~sign_of(size);
    // NaN and infinity compare greater as integers.
    if (rounded > limit || (rounded == limit && result != smallest)) {
        c->flags = before | FP_INVALID;
        return smallest;
    }
    return result;
}

static uint64_t lane_operation(struct fp_context *c, enum arm_fp_op op, unsigned size, unsigned extra, uint64_t n,
                               uint64_t m, uint64_t d)
{
    const struct fp_format *f = formats[size];
    uint64_t sign = sign_of(size);
    enum fp_order order;
    switch (op) {
    case FP_OP_ADD:
        return fp_add(c, f, n, m);
    case FP_OP_SUB:
        return fp_sub(c, f, n, m);
    case FP_OP_MUL:
        return fp_mul(c, f, n, m);
    case FP_OP_NMUL:
        return fp_mul(c, f, n, m) ^ sign;
    case FP_OP_MULX:
        return fp_mulx(c, f, n, m);
    case FP_OP_DIV:
        return fp_div(c, f, n, m);
    case FP_OP_MIN:
    case FP_OP_MINNM:
        return fp_min(c, f, n, m, op == FP_OP_MINNM);
    case FP_OP_MAX:
    case FP_OP_MAXNM:
        return fp_max(c, f, n, m, op == FP_OP_MAXNM);
    case FP_OP_FMA:
        return fp_fma(c, f, d, n, m, false);
    case FP_OP_FMS:
        return fp_fma(c, f, d, n ^ sign, m, false);
    case FP_OP_NMADD:
        return fp_fma(c, f, d ^ sign, n ^ sign, m, false);
    case FP_OP_NMSUB:
        return fp_fma(c, f, d ^ sign, n, m, false);
    case FP_OP_ABD:
        return fp_sub(c, f, n, m) & ~sign;
    case FP_OP_CMEQ:
        return all_ones_if(fp_compare(c, f, n, m, false) == FP_EQUAL);
    case FP_OP_CMGE:
    case FP_OP_ACGE:
        if (op == FP_OP_ACGE)
            n &= ~sign, m &= ~sign;
        order = fp_compare(c, f, n, m, true);
        return all_ones_if(order == FP_EQUAL || order == FP_GREATER);
    case FP_OP_CMGT:
    case FP_OP_ACGT:
        if (op == FP_OP_ACGT)
            n &= ~sign, m &= ~sign;
        return all_ones_if(fp_compare(c, f, n, m, true) == FP_GREATER);
    case FP_OP_RECPS:
        return arm_fp_recip_step(c, f, n ^ sign, m);
    case FP_OP_RSQRTS:
        return arm_fp_rsqrt_step(c, f, n ^ sign, m);
    case FP_OP_RECPE:
        return arm_fp_recip_estimate(c, f, n);
    case FP_OP_RSQRTE:
        return arm_fp_rsqrt_estimate(c, f, n);
    case FP_OP_RECPX:
        return arm_fp_recip_exponent(c, f, n);
    case FP_OP_SQRT:
        return fp_sqrt(c, f, n);
    case FP_OP_ABS:
        return n & ~sign;
    case FP_OP_NEG:
        return n ^ sign;
    case FP_OP_RINT:
        return fp_rint(c, f, n, extra & IR_RINT_EXACT);
    case FP_OP_RINT32:
    case FP_OP_RINT64:
        return rint_to(c, f, size, n, op == FP_OP_RINT32 ? 32 : 64);
    case FP_OP_TO_SI:
    case FP_OP_TO_UI:
        return fp_to_int(c, f, n, 8U << size, op == FP_OP_TO_SI, extra >> 4);
    case FP_OP_FROM_SI:
        return fp_from_int(c, f, (uint64_t)sextract64(n, 0, 8U << size), true, extra >> 4);
    case FP_OP_FROM_UI:
        return fp_from_int(c, f, n, false, extra >> 4);
    default:
        return 0;
    }
}

static bool has_rounding(enum arm_fp_op op)
{
    return op == FP_OP_RINT || op == FP_OP_RINT32 || op == FP_OP_RINT64 || op == FP_OP_TO_SI || op == FP_OP_TO_UI;
}

static void convert(union ir_value *out, const void *n, uint32_t control, unsigned from, unsigned lanes, unsigned extra)
{
    unsigned to = extra & 3;
    const struct fp_format *half = control & FP_CONTROL_AHP ? &fp_half_alternative : &fp_half;
    const struct fp_format *in = from == 1 ? half : formats[from];
    const struct fp_format *result = extra & FP_CONVERT_TO_BF16 ? &fp_bfloat16 : to == 1 ? half : formats[to];
    struct fp_context c = arm_fp_context(control, 2);
    c.rules.flush_inputs &= from != 1;
    c.rules.flush_outputs &= to != 1 || (extra & FP_CONVERT_TO_BF16);
    if (extra & FP_CONVERT_ODD)
        c.rounding = FP_ROUND_ODD;
    for (unsigned i = 0; i < lanes; i++)
        arm_fp_set_lane(out, to, i, fp_convert(&c, in, result, arm_fp_lane(n, from, i)));
    arm_fp_finish(&c, 2);
}

static void fp(void *result, const void *n, const void *m, const void *d, uint32_t control)
{
    enum arm_fp_op op = control & 0xff;
    unsigned size = control >> 8 & 3, lanes = control >> 10 & 31, extra = control >> FP_CONTROL_EXTRA;
    union ir_value out = {.u64 = {0, 0}};
    if (op == FP_OP_CONVERT) {
        convert(&out, n, control, size, lanes, extra);
    } else if (op >= FP_OP_FCADD) {
        arm_fp_mixed(&out, n, m, d, control);
    } else {
        struct fp_context c = arm_fp_context(control, size);
        if (has_rounding(op) && (extra & 7) != IR_ROUND_CURRENT)
            c.rounding = extra & 7;
        for (unsigned i = 0; i < lanes; i++)
            arm_fp_set_lane(&out, size, i, lane_operation(&c, op, size, extra, arm_fp_lane(n, size, i),
                                                          arm_fp_lane(m, size, i), arm_fp_lane(d, size, i)));
        arm_fp_finish(&c, size);
    }
    memcpy(result, &out, sizeof(out));
}

static uint32_t fp_compare_flags(const void *n, const void *m, uint32_t control)
{
    unsigned size = control >> 8 & 3;
    struct fp_context c = arm_fp_context(control, size);
    bool signalling = control >> FP_CONTROL_EXTRA & 1;
    enum fp_order order = fp_compare(&c, formats[size], arm_fp_lane(n, size, 0), arm_fp_lane(m, size, 0), signalling);
    static const uint32_t flags[] = {[FP_LESS] = IR_FLAG_N,
                                     [FP_EQUAL] = IR_FLAG_Z | IR_FLAG_C,
                                     [FP_GREATER] = IR_FLAG_C,
                                     [FP_UNORDERED] = IR_FLAG_C | IR_FLAG_V};
    arm_fp_finish(&c, size);
    return flags[order];
}

static uint64_t to_int(const void *n, uint32_t control)
{
    unsigned size = control >> 8 & 3, extra = control >> FP_CONTROL_EXTRA;
    struct fp_context c = arm_fp_context(control, size);
    c.rounding = extra & 7;
    uint64_t result = fp_to_int(&c, formats[size], arm_fp_lane(n, size, 0), extra & FP_TO_INT_64 ? 64 : 32,
                                (control & 0xff) == FP_OP_TO_SI, extra >> 4 & 127);
    arm_fp_finish(&c, size);
    return result;
}

static void from_int(void *result, uint64_t value, uint32_t control)
{
    unsigned size = control >> 8 & 3, extra = control >> FP_CONTROL_EXTRA;
    struct fp_context c = arm_fp_context(control, size);
    union ir_value out = {.u64 = {0, 0}};
    bool is_signed = (control & 0xff) == FP_OP_FROM_SI;
    out.u64[0] = fp_from_int(&c, formats[size], value, is_signed, extra >> 4 & 127);
    arm_fp_finish(&c, size);
    memcpy(result, &out, sizeof(out));
}

// FPToFixedJS: the integer part modulo 2^32. Bit 32 of the result tells that the number was that integer: not -0, nor a
// denormal number that is flushed.
static uint64_t fjcvtzs(const void *n, uint32_t control)
{
    uint64_t a = arm_fp_lane(n, 3, 0);
    struct fp_context c = arm_fp_context(control, 3);
    c.rounding = IR_ROUND_ZERO;
    (void)fp_to_int(&c, &fp_double, a, 32, true, 0);
    int exponent = (int)extract64(a, 52, 11) - 1023;
    uint64_t fraction = (a & mask64(52)) | BIT64(52), magnitude = 0;
    if (exponent >= 0 && exponent <= 52)
        magnitude = fraction >> (52 - exponent);
    else if (exponent > 52 && exponent < 52 + 32)
        magnitude = fraction << (exponent - 52);
    uint32_t value = (uint32_t)(a >> 63 ? -magnitude : magnitude);
    bool exact = !(c.flags & (FP_INVALID | FP_INEXACT | FP_DENORMAL)) && a != BIT64(63);
    arm_fp_finish(&c, 3);
    return value | (uint64_t)exact << 32;
}

const struct ir_helper arm_helper_fp = {"fp", ARM_HELPER_FN(fp), IR_HELPER_NO_ENV, IR_V128, 4,
                                        {IR_V128, IR_V128, IR_V128, IR_I32}};
const struct ir_helper arm_helper_fp_compare = {"fp_compare", ARM_HELPER_FN(fp_compare_flags), IR_HELPER_NO_ENV, IR_I32,
                                                3, {IR_V128, IR_V128, IR_I32}};
const struct ir_helper arm_helper_fp_to_int = {"fp_to_int", ARM_HELPER_FN(to_int), IR_HELPER_NO_ENV, IR_I64, 2,
                                               {IR_V128, IR_I32}};
const struct ir_helper arm_helper_fp_from_int = {"fp_from_int", ARM_HELPER_FN(from_int), IR_HELPER_NO_ENV, IR_V128, 2,
                                                 {IR_I64, IR_I32}};
const struct ir_helper arm_helper_fjcvtzs = {"fjcvtzs", ARM_HELPER_FN(fjcvtzs), IR_HELPER_NO_ENV, IR_I64, 2,
                                             {IR_V128, IR_I32}};
