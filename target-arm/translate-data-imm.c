// SPDX-License-Identifier: MIT
// Data processing, immediate (Arm ARM, C4.1.93): PC-relative addresses, add and subtract, logical, move wide,
// bit field, extract.

#include "target-arm/translate-data.h"
#include "target-arm/translate.h"

// --- PC-relative addresses ---

static int64_t adr_imm(uint32_t insn)
{
    return sextract64((uint64_t)extract32(insn, 5, 19) << 2 | extract32(insn, 29, 2), 0, 21);
}

bool a64_ADR(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn_rd(insn), ir_pc_plus(a->b, a->pc + adr_imm(insn)));
    return true;
}

bool a64_ADRP(struct a64 *a, uint32_t insn)
{
    // ir_pc_plus counts from the page base already; an instruction on a page is on it whatever its offset.
    a64_set(a, insn_rd(insn), ir_pc_plus(a->b, (a->pc & ~0xfff) + (adr_imm(insn) * 4096)));
    return true;
}

// --- add, subtract ---

static bool add_sub_imm(struct a64 *a, uint32_t insn, bool subtract, bool set_flags)
{
    enum ir_type type = insn_type(insn);
    uint64_t imm = (uint64_t)extract32(insn, 10, 12) << (insn >> 22 & 1 ? 12 : 0);
    unsigned rd = insn_rd(insn), rn = insn_rn(insn);
    ir_ref n = a64_reg_sp(a, type, rn);
    if (set_flags) {
        a64_set(a, rd, a64_add_sub_flags(a, n, ir_imm(a->b, type, imm), subtract));
        return true;
    }
    bool aligned = a->notes.sp_aligned && rn == 31 && !(imm & 15);
    a64_set_sp(a, rd, ir_addi(a->b, n, subtract ? -(int64_t)imm : (int64_t)imm));
    if (rd == 31 && type == IR_I64)
        a->notes.sp_aligned = aligned;
    return true;
}

bool a64_ADD_imm(struct a64 *a, uint32_t insn)
{
    return add_sub_imm(a, insn, false, false);
}
bool a64_ADDS_imm(struct a64 *a, uint32_t insn)
{
    return add_sub_imm(a, insn, false, true);
}
bool a64_SUB_imm(struct a64 *a, uint32_t insn)
{
    return add_sub_imm(a, insn, true, false);
}
bool a64_SUBS_imm(struct a64 *a, uint32_t insn)
{
    return add_sub_imm(a, insn, true, true);
}

// --- logical ---

bool a64_decode_bit_masks(unsigned n, unsigned imms, unsigned immr, unsigned width, uint64_t *mask)
{
    unsigned selector = n << 6 | (~imms & 0x3f);
    if (selector < 2)
        return false;
    unsigned size = 1U << (31 - clz32(selector));
    unsigned ones = (imms & (size - 1)) + 1, rotate = immr & (size - 1);
    if (size > width || ones == size)
        return false;
    uint64_t element = mask64(ones);
    if (rotate)
        element = (element >> rotate | element << (size - rotate)) & mask64(size);
    for (; size < 64; size *= 2)
        element |= element << size;
    *mask = width == 32 ? (uint32_t)element : element;
    return true;
}

// False: the immediate is reserved.
static bool logical_operands(struct a64 *a, uint32_t insn, ir_ref *n, ir_ref *imm)
{
    enum ir_type type = insn_type(insn);
    uint64_t mask;
    if (!a64_decode_bit_masks(insn >> 22 & 1, extract32(insn, 10, 6), extract32(insn, 16, 6),
                              type == IR_I64 ? 64 : 32, &mask))
        return false;
    *n = a64_reg(a, type, insn_rn(insn));
    *imm = ir_imm(a->b, type, mask);
    return true;
}

static bool logical_imm(struct a64 *a, uint32_t insn, enum ir_op op)
{
    ir_ref n, imm;
    if (!logical_operands(a, insn, &n, &imm))
        return a64_undefined(a);
    a64_set_sp(a, insn_rd(insn), ir_op2(a->b, op, n, imm));
    return true;
}

bool a64_AND_imm(struct a64 *a, uint32_t insn)
{
    return logical_imm(a, insn, IR_AND);
}
bool a64_ORR_imm(struct a64 *a, uint32_t insn)
{
    return logical_imm(a, insn, IR_OR);
}
bool a64_EOR_imm(struct a64 *a, uint32_t insn)
{
    return logical_imm(a, insn, IR_XOR);
}

bool a64_ANDS_imm(struct a64 *a, uint32_t insn)
{
    ir_ref n, imm;
    if (!logical_operands(a, insn, &n, &imm))
        return a64_undefined(a);
    ir_ref result = ir_and(a->b, n, imm);
    a64_set(a, insn_rd(insn), result);
    a64_set_nzcv(a, ir_emit(a->b, IR_FLAGLOGIC, ir_type_of(a->b->region, result), 0, result, IR_NONE, IR_NONE, 0));
    return true;
}

