// SPDX-License-Identifier: MIT
// Advanced SIMD three different, and integer instructions by element (Arm ARM, C4.1.97): operations that widen or
// narrow, with the "2" forms that take or write upper halves.

#include "target-arm/translate-simd.h"

// Extends the operand's half that the form uses.
static ir_ref extended(const struct simd *s, enum ir_op extend, ir_ref v)
{
    return simd_op1(s, extend, simd_half(s, v));
}

// --- long results ---

// Computes lanes of twice the size; n and m are the halves to use.
static bool long_result(struct a64 *a, uint32_t insn, unsigned vector_sizes, unsigned scalar_sizes, simd_binary *op,
                        bool by_element)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!((s.scalar ? scalar_sizes : vector_sizes) >> s.size & 1))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), m = by_element ? simd_element(&s, s.size) : simd_half(&s, simd_m(&s));
    if (s.scalar)
        a64_set_v(a, insn_rd(insn),
                  simd_low(s.b, op(&s, simd_clean(&s, n), simd_clean(&s, m)), 2 * s.bytes));
    else
        a64_set_v(a, insn_rd(insn), op(&s, simd_half(&s, n), m));
    return true;
}

static ir_ref saddl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_op1(s, IR_VSXTL, n), simd_op1(s, IR_VSXTL, m));
}

static ir_ref ssubl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VSUB, simd_op1(s, IR_VSXTL, n), simd_op1(s, IR_VSXTL, m));
}

static ir_ref sabdl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op1(s, IR_VZXTL, simd_op2(s, IR_VSUB, simd_op2(s, IR_VMAXS, n, m), simd_op2(s, IR_VMINS, n, m)));
}

static ir_ref sabal(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_d(s), sabdl(s, n, m));
}

static ir_ref smull(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMULLS, n, m);
}

static ir_ref smlal(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_d(s), smull(s, n, m));
}

static ir_ref smlsl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VSUB, simd_d(s), smull(s, n, m));
}

static ir_ref uaddl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_op1(s, IR_VZXTL, n), simd_op1(s, IR_VZXTL, m));
}

static ir_ref usubl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VSUB, simd_op1(s, IR_VZXTL, n), simd_op1(s, IR_VZXTL, m));
}

static ir_ref uabdl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op1(s, IR_VZXTL, simd_op2(s, IR_VSUB, simd_op2(s, IR_VMAXU, n, m), simd_op2(s, IR_VMINU, n, m)));
}

static ir_ref uabal(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_d(s), uabdl(s, n, m));
}

static ir_ref umull(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMULLU, n, m);
}

static ir_ref umlal(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VADD, simd_d(s), umull(s, n, m));
}

static ir_ref umlsl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_wide2(s, IR_VSUB, simd_d(s), umull(s, n, m));
}

static ir_ref sqdmull(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref product = simd_op2(s, IR_VMULLS, n, m);
    return simd_saturated(s, simd_wide2(s, IR_VQADDS, product, product), simd_wide2(s, IR_VADD, product, product));
}

// The accumulator's lanes above a scalar must not saturate.
static ir_ref accumulator(const struct simd *s)
{
    return s->scalar ? simd_low(s->b, simd_d(s), 2 * s->bytes) : simd_d(s);
}

static ir_ref sqdmlal(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref product = sqdmull(s, n, m), d = accumulator(s);
    return simd_saturated(s, simd_wide2(s, IR_VQADDS, d, product), simd_wide2(s, IR_VADD, d, product));
}

static ir_ref sqdmlsl(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref product = sqdmull(s, n, m), d = accumulator(s);
    return simd_saturated(s, simd_wide2(s, IR_VQSUBS, d, product), simd_wide2(s, IR_VSUB, d, product));
}

