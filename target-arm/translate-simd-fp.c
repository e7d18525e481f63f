// SPDX-License-Identifier: MIT
// Floating point in Advanced SIMD instructions (Arm ARM, C4.1.97), vectors and scalars: three same, two-register
// miscellaneous, across lanes, pairwise, by element, and conversions.

#include "target-arm/translate-simd.h"

// The size of the lanes where bit 22 chooses between single and double precision and half has encodings of its own.
static bool decode(struct a64 *a, uint32_t insn, bool half, struct simd *s)
{
    *s = simd_decode(a, insn, half ? 1 : 2 + (insn >> 22 & 1));
    return s->scalar || s->q || s->size != 3;
}

static ir_ref compute(const struct simd *s, enum arm_fp_op op, ir_ref n, ir_ref m, unsigned extra)
{
    ir_ref d = op == FP_OP_FMA || op == FP_OP_FMS ? simd_d(s) : n;
    return a64_fp_op(s->a, op, s->size, s->bytes, n, m, d, extra);
}

static void write_back(const struct simd *s, ir_ref clean)
{
    a64_set_v(s->a, insn_rd(s->insn), clean);
}

// --- three same ---

static bool three_same(struct a64 *a, uint32_t insn, enum arm_fp_op op, bool pairwise)
{
    struct simd s;
    if (!decode(a, insn, !(insn >> 21 & 1), &s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), m = simd_m(&s);
    if (pairwise) {
        ir_ref x = n, y = m;
        if (!s.q)
            x = y = ir_v2(s.b, IR_VZIPLO, 3, n, m, 0);
        n = simd_op2(&s, IR_VUZPE, x, y);
        m = simd_op2(&s, IR_VUZPO, x, y);
    }
    write_back(&s, compute(&s, op, n, m, 0));
    return true;
}

bool a64_FMAXNM(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MAXNM, false);
}
bool a64_FMLA(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_FMA, false);
}
bool a64_FADD(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_ADD, false);
}
bool a64_FMULX(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MULX, false);
}
bool a64_FCMEQ(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_CMEQ, false);
}
bool a64_FMAX(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MAX, false);
}
bool a64_FRECPS(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_RECPS, false);
}
bool a64_FMINNM(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MINNM, false);
}
bool a64_FMLS(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_FMS, false);
}
bool a64_FSUB(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_SUB, false);
}
bool a64_FMIN(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MIN, false);
}
bool a64_FRSQRTS(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_RSQRTS, false);
}
bool a64_FMUL(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MUL, false);
}
bool a64_FCMGE(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_CMGE, false);
}
bool a64_FACGE(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_ACGE, false);
}
bool a64_FDIV(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_DIV, false);
}
bool a64_FABD(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_ABD, false);
}
bool a64_FCMGT(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_CMGT, false);
}
bool a64_FACGT(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_ACGT, false);
}
bool a64_FADDP(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_ADD, true);
}
bool a64_FMAXP(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MAX, true);
}
bool a64_FMINP(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MIN, true);
}
bool a64_FMAXNMP(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MAXNM, true);
}
bool a64_FMINNMP(struct a64 *a, uint32_t insn)
{
    return three_same(a, insn, FP_OP_MINNM, true);
}

// --- scalar pairwise, across lanes ---

// Bit 29 is clear for half precision.
static bool pair(struct a64 *a, uint32_t insn, enum arm_fp_op op)
{
    struct simd s;
    decode(a, insn, !(insn >> 29 & 1), &s);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s);
    write_back(&s, compute(&s, op, n, ir_v2(s.b, IR_VEXT, 0, n, n, s.bytes), 0));
    return true;
}

bool a64_FADDP_pair(struct a64 *a, uint32_t insn)
{
    return pair(a, insn, FP_OP_ADD);
}
bool a64_FMAXP_pair(struct a64 *a, uint32_t insn)
{
    return pair(a, insn, FP_OP_MAX);
}
bool a64_FMINP_pair(struct a64 *a, uint32_t insn)
{
    return pair(a, insn, FP_OP_MIN);
}
bool a64_FMAXNMP_pair(struct a64 *a, uint32_t insn)
{
    return pair(a, insn, FP_OP_MAXNM);
}
bool a64_FMINNMP_pair(struct a64 *a, uint32_t insn)
{
    return pair(a, insn, FP_OP_MINNM);
}

