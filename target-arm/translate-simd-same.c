// SPDX-License-Identifier: MIT
// Advanced SIMD three same, and its extra instructions (Arm ARM, C4.1.97): integer arithmetic and comparisons on lanes,
// logic, pairwise operations, saturating arithmetic with cumulative QC. Floating point is in translate-simd-fp.c.

#include "target-arm/translate-simd.h"

// --- lane operations ---

static ir_ref add(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VADD, n, m);
}

static ir_ref sub(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VSUB, n, m);
}

static ir_ref cmgt(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VCMPGTS, n, m);
}

static ir_ref cmhi(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VCMPGTU, n, m);
}

static ir_ref cmeq(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VCMPEQ, n, m);
}

static ir_ref smax(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMAXS, n, m);
}

static ir_ref smin(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMINS, n, m);
}

static ir_ref umax(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMAXU, n, m);
}

static ir_ref umin(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMINU, n, m);
}

static ir_ref urhadd(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VAVGU, n, m);
}

static ir_ref cmge(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_not(s, simd_op2(s, IR_VCMPGTS, m, n));
}

static ir_ref cmhs(const struct simd *s, ir_ref n, ir_ref m)
{
    if (s->size == 3) // hosts have no maximum of 64-bit lanes
        return simd_not(s, simd_op2(s, IR_VCMPGTU, m, n));
    return simd_op2(s, IR_VCMPEQ, simd_op2(s, IR_VMAXU, n, m), n);
}

static ir_ref cmtst(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_not(s, simd_op2(s, IR_VCMPEQ, simd_op2(s, IR_VAND, n, m), simd_zero(s)));
}

// Halving without a wider type: a + b = 2(a & b) + (a ^ b) = 2(a | b) - (a ^ b), a - b = (a ^ b) - 2(b & ~a).
static ir_ref shadd(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shift(s, IR_VSAR, s->size, simd_op2(s, IR_VXOR, n, m), 1);
    return simd_op2(s, IR_VADD, simd_op2(s, IR_VAND, n, m), half);
}

static ir_ref shsub(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shift(s, IR_VSAR, s->size, simd_op2(s, IR_VXOR, n, m), 1);
    return simd_op2(s, IR_VSUB, half, simd_op2(s, IR_VANDN, m, n));
}

static ir_ref uhadd(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shift(s, IR_VSHR, s->size, simd_op2(s, IR_VXOR, n, m), 1);
    return simd_op2(s, IR_VADD, simd_op2(s, IR_VAND, n, m), half);
}

static ir_ref uhsub(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shift(s, IR_VSHR, s->size, simd_op2(s, IR_VXOR, n, m), 1);
    return simd_op2(s, IR_VSUB, half, simd_op2(s, IR_VANDN, m, n));
}

static ir_ref srhadd(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref half = simd_shift(s, IR_VSAR, s->size, simd_op2(s, IR_VXOR, n, m), 1);
    return simd_op2(s, IR_VSUB, simd_op2(s, IR_VOR, n, m), half);
}

static ir_ref sabd(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VSUB, simd_op2(s, IR_VMAXS, n, m), simd_op2(s, IR_VMINS, n, m));
}

static ir_ref saba(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VADD, simd_d(s), sabd(s, n, m));
}

static ir_ref uabd(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VSUB, simd_op2(s, IR_VMAXU, n, m), simd_op2(s, IR_VMINU, n, m));
}

static ir_ref uaba(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VADD, simd_d(s), uabd(s, n, m));
}

ir_ref simd_mul(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VMUL, n, m);
}

ir_ref simd_mla(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VADD, simd_d(s), simd_op2(s, IR_VMUL, n, m));
}

ir_ref simd_mls(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VSUB, simd_d(s), simd_op2(s, IR_VMUL, n, m));
}

static ir_ref pmul(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_call(s, SIMD_PMUL, 0, n, m, n);
}

// --- saturating ---

static ir_ref sqadd(const struct simd *s, ir_ref n, ir_ref m)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    return simd_saturated(s, simd_op2(s, IR_VQADDS, n, m), simd_op2(s, IR_VADD, n, m));
}

static ir_ref sqsub(const struct simd *s, ir_ref n, ir_ref m)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    return simd_saturated(s, simd_op2(s, IR_VQSUBS, n, m), simd_op2(s, IR_VSUB, n, m));
}

static ir_ref uqadd(const struct simd *s, ir_ref n, ir_ref m)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    return simd_saturated(s, simd_op2(s, IR_VQADDU, n, m), simd_op2(s, IR_VADD, n, m));
}

static ir_ref uqsub(const struct simd *s, ir_ref n, ir_ref m)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    return simd_saturated(s, simd_op2(s, IR_VQSUBU, n, m), simd_op2(s, IR_VSUB, n, m));
}

