// SPDX-License-Identifier: MIT
// Data processing, register (Arm ARM, C4.1.95): conditional compare and select, flag manipulation.

#include "target-arm/translate-data.h"
#include "target-arm/translate.h"

// --- conditional compare ---

static bool cond_compare(struct a64 *a, uint32_t insn, enum ir_op op, bool immediate)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn));
    ir_ref m = immediate ? ir_imm(a->b, type, insn_rm(insn)) : a64_reg(a, type, insn_rm(insn));
    ir_ref cond = a64_condition(a, extract32(insn, 12, 4));
    ir_ref compared = ir_emit(a->b, op, type, 0, n, m, IR_NONE, 0);
    ir_ref given = ir_i32(a->b, a64_pack_nzcv(insn & 15));
    a64_set_nzcv(a, ir_select(a->b, IR_NE, cond, ir_i32(a->b, 0), compared, given));
    return true;
}

bool a64_CCMN_reg(struct a64 *a, uint32_t insn)
{
    return cond_compare(a, insn, IR_FLAGADD, false);
}
bool a64_CCMN_imm(struct a64 *a, uint32_t insn)
{
    return cond_compare(a, insn, IR_FLAGADD, true);
}
bool a64_CCMP_reg(struct a64 *a, uint32_t insn)
{
    return cond_compare(a, insn, IR_FLAGSUB, false);
}
bool a64_CCMP_imm(struct a64 *a, uint32_t insn)
{
    return cond_compare(a, insn, IR_FLAGSUB, true);
}

// --- conditional select ---

static bool cond_select(struct a64 *a, uint32_t insn, ir_ref otherwise)
{
    enum ir_type type = insn_type(insn);
    ir_ref cond = a64_condition(a, extract32(insn, 12, 4));
    ir_ref n = a64_reg(a, type, insn_rn(insn));
    a64_set(a, insn_rd(insn), ir_select(a->b, IR_NE, cond, ir_i32(a->b, 0), n, otherwise));
    return true;
}

// CSET and CSETM, that is 1 or all ones when the condition does not hold.
static bool is_cset(uint32_t insn)
{
    return insn_rn(insn) == 31 && insn_rm(insn) == 31 && extract32(insn, 12, 4) < 14;
}

static ir_ref cset(struct a64 *a, uint32_t insn)
{
    enum ir_flag_cond inverted = (enum ir_flag_cond)(extract32(insn, 12, 4) ^ 1);
    return ir_flag_test(a->b, insn_type(insn), inverted, ir_get(a->b, SLOT_NZCV));
}

bool a64_CSEL(struct a64 *a, uint32_t insn)
{
    return cond_select(a, insn, a64_reg(a, insn_type(insn), insn_rm(insn)));
}

bool a64_CSINC(struct a64 *a, uint32_t insn)
{
    if (is_cset(insn)) {
        a64_set(a, insn_rd(insn), cset(a, insn));
        return true;
    }
    return cond_select(a, insn, ir_addi(a->b, a64_reg(a, insn_type(insn), insn_rm(insn)), 1));
}

bool a64_CSINV(struct a64 *a, uint32_t insn)
{
    if (is_cset(insn)) {
        a64_set(a, insn_rd(insn), ir_op1(a->b, IR_NEG, cset(a, insn)));
        return true;
    }
    return cond_select(a, insn, ir_op1(a->b, IR_NOT, a64_reg(a, insn_type(insn), insn_rm(insn))));
}

bool a64_CSNEG(struct a64 *a, uint32_t insn)
{
    return cond_select(a, insn, ir_op1(a->b, IR_NEG, a64_reg(a, insn_type(insn), insn_rm(insn))));
}

// --- flag manipulation ---

static ir_ref flag_bit(struct a64 *a, ir_ref value, unsigned bit, uint32_t flag)
{
    return ir_shli(a->b, ir_extract(a->b, value, bit, 1), ctz32(flag));
}