// --- move wide ---

bool a64_MOVZ(struct a64 *a, uint32_t insn)
{
    unsigned shift = extract32(insn, 21, 2) * 16;
    if (insn_type(insn) == IR_I32 && shift >= 32)
        return a64_undefined(a);
    a64_set(a, insn_rd(insn), ir_i64(a->b, (uint64_t)extract32(insn, 5, 16) << shift));
    return true;
}

bool a64_MOVN(struct a64 *a, uint32_t insn)
{
    unsigned shift = extract32(insn, 21, 2) * 16;
    bool wide = insn_type(insn) == IR_I64;
    if (!wide && shift >= 32)
        return a64_undefined(a);
    uint64_t value = ~((uint64_t)extract32(insn, 5, 16) << shift);
    a64_set(a, insn_rd(insn), ir_i64(a->b, wide ? value : (uint32_t)value));
    return true;
}

bool a64_MOVK(struct a64 *a, uint32_t insn)
{
    unsigned shift = extract32(insn, 21, 2) * 16;
    enum ir_type type = insn_type(insn);
    if (type == IR_I32 && shift >= 32)
        return a64_undefined(a);
    ir_ref old = a64_reg(a, type, insn_rd(insn));
    a64_set(a, insn_rd(insn), ir_deposit(a->b, old, ir_imm(a->b, type, extract32(insn, 5, 16)), shift, 16));
    return true;
}

// --- bit field ---

struct bit_field {
    enum ir_type type;
    unsigned r, s, width;
    bool valid;
};

static struct bit_field bit_field_decode(uint32_t insn)
{
    struct bit_field f = {insn_type(insn), extract32(insn, 16, 6), extract32(insn, 10, 6), 64, true};
    if (f.type == IR_I32) {
        f.width = 32;
        f.valid = f.r < 32 && f.s < 32;
    }
    if ((insn >> 22 & 1) != insn >> 31)
        f.valid = false;
    return f;
}

// <S> >= <R> copies bits S:R down to 0; else bits S:0 go up to width - R.
bool a64_SBFM(struct a64 *a, uint32_t insn)
{
    struct bit_field f = bit_field_decode(insn);
    if (!f.valid)
        return a64_undefined(a);
    ir_ref n = a64_reg(a, f.type, insn_rn(insn));
    if (f.s >= f.r)
        n = ir_sextract(a->b, n, f.r, f.s - f.r + 1);
    else
        n = ir_shli(a->b, ir_sextract(a->b, n, 0, f.s + 1), f.width - f.r);
    a64_set(a, insn_rd(insn), n);
    return true;
}

bool a64_UBFM(struct a64 *a, uint32_t insn)
{
    struct bit_field f = bit_field_decode(insn);
    if (!f.valid)
        return a64_undefined(a);
    ir_ref n = a64_reg(a, f.type, insn_rn(insn));
    if (f.s >= f.r)
        n = ir_extract(a->b, n, f.r, f.s - f.r + 1);
    else if (f.s + 1 == f.r) // LSL
        n = ir_shli(a->b, n, f.width - f.r);
    else
        n = ir_shli(a->b, ir_extract(a->b, n, 0, f.s + 1), f.width - f.r);
    a64_set(a, insn_rd(insn), n);
    return true;
}

bool a64_BFM(struct a64 *a, uint32_t insn)
{
    struct bit_field f = bit_field_decode(insn);
    if (!f.valid)
        return a64_undefined(a);
    ir_ref d = a64_reg(a, f.type, insn_rd(insn)), n = a64_reg(a, f.type, insn_rn(insn));
    if (f.s >= f.r)
        d = ir_deposit(a->b, d, f.r ? ir_shri(a->b, n, f.r) : n, 0, f.s - f.r + 1);
    else
        d = ir_deposit(a->b, d, n, f.width - f.r, f.s + 1);
    a64_set(a, insn_rd(insn), d);
    return true;
}

// --- extract ---

bool a64_EXTR(struct a64 *a, uint32_t insn)
{
    enum ir_type type = insn_type(insn);
    unsigned lsb = extract32(insn, 10, 6);
    if ((insn >> 22 & 1) != insn >> 31 || (type == IR_I32 && lsb >= 32))
        return a64_undefined(a);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    if (!lsb)
        a64_set(a, insn_rd(insn), m);
    else if (insn_rn(insn) == insn_rm(insn))
        a64_set(a, insn_rd(insn), ir_op2(a->b, IR_ROR, n, ir_imm(a->b, type, lsb)));
    else
        a64_set(a, insn_rd(insn), ir_emit(a->b, IR_EXTR, type, 0, n, m, IR_NONE, lsb));
    return true;
}