// The doubled products of the lanes of one half, saturated.
static ir_ref doubled_products(const struct simd *s, ir_ref n, ir_ref m)
{
    ir_ref product = simd_op2(s, IR_VMULLS, n, m);
    return simd_saturated(s, simd_wide2(s, IR_VQADDS, product, product), simd_wide2(s, IR_VADD, product, product));
}

// Upper halves of the doubled products. Rounding cannot overflow but where doubling has saturated.
static ir_ref doubling_high(const struct simd *s, ir_ref n, ir_ref m, bool round)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    ir_ref low = doubled_products(s, n, m), high = simd_zero(s);
    if (s->bytes == 16)
        high = doubled_products(s, ir_v2(s->b, IR_VEXT, 0, n, n, 8), ir_v2(s->b, IR_VEXT, 0, m, m, 8));
    if (round) {
        ir_ref half = simd_splat(s, s->size + 1, BIT64((8U << s->size) - 1));
        low = simd_wide2(s, IR_VQADDS, low, half);
        high = s->bytes == 16 ? simd_wide2(s, IR_VQADDS, high, half) : high;
    }
    return simd_op2(s, IR_VUZPO, low, high);
}

ir_ref simd_sqdmulh(const struct simd *s, ir_ref n, ir_ref m)
{
    return doubling_high(s, n, m, false);
}

ir_ref simd_sqrdmulh(const struct simd *s, ir_ref n, ir_ref m)
{
    return doubling_high(s, n, m, true);
}

// By a helper that is asked twice: for the result and for the lanes that saturated.
static ir_ref saturating_call(const struct simd *s, enum arm_simd_op op, unsigned extra, ir_ref n, ir_ref m, ir_ref d)
{
    n = simd_clean(s, n);
    m = simd_clean(s, m);
    d = simd_clean(s, d);
    ir_ref saturated = simd_call(s, op, extra | SIMD_SATURATE | SIMD_REPORT, n, m, d);
    ir_set(s->b, SLOT_QC, simd_op2(s, IR_VOR, ir_get(s->b, SLOT_QC), saturated));
    return simd_call(s, op, extra | SIMD_SATURATE, n, m, d);
}

ir_ref simd_sqrdmlah(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_SQRDMLAH, 0, n, m, simd_d(s));
}

ir_ref simd_sqrdmlsh(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_SQRDMLSH, 0, n, m, simd_d(s));
}

static ir_ref sshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_call(s, SIMD_SSHL, 0, n, m, n);
}

static ir_ref srshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_call(s, SIMD_SSHL, SIMD_ROUND, n, m, n);
}

static ir_ref sqshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_SSHL, 0, n, m, n);
}

static ir_ref sqrshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_SSHL, SIMD_ROUND, n, m, n);
}

static ir_ref ushl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_call(s, SIMD_USHL, 0, n, m, n);
}

static ir_ref urshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_call(s, SIMD_USHL, SIMD_ROUND, n, m, n);
}

static ir_ref uqshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_USHL, 0, n, m, n);
}

static ir_ref uqrshl(const struct simd *s, ir_ref n, ir_ref m)
{
    return saturating_call(s, SIMD_USHL, SIMD_ROUND, n, m, n);
}

// --- pairwise ---

// The even and the odd lanes of m:n become the operands.
static ir_ref pairwise(const struct simd *s, enum ir_op op, ir_ref n, ir_ref m)
{
    if (s->bytes == 8)
        n = m = ir_v2(s->b, IR_VZIPLO, 3, n, m, 0);
    return simd_op2(s, op, simd_op2(s, IR_VUZPE, n, m), simd_op2(s, IR_VUZPO, n, m));
}

static ir_ref addp(const struct simd *s, ir_ref n, ir_ref m)
{
    return pairwise(s, IR_VADD, n, m);
}

static ir_ref smaxp(const struct simd *s, ir_ref n, ir_ref m)
{
    return pairwise(s, IR_VMAXS, n, m);
}

static ir_ref sminp(const struct simd *s, ir_ref n, ir_ref m)
{
    return pairwise(s, IR_VMINS, n, m);
}

static ir_ref umaxp(const struct simd *s, ir_ref n, ir_ref m)
{
    return pairwise(s, IR_VMAXU, n, m);
}

static ir_ref uminp(const struct simd *s, ir_ref n, ir_ref m)
{
    return pairwise(s, IR_VMINU, n, m);
}

// --- handlers ---