// Pairs of neighbours first, until one is left, as the manual's Reduce does.
static bool across(struct a64 *a, uint32_t insn, enum arm_fp_op op)
{
    struct simd s = simd_decode(a, insn, insn >> 29 & 1 ? 2 : 1);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref v = simd_n(&s);
    for (unsigned bytes = s.bytes / 2; bytes >= 1U << s.size; bytes /= 2)
        v = a64_fp_op(a, op, s.size, bytes, simd_op2(&s, IR_VUZPE, v, v), simd_op2(&s, IR_VUZPO, v, v), v, 0);
    write_back(&s, v);
    return true;
}

bool a64_FMAXV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, FP_OP_MAX);
}
bool a64_FMINV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, FP_OP_MIN);
}
bool a64_FMAXNMV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, FP_OP_MAXNM);
}
bool a64_FMINNMV(struct a64 *a, uint32_t insn)
{
    return across(a, insn, FP_OP_MINNM);
}

// --- two-register miscellaneous ---

static bool decode_misc(struct a64 *a, uint32_t insn, struct simd *s)
{
    return decode(a, insn, insn >> 19 & 1, s);
}

static bool misc(struct a64 *a, uint32_t insn, enum arm_fp_op op, unsigned extra)
{
    struct simd s;
    if (!decode_misc(a, insn, &s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s);
    write_back(&s, compute(&s, op, n, n, extra));
    return true;
}

bool a64_FABS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_ABS, 0);
}
bool a64_FNEG(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_NEG, 0);
}
bool a64_FSQRT(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_SQRT, 0);
}
bool a64_FRECPE(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RECPE, 0);
}
bool a64_FRSQRTE(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RSQRTE, 0);
}
bool a64_FRECPX(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RECPX, 0);
}
bool a64_SCVTF(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_FROM_SI, 0);
}
bool a64_UCVTF(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_FROM_UI, 0);
}
bool a64_FRINTN(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_NEAREST_EVEN);
}
bool a64_FRINTM(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_DOWN);
}
bool a64_FRINTP(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_UP);
}
bool a64_FRINTZ(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_ZERO);
}
bool a64_FRINTA(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_NEAREST_AWAY);
}
bool a64_FRINTX(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_CURRENT | IR_RINT_EXACT);
}
bool a64_FRINTI(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT, IR_ROUND_CURRENT);
}
bool a64_FRINT32Z(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT32, IR_ROUND_ZERO);
}
bool a64_FRINT32X(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT32, IR_ROUND_CURRENT);
}
bool a64_FRINT64Z(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT64, IR_ROUND_ZERO);
}
bool a64_FRINT64X(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_RINT64, IR_ROUND_CURRENT);
}
bool a64_FCVTNS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_SI, IR_ROUND_NEAREST_EVEN);
}
bool a64_FCVTNU(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_UI, IR_ROUND_NEAREST_EVEN);
}
bool a64_FCVTMS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_SI, IR_ROUND_DOWN);
}
bool a64_FCVTMU(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_UI, IR_ROUND_DOWN);
}
bool a64_FCVTPS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_SI, IR_ROUND_UP);
}
bool a64_FCVTPU(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_UI, IR_ROUND_UP);
}
bool a64_FCVTZS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_SI, IR_ROUND_ZERO);
}
bool a64_FCVTZU(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_UI, IR_ROUND_ZERO);
}
bool a64_FCVTAS(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_SI, IR_ROUND_NEAREST_AWAY);
}
bool a64_FCVTAU(struct a64 *a, uint32_t insn)
{
    return misc(a, insn, FP_OP_TO_UI, IR_ROUND_NEAREST_AWAY);
}

