// SPDX-License-Identifier: MIT
// Loads and stores of one or two general registers (Arm ARM, C4.1.96): literal, immediate offsets with and without
// writeback, register offset, unprivileged, pairs, and with pointer authentication. Exclusive, ordered and atomic
// ones are in translate-atomic.c, SIMD&FP registers in translate-ldst-simd.c.
//
// Prefetches do nothing. Where writeback and transfer name one register, which the architecture leaves open, the
// transferred value wins.

#include "target-arm/helper.h"
#include "target-arm/translate-data.h"
#include "target-arm/translate-ldst.h"
#include "target-arm/translate.h"

enum { OPC_STORE, OPC_LOAD, OPC_LOAD_SIGNED_64, OPC_LOAD_SIGNED_32 };

struct ir_mem a64_mem_at(const struct a64 *a, unsigned size_log2, int64_t offset)
{
    struct ir_mem mem = a64_mem(a, size_log2);
    mem.offset = (int32_t)offset;
    return mem;
}

ir_ref a64_load_extended(struct a64 *a, ir_ref address, struct ir_mem mem, bool sign64, bool sign32)
{
    mem.sign_extend = sign64 || sign32;
    // A load that is not sign-extended to 32 bits is best done as a 64-bit value: it needs no further extension.
    return ir_load(a->b, sign32 ? IR_I32 : IR_I64, address, mem);
}

enum ldst_kind { LDST_UNDEFINED, LDST_NOP, LDST_TRANSFER };

static enum ldst_kind ldst_kind(unsigned size, unsigned opc)
{
    if (size == 3 && opc >= OPC_LOAD_SIGNED_64)
        return opc == OPC_LOAD_SIGNED_64 ? LDST_NOP : LDST_UNDEFINED;
    if (size == 2 && opc == OPC_LOAD_SIGNED_32)
        return LDST_UNDEFINED;
    return LDST_TRANSFER;
}

// The access itself. With `writeback` (a slot's new value) other than IR_NONE, register `rn` gets it.
static void transfer(struct a64 *a, uint32_t insn, ir_ref address, struct ir_mem mem, ir_ref writeback)
{
    unsigned opc = extract32(insn, 22, 2), rt = insn & 31;
    ir_ref value = IR_NONE;
    if (opc == OPC_STORE)
        ir_store(a->b, a64_x(a, rt), address, mem);
    else
        value = a64_load_extended(a, address, mem, opc == OPC_LOAD_SIGNED_64, opc == OPC_LOAD_SIGNED_32);
    if (writeback != IR_NONE)
        a64_write_base(a, insn_rn(insn), writeback, sextract64(insn, 12, 9));
    if (opc != OPC_STORE)
        a64_set(a, rt, value);
}

void a64_write_base(struct a64 *a, unsigned rn, ir_ref value, int64_t offset)
{
    bool aligned = rn == 31 && a->notes.sp_aligned && !(offset & 15);
    a64_set_sp(a, rn, value);
    if (rn == 31)
        a->notes.sp_aligned = aligned;
}

bool a64_LDST_imm(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    switch (ldst_kind(size, extract32(insn, 22, 2))) {
    case LDST_UNDEFINED:
        return a64_undefined(a);
    case LDST_NOP:
        return true;
    case LDST_TRANSFER:
        break;
    }
    int64_t offset = (int64_t)extract32(insn, 10, 12) << size;
    transfer(a, insn, a64_base(a, insn_rn(insn)), a64_mem_at(a, size, offset), IR_NONE);
    return true;
}

bool a64_LDST_unscaled(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    switch (ldst_kind(size, extract32(insn, 22, 2))) {
    case LDST_UNDEFINED:
        return a64_undefined(a);
    case LDST_NOP:
        return true;
    case LDST_TRANSFER:
        break;
    }
    transfer(a, insn, a64_base(a, insn_rn(insn)), a64_mem_at(a, size, sextract64(insn, 12, 9)), IR_NONE);
    return true;
}

bool a64_LDST_unpriv(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    if (ldst_kind(size, extract32(insn, 22, 2)) != LDST_TRANSFER)
        return a64_undefined(a);
    struct ir_mem mem = a64_mem_at(a, size, sextract64(insn, 12, 9));
    mem.mmu_index = extract64(a->flags, ARM_BF_MMU_UNPRIV, 2);
    transfer(a, insn, a64_base(a, insn_rn(insn)), mem, IR_NONE);
    return true;
}

bool a64_LDST_post(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    if (ldst_kind(size, extract32(insn, 22, 2)) != LDST_TRANSFER)
        return a64_undefined(a);
    ir_ref base = a64_base(a, insn_rn(insn));
    transfer(a, insn, base, a64_mem(a, size), ir_addi(a->b, base, sextract64(insn, 12, 9)));
    return true;
}

