// SPDX-License-Identifier: MIT
// Floating-point helpers that combine lanes or precisions: complex numbers, FMLAL and its kin, bfloat16. Names of
// functions in comments are those of the manual's shared pseudocode (Arm ARM, J1.3).

#include <string.h>

#include "target-arm/helper-fp.h"
#include "target-arm/helper-simd.h"
#include "tcg/base/bits.h"

struct operands {
    const void *n, *m, *d;
    unsigned size, lanes, extra;
    uint32_t control;
    const struct fp_format *format;
    uint64_t sign;
};

static uint64_t negated_if(bool negate, uint64_t a, const struct operands *o)
{
    return negate ? a ^ o->sign : a;
}

static void fcadd(union ir_value *out, const struct operands *o, struct fp_context *c)
{
    for (unsigned i = 0; i < o->lanes; i += 2) {
        uint64_t real = negated_if(!o->extra, arm_fp_lane(o->m, o->size, i + 1), o);
        uint64_t imaginary = negated_if(o->extra, arm_fp_lane(o->m, o->size, i), o);
        arm_fp_set_lane(out, o->size, i, fp_add(c, o->format, arm_fp_lane(o->n, o->size, i), real));
        arm_fp_set_lane(out, o->size, i + 1, fp_add(c, o->format, arm_fp_lane(o->n, o->size, i + 1), imaginary));
    }
}

// Rotations by 0 and 180 degrees multiply by the real part of n, the others by its imaginary part.
static void fcmla(union ir_value *out, const struct operands *o, struct fp_context *c)
{
    unsigned odd = o->extra & 1;
    bool negate_real = o->extra == 1 || o->extra == 2, negate_imaginary = o->extra >= 2;
    for (unsigned i = 0; i < o->lanes; i += 2) {
        uint64_t factor = arm_fp_lane(o->n, o->size, i + odd);
        uint64_t real = negated_if(negate_real, arm_fp_lane(o->m, o->size, i + odd), o);
        uint64_t imaginary = negated_if(negate_imaginary, arm_fp_lane(o->m, o->size, i + 1 - odd), o);
        arm_fp_set_lane(out, o->size, i,
                        fp_fma(c, o->format, arm_fp_lane(o->d, o->size, i), factor, real, false));
        arm_fp_set_lane(out, o->size, i + 1,
                        fp_fma(c, o->format, arm_fp_lane(o->d, o->size, i + 1), factor, imaginary, false));
    }
}

// Half to single precision without a change to NaNs: all values are exact. Denormals by FZ16, without a flag.
static uint64_t widen_half(uint64_t half, bool flush)
{
    struct fp_context c = {.rules = {.nan_arm = true, .flush_inputs = flush}};
    if (fp_is_nan(&fp_half, half))
        return (half >> 15) << 31 | UINT64_C(0x7f800000) | (half & 0x3ff) << 13;
    return fp_convert(&c, &fp_half, &fp_single, half);
}

// FPMulAddH.
static void fmlal(union ir_value *out, const struct operands *o, struct fp_context *c)
{
    bool flush = o->control & FP_CONTROL_FZ16;
    for (unsigned i = 0; i < o->lanes; i++) {
        uint64_t n = arm_fp_lane(o->n, 1, i) ^ (o->extra & 1 ? 0x8000 : 0), m = arm_fp_lane(o->m, 1, i);
        uint64_t result = fp_fma(c, &fp_single, arm_fp_lane(o->d, 2, i), widen_half(n, flush), widen_half(m, flush),
                                 false);
        arm_fp_set_lane(out, 2, i, result);
    }
}

// --- bfloat16 ---

static uint64_t widen_bfloat(uint64_t value)
{
    return value << 16;
}

static void bfmlal(union ir_value *out, const struct operands *o, struct fp_context *c)
{
    for (unsigned i = 0; i < o->lanes; i++) {
        uint64_t n = widen_bfloat(arm_fp_lane(o->n, 1, 2 * i + o->extra));
        uint64_t m = widen_bfloat(arm_fp_lane(o->m, 1, 2 * i + o->extra));
        arm_fp_set_lane(out, 2, i, fp_fma(c, &fp_single, arm_fp_lane(o->d, 2, i), n, m, false));
    }
}

// The arithmetic of dot products does not look at FPCR and raises nothing: rounding to odd, overflow to infinity,
// denormals are zeros, NaNs the default one.
static const struct ir_fp_rules dot_rules = {
    .default_nan = true, .nan_arm = true, .flush_inputs = true, .flush_outputs = true, .tiny_before = true};

typedef uint64_t binary(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);

static uint64_t to_odd(binary *operation, uint64_t a, uint64_t b)
{
    struct fp_context c = {.rules = dot_rules, .rounding = FP_ROUND_ODD};
    uint64_t result = operation(&c, &fp_single, a, b);
    return c.flags & FP_OVERFLOW ? (result & BIT64(31)) | UINT64_C(0x7f800000) : result;
}

// BFDotAdd: the accumulator plus the sum of two products.
static uint64_t dot_add(uint64_t sum, const void *n, const void *m, unsigned n_pair, unsigned m_pair)
{
    uint64_t product[2];
    for (unsigned k = 0; k < 2; k++)
        product[k] = to_odd(fp_mul, widen_bfloat(arm_fp_lane(n, 1, 2 * n_pair + k)),
                            widen_bfloat(arm_fp_lane(m, 1, 2 * m_pair + k)));
    return to_odd(fp_add, sum, to_odd(fp_add, product[0], product[1]));
}

static void bfdot(union ir_value *out, const struct operands *o)
{
    for (unsigned i = 0; i < o->lanes; i++)
        arm_fp_set_lane(out, 2, i, dot_add(arm_fp_lane(o->d, 2, i), o->n, o->m, i, i));
}

// Two rows of four of n by two columns of four of m.
static void bfmmla(union ir_value *out, const struct operands *o)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t sum = arm_fp_lane(o->d, 2, i);
        for (unsigned k = 0; k < 2; k++)
            sum = dot_add(sum, o->n, o->m, i / 2 * 2 + k, i % 2 * 2 + k);
        arm_fp_set_lane(out, 2, i, sum);
    }
}

void arm_fp_mixed(union ir_value *out, const void *n, const void *m, const void *d, uint32_t control)
{
    static const struct fp_format *const formats[4] = {NULL, &fp_half, &fp_single, &fp_double};
    unsigned size = control >> 8 & 3;
    struct operands o = {.n = n, .m = m, .d = d, .size = size, .lanes = control >> 10 & 31,
                         .extra = control >> FP_CONTROL_EXTRA, .control = control, .format = formats[size],
                         .sign = BIT64((8U << size) - 1)};
    struct fp_context c = arm_fp_context(control, size);
    switch (control & 0xff) {
    case FP_OP_FCADD:
        fcadd(out, &o, &c);
        break;
    case FP_OP_FCMLA:
        fcmla(out, &o, &c);
        break;
    case FP_OP_FMLAL:
        fmlal(out, &o, &c);
        break;
    case FP_OP_BFMLAL:
        bfmlal(out, &o, &c);
        break;
    case FP_OP_BFDOT:
        bfdot(out, &o);
        break;
    case FP_OP_BFMMLA:
        bfmmla(out, &o);
        break;
    }
    arm_fp_finish(&c, size);
}