bool a64_RMIF(struct a64 *a, uint32_t insn)
{
    unsigned amount = extract32(insn, 15, 6);
    ir_ref n = a64_x(a, insn_rn(insn));
    if (amount)
        n = ir_op2(a->b, IR_ROR, n, ir_i64(a->b, amount));
    n = ir_trunc(a->b, n);
    uint32_t mask = a64_pack_nzcv(insn & 15);
    ir_ref bits = ir_or(a->b, ir_or(a->b, flag_bit(a, n, 3, IR_FLAG_N), flag_bit(a, n, 2, IR_FLAG_Z)),
                        ir_or(a->b, flag_bit(a, n, 1, IR_FLAG_C), flag_bit(a, n, 0, IR_FLAG_V)));
    ir_ref kept = ir_andi(a->b, ir_get(a->b, SLOT_NZCV), ~mask);
    a64_set_nzcv(a, ir_or(a->b, kept, ir_andi(a->b, bits, mask)));
    return true;
}

// N and Z of the low `bits` bits; V is the difference of the sign and the bit above it; C stays.
static bool set_flags_narrow(struct a64 *a, uint32_t insn, unsigned bits)
{
    ir_ref n = a64_reg(a, IR_I32, insn_rn(insn));
    ir_ref nz = ir_emit(a->b, IR_FLAGLOGIC, IR_I32, 0, ir_shli(a->b, n, 32 - bits), IR_NONE, IR_NONE, 0);
    ir_ref v = ir_extract(a->b, ir_xor(a->b, n, ir_shri(a->b, n, 1)), bits - 1, 1);
    ir_ref c = ir_andi(a->b, ir_get(a->b, SLOT_NZCV), IR_FLAG_C);
    a64_set_nzcv(a, ir_or(a->b, ir_or(a->b, nz, v), c)); // IR_FLAG_V is bit 0
    return true;
}

bool a64_SETF8(struct a64 *a, uint32_t insn)
{
    return set_flags_narrow(a, insn, 8);
}
bool a64_SETF16(struct a64 *a, uint32_t insn)
{
    return set_flags_narrow(a, insn, 16);
}

bool a64_CFINV(struct a64 *a, uint32_t insn)
{
    (void)insn;
    a64_set_nzcv(a, ir_xor(a->b, ir_get(a->b, SLOT_NZCV), ir_i32(a->b, IR_FLAG_C)));
    return true;
}

// From the external format: N = !C & !Z, Z = Z & C, C = C | Z, V = !C & Z.
bool a64_XAFLAG(struct a64 *a, uint32_t insn)
{
    (void)insn;
    ir_ref flags = ir_get(a->b, SLOT_NZCV);
    ir_ref c = ir_flag_test(a->b, IR_I32, IR_FC_CS, flags), z = ir_flag_test(a->b, IR_I32, IR_FC_EQ, flags);
    ir_ref either = ir_or(a->b, c, z);
    ir_ref n = ir_shli(a->b, ir_xor(a->b, either, ir_i32(a->b, 1)), ctz32(IR_FLAG_N));
    ir_ref both = ir_shli(a->b, ir_and(a->b, c, z), ctz32(IR_FLAG_Z));
    ir_ref v = ir_op2(a->b, IR_ANDN, z, c);
    a64_set_nzcv(a, ir_or(a->b, ir_or(a->b, n, both), ir_or(a->b, ir_shli(a->b, either, ctz32(IR_FLAG_C)), v)));
    return true;
}

// To the external format: N = 0, Z = Z | V, C = C & !V, V = 0.
bool a64_AXFLAG(struct a64 *a, uint32_t insn)
{
    (void)insn;
    ir_ref flags = ir_get(a->b, SLOT_NZCV);
    ir_ref c = ir_flag_test(a->b, IR_I32, IR_FC_CS, flags), z = ir_flag_test(a->b, IR_I32, IR_FC_EQ, flags);
    ir_ref v = ir_flag_test(a->b, IR_I32, IR_FC_VS, flags);
    ir_ref new_z = ir_shli(a->b, ir_or(a->b, z, v), ctz32(IR_FLAG_Z));
    a64_set_nzcv(a, ir_or(a->b, new_z, ir_shli(a->b, ir_op2(a->b, IR_ANDN, c, v), ctz32(IR_FLAG_C))));
    return true;
}
