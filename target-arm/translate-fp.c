// SPDX-License-Identifier: MIT
// Scalar floating point but for conversions to and from integers (Arm ARM, C4.1.97): one to three sources, compares,
// select, immediates. Also the operations that scalars and vectors share (a64_fp_op).
//
// Half precision is computed by helpers; single and double precision by IR operations, but for the rare ones.

#include "target-arm/translate-simd.h"

uint32_t a64_fp_control(const struct a64 *a, enum arm_fp_op op, unsigned size, unsigned lanes, unsigned extra)
{
    return op | size << 8 | lanes << 10 | (a64_flag(a, ARM_BF_FPCR_AHP) ? FP_CONTROL_AHP : 0) |
           (a64_flag(a, ARM_BF_FPCR_DN) ? FP_CONTROL_DN : 0) | (a64_flag(a, ARM_BF_FPCR_FZ) ? FP_CONTROL_FZ : 0) |
           (a64_flag(a, ARM_BF_FPCR_FZ16) ? FP_CONTROL_FZ16 : 0) | extra << FP_CONTROL_EXTRA;
}

bool a64_fp_type(const struct a64 *a, uint32_t insn, unsigned *size)
{
    static const uint8_t sizes[4] = {2, 3, 0, 1};
    *size = sizes[extract32(insn, 22, 2)];
    return *size && (*size != 1 || arm_has(a->cpu, ARM_FEAT_FP16));
}

uint64_t a64_fp_expand_imm(unsigned imm8, unsigned size)
{
    static const uint8_t exponent_bits[4] = {0, 5, 8, 11};
    unsigned e = exponent_bits[size], f = (8U << size) - e - 1;
    uint64_t exponent = imm8 >> 6 & 1 ? mask64(e - 3) << 2 : BIT64(e - 1);
    return (uint64_t)(imm8 >> 7) << (e + f) | (exponent | (imm8 >> 4 & 3)) << f | (uint64_t)(imm8 & 15) << (f - 4);
}

// --- operations on lanes -------------------------------------------------------------------------------------------

static ir_ref emit1(struct ir_builder *b, enum ir_op op, unsigned size, ir_ref x, unsigned imm)
{
    return ir_emit(b, op, ir_type_of(b->region, x), size, x, IR_NONE, IR_NONE, imm);
}

static ir_ref emit2(struct ir_builder *b, enum ir_op op, unsigned size, ir_ref x, ir_ref y)
{
    return ir_emit(b, op, ir_type_of(b->region, x), size, x, y, IR_NONE, 0);
}

static ir_ref negate(struct ir_builder *b, unsigned size, ir_ref x)
{
    return emit1(b, IR_FNEG, size, x, 0);
}

static ir_ref multiply_add(struct ir_builder *b, unsigned size, ir_ref addend, ir_ref x, ir_ref y)
{
    return ir_emit(b, IR_FMA, ir_type_of(b->region, x), size, addend, x, y, 0);
}