bool a64_SHADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, shadd);
}
bool a64_UHADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, uhadd);
}
bool a64_SRHADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, srhadd);
}
bool a64_URHADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, urhadd);
}
bool a64_SHSUB(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, shsub);
}
bool a64_UHSUB(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, uhsub);
}
bool a64_SQADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, sqadd);
}
bool a64_UQADD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, uqadd);
}
bool a64_SQSUB(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, sqsub);
}
bool a64_UQSUB(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, uqsub);
}
bool a64_CMGT(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmgt);
}
bool a64_CMGE(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmge);
}
bool a64_CMHI(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmhi);
}
bool a64_CMHS(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmhs);
}
bool a64_CMEQ(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmeq);
}
bool a64_CMTST(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, cmtst);
}
bool a64_SSHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, sshl);
}
bool a64_USHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, ushl);
}
bool a64_SRSHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, srshl);
}
bool a64_URSHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, urshl);
}
bool a64_SQSHL_reg(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, sqshl);
}
bool a64_UQSHL_reg(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, uqshl);
}
bool a64_SQRSHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, sqrshl);
}
bool a64_UQRSHL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_ALL, uqrshl);
}
bool a64_SMAX(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, smax);
}
bool a64_SMIN(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, smin);
}
bool a64_UMAX(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, umax);
}
bool a64_UMIN(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, umin);
}
bool a64_SABD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, sabd);
}
bool a64_UABD(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, uabd);
}
bool a64_SABA(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, saba);
}
bool a64_UABA(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, uaba);
}
bool a64_ADD_simd(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, add);
}
bool a64_SUB_simd(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_D, sub);
}
bool a64_MLA(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, simd_mla);
}
bool a64_MLS(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, simd_mls);
}
bool a64_MUL_simd(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, simd_mul);
}
bool a64_PMUL(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_B, SIZE_NONE, pmul);
}
bool a64_SMAXP(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, smaxp);
}
bool a64_SMINP(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, sminp);
}
bool a64_UMAXP(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, umaxp);
}
bool a64_UMINP(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_BHS, SIZE_NONE, uminp);
}
bool a64_ADDP(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_ALL, SIZE_NONE, addp);
}
bool a64_SQDMULH(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_HS, SIZE_HS, simd_sqdmulh);
}
bool a64_SQRDMULH(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_HS, SIZE_HS, simd_sqrdmulh);
}
bool a64_SQRDMLAH(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_HS, SIZE_HS, simd_sqrdmlah);
}
bool a64_SQRDMLSH(struct a64 *a, uint32_t insn)
{
    return simd_three_same(a, insn, SIZE_HS, SIZE_HS, simd_sqrdmlsh);
}

// Logic has its operation where the others have the size.
static bool logic(struct a64 *a, uint32_t insn, simd_binary *op)
{
    struct simd s = simd_decode(a, insn, 0);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, op(&s, simd_n(&s), simd_m(&s)));
    return true;
}

static ir_ref and_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VAND, n, m);
}

static ir_ref bic_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VANDN, n, m);
}

static ir_ref orr_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return n == m ? n : simd_op2(s, IR_VOR, n, m);
}

static ir_ref orn_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return simd_op2(s, IR_VOR, n, simd_not(s, m));
}

static ir_ref eor_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return n == m ? simd_zero(s) : simd_op2(s, IR_VXOR, n, m);
}

static ir_ref bsl_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return ir_op3(s->b, IR_VSEL, simd_d(s), n, m);
}

static ir_ref bit_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return ir_op3(s->b, IR_VSEL, m, n, simd_d(s));
}

static ir_ref bif_bits(const struct simd *s, ir_ref n, ir_ref m)
{
    return ir_op3(s->b, IR_VSEL, m, simd_d(s), n);
}

bool a64_AND_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, and_bits);
}
bool a64_BIC_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, bic_bits);
}
bool a64_ORR_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, orr_bits);
}
bool a64_ORN_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, orn_bits);
}
bool a64_EOR_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, eor_bits);
}
bool a64_BSL_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, bsl_bits);
}
bool a64_BIT_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, bit_bits);
}
bool a64_BIF_simd(struct a64 *a, uint32_t insn)
{
    return logic(a, insn, bif_bits);
}

// --- dot products and matrices ---

static bool on_accumulator(struct a64 *a, uint32_t insn, enum arm_simd_op op, bool by_element)
{
    struct simd s = simd_decode(a, insn, 2);
    if (!by_element && extract32(insn, 22, 2) != 2)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, simd_call(&s, op, 0, simd_n(&s), by_element ? simd_element(&s, 2) : simd_m(&s), simd_d(&s)));
    return true;
}

bool a64_SDOT(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_SDOT, false);
}
bool a64_UDOT(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_UDOT, false);
}
bool a64_USDOT(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_USDOT, false);
}
bool a64_SMMLA(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_SMMLA, false);
}
bool a64_UMMLA(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_UMMLA, false);
}
bool a64_USMMLA(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_USMMLA, false);
}
bool a64_SDOT_elem(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_SDOT, true);
}
bool a64_UDOT_elem(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_UDOT, true);
}
bool a64_USDOT_elem(struct a64 *a, uint32_t insn)
{
    return on_accumulator(a, insn, SIMD_USDOT, true);
}

// SUDOT is USDOT with the operands swapped.
bool a64_SUDOT_elem(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 2);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, simd_call(&s, SIMD_USDOT, 0, simd_element(&s, 2), simd_n(&s), simd_d(&s)));
    return true;
}