static bool compare_zero(struct a64 *a, uint32_t insn, enum arm_fp_op op, bool zero_first)
{
    struct simd s;
    if (!decode_misc(a, insn, &s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), zero = simd_zero(&s);
    write_back(&s, compute(&s, op, zero_first ? zero : n, zero_first ? n : zero, 0));
    return true;
}

bool a64_FCMGT_zero(struct a64 *a, uint32_t insn)
{
    return compare_zero(a, insn, FP_OP_CMGT, false);
}
bool a64_FCMGE_zero(struct a64 *a, uint32_t insn)
{
    return compare_zero(a, insn, FP_OP_CMGE, false);
}
bool a64_FCMEQ_zero(struct a64 *a, uint32_t insn)
{
    return compare_zero(a, insn, FP_OP_CMEQ, false);
}
bool a64_FCMLE_zero(struct a64 *a, uint32_t insn)
{
    return compare_zero(a, insn, FP_OP_CMGE, true);
}
bool a64_FCMLT_zero(struct a64 *a, uint32_t insn)
{
    return compare_zero(a, insn, FP_OP_CMGT, true);
}

// Fixed point, among the shifts by immediate: immh names the size.
static bool fixed_point(struct a64 *a, uint32_t insn, enum arm_fp_op op, unsigned rounding)
{
    unsigned immh = extract32(insn, 19, 4), size = 31 - clz32(immh | 1);
    struct simd s = simd_decode(a, insn, size);
    if (size == 0 || (size == 1 && !arm_has(a->cpu, ARM_FEAT_FP16)) || (size == 3 && !s.scalar && !s.q))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    unsigned fraction_bits = (16U << size) - extract32(insn, 16, 7);
    ir_ref n = simd_n(&s);
    write_back(&s, compute(&s, op, n, n, fraction_bits << 4 | rounding));
    return true;
}

bool a64_SCVTF_shift(struct a64 *a, uint32_t insn)
{
    return fixed_point(a, insn, FP_OP_FROM_SI, 0);
}
bool a64_UCVTF_shift(struct a64 *a, uint32_t insn)
{
    return fixed_point(a, insn, FP_OP_FROM_UI, 0);
}
bool a64_FCVTZS_shift(struct a64 *a, uint32_t insn)
{
    return fixed_point(a, insn, FP_OP_TO_SI, IR_ROUND_ZERO);
}
bool a64_FCVTZU_shift(struct a64 *a, uint32_t insn)
{
    return fixed_point(a, insn, FP_OP_TO_UI, IR_ROUND_ZERO);
}

// --- conversions between sizes ---

// Bit 22 chooses between single with half and double with single.
bool a64_FCVTL(struct a64 *a, uint32_t insn)
{
    unsigned size = 1 + (insn >> 22 & 1);
    struct simd s = simd_decode(a, insn, size);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_half(&s, simd_n(&s));
    write_back(&s, a64_fp_op(a, FP_OP_CONVERT, size, 8, n, n, n, size + 1));
    return true;
}

static bool narrow(struct a64 *a, uint32_t insn, unsigned extra)
{
    unsigned size = 1 + (insn >> 22 & 1);
    struct simd s = simd_decode(a, insn, size);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s);
    unsigned bytes = s.scalar ? 2 * s.bytes : 16;
    ir_ref result = a64_fp_op(a, FP_OP_CONVERT, size + 1, bytes, n, n, n, size | extra);
    if (s.scalar)
        write_back(&s, result);
    else
        simd_write_half(&s, result);
    return true;
}

bool a64_FCVTN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, 0);
}
bool a64_FCVTXN(struct a64 *a, uint32_t insn)
{
    return narrow(a, insn, FP_CONVERT_ODD);
}

bool a64_BFCVTN(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 1);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s);
    simd_write_half(&s, a64_fp_op(a, FP_OP_CONVERT, 2, 16, n, n, n, 1 | FP_CONVERT_TO_BF16));
    return true;
}

// --- by element ---

// The element's size: 00 half, 10 single, 11 double.
static bool by_element(struct a64 *a, uint32_t insn, enum arm_fp_op op)
{
    unsigned size = insn >> 23 & 1 ? 2 + (insn >> 22 & 1) : 1;
    struct simd s = simd_decode(a, insn, size);
    if (size == 3 && ((insn >> 21 & 1) || (!s.scalar && !s.q)))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    write_back(&s, compute(&s, op, simd_n(&s), simd_element(&s, size), 0));
    return true;
}

bool a64_FMLA_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, FP_OP_FMA);
}
bool a64_FMLS_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, FP_OP_FMS);
}
bool a64_FMUL_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, FP_OP_MUL);
}
bool a64_FMULX_elem(struct a64 *a, uint32_t insn)
{
    return by_element(a, insn, FP_OP_MULX);
}