// By IR operations, on whole vectors or on f32 and f64; up to FP_OP_LAST_INLINE.
static ir_ref inline_op(struct ir_builder *b, enum arm_fp_op op, unsigned size, ir_ref n, ir_ref m, ir_ref d,
                        unsigned extra)
{
    static const uint8_t binary[] = {
        [FP_OP_ADD] = IR_FADD,     [FP_OP_SUB] = IR_FSUB,     [FP_OP_MUL] = IR_FMUL,     [FP_OP_DIV] = IR_FDIV,
        [FP_OP_MIN] = IR_FMIN,     [FP_OP_MAX] = IR_FMAX,     [FP_OP_MINNM] = IR_FMINNM, [FP_OP_MAXNM] = IR_FMAXNM,
        [FP_OP_CMEQ] = IR_FCMPEQ,  [FP_OP_CMGE] = IR_FCMPGE,  [FP_OP_CMGT] = IR_FCMPGT,
    };
    if (op < ARRAY_SIZE(binary) && binary[op])
        return emit2(b, binary[op], size, n, m);
    switch (op) {
    case FP_OP_NMUL:
        return negate(b, size, emit2(b, IR_FMUL, size, n, m));
    case FP_OP_FMA:
        return multiply_add(b, size, d, n, m);
    case FP_OP_FMS:
        return multiply_add(b, size, d, negate(b, size, n), m);
    case FP_OP_NMADD:
        return multiply_add(b, size, negate(b, size, d), negate(b, size, n), m);
    case FP_OP_NMSUB:
        return multiply_add(b, size, negate(b, size, d), n, m);
    case FP_OP_ABD:
        return emit1(b, IR_FABS, size, emit2(b, IR_FSUB, size, n, m), 0);
    case FP_OP_ACGE:
    case FP_OP_ACGT:
        return emit2(b, op == FP_OP_ACGE ? IR_FCMPGE : IR_FCMPGT, size, emit1(b, IR_FABS, size, n, 0),
                     emit1(b, IR_FABS, size, m, 0));
    case FP_OP_SQRT:
        return emit1(b, IR_FSQRT, size, n, 0);
    case FP_OP_ABS:
        return emit1(b, IR_FABS, size, n, 0);
    case FP_OP_NEG:
        return negate(b, size, n);
    default: // FP_OP_RINT
        return emit1(b, IR_FRINT, size, n, extra);
    }
}

static enum ir_type scalar_type(unsigned size)
{
    return size == 2 ? IR_F32 : IR_F64;
}

static ir_ref low_lane(struct ir_builder *b, unsigned size, ir_ref v)
{
    return ir_emit(b, IR_VLOW, scalar_type(size), 0, v, IR_NONE, IR_NONE, 0);
}

static ir_ref from_scalar(struct ir_builder *b, ir_ref x)
{
    return ir_emit(b, ir_type_is_int(ir_type_of(b->region, x)) ? IR_VFROMI : IR_VFROM, IR_V128, 0, x, IR_NONE,
                   IR_NONE, 0);
}

// Conversions of one lane; the result is a scalar of any type.
static ir_ref convert_lane(struct ir_builder *b, enum arm_fp_op op, unsigned size, ir_ref v, unsigned extra)
{
    enum ir_type integer = size == 2 ? IR_I32 : IR_I64;
    switch (op) {
    case FP_OP_TO_SI:
    case FP_OP_TO_UI:
        return ir_emit(b, op == FP_OP_TO_SI ? IR_FTOSI : IR_FTOUI, integer, extra >> 4, low_lane(b, size, v), IR_NONE,
                       IR_NONE, extra & 15);
    case FP_OP_FROM_SI:
    case FP_OP_FROM_UI: {
        ir_ref x = ir_emit(b, IR_VGET, integer, size, v, IR_NONE, IR_NONE, 0);
        return ir_emit(b, op == FP_OP_FROM_SI ? IR_SITOF : IR_UITOF, scalar_type(size), extra >> 4, x, IR_NONE, IR_NONE,
                       0);
    }
    default:
        return ir_emit(b, IR_FCVT, scalar_type(extra), 0, low_lane(b, size, v), IR_NONE, IR_NONE, 0);
    }
}

static bool converts_inline(enum arm_fp_op op, unsigned size, unsigned extra)
{
    if (op == FP_OP_CONVERT)
        return size + extra == 5; // between single and double
    return op >= FP_OP_TO_SI && op <= FP_OP_FROM_UI;
}

static ir_ref convert_lanes(struct ir_builder *b, enum arm_fp_op op, unsigned size, unsigned lanes, ir_ref v,
                            unsigned extra)
{
    unsigned result_size = op == FP_OP_CONVERT ? extra : size;
    ir_ref lane[4] = {IR_NONE};
    for (unsigned i = 0; i < lanes; i++)
        lane[i] = from_scalar(b, convert_lane(b, op, size, i ? ir_v2(b, IR_VEXT, 0, v, v, i << size) : v, extra));
    if (lanes == 1)
        return lane[0];
    ir_ref low = ir_v2(b, IR_VZIPLO, result_size, lane[0], lane[1], 0);
    return lanes == 2 ? low : ir_v2(b, IR_VZIPLO, 3, low, ir_v2(b, IR_VZIPLO, result_size, lane[2], lane[3], 0), 0);
}

