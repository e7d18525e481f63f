// SPDX-License-Identifier: MIT
// Reciprocal and reciprocal square root estimates and steps, as the manual's pseudocode fixes them bit for bit
// (Arm ARM, J1.3: FPRecipEstimate, FPRSqrtEstimate, FPRecpX, FPRecipStepFused, FPRSqrtStepFused).

#include "target-arm/helper-fp.h"
#include "tcg/base/bits.h"

static int bias(const struct fp_format *f)
{
    return (1 << (f->exponent_bits - 1)) - 1;
}

static uint64_t sign_bit(const struct fp_format *f)
{
    return BIT64(f->exponent_bits + f->fraction_bits);
}

static uint64_t infinity(const struct fp_format *f)
{
    return mask64(f->exponent_bits) << f->fraction_bits;
}

// What FPUnpack does to denormal numbers where they are flushed.
static uint64_t flush(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    uint64_t magnitude = a & ~sign_bit(f);
    if (!c->rules.flush_inputs || !magnitude || magnitude >> f->fraction_bits)
        return a;
    c->flags |= FP_DENORMAL;
    return a & sign_bit(f);
}

unsigned arm_recip_estimate(unsigned a)
{
    return ((1U << 19) / (a * 2 + 1) + 1) / 2;
}

unsigned arm_rsqrt_estimate(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    unsigned b = 512;
    while (a * (b + 1) * (b + 1) < 1U << 28)
        b++;
    return (b + 1) / 2;
}

uint64_t arm_fp_recip_estimate(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    a = flush(c, f, a);
    uint64_t sign = a & sign_bit(f), magnitude = a ^ sign;
    if (fp_is_nan(f, a))
        return fp_propagate_nan(c, f, &a, 1);
    if (magnitude == infinity(f))
        return sign;
    if (!magnitude) {
        c->flags |= FP_DIVIDE;
        return sign | infinity(f);
    }
    int exponent = (int)(magnitude >> f->fraction_bits);
    uint64_t fraction = (magnitude & mask64(f->fraction_bits)) << (52 - f->fraction_bits);
    if (!exponent && !(fraction >> 50)) { // below 2^-(bias + 1): the reciprocal is out of range
        c->flags |= FP_OVERFLOW | FP_INEXACT;
        bool to_infinity = c->rounding == IR_ROUND_NEAREST_EVEN || (c->rounding == IR_ROUND_UP && !sign) ||
                           (c->rounding == IR_ROUND_DOWN && sign);
        return sign | (infinity(f) - !to_infinity);
    }
    if (c->rules.flush_outputs && exponent >= 2 * bias(f) - 1) {
        c->flags |= FP_UNDERFLOW;
        return sign;
    }
    if (!exponent) {
        exponent = fraction >> 51 & 1 ? 0 : -1;
        fraction = (fraction << (fraction >> 51 & 1 ? 1 : 2)) & mask64(52);
    }
    unsigned estimate = arm_recip_estimate(256 | (unsigned)(fraction >> 44));
    int result = 2 * bias(f) - 1 - exponent;
    fraction = (uint64_t)(estimate & 255) << 44;
    if (result == 0)
        fraction = BIT64(51) | fraction >> 1;
    else if (result == -1)
        fraction = BIT64(50) | fraction >> 2;
    result = result < 0 ? 0 : result;
    return sign | (uint64_t)result << f->fraction_bits | fraction >> (52 - f->fraction_bits);
}

uint64_t arm_fp_rsqrt_estimate(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    a = flush(c, f, a);
    uint64_t sign = a & sign_bit(f), magnitude = a ^ sign;
    if (fp_is_nan(f, a))
        return fp_propagate_nan(c, f, &a, 1);
    if (!magnitude) {
        c->flags |= FP_DIVIDE;
        return sign | infinity(f);
    }
    if (sign) {
        c->flags |= FP_INVALID;
        return fp_default_nan(c, f);
    }
    if (magnitude == infinity(f))
        return 0;
    int exponent = (int)(magnitude >> f->fraction_bits);
    uint64_t fraction = (magnitude & mask64(f->fraction_bits)) << (52 - f->fraction_bits);
    if (!exponent) {
        unsigned zeros = clz64(fraction) - 12; // above the leading one
        exponent = -(int)zeros;
        fraction = (fraction << (zeros + 1)) & mask64(52);
    }
    unsigned scaled = exponent & 1 ? 128 | (unsigned)(fraction >> 45) : 256 | (unsigned)(fraction >> 44);
    unsigned estimate = arm_rsqrt_estimate(scaled);
    int result = (3 * bias(f) - 1 - exponent) / 2;
    return (uint64_t)result << f->fraction_bits | (uint64_t)(estimate & 255) << (f->fraction_bits - 8);
}

uint64_t arm_fp_recip_exponent(struct fp_context *c, const struct fp_format *f, uint64_t a)
{
    a = flush(c, f, a);
    if (fp_is_nan(f, a))
        return fp_propagate_nan(c, f, &a, 1);
    uint64_t sign = a & sign_bit(f), ones = mask64(f->exponent_bits);
    uint64_t exponent = (a ^ sign) >> f->fraction_bits;
    return sign | (exponent ? exponent ^ ones : ones - 1) << f->fraction_bits;
}

// addend + a * b, where infinity times zero is zero.
static uint64_t step(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, uint64_t addend,
                     uint64_t without_product, bool halve)
{
    uint64_t x = flush(c, f, a) & ~sign_bit(f), y = flush(c, f, b) & ~sign_bit(f);
    if ((x == infinity(f) && !y) || (!x && y == infinity(f)))
        return without_product;
    return fp_fma(c, f, addend, a, b, halve);
}

uint64_t arm_fp_recip_step(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    uint64_t two = (uint64_t)(bias(f) + 1) << f->fraction_bits;
    return step(c, f, a, b, two, two, false);
}

uint64_t arm_fp_rsqrt_step(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b)
{
    uint64_t half_bit = BIT64(f->fraction_bits - 1);
    uint64_t three = ((uint64_t)(bias(f) + 1) << f->fraction_bits) | half_bit;
    uint64_t three_halves = ((uint64_t)bias(f) << f->fraction_bits) | half_bit;
    return step(c, f, a, b, three, three_halves, true);
}
