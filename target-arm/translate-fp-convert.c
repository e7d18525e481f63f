// SPDX-License-Identifier: MIT
// Conversions between scalar floating point and general registers (Arm ARM, C4.1.97): integers, fixed point, and moves
// of bits.

#include "target-arm/translate-simd.h"

static bool to_integer(struct a64 *a, uint32_t insn, bool is_signed, enum ir_round rounding, unsigned fraction_bits)
{
    unsigned size;
    enum ir_type type = insn_type(insn);
    if (!a64_fp_type(a, insn, &size) || (type == IR_I32 && fraction_bits > 32))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_v(a, insn_rn(insn)), result;
    if (size == 1) {
        unsigned extra = rounding | fraction_bits << 4 | (type == IR_I64 ? FP_TO_INT_64 : 0);
        uint32_t control = a64_fp_control(a, is_signed ? FP_OP_TO_SI : FP_OP_TO_UI, size, 1, extra);
        result = a64_call2(a, &arm_helper_fp_to_int, n, ir_i32(a->b, control));
        if (type == IR_I32)
            result = ir_trunc(a->b, result);
    } else {
        ir_ref x = ir_emit(a->b, IR_VLOW, size == 2 ? IR_F32 : IR_F64, 0, n, IR_NONE, IR_NONE, 0);
        result = ir_emit(a->b, is_signed ? IR_FTOSI : IR_FTOUI, type, fraction_bits, x, IR_NONE, IR_NONE, rounding);
    }
    a64_set(a, insn_rd(insn), result);
    return true;
}

static bool from_integer(struct a64 *a, uint32_t insn, bool is_signed, unsigned fraction_bits)
{
    unsigned size;
    enum ir_type type = insn_type(insn);
    if (!a64_fp_type(a, insn, &size) || (type == IR_I32 && fraction_bits > 32))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_reg(a, type, insn_rn(insn)), result;
    if (size == 1) {
        uint32_t control = a64_fp_control(a, is_signed ? FP_OP_FROM_SI : FP_OP_FROM_UI, size, 1, fraction_bits << 4);
        ir_ref wide = is_signed ? ir_sext(a->b, n) : ir_zext(a->b, n);
        result = a64_call2(a, &arm_helper_fp_from_int, wide, ir_i32(a->b, control));
    } else {
        ir_ref x = ir_emit(a->b, is_signed ? IR_SITOF : IR_UITOF, size == 2 ? IR_F32 : IR_F64, fraction_bits, n,
                           IR_NONE, IR_NONE, 0);
        result = ir_emit(a->b, IR_VFROM, IR_V128, 0, x, IR_NONE, IR_NONE, 0);
    }
    a64_set_v(a, insn_rd(insn), result);
    return true;
}

static enum ir_round rounding_of(uint32_t insn)
{
    static const uint8_t modes[4] = {IR_ROUND_NEAREST_EVEN, IR_ROUND_UP, IR_ROUND_DOWN, IR_ROUND_ZERO};
    return modes[extract32(insn, 19, 2)];
}

static unsigned fraction_bits_of(uint32_t insn)
{
    return 64 - extract32(insn, 10, 6);
}

bool a64_FCVTS_int(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, true, rounding_of(insn), 0);
}
bool a64_FCVTU_int(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, false, rounding_of(insn), 0);
}
bool a64_FCVTAS_int(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, true, IR_ROUND_NEAREST_AWAY, 0);
}
bool a64_FCVTAU_int(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, false, IR_ROUND_NEAREST_AWAY, 0);
}
bool a64_FCVTZS_fixed(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, true, IR_ROUND_ZERO, fraction_bits_of(insn));
}
bool a64_FCVTZU_fixed(struct a64 *a, uint32_t insn)
{
    return to_integer(a, insn, false, IR_ROUND_ZERO, fraction_bits_of(insn));
}
bool a64_SCVTF_int(struct a64 *a, uint32_t insn)
{
    return from_integer(a, insn, true, 0);
}
bool a64_UCVTF_int(struct a64 *a, uint32_t insn)
{
    return from_integer(a, insn, false, 0);
}
bool a64_SCVTF_fixed(struct a64 *a, uint32_t insn)
{
    return from_integer(a, insn, true, fraction_bits_of(insn));
}
bool a64_UCVTF_fixed(struct a64 *a, uint32_t insn)
{
    return from_integer(a, insn, false, fraction_bits_of(insn));
}

// --- moves ---

// A register of half precision moves to and from both widths, the others to their own.
static bool move_size(struct a64 *a, uint32_t insn, unsigned *size)
{
    return a64_fp_type(a, insn, size) && (*size == 1 || *size == (insn >> 31 ? 3U : 2U));
}

bool a64_FMOV_to_general(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!move_size(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    a64_set(a, insn_rd(insn),
            ir_emit(a->b, IR_VGET, IR_I64, size, a64_v(a, insn_rn(insn)), IR_NONE, IR_NONE, 0));
    return true;
}

bool a64_FMOV_from_general(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!move_size(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_reg(a, size == 3 ? IR_I64 : IR_I32, insn_rn(insn));
    if (size == 1)
        n = ir_andi(a->b, n, 0xffff);
    a64_set_v(a, insn_rd(insn), ir_emit(a->b, IR_VFROMI, IR_V128, 0, n, IR_NONE, IR_NONE, 0));
    return true;
}

bool a64_FMOV_top_to_general(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    a64_set(a, insn_rd(insn), ir_emit(a->b, IR_VGET, IR_I64, 3, a64_v(a, insn_rn(insn)), IR_NONE, IR_NONE, 1));
    return true;
}

bool a64_FMOV_top_from_general(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    unsigned rd = insn_rd(insn);
    a64_set_v(a, rd, ir_v2(a->b, IR_VSET, 3, a64_v(a, rd), a64_x(a, insn_rn(insn)), 1));
    return true;
}

bool a64_FJCVTZS(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref control = ir_i32(a->b, a64_fp_control(a, 0, 3, 1, 0));
    ir_ref result = a64_call2(a, &arm_helper_fjcvtzs, a64_v(a, insn_rn(insn)), control);
    a64_set(a, insn_rd(insn), ir_trunc(a->b, result));
    a64_set_nzcv(a, ir_trunc(a->b, ir_shli(a->b, ir_extract(a->b, result, 32, 1), ctz32(IR_FLAG_Z))));
    return true;
}