ir_ref a64_fp_op(struct a64 *a, enum arm_fp_op op, unsigned size, unsigned bytes, ir_ref n, ir_ref m, ir_ref d,
                 unsigned extra)
{
    struct ir_builder *b = a->b;
    unsigned lanes = bytes >> size;
    if (size >= 2 && converts_inline(op, size, extra))
        return convert_lanes(b, op, size, lanes, n, extra);
    if (size >= 2 && op <= FP_OP_LAST_INLINE) {
        if (lanes == 1)
            return from_scalar(b, inline_op(b, op, size, low_lane(b, size, n), low_lane(b, size, m),
                                            low_lane(b, size, d), extra));
        if (bytes == 8) { // lanes above must not raise flags: they do the same as those below
            n = ir_v1(b, IR_VDUPLANE, 3, n, 0);
            m = ir_v1(b, IR_VDUPLANE, 3, m, 0);
            d = ir_v1(b, IR_VDUPLANE, 3, d, 0);
        }
        return simd_low(b, inline_op(b, op, size, n, m, d, extra), bytes);
    }
    if (op == FP_OP_ABS || op == FP_OP_NEG) {
        uint64_t signs = UINT64_C(0x8000800080008000);
        ir_ref mask = ir_v128(b, signs, signs);
        return simd_low(b, ir_v2(b, op == FP_OP_ABS ? IR_VANDN : IR_VXOR, 0, n, mask, 0), bytes);
    }
    ir_ref args[] = {n, m, d, ir_i32(b, a64_fp_control(a, op, size, lanes, extra))};
    return ir_call(b, &arm_helper_fp, args);
}

// --- sources to a result -------------------------------------------------------------------------------------------

static bool scalar_op(struct a64 *a, uint32_t insn, enum arm_fp_op op, unsigned extra)
{
    unsigned size;
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_v(a, insn_rn(insn));
    ir_ref m = op < FP_OP_SQRT ? a64_v(a, insn_rm(insn)) : n;
    ir_ref d = op >= FP_OP_FMA && op <= FP_OP_NMSUB ? a64_v(a, insn_ra(insn)) : n;
    a64_set_v(a, insn_rd(insn), a64_fp_op(a, op, size, 1U << size, n, m, d, extra));
    return true;
}

bool a64_FABS_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_ABS, 0);
}
bool a64_FNEG_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_NEG, 0);
}
bool a64_FSQRT_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_SQRT, 0);
}
bool a64_FRINTN_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_NEAREST_EVEN);
}
bool a64_FRINTP_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_UP);
}
bool a64_FRINTM_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_DOWN);
}
bool a64_FRINTZ_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_ZERO);
}
bool a64_FRINTA_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_NEAREST_AWAY);
}
bool a64_FRINTX_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_CURRENT | IR_RINT_EXACT);
}
bool a64_FRINTI_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT, IR_ROUND_CURRENT);
}
bool a64_FRINT32Z_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT32, IR_ROUND_ZERO);
}
bool a64_FRINT32X_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT32, IR_ROUND_CURRENT);
}
bool a64_FRINT64Z_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT64, IR_ROUND_ZERO);
}
bool a64_FRINT64X_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_RINT64, IR_ROUND_CURRENT);
}
bool a64_FMUL_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_MUL, 0);
}
bool a64_FDIV_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_DIV, 0);
}
bool a64_FADD_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_ADD, 0);
}
bool a64_FSUB_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_SUB, 0);
}
bool a64_FMAX_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_MAX, 0);
}
bool a64_FMIN_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_MIN, 0);
}
bool a64_FMAXNM_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_MAXNM, 0);
}
bool a64_FMINNM_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_MINNM, 0);
}
bool a64_FNMUL_fp(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_NMUL, 0);
}
bool a64_FMADD(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_FMA, 0);
}
bool a64_FMSUB(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_FMS, 0);
}
bool a64_FNMADD(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_NMADD, 0);
}
bool a64_FNMSUB(struct a64 *a, uint32_t insn)
{
    return scalar_op(a, insn, FP_OP_NMSUB, 0);
}

