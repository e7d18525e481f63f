// SPDX-License-Identifier: MIT
// Shared by the translators of floating point and Advanced SIMD data processing. Private to target-arm.
//
// Vectors of 8 bytes and scalars are computed on whole v128 values; what lies above the operation's bytes is cleared
// when the result is written. Operations with side effects (cumulative flags, QC) first see to it that the lanes above
// cannot cause any.
#pragma once

#include "target-arm/helper-simd.h"
#include "target-arm/translate.h"

// The instruction's operation, as the handlers share it.
struct simd {
    struct a64 *a;
    struct ir_builder *b;
    uint32_t insn;
    unsigned size;  // log2 of the bytes of a lane
    unsigned bytes; // of the vector, or of the one lane for a scalar
    bool scalar;
    bool q;         // bit 30: a vector of 16 bytes, or the "2" forms that use upper halves
};

// Sets of lane sizes.
enum { SIZE_B = 1, SIZE_H = 2, SIZE_S = 4, SIZE_D = 8, SIZE_BHS = 7, SIZE_HS = 6, SIZE_ALL = 15, SIZE_NONE = 0 };

// Bit 28 tells scalar Advanced SIMD from vector instructions, bit 30 is Q.
struct simd simd_decode(struct a64 *a, uint32_t insn, unsigned size);

// Computes a result from Vn and Vm (which may be an element in every lane).
typedef ir_ref simd_binary(const struct simd *s, ir_ref n, ir_ref m);
typedef ir_ref simd_unary(const struct simd *s, ir_ref n);

static inline ir_ref simd_n(const struct simd *s)
{
    return a64_v(s->a, insn_rn(s->insn));
}
static inline ir_ref simd_m(const struct simd *s)
{
    return a64_v(s->a, insn_rm(s->insn));
}
static inline ir_ref simd_d(const struct simd *s)
{
    return a64_v(s->a, insn_rd(s->insn));
}

// Operations on the instruction's lanes, or on lanes of another size.
static inline ir_ref simd_op1(const struct simd *s, enum ir_op op, ir_ref x)
{
    return ir_v1(s->b, op, s->size, x, 0);
}
static inline ir_ref simd_op2(const struct simd *s, enum ir_op op, ir_ref x, ir_ref y)
{
    return ir_v2(s->b, op, s->size, x, y, 0);
}
static inline ir_ref simd_wide2(const struct simd *s, enum ir_op op, ir_ref x, ir_ref y)
{
    return ir_v2(s->b, op, s->size + 1, x, y, 0);
}
// By an immediate; a count of the lane's width gives zero, or the sign for VSAR.
ir_ref simd_shift(const struct simd *s, enum ir_op op, unsigned size, ir_ref x, unsigned count);
// `value` in every lane.
ir_ref simd_splat(const struct simd *s, unsigned size, uint64_t value);
ir_ref simd_zero(const struct simd *s);
ir_ref simd_not(const struct simd *s, ir_ref x);

// The low `bytes` of a vector, the rest zero. 1, 2, 4, 8 or 16.
ir_ref simd_low(struct ir_builder *b, ir_ref v, unsigned bytes);
// The operation's bytes of an operand, the rest zero.
static inline ir_ref simd_clean(const struct simd *s, ir_ref v)
{
    return simd_low(s->b, v, s->bytes);
}
// Writes Vd.
void simd_write(const struct simd *s, ir_ref value);
// Writes the low 8 bytes of `value` to the low half of Vd and clears the rest, or to the upper half for the "2" forms.
void simd_write_half(const struct simd *s, ir_ref value);
// The half of an operand that the "2" forms choose, in the low half.
ir_ref simd_half(const struct simd *s, ir_ref v);
// Sets QC where the saturated result differs from the wrapped one; returns the saturated one.
ir_ref simd_saturated(const struct simd *s, ir_ref saturated, ir_ref wrapped);

// The element of Vm that a by-element instruction names, in every lane of `size`; the index has 3, 2 or 1 bits of
// H, L, M by size.
ir_ref simd_element(const struct simd *s, unsigned size);

// A whole handler: decodes bits 23:22 as the size, checks it, computes, writes.
bool simd_three_same(struct a64 *a, uint32_t insn, unsigned vector_sizes, unsigned scalar_sizes, simd_binary *op);
bool simd_two_reg(struct a64 *a, uint32_t insn, unsigned vector_sizes, unsigned scalar_sizes, simd_unary *op);

// Lane operations that C computes (helper-simd.h); pure.
ir_ref simd_call(const struct simd *s, enum arm_simd_op op, unsigned extra, ir_ref n, ir_ref m, ir_ref d);

// Operations that several encodings share.
ir_ref simd_mla(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_mls(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_mul(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_sqdmulh(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_sqrdmulh(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_sqrdmlah(const struct simd *s, ir_ref n, ir_ref m);
ir_ref simd_sqrdmlsh(const struct simd *s, ir_ref n, ir_ref m);

// --- floating point ------------------------------------------------------------------------------------------------
// Formats by size as for lanes: 1 half, 2 single, 3 double.

// An operation of enum arm_fp_op on `bytes` of lanes of `size`, or on one lane (scalar); result clean. IR operations
// where there are some. `extra` is the helper's.
ir_ref a64_fp_op(struct a64 *a, enum arm_fp_op op, unsigned size, unsigned bytes, ir_ref n, ir_ref m, ir_ref d,
                 unsigned extra);
// The control word of a call of the FP helpers.
uint32_t a64_fp_control(const struct a64 *a, enum arm_fp_op op, unsigned size, unsigned lanes, unsigned extra);
// The size that a scalar's type field names: single, double, reserved, half. False when it is unallocated.
bool a64_fp_type(const struct a64 *a, uint32_t insn, unsigned *size);
// VFPExpandImm.
uint64_t a64_fp_expand_imm(unsigned imm8, unsigned size);
