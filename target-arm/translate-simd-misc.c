// SPDX-License-Identifier: MIT
// Advanced SIMD two-register miscellaneous and across lanes, integer (Arm ARM, C4.1.97), and scalar ADDP.

#include "target-arm/translate-simd.h"

// --- lane operations ---

static ir_ref rev64(const struct simd *s, ir_ref n)
{
    return ir_v1(s->b, IR_VREV, s->size, n, 3);
}

static ir_ref rev32(const struct simd *s, ir_ref n)
{
    return ir_v1(s->b, IR_VREV, s->size, n, 2);
}

static ir_ref rev16(const struct simd *s, ir_ref n)
{
    return ir_v1(s->b, IR_VREV, s->size, n, 1);
}

static ir_ref cls(const struct simd *s, ir_ref n)
{
    return simd_call(s, SIMD_CLS, 0, n, n, n);
}

static ir_ref clz(const struct simd *s, ir_ref n)
{
    return simd_call(s, SIMD_CLZ, 0, n, n, n);
}

static ir_ref cnt(const struct simd *s, ir_ref n)
{
    return simd_op1(s, IR_VPOPCNT, n);
}

static ir_ref abs_lanes(const struct simd *s, ir_ref n)
{
    return simd_op1(s, IR_VABS, n);
}

static ir_ref neg_lanes(const struct simd *s, ir_ref n)
{
    return simd_op1(s, IR_VNEG, n);
}

static ir_ref cmgt_zero(const struct simd *s, ir_ref n)
{
    return simd_op2(s, IR_VCMPGTS, n, simd_zero(s));
}

static ir_ref cmge_zero(const struct simd *s, ir_ref n)
{
    return simd_not(s, simd_op2(s, IR_VCMPGTS, simd_zero(s), n));
}

static ir_ref cmeq_zero(const struct simd *s, ir_ref n)
{
    return simd_op2(s, IR_VCMPEQ, n, simd_zero(s));
}

static ir_ref cmle_zero(const struct simd *s, ir_ref n)
{
    return simd_not(s, simd_op2(s, IR_VCMPGTS, n, simd_zero(s)));
}

static ir_ref cmlt_zero(const struct simd *s, ir_ref n)
{
    return simd_op2(s, IR_VCMPGTS, simd_zero(s), n);
}

// The lanes negated with saturation; only the most negative value saturates.
static ir_ref sqneg(const struct simd *s, ir_ref n)
{
    n = simd_clean(s, n);
    return simd_saturated(s, simd_op2(s, IR_VQSUBS, simd_zero(s), n), simd_op1(s, IR_VNEG, n));
}

static ir_ref sqabs(const struct simd *s, ir_ref n)
{
    ir_ref wrapped = simd_op1(s, IR_VABS, simd_clean(s, n));
    ir_ref negative = ir_v1(s->b, IR_VSHR, s->size, wrapped, (8U << s->size) - 1); // 1 where it is still negative
    return simd_saturated(s, simd_op2(s, IR_VSUB, wrapped, negative), wrapped);
}

static ir_ref suqadd(const struct simd *s, ir_ref n)
{
    ir_ref d = simd_clean(s, simd_d(s));
    n = simd_clean(s, n);
    ir_ref saturated = simd_call(s, SIMD_SUQADD, SIMD_SATURATE | SIMD_REPORT, n, n, d);
    ir_set(s->b, SLOT_QC, simd_op2(s, IR_VOR, ir_get(s->b, SLOT_QC), saturated));
    return simd_call(s, SIMD_SUQADD, SIMD_SATURATE, n, n, d);
}

static ir_ref usqadd(const struct simd *s, ir_ref n)
{
    ir_ref d = simd_clean(s, simd_d(s));
    n = simd_clean(s, n);
    ir_ref saturated = simd_call(s, SIMD_USQADD, SIMD_SATURATE | SIMD_REPORT, n, n, d);
    ir_set(s->b, SLOT_QC, simd_op2(s, IR_VOR, ir_get(s->b, SLOT_QC), saturated));
    return simd_call(s, SIMD_USQADD, SIMD_SATURATE, n, n, d);
}

static ir_ref saddlp(const struct simd *s, ir_ref n)
{
    unsigned bits = 8U << s->size;
    ir_ref even = simd_shift(s, IR_VSHL, s->size + 1, n, bits);
    return simd_wide2(s, IR_VADD, simd_shift(s, IR_VSAR, s->size + 1, even, bits),
                      simd_shift(s, IR_VSAR, s->size + 1, n, bits));
}

static ir_ref sadalp(const struct simd *s, ir_ref n)
{
    return simd_wide2(s, IR_VADD, simd_d(s), saddlp(s, n));
}

static ir_ref uaddlp(const struct simd *s, ir_ref n)
{
    unsigned bits = 8U << s->size;
    ir_ref even = simd_shift(s, IR_VSHL, s->size + 1, n, bits);
    return simd_wide2(s, IR_VADD, simd_shift(s, IR_VSHR, s->size + 1, even, bits),
                      simd_shift(s, IR_VSHR, s->size + 1, n, bits));
}

static ir_ref uadalp(const struct simd *s, ir_ref n)
{
    return simd_wide2(s, IR_VADD, simd_d(s), uaddlp(s, n));
}

static ir_ref urecpe(const struct simd *s, ir_ref n)
{
    return simd_call(s, SIMD_URECPE, 0, n, n, n);
}

