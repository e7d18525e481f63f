// SPDX-License-Identifier: MIT
// What the Advanced SIMD translators share (translate-simd.h).

#include "target-arm/translate-simd.h"

struct simd simd_decode(struct a64 *a, uint32_t insn, unsigned size)
{
    bool scalar = insn >> 28 & 1, q = insn >> 30 & 1;
    return (struct simd){.a = a,
                         .b = a->b,
                         .insn = insn,
                         .size = size,
                         .bytes = scalar ? 1U << size : q ? 16 : 8,
                         .scalar = scalar,
                         .q = q};
}

ir_ref simd_splat(const struct simd *s, unsigned size, uint64_t value)
{
    unsigned bits = 8U << size;
    value &= mask64(bits);
    for (; bits < 64; bits *= 2)
        value |= value << bits;
    return ir_v128(s->b, value, value);
}

ir_ref simd_zero(const struct simd *s)
{
    return ir_v128(s->b, 0, 0);
}

ir_ref simd_not(const struct simd *s, ir_ref x)
{
    return ir_v1(s->b, IR_VNOT, 0, x, 0);
}

ir_ref simd_shift(const struct simd *s, enum ir_op op, unsigned size, ir_ref x, unsigned count)
{
    unsigned bits = 8U << size;
    if (!count)
        return x;
    if (count >= bits && op != IR_VSAR)
        return simd_zero(s);
    return ir_v1(s->b, op, size, x, count < bits ? count : bits - 1);
}

ir_ref simd_low(struct ir_builder *b, ir_ref v, unsigned bytes)
{
    if (bytes == 16)
        return v;
    if (bytes < 4)
        return ir_v2(b, IR_VAND, 0, v, ir_v128(b, mask64(8 * bytes), 0), 0);
    ir_ref low = ir_emit(b, IR_VLOW, bytes == 4 ? IR_F32 : IR_F64, 0, v, IR_NONE, IR_NONE, 0);
    return ir_emit(b, IR_VFROM, IR_V128, 0, low, IR_NONE, IR_NONE, 0);
}

void simd_write(const struct simd *s, ir_ref value)
{
    a64_set_v(s->a, insn_rd(s->insn), simd_clean(s, value));
}

void simd_write_half(const struct simd *s, ir_ref value)
{
    a64_set_v(s->a, insn_rd(s->insn),
              s->q ? ir_v2(s->b, IR_VZIPLO, 3, simd_d(s), value, 0) : simd_low(s->b, value, 8));
}

ir_ref simd_half(const struct simd *s, ir_ref v)
{
    return s->q ? ir_v2(s->b, IR_VEXT, 0, v, v, 8) : v;
}

ir_ref simd_saturated(const struct simd *s, ir_ref saturated, ir_ref wrapped)
{
    ir_ref differs = ir_v2(s->b, IR_VXOR, 0, saturated, wrapped, 0);
    ir_set(s->b, SLOT_QC, ir_v2(s->b, IR_VOR, 0, ir_get(s->b, SLOT_QC), differs, 0));
    return saturated;
}

ir_ref simd_element(const struct simd *s, unsigned size)
{
    unsigned h = s->insn >> 11 & 1, l = s->insn >> 21 & 1, m = s->insn >> 20 & 1;
    unsigned index = size == 1 ? h << 2 | l << 1 | m : size == 2 ? h << 1 | l : h;
    unsigned rm = extract32(s->insn, 16, size == 1 ? 4 : 5);
    return ir_v1(s->b, IR_VDUPLANE, size, a64_v(s->a, rm), index);
}

static bool size_allowed(const struct simd *s, unsigned vector_sizes, unsigned scalar_sizes)
{
    if (s->scalar)
        return scalar_sizes >> s->size & 1;
    return (vector_sizes >> s->size & 1) && (s->q || s->size != 3);
}

bool simd_three_same(struct a64 *a, uint32_t insn, unsigned vector_sizes, unsigned scalar_sizes, simd_binary *op)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!size_allowed(&s, vector_sizes, scalar_sizes))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, op(&s, simd_n(&s), simd_m(&s)));
    return true;
}

bool simd_two_reg(struct a64 *a, uint32_t insn, unsigned vector_sizes, unsigned scalar_sizes, simd_unary *op)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!size_allowed(&s, vector_sizes, scalar_sizes))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    simd_write(&s, op(&s, simd_n(&s)));
    return true;
}

ir_ref simd_call(const struct simd *s, enum arm_simd_op op, unsigned extra, ir_ref n, ir_ref m, ir_ref d)
{
    ir_ref args[] = {n, m, d, ir_i32(s->b, op | s->size << 8 | extra)};
    return ir_call(s->b, &arm_helper_simd, args);
}