bool a64_LDST_pre(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    if (ldst_kind(size, extract32(insn, 22, 2)) != LDST_TRANSFER)
        return a64_undefined(a);
    ir_ref base = a64_base(a, insn_rn(insn));
    int64_t offset = sextract64(insn, 12, 9);
    transfer(a, insn, base, a64_mem_at(a, size, offset), ir_addi(a->b, base, offset));
    return true;
}

bool a64_register_offset(struct a64 *a, uint32_t insn, unsigned shift, ir_ref *address)
{
    unsigned option = extract32(insn, 13, 3);
    if (!(option & 2)) // a byte or halfword as the offset
        return false;
    ir_ref offset = a64_extend(a, IR_I64, insn_rm(insn), option);
    if (insn >> 12 & 1 && shift)
        offset = ir_shli(a->b, offset, shift);
    *address = ir_add(a->b, a64_base(a, insn_rn(insn)), offset);
    return true;
}

bool a64_LDST_reg(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    enum ldst_kind kind = ldst_kind(size, extract32(insn, 22, 2));
    if (kind == LDST_NOP)
        return true;
    ir_ref address;
    if (kind == LDST_UNDEFINED || !a64_register_offset(a, insn, size, &address))
        return a64_undefined(a);
    transfer(a, insn, address, a64_mem(a, size), IR_NONE);
    return true;
}

// --- literal ---

static ir_ref literal_address(struct a64 *a, uint32_t insn)
{
    return ir_pc_plus(a->b, a->pc + sextract64(insn, 5, 19) * 4);
}

bool a64_LDR_lit(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30 & 1 ? 3 : 2;
    a64_set(a, insn & 31, a64_load_extended(a, literal_address(a, insn), a64_mem(a, size), false, false));
    return true;
}

bool a64_LDRSW_lit(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn & 31, a64_load_extended(a, literal_address(a, insn), a64_mem(a, 2), true, false));
    return true;
}

bool a64_PRFM_lit(struct a64 *a, uint32_t insn)
{
    (void)a;
    (void)insn;
    return true;
}

// --- pairs ---

struct a64_pair a64_pair_decode(struct a64 *a, uint32_t insn, unsigned size)
{
    enum { POST_INDEX = 1, OFFSET = 2, PRE_INDEX = 3 };
    unsigned mode = extract32(insn, 23, 2); // 0: no-allocate, an offset too
    struct a64_pair p = {.base = a64_base(a, insn_rn(insn)), .offset = sextract64(insn, 15, 7) * (1 << size)};
    p.mem = a64_mem_at(a, size, mode == POST_INDEX ? 0 : p.offset);
    p.mem2 = p.mem;
    p.mem2.offset += 1 << size;
    p.writeback = mode == POST_INDEX || mode == PRE_INDEX;
    return p;
}

void a64_pair_finish(struct a64 *a, uint32_t insn, const struct a64_pair *p)
{
    if (p->writeback)
        a64_write_base(a, insn_rn(insn), ir_addi(a->b, p->base, p->offset), p->offset);
}

static bool load_pair(struct a64 *a, uint32_t insn, unsigned size, bool sign_extend)
{
    struct a64_pair p = a64_pair_decode(a, insn, size);
    ir_ref first = a64_load_extended(a, p.base, p.mem, sign_extend, false);
    ir_ref second = a64_load_extended(a, p.base, p.mem2, sign_extend, false);
    a64_pair_finish(a, insn, &p);
    a64_set(a, insn & 31, first);
    a64_set(a, insn_ra(insn), second);
    return true;
}

bool a64_LDP(struct a64 *a, uint32_t insn)
{
    return load_pair(a, insn, insn_type(insn) == IR_I64 ? 3 : 2, false);
}

bool a64_LDPSW(struct a64 *a, uint32_t insn)
{
    if (!extract32(insn, 23, 2)) // there is no no-allocate form
        return a64_undefined(a);
    return load_pair(a, insn, 2, true);
}

bool a64_STP(struct a64 *a, uint32_t insn)
{
    struct a64_pair p = a64_pair_decode(a, insn, insn_type(insn) == IR_I64 ? 3 : 2);
    ir_store(a->b, a64_x(a, insn & 31), p.base, p.mem);
    ir_store(a->b, a64_x(a, insn_ra(insn)), p.base, p.mem2);
    a64_pair_finish(a, insn, &p);
    return true;
}

// --- with pointer authentication ---

bool a64_LDRA(struct a64 *a, uint32_t insn)
{
    enum { KEY_DA = 2 };
    int64_t offset = sextract64((insn >> 22 & 1) << 9 | extract32(insn, 12, 9), 0, 10) * 8;
    ir_ref base = a64_base(a, insn_rn(insn));
    ir_ref pointer = a64_pauth_authenticate(a, base, ir_i64(a->b, 0), KEY_DA + (insn >> 23 & 1));
    ir_ref value = a64_load_extended(a, pointer, a64_mem_at(a, 3, offset), false, false);
    if (insn >> 11 & 1)
        a64_set_sp(a, insn_rn(insn), ir_addi(a->b, pointer, offset));
    a64_set(a, insn & 31, value);
    return true;
}