static ir_ref ursqrte(const struct simd *s, ir_ref n)
{
    return simd_call(s, SIMD_URSQRTE, 0, n, n, n);
}

bool a64_REV64_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, rev64);
}
bool a64_REV32_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_B | SIZE_H, SIZE_NONE, rev32);
}
bool a64_REV16_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_B, SIZE_NONE, rev16);
}
bool a64_CLS_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, cls);
}
bool a64_CLZ_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, clz);
}
bool a64_CNT(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_B, SIZE_NONE, cnt);
}
bool a64_ABS_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, abs_lanes);
}
bool a64_NEG_simd(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, neg_lanes);
}
bool a64_CMGT_zero(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, cmgt_zero);
}
bool a64_CMGE_zero(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, cmge_zero);
}
bool a64_CMEQ_zero(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, cmeq_zero);
}
bool a64_CMLE_zero(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, cmle_zero);
}
bool a64_CMLT_zero(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_D, cmlt_zero);
}
bool a64_SQABS(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_ALL, sqabs);
}
bool a64_SQNEG(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_ALL, sqneg);
}
bool a64_SUQADD(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_ALL, suqadd);
}
bool a64_USQADD(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_ALL, SIZE_ALL, usqadd);
}
bool a64_SADDLP(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, saddlp);
}
bool a64_UADDLP(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, uaddlp);
}
bool a64_SADALP(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, sadalp);
}
bool a64_UADALP(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_BHS, SIZE_NONE, uadalp);
}
bool a64_URECPE(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_S, SIZE_NONE, urecpe);
}
bool a64_URSQRTE(struct a64 *a, uint32_t insn)
{
    return simd_two_reg(a, insn, SIZE_S, SIZE_NONE, ursqrte);
}

bool a64_NOT(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 0);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, simd_not(&s, simd_n(&s)));
    return true;
}

// The bits of each byte reversed, by tables for its halves.
bool a64_RBIT_simd(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 0);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref low_table = ir_v128(s.b, UINT64_C(0xe060a020c0408000), UINT64_C(0xf070b030d0509010));
    ir_ref high_table = ir_v128(s.b, UINT64_C(0x0e060a020c040800), UINT64_C(0x0f070b030d050901));
    ir_ref n = simd_n(&s), low = simd_op2(&s, IR_VAND, n, simd_splat(&s, 0, 15)), high = ir_v1(s.b, IR_VSHR, 0, n, 4);
    simd_write(&s, simd_op2(&s, IR_VOR, simd_op2(&s, IR_VSHUF, low_table, low),
                            simd_op2(&s, IR_VSHUF, high_table, high)));
    return true;
}

// --- narrowing and lengthening ---

static bool narrow(struct a64 *a, uint32_t insn, enum ir_op cut, enum ir_op extend)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = s.scalar ? simd_low(s.b, simd_n(&s), 2 * s.bytes) : simd_n(&s);
    ir_ref result = simd_op1(&s, cut, n);
    if (cut != IR_VTRUNC)
        simd_saturated(&s, simd_op1(&s, extend, result), n);
    if (s.scalar)
        simd_write(&s, result);
    else
        simd_write_half(&s, result);
    return true;
}

bool a64_XTN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, IR_VTRUNC, IR_VZXTL);
}
bool a64_SQXTN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, IR_VQTRUNCS, IR_VSXTL);
}
bool a64_UQXTN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, IR_VQTRUNCU, IR_VZXTL);
}
bool a64_SQXTUN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, IR_VQTRUNCSU, IR_VZXTL);
}

bool a64_SHLL(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref wide = simd_op1(&s, IR_VZXTL, simd_half(&s, simd_n(&s)));
    a64_set_v(a, insn_rd(insn), simd_shift(&s, IR_VSHL, s.size + 1, wide, 8U << s.size));
    return true;
}

// --- across lanes ---

// Folds lanes of `size` of the low `bytes` into lane 0.
static ir_ref fold_lanes(const struct simd *s, enum ir_op op, unsigned size, unsigned bytes, ir_ref v)
{
    for (unsigned distance = bytes / 2; distance >= 1U << size; distance /= 2)
        v = ir_v2(s->b, op, size, v, ir_v2(s->b, IR_VEXT, 0, v, v, distance), 0);
    return simd_low(s->b, v, 1U << size);
}

static bool across(struct a64 *a, uint32_t insn, enum ir_op op, simd_unary *lengthen)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3 || (s.size == 2 && !s.q))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref v = lengthen ? lengthen(&s, simd_n(&s)) : simd_n(&s);
    a64_set_v(a, insn_rd(insn), fold_lanes(&s, op, lengthen ? s.size + 1 : s.size, s.bytes, v));
    return true;
}

bool a64_ADDV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VADD, NULL);
}
bool a64_SMAXV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VMAXS, NULL);
}
bool a64_SMINV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VMINS, NULL);
}
bool a64_UMAXV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VMAXU, NULL);
}
bool a64_UMINV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VMINU, NULL);
}
bool a64_SADDLV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VADD, saddlp);
}
bool a64_UADDLV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, IR_VADD, uaddlp);
}

bool a64_ADDP_pair(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 3);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s);
    simd_write(&s, simd_op2(&s, IR_VADD, n, ir_v2(s.b, IR_VEXT, 0, n, n, 8)));
    return true;
}