bool a64_FMOV_reg(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    a64_set_v(a, insn_rd(insn), simd_low(a->b, a64_v(a, insn_rn(insn)), 1U << size));
    return true;
}

bool a64_FMOV_imm(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    a64_set_v(a, insn_rd(insn), ir_v128(a->b, a64_fp_expand_imm(extract32(insn, 13, 8), size), 0));
    return true;
}

// Half precision converts without FEAT_FP16 too.
bool a64_FCVT_fp(struct a64 *a, uint32_t insn)
{
    static const uint8_t sizes[4] = {2, 3, 0, 1};
    unsigned from = sizes[extract32(insn, 22, 2)], to = sizes[extract32(insn, 15, 2)];
    if (!from || !to || from == to)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_v(a, insn_rn(insn));
    a64_set_v(a, insn_rd(insn), a64_fp_op(a, FP_OP_CONVERT, from, 1U << from, n, n, n, to));
    return true;
}

bool a64_BFCVT(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = a64_v(a, insn_rn(insn));
    a64_set_v(a, insn_rd(insn), a64_fp_op(a, FP_OP_CONVERT, 2, 4, n, n, n, 1 | FP_CONVERT_TO_BF16));
    return true;
}

// --- compare and select --------------------------------------------------------------------------------------------

static ir_ref compare(struct a64 *a, unsigned size, ir_ref n, ir_ref m, bool signalling)
{
    if (size == 1)
        return a64_call3(a, &arm_helper_fp_compare, n, m, ir_i32(a->b, a64_fp_control(a, 0, size, 1, signalling)));
    return ir_emit(a->b, IR_FLAGFCMP, IR_I32, signalling, low_lane(a->b, size, n), low_lane(a->b, size, m), IR_NONE, 0);
}

bool a64_FCMP(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    bool zero = insn >> 3 & 1, signalling = insn >> 4 & 1;
    ir_ref m = zero ? ir_v128(a->b, 0, 0) : a64_v(a, insn_rm(insn));
    a64_set_nzcv(a, compare(a, size, a64_v(a, insn_rn(insn)), m, signalling));
    return true;
}

// Where the condition fails nothing is compared: two zeros raise no flags.
bool a64_FCCMP(struct a64 *a, uint32_t insn)
{
    unsigned size, cond = extract32(insn, 12, 4);
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref holds = a64_condition(a, cond), zero = ir_i32(a->b, 0), nothing = ir_v128(a->b, 0, 0);
    ir_ref n = ir_select(a->b, IR_NE, holds, zero, a64_v(a, insn_rn(insn)), nothing);
    ir_ref m = ir_select(a->b, IR_NE, holds, zero, a64_v(a, insn_rm(insn)), nothing);
    ir_ref compared = compare(a, size, n, m, insn >> 4 & 1);
    a64_set_nzcv(a, ir_select(a->b, IR_NE, holds, zero, compared, ir_i32(a->b, a64_pack_nzcv(insn & 15))));
    return true;
}

bool a64_FCSEL(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!a64_fp_type(a, insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref holds = a64_condition(a, extract32(insn, 12, 4));
    ir_ref chosen = ir_select(a->b, IR_NE, holds, ir_i32(a->b, 0), a64_v(a, insn_rn(insn)), a64_v(a, insn_rm(insn)));
    a64_set_v(a, insn_rd(insn), simd_low(a->b, chosen, 1U << size));
    return true;
}
