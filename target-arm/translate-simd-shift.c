// SPDX-License-Identifier: MIT
// Advanced SIMD shift by immediate (Arm ARM, C4.1.97), but for the conversions between fixed and floating point.

#include "target-arm/translate-simd.h"

// immh:immb holds the lane size in the place of its highest set bit, and the count below it. False for reserved sizes;
// `narrow` forms name the narrower of two sizes, which is never 8 bytes.
static bool decode(struct a64 *a, uint32_t insn, bool narrow, struct simd *s, unsigned *imm)
{
    unsigned immh = extract32(insn, 19, 4);
    *imm = extract32(insn, 16, 7);
    *s = simd_decode(a, insn, 31 - clz32(immh | 1));
    return immh && (narrow ? s->size != 3 : s->size != 3 || s->scalar || s->q);
}

static unsigned width(const struct simd *s)
{
    return 8U << s->size;
}

// SHR of `count` from 1 to the width, rounded: the last bit shifted out is added.
static ir_ref shift_right(const struct simd *s, enum ir_op op, unsigned size, ir_ref n, unsigned count, bool round)
{
    if (!round)
        return simd_shift(s, op, size, n, count);
    unsigned bits = 8U << size;
    if (count == bits && op == IR_VSAR) // the sign and the bit that rounds it away
        return simd_zero(s);
    ir_ref last = ir_v2(s->b, IR_VAND, 0, simd_shift(s, IR_VSHR, size, n, count - 1), simd_splat(s, size, 1), 0);
    return ir_v2(s->b, IR_VADD, size, simd_shift(s, op, size, n, count), last, 0);
}

static bool right(struct a64 *a, uint32_t insn, enum ir_op op, bool round, bool accumulate)
{
    struct simd s;
    unsigned imm;
    if (!decode(a, insn, false, &s, &imm) || (s.scalar && s.size != 3))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref result = shift_right(&s, op, s.size, simd_n(&s), 2 * width(&s) - imm, round);
    simd_write(&s, accumulate ? simd_op2(&s, IR_VADD, simd_d(&s), result) : result);
    return true;
}

bool a64_SSHR(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSAR, false, false);
}
bool a64_SSRA(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSAR, false, true);
}
bool a64_SRSHR(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSAR, true, false);
}
bool a64_SRSRA(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSAR, true, true);
}
bool a64_USHR(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSHR, false, false);
}
bool a64_USRA(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSHR, false, true);
}
bool a64_URSHR(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSHR, true, false);
}
bool a64_URSRA(struct a64 *a, uint32_t insn)
{
    return right(a, insn, IR_VSHR, true, true);
}

// Left, or with insertion of the bits that the shift leaves.
static bool inserting(struct a64 *a, uint32_t insn, enum ir_op op, bool insert)
{
    struct simd s;
    unsigned imm;
    if (!decode(a, insn, false, &s, &imm) || (s.scalar && s.size != 3))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    unsigned count = op == IR_VSHL ? imm - width(&s) : 2 * width(&s) - imm;
    ir_ref result = simd_shift(&s, op, s.size, simd_n(&s), count);
    if (insert) {
        uint64_t ones = mask64(width(&s)), shifted = count == 64 ? 0 : op == IR_VSHL ? ones << count : ones >> count;
        result = ir_op3(s.b, IR_VSEL, simd_splat(&s, s.size, shifted), result, simd_d(&s));
    }
    simd_write(&s, result);
    return true;
}

bool a64_SHL(struct a64 *a, uint32_t insn)
{
    return inserting(a, insn, IR_VSHL, false);
}
bool a64_SLI(struct a64 *a, uint32_t insn)
{
    return inserting(a, insn, IR_VSHL, true);
}
bool a64_SRI(struct a64 *a, uint32_t insn)
{
    return inserting(a, insn, IR_VSHR, true);
}

static bool saturating_left(struct a64 *a, uint32_t insn, enum arm_simd_op op)
{
    struct simd s;
    unsigned imm;
    if (!decode(a, insn, false, &s, &imm))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_clean(&s, simd_n(&s)), count = simd_splat(&s, s.size, imm - width(&s));
    ir_ref saturated = simd_call(&s, op, SIMD_SATURATE | SIMD_REPORT, n, count, n);
    ir_set(s.b, SLOT_QC, simd_op2(&s, IR_VOR, ir_get(s.b, SLOT_QC), saturated));
    simd_write(&s, simd_call(&s, op, SIMD_SATURATE, n, count, n));
    return true;
}

bool a64_SQSHL_imm(struct a64 *a, uint32_t insn)
{
    return saturating_left(a, insn, SIMD_SSHL);
}
bool a64_UQSHL_imm(struct a64 *a, uint32_t insn)
{
    return saturating_left(a, insn, SIMD_USHL);
}
bool a64_SQSHLU(struct a64 *a, uint32_t insn)
{
    return saturating_left(a, insn, SIMD_SQSHLU);
}

// --- narrowing and lengthening ---

// `cut` is the truncation, `extend` what undoes it where nothing was lost.
static bool narrowing(struct a64 *a, uint32_t insn, enum ir_op shift, bool round, enum ir_op cut, enum ir_op extend)
{
    struct simd s;
    unsigned imm;
    if (!decode(a, insn, true, &s, &imm))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = s.scalar ? simd_low(s.b, simd_n(&s), 2 * s.bytes) : simd_n(&s);
    ir_ref shifted = shift_right(&s, shift, s.size + 1, n, 2 * width(&s) - imm, round);
    ir_ref result = simd_op1(&s, cut, shifted);
    if (cut != IR_VTRUNC)
        simd_saturated(&s, simd_op1(&s, extend, result), shifted);
    if (s.scalar)
        simd_write(&s, result);
    else
        simd_write_half(&s, result);
    return true;
}

bool a64_SHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSHR, false, IR_VTRUNC, IR_VZXTL);
}
bool a64_RSHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSHR, true, IR_VTRUNC, IR_VZXTL);
}
bool a64_SQSHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSAR, false, IR_VQTRUNCS, IR_VSXTL);
}
bool a64_SQRSHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSAR, true, IR_VQTRUNCS, IR_VSXTL);
}
bool a64_UQSHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSHR, false, IR_VQTRUNCU, IR_VZXTL);
}
bool a64_UQRSHRN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSHR, true, IR_VQTRUNCU, IR_VZXTL);
}
bool a64_SQSHRUN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSAR, false, IR_VQTRUNCSU, IR_VZXTL);
}
bool a64_SQRSHRUN(struct a64 *a, uint32_t insn)
{
    return narrowing(a, insn, IR_VSAR, true, IR_VQTRUNCSU, IR_VZXTL);
}

static bool lengthening(struct a64 *a, uint32_t insn, enum ir_op extend)
{
    struct simd s;
    unsigned imm;
    if (!decode(a, insn, true, &s, &imm))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref wide = simd_op1(&s, extend, simd_half(&s, simd_n(&s)));
    a64_set_v(a, insn_rd(insn), simd_shift(&s, IR_VSHL, s.size + 1, wide, imm - width(&s)));
    return true;
}

bool a64_SSHLL(struct a64 *a, uint32_t insn)
{
    return lengthening(a, insn, IR_VSXTL);
}
bool a64_USHLL(struct a64 *a, uint32_t insn)
{
    return lengthening(a, insn, IR_VZXTL);
}
