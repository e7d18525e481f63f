// SPDX-License-Identifier: MIT
// Data processing, register (Arm ARM, C4.1.95): logical, add and subtract, with carry. One to three sources are in
// translate-data-sources.c, what makes conditions and uses them in translate-conditions.c, pointer authentication in
// translate-pauth.c.

#include "target-arm/translate-data.h"
#include "target-arm/translate.h"

// --- logical (shifted register) ---

// ShiftReg: LSL, LSR, ASR, ROR.
static ir_ref shift_reg(struct a64 *a, enum ir_type type, unsigned m, unsigned kind, unsigned amount)
{
    static const uint8_t ops[4] = {IR_SHL, IR_SHR, IR_SAR, IR_ROR};
    ir_ref value = a64_reg(a, type, m);
    return amount ? ir_op2(a->b, ops[kind], value, ir_imm(a->b, type, amount)) : value;
}

// The operands; false for a 32-bit shift by 32 or more, which is unallocated.
static bool shifted_operands(struct a64 *a, uint32_t insn, ir_ref *n, ir_ref *m)
{
    enum ir_type type = insn_type(insn);
    unsigned amount = extract32(insn, 10, 6);
    if (type == IR_I32 && amount >= 32)
        return false;
    *n = a64_reg(a, type, insn_rn(insn));
    *m = shift_reg(a, type, insn_rm(insn), extract32(insn, 22, 2), amount);
    return true;
}

static void set_logic_flags(struct a64 *a, ir_ref value)
{
    a64_set_nzcv(a, ir_emit(a->b, IR_FLAGLOGIC, ir_type_of(a->b->region, value), 0, value, IR_NONE, IR_NONE, 0));
}

static bool logical_shift(struct a64 *a, uint32_t insn, enum ir_op op, bool invert, bool set_flags)
{
    ir_ref n, m;
    if (!shifted_operands(a, insn, &n, &m))
        return a64_undefined(a);
    ir_ref result;
    if (op == IR_AND && invert)
        result = ir_op2(a->b, IR_ANDN, n, m);
    else if (op == IR_OR && insn_rn(insn) == 31) // MOV, MVN
        result = invert ? ir_op1(a->b, IR_NOT, m) : m;
    else
        result = ir_op2(a->b, op, n, invert ? ir_op1(a->b, IR_NOT, m) : m);
    a64_set(a, insn_rd(insn), result);
    if (set_flags)
        set_logic_flags(a, result);
    return true;
}

bool a64_AND_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_AND, false, false);
}
bool a64_BIC_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_AND, true, false);
}
bool a64_ORR_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_OR, false, false);
}
bool a64_ORN_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_OR, true, false);
}
bool a64_EOR_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_XOR, false, false);
}
bool a64_EON_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_XOR, true, false);
}
bool a64_ANDS_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_AND, false, true);
}
bool a64_BICS_shift(struct a64 *a, uint32_t insn)
{
    return logical_shift(a, insn, IR_AND, true, true);
}

// --- add, subtract ---

ir_ref a64_add_sub_flags(struct a64 *a, ir_ref n, ir_ref m, bool subtract)
{
    enum ir_type type = ir_type_of(a->b->region, n);
    ir_ref result = ir_op2(a->b, subtract ? IR_SUB : IR_ADD, n, m);
    a64_set_nzcv(a, ir_emit(a->b, subtract ? IR_FLAGSUB : IR_FLAGADD, type, 0, n, m, IR_NONE, 0));
    return result;
}

static bool add_sub_shift(struct a64 *a, uint32_t insn, bool subtract, bool set_flags)
{
    ir_ref n, m;
    if (extract32(insn, 22, 2) == 3 || !shifted_operands(a, insn, &n, &m))
        return a64_undefined(a);
    if (set_flags)
        a64_set(a, insn_rd(insn), a64_add_sub_flags(a, n, m, subtract));
    else if (subtract && insn_rn(insn) == 31) // NEG
        a64_set(a, insn_rd(insn), ir_op1(a->b, IR_NEG, m));
    else
        a64_set(a, insn_rd(insn), ir_op2(a->b, subtract ? IR_SUB : IR_ADD, n, m));
    return true;
}