bool a64_SADDL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, saddl, false);
}
bool a64_SSUBL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, ssubl, false);
}
bool a64_SABDL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, sabdl, false);
}
bool a64_SABAL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, sabal, false);
}
bool a64_SMULL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, smull, false);
}
bool a64_SMLAL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, smlal, false);
}
bool a64_SMLSL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, smlsl, false);
}
bool a64_UADDL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, uaddl, false);
}
bool a64_USUBL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, usubl, false);
}
bool a64_UABDL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, uabdl, false);
}
bool a64_UABAL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, uabal, false);
}
bool a64_UMULL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, umull, false);
}
bool a64_UMLAL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, umlal, false);
}
bool a64_UMLSL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_BHS, SIZE_NONE, umlsl, false);
}
bool a64_SQDMULL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmull, false);
}
bool a64_SQDMLAL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmlal, false);
}
bool a64_SQDMLSL(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmlsl, false);
}
bool a64_SMULL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, smull, true);
}
bool a64_SMLAL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, smlal, true);
}
bool a64_SMLSL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, smlsl, true);
}
bool a64_UMULL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, umull, true);
}
bool a64_UMLAL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, umlal, true);
}
bool a64_UMLSL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_NONE, umlsl, true);
}
bool a64_SQDMULL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmull, true);
}
bool a64_SQDMLAL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmlal, true);
}
bool a64_SQDMLSL_elem(struct a64 *a, uint32_t insn)
{
    return long_result(a, insn, SIZE_HS, SIZE_HS, sqdmlsl, true);
}

bool a64_PMULL(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size != 0 && !(s.size == 3 && arm_has(a->cpu, ARM_FEAT_PMULL)))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_half(&s, simd_n(&s)), m = simd_half(&s, simd_m(&s));
    ir_ref product = s.size ? a64_call2(a, &arm_crypto_helpers()->pmull, n, m) : simd_call(&s, SIMD_PMULL, 0, n, m, n);
    a64_set_v(a, insn_rd(insn), product);
    return true;
}

// --- wide first operand ---

static bool wide(struct a64 *a, uint32_t insn, enum ir_op op, enum ir_op extend)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    a64_set_v(a, insn_rd(insn), simd_wide2(&s, op, simd_n(&s), extended(&s, extend, simd_m(&s))));
    return true;
}

bool a64_SADDW(struct a64 *a, uint32_t insn)
{
    return wide(a, insn, IR_VADD, IR_VSXTL);
}
bool a64_UADDW(struct a64 *a, uint32_t insn)
{
    return wide(a, insn, IR_VADD, IR_VZXTL);
}
bool a64_SSUBW(struct a64 *a, uint32_t insn)
{
    return wide(a, insn, IR_VSUB, IR_VSXTL);
}
bool a64_USUBW(struct a64 *a, uint32_t insn)
{
    return wide(a, insn, IR_VSUB, IR_VZXTL);
}

// --- high halves of sums and differences ---

static bool high_narrow(struct a64 *a, uint32_t insn, enum ir_op op, bool round)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    unsigned bits = 8U << s.size;
    ir_ref result = simd_wide2(&s, op, simd_n(&s), simd_m(&s));
    if (round)
        result = simd_wide2(&s, IR_VADD, result, simd_splat(&s, s.size + 1, BIT64(bits - 1)));
    simd_write_half(&s, simd_op1(&s, IR_VTRUNC, simd_shift(&s, IR_VSHR, s.size + 1, result, bits)));
    return true;
}

bool a64_ADDHN(struct a64 *a, uint32_t insn)
{
    return high_narrow(a, insn, IR_VADD, false);
}
bool a64_RADDHN(struct a64 *a, uint32_t insn)
{
    return high_narrow(a, insn, IR_VADD, true);
}
bool a64_SUBHN(struct a64 *a, uint32_t insn)
{
    return high_narrow(a, insn, IR_VSUB, false);
}
bool a64_RSUBHN(struct a64 *a, uint32_t insn)
{
    return high_narrow(a, insn, IR_VSUB, true);
}

// --- by element, results of the same size ---

static bool by_element(struct a64 *a, uint32_t insn, unsigned scalar_sizes, simd_binary *op)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!((s.scalar ? scalar_sizes : SIZE_HS) >> s.size & 1))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, op(&s, simd_n(&s), simd_element(&s, s.size)));
    return true;
}

bool a64_MUL_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_NONE, simd_mul);
}
bool a64_MLA_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_NONE, simd_mla);
}
bool a64_MLS_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_NONE, simd_mls);
}
bool a64_SQDMULH_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_HS, simd_sqdmulh);
}
bool a64_SQRDMULH_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_HS, simd_sqrdmulh);
}
bool a64_SQRDMLAH_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_HS, simd_sqrdmlah);
}
bool a64_SQRDMLSH_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, SIZE_HS, simd_sqrdmlsh);
}
