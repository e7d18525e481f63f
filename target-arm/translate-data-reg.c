// SPDX-License-Identifier: MIT
// Data processing, register (Arm ARM, C4.1.95): logical, add and subtract, with carry, conditional compare and select,
// one to three sources, flag manipulation. Pointer authentication is in translate-pauth.c.

#include "target-arm/helper.h"
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

// --- two sources ---

static bool two_sources(struct a64 *a, uint32_t insn, enum ir_op op)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    a64_set(a, insn_rd(insn), ir_op2(a->b, op, n, m));
    return true;
}

bool a64_UDIV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_UDIV);
}
bool a64_SDIV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SDIV);
}
bool a64_LSLV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SHL);
}
bool a64_LSRV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SHR);
}
bool a64_ASRV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SAR);
}
bool a64_RORV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_ROR);
}

static bool crc32(struct a64 *a, uint32_t insn, const struct ir_helper *helper)
{
    unsigned size = extract32(insn, 10, 2);
    if ((size == 3) != (insn >> 31))
        return a64_undefined(a);
    ir_ref accumulator = a64_reg(a, IR_I32, insn_rn(insn)), data = a64_x(a, insn_rm(insn));
    a64_set(a, insn_rd(insn), a64_call3(a, helper, accumulator, data, ir_i32(a->b, 1U << size)));
    return true;
}

bool a64_CRC32(struct a64 *a, uint32_t insn)
{
    return crc32(a, insn, &arm_helper_crc32);
}
bool a64_CRC32C(struct a64 *a, uint32_t insn)
{
    return crc32(a, insn, &arm_helper_crc32c);
}

// --- one source ---

// Swaps neighbouring groups of `count` bits; `low` has the lower one of each pair set.
static ir_ref swap_groups(struct a64 *a, ir_ref x, unsigned count, uint64_t low)
{
    ir_ref up = ir_shli(a->b, ir_andi(a->b, x, low), count);
    ir_ref down = ir_andi(a->b, ir_shri(a->b, x, count), low);
    return ir_or(a->b, up, down);
}

bool a64_RBIT_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    ir_ref x = ir_op1(a->b, IR_BSWAP, n);
    x = swap_groups(a, x, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    x = swap_groups(a, x, 2, UINT64_C(0x3333333333333333));
    x = swap_groups(a, x, 1, UINT64_C(0x5555555555555555));
    a64_set(a, insn_rd(insn), x);
    a->notes.rbit_result = x;
    a->notes.rbit_source = n;
    return true;
}

bool a64_REV16_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    a64_set(a, insn_rd(insn), swap_groups(a, n, 8, UINT64_C(0x00ff00ff00ff00ff)));
    return true;
}

bool a64_REV_32(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn_rd(insn), ir_op1(a->b, IR_BSWAP, a64_reg(a, IR_I32, insn_rn(insn))));
    return true;
}

bool a64_REV32_int(struct a64 *a, uint32_t insn)
{
    ir_ref swapped = ir_op1(a->b, IR_BSWAP, a64_x(a, insn_rn(insn)));
    a64_set(a, insn_rd(insn), ir_op2(a->b, IR_ROR, swapped, ir_i64(a->b, 32)));
    return true;
}

bool a64_REV_64(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn_rd(insn), ir_op1(a->b, IR_BSWAP, a64_x(a, insn_rn(insn))));
    return true;
}

bool a64_CLZ_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    // RBIT then CLZ is how compilers count trailing zeros; the RBIT is dead code then, more often than not.
    bool trailing = n == a->notes.rbit_result;
    a64_set(a, insn_rd(insn), ir_op1(a->b, trailing ? IR_CTZ : IR_CLZ, trailing ? a->notes.rbit_source : n));
    return true;
}

bool a64_CLS_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    ir_ref differs = ir_xor(a->b, n, ir_sari(a->b, n, 1));
    a64_set(a, insn_rd(insn), ir_addi(a->b, ir_op1(a->b, IR_CLZ, differs), -1));
    return true;
}

// --- three sources ---

static bool multiply_add(struct a64 *a, uint32_t insn, ir_ref product, bool subtract)
{
    unsigned ra = insn_ra(insn);
    if (ra == 31)
        product = subtract ? ir_op1(a->b, IR_NEG, product) : product;
    else
        product = ir_op2(a->b, subtract ? IR_SUB : IR_ADD,
                         a64_reg(a, ir_type_of(a->b->region, product), ra), product);
    a64_set(a, insn_rd(insn), product);
    return true;
}

static ir_ref product(struct a64 *a, uint32_t insn)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    return ir_op2(a->b, IR_MUL, n, m);
}

static ir_ref long_product(struct a64 *a, uint32_t insn, unsigned extend_option)
{
    ir_ref n = a64_extend(a, IR_I64, insn_rn(insn), extend_option);
    ir_ref m = a64_extend(a, IR_I64, insn_rm(insn), extend_option);
    return ir_op2(a->b, IR_MUL, n, m);
}

enum { UXTW = 2, SXTW = 6 };

bool a64_MADD(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, product(a, insn), false);
}
bool a64_MSUB(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, product(a, insn), true);
}
bool a64_SMADDL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, SXTW), false);
}
bool a64_SMSUBL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, SXTW), true);
}
bool a64_UMADDL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, UXTW), false);
}
bool a64_UMSUBL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, UXTW), true);
}
bool a64_SMULH(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_MULHS);
}
bool a64_UMULH(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_MULHU);
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
