// SPDX-License-Identifier: MIT
// Integer lane operations that the IR has none for (enum arm_simd_op of helper-simd.h).

#include <string.h>

#include "target-arm/helper-fp.h"
#include "target-arm/helper-simd.h"
#include "target-arm/helper.h"
#include "tcg/base/bits.h"

typedef __int128 s128;

struct lane_context {
    unsigned bits;
    bool round, saturate;
    bool saturated; // out
};

static uint64_t saturate_to(struct lane_context *c, s128 value, bool is_signed)
{
    s128 max = ((s128)1 << (is_signed ? c->bits - 1 : c->bits)) - 1, min = is_signed ? -max - 1 : 0;
    s128 clamped = value > max ? max : value < min ? min : value;
    c->saturated = clamped != value;
    return (uint64_t)(c->saturate ? clamped : value);
}

// Shifts by a signed amount; right shifts round by adding half of the last place. No value of a lane shifted left by
// the width or more fits, but zero.
static uint64_t shift(struct lane_context *c, s128 value, int amount, bool result_signed)
{
    int bits = (int)c->bits;
    if (amount < 0) {
        int count = -amount > bits ? bits + 1 : -amount;
        s128 rounding = c->round ? (s128)1 << (count - 1) : 0;
        return saturate_to(c, (value + rounding) >> count, result_signed);
    }
    if (amount >= bits) {
        if (!c->saturate || !value)
            return 0;
        amount = bits;
        // 128 bits do not hold 64-bit lanes shifted by 64 with a sign to spare; half as far saturates as well.
        value = value > 0 ? 1 : -1;
    }
    return saturate_to(c, value * ((s128)1 << amount), result_signed);
}

static uint64_t polynomial_product(uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < 8; i++)
        result ^= b >> i & 1 ? a << i : 0;
    return result;
}

static uint64_t count_sign_bits(uint64_t value, unsigned bits)
{
    int64_t extended = sextract64(value, 0, bits);
    uint64_t differs = (uint64_t)(extended ^ extended >> 1) & mask64(bits);
    return differs ? clz64(differs) - (64 - bits) - 1 : bits - 1;
}

static uint64_t lane_operation(struct lane_context *c, enum arm_simd_op op, uint64_t n, uint64_t m, uint64_t d)
{
    unsigned bits = c->bits;
    int64_t sn = sextract64(n, 0, bits), sm = sextract64(m, 0, bits), sd = sextract64(d, 0, bits);
    int amount = (int8_t)m;
    switch (op) {
    case SIMD_SSHL:
        return shift(c, sn, amount, true);
    case SIMD_USHL:
        return shift(c, n, amount, false);
    case SIMD_SQSHLU:
        return shift(c, sn, amount, false);
    case SIMD_SUQADD: // signed d, unsigned n
        return saturate_to(c, (s128)sd + n, true);
    case SIMD_USQADD:
        return saturate_to(c, (s128)d + sn, false);
    case SIMD_SQRDMLAH:
    case SIMD_SQRDMLSH: {
        s128 product = (s128)sn * sm * 2, sum = (s128)sd * ((s128)1 << bits);
        sum += op == SIMD_SQRDMLAH ? product : -product;
        return saturate_to(c, (sum + ((s128)1 << (bits - 1))) >> bits, true);
    }
    case SIMD_CLS:
        return count_sign_bits(n, bits);
    case SIMD_CLZ:
        return n ? clz64(n) - (64 - bits) : bits;
    case SIMD_PMUL:
        return polynomial_product(n, m);
    case SIMD_URECPE:
        return n >> 31 ? (uint64_t)arm_recip_estimate((unsigned)(n >> 23)) << 23 : UINT32_MAX;
    case SIMD_URSQRTE:
        return n >> 30 ? (uint64_t)arm_rsqrt_estimate((unsigned)(n >> 23)) << 23 : UINT32_MAX;
    default:
        return 0;
    }
}

static int32_t byte_of(const union ir_value *v, unsigned i, bool is_signed)
{
    return is_signed ? v->s8[i] : v->u8[i];
}

// Four bytes of n from `i` times four of m from `j`.
static uint32_t dot(const union ir_value *n, const union ir_value *m, unsigned i, unsigned j, bool n_signed,
                    bool m_signed)
{
    uint32_t sum = 0;
    for (unsigned k = 0; k < 4; k++)
        sum += (uint32_t)(byte_of(n, i + k, n_signed) * byte_of(m, j + k, m_signed));
    return sum;
}

static void accumulate(union ir_value *out, enum arm_simd_op op, const union ir_value *n, const union ir_value *m,
                       const union ir_value *d)
{
    bool n_signed = op == SIMD_SDOT || op == SIMD_SMMLA, m_signed = op != SIMD_UDOT && op != SIMD_UMMLA;
    bool matrix = op >= SIMD_SMMLA;
    for (unsigned i = 0; i < 4; i++) {
        if (matrix) // two rows of eight by two columns of eight
            out->u32[i] = d->u32[i] + dot(n, m, i / 2 * 8, i % 2 * 8, n_signed, m_signed) +
                          dot(n, m, i / 2 * 8 + 4, i % 2 * 8 + 4, n_signed, m_signed);
        else
            out->u32[i] = d->u32[i] + dot(n, m, 4 * i, 4 * i, n_signed, m_signed);
    }
}

static void simd(void *result, const void *n, const void *m, const void *d, uint32_t control)
{
    enum arm_simd_op op = control & 0xff;
    unsigned size = control >> 8 & 3;
    union ir_value out = {.u64 = {0, 0}};
    struct lane_context c = {.bits = 8U << size, .round = control & SIMD_ROUND, .saturate = control & SIMD_SATURATE};
    if (op >= SIMD_SDOT && op <= SIMD_USMMLA) {
        accumulate(&out, op, n, m, d);
    } else if (op == SIMD_PMULL) {
        for (unsigned i = 0; i < 8; i++)
            out.u16[i] = (uint16_t)polynomial_product(((const uint8_t *)n)[i], ((const uint8_t *)m)[i]);
    } else {
        for (unsigned i = 0; i < 16U >> size; i++) {
            c.saturated = false;
            uint64_t value = lane_operation(&c, op, arm_fp_lane(n, size, i), arm_fp_lane(m, size, i),
                                            arm_fp_lane(d, size, i));
            if (control & SIMD_REPORT)
                value = c.saturated ? ~UINT64_C(0) : 0;
            arm_fp_set_lane(&out, size, i, value);
        }
    }
    memcpy(result, &out, sizeof(out));
}

const struct ir_helper arm_helper_simd = {"simd", ARM_HELPER_FN(simd), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_V128, 4,
                                          {IR_V128, IR_V128, IR_V128, IR_I32}};