bool a64_ADD_shift(struct a64 *a, uint32_t insn)
{
    return add_sub_shift(a, insn, false, false);
}
bool a64_ADDS_shift(struct a64 *a, uint32_t insn)
{
    return add_sub_shift(a, insn, false, true);
}
bool a64_SUB_shift(struct a64 *a, uint32_t insn)
{
    return add_sub_shift(a, insn, true, false);
}
bool a64_SUBS_shift(struct a64 *a, uint32_t insn)
{
    return add_sub_shift(a, insn, true, true);
}

ir_ref a64_extend(struct a64 *a, enum ir_type type, unsigned m, unsigned option)
{
    ir_ref value = a64_reg(a, type, m);
    switch (option) {
    case 0:
        return ir_extract(a->b, value, 0, 8);
    case 1:
        return ir_extract(a->b, value, 0, 16);
    case 2:
        return type == IR_I64 ? ir_zext(a->b, ir_trunc(a->b, value)) : value;
    case 4:
        return ir_sextract(a->b, value, 0, 8);
    case 5:
        return ir_sextract(a->b, value, 0, 16);
    case 6:
        return type == IR_I64 ? ir_sext(a->b, ir_trunc(a->b, value)) : value;
    default:
        return value;
    }
}

static bool add_sub_ext(struct a64 *a, uint32_t insn, bool subtract, bool set_flags)
{
    enum ir_type type = insn_type(insn);
    unsigned shift = extract32(insn, 10, 3);
    if (shift > 4)
        return a64_undefined(a);
    ir_ref n = a64_reg_sp(a, type, insn_rn(insn));
    ir_ref m = a64_extend(a, type, insn_rm(insn), extract32(insn, 13, 3));
    if (shift)
        m = ir_shli(a->b, m, shift);
    if (set_flags)
        a64_set(a, insn_rd(insn), a64_add_sub_flags(a, n, m, subtract));
    else
        a64_set_sp(a, insn_rd(insn), ir_op2(a->b, subtract ? IR_SUB : IR_ADD, n, m));
    return true;
}

bool a64_ADD_ext(struct a64 *a, uint32_t insn)
{
    return add_sub_ext(a, insn, false, false);
}
bool a64_ADDS_ext(struct a64 *a, uint32_t insn)
{
    return add_sub_ext(a, insn, false, true);
}
bool a64_SUB_ext(struct a64 *a, uint32_t insn)
{
    return add_sub_ext(a, insn, true, false);
}
bool a64_SUBS_ext(struct a64 *a, uint32_t insn)
{
    return add_sub_ext(a, insn, true, true);
}

// --- with carry: SBC is ADC of the inverted operand ---

static bool add_carry(struct a64 *a, uint32_t insn, bool invert, bool set_flags)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    if (invert)
        m = ir_op1(a->b, IR_NOT, m);
    ir_ref flags = ir_get(a->b, SLOT_NZCV);
    ir_ref carry = ir_flag_test(a->b, IR_I32, IR_FC_CS, flags);
    a64_set(a, insn_rd(insn), ir_op3(a->b, IR_ADDC, n, m, carry));
    if (set_flags) {
        flags = ir_emit(a->b, IR_FLAGADC, type, 0, n, m, carry, 0);
        a64_set_nzcv(a, flags);
        ir_flag_test(a->b, IR_I32, IR_FC_CS, flags); // beside the sum it costs little, and what follows is likely to want it
    }
    return true;
}

bool a64_ADC(struct a64 *a, uint32_t insn)
{
    return add_carry(a, insn, false, false);
}
bool a64_ADCS(struct a64 *a, uint32_t insn)
{
    return add_carry(a, insn, false, true);
}
bool a64_SBC(struct a64 *a, uint32_t insn)
{
    return add_carry(a, insn, true, false);
}
bool a64_SBCS(struct a64 *a, uint32_t insn)
{
    return add_carry(a, insn, true, true);
}
