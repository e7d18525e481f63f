// SPDX-License-Identifier: MIT
// System instructions (Arm ARM, C4.1.94): hints, barriers, PSTATE, and moves to and from system registers.
//
// Access rights by exception level are decided here, at translation; what depends on other registers is checked by the
// helpers. Registers that are state slots, NZCV and DAIF are read and written inline.

#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "target-arm/sysreg.h"
#include "target-arm/translate.h"
#include "tcg/base/log.h"

// --- hints ---

bool a64_HINT(struct a64 *a, uint32_t insn)
{
    enum { WFE = 2, WFI = 3, SEV = 4, SEVL = 5, XPACLRI = 7 };
    unsigned hint = extract32(insn, 5, 7);
    switch (hint) {
    case WFE:
        a64_call0(a, &arm_helper_wfe);
        return true;
    case WFI:
        a64_call0(a, &arm_helper_wfi);
        return a64_next_loop(a);
    case SEV:
        a64_call0(a, &arm_helper_sev);
        return true;
    case SEVL:
        a64_call0(a, &arm_helper_sevl);
        return true;
    case XPACLRI:
    case 8:
    case 10:
    case 12:
    case 14:
    case 24 ... 31:
        return a64_pauth_hint(a, hint);
    default: // NOP, YIELD, BTI (seen on arrival), and what is not allocated
        return true;
    }
}

// --- barriers ---

static void barrier(struct a64 *a, uint32_t insn)
{
    static const uint8_t fences[4] = {IR_FENCE_ALL, IR_FENCE_LOAD, IR_FENCE_STORE, IR_FENCE_ALL};
    ir_fence(a->b, fences[extract32(insn, 8, 2)]);
}

bool a64_DMB(struct a64 *a, uint32_t insn)
{
    barrier(a, insn);
    return true;
}

bool a64_DSB(struct a64 *a, uint32_t insn)
{
    barrier(a, insn);
    // One that waits for stores too also completes invalidations on other processors.
    if (extract32(insn, 8, 2) != 1)
        ir_call(a->b, &arm_helper_dsb, NULL);
    return true;
}

// What follows is fetched anew; what was written to memory before by others may have changed it.
bool a64_ISB(struct a64 *a, uint32_t insn)
{
    (void)insn;
    ir_exit_anew(a->b, a->pc + 4);
    return false;
}

bool a64_SB(struct a64 *a, uint32_t insn)
{
    (void)a;
    (void)insn;
    return true;
}

// --- PSTATE ---

static uint32_t syndrome(uint32_t insn)
{
    return arm_syndrome_sysreg(extract32(insn, 5, 16), insn & 31, insn >> 21 & 1);
}

// After a change of DAIF: on, unless an interrupt is due now or debug exceptions have been unmasked.
static bool daif_changed(struct a64 *a, ir_ref old, ir_ref new)
{
    ir_ref due = ir_op2(a->b, IR_ANDN, a64_call0(a, &arm_helper_interrupts_pending), new);
    due = ir_or(a->b, due, ir_andi(a->b, ir_op2(a->b, IR_ANDN, old, new), PSTATE_D));
    uint32_t leave = ir_new_side(a->b), stay = ir_new_side(a->b);
    a->b->region->blocks[leave].cold = true;
    ir_brcond(a->b, IR_NE, due, ir_i32(a->b, 0), leave, stay);
    ir_begin_block(a->b, leave);
    ir_exit_loop(a->b, ir_pc_plus(a->b, a->pc + 4));
    ir_begin_block(a->b, stay);
    return true;
}

static bool write_daif(struct a64 *a, uint32_t insn, ir_ref new)
{
    if (a->el == 0)
        a64_call1(a, &arm_helper_check_daif, ir_i32(a->b, syndrome(insn)));
    ir_ref old = ir_get(a->b, SLOT_DAIF);
    ir_set(a->b, SLOT_DAIF, new);
    return daif_changed(a, old, new);
}

bool a64_MSR_imm(struct a64 *a, uint32_t insn)
{
    enum { UAO = 003, PAN = 004, SPSEL = 005, SSBS = 031, DIT = 032, DAIFSET = 036, DAIFCLR = 037 };
    unsigned field = extract32(insn, 16, 3) << 3 | extract32(insn, 5, 3), imm = extract32(insn, 8, 4);
    static const uint8_t features[] = {[UAO] = ARM_FEAT_UAO, [PAN] = ARM_FEAT_PAN, [SPSEL] = ARM_FEAT_BASE,
                                       [SSBS] = ARM_FEAT_SSBS, [DIT] = ARM_FEAT_DIT};
    switch (field) {
    case DAIFSET:
        if (a->el == 0)
            a64_call1(a, &arm_helper_check_daif, ir_i32(a->b, syndrome(insn)));
        ir_set(a->b, SLOT_DAIF, ir_or(a->b, ir_get(a->b, SLOT_DAIF), ir_i32(a->b, imm << 6)));
        return true;
    case DAIFCLR:
        return write_daif(a, insn, ir_andi(a->b, ir_get(a->b, SLOT_DAIF), ~(uint64_t)(imm << 6)));
    case UAO:
    case PAN:
    case SPSEL:
        if (a->el == 0)
            return a64_undefined(a);
        // fall through
    case SSBS:
    case DIT:
        if (!arm_has(a->cpu, features[field]))
            return a64_undefined(a);
        a64_call2(a, &arm_helper_msr_pstate, ir_i32(a->b, field), ir_i32(a->b, imm & 1));
        return a64_next_loop(a);
    default:
        return a64_undefined(a);
    }
}

// --- system registers ---

enum {
    REG_NZCV = ARM_SYSREG(3, 3, 4, 2, 0),
    REG_DAIF = ARM_SYSREG(3, 3, 4, 2, 1),
    REG_CURRENT_EL = ARM_SYSREG(3, 0, 4, 2, 2),
    REG_SP_EL0 = ARM_SYSREG(3, 0, 4, 1, 0),
    REG_DC_ZVA = ARM_SYSREG(1, 3, 7, 4, 1),
};

static uint32_t encoding(uint32_t insn)
{
    return extract32(insn, 5, 16);
}

// One bit of the packed flags moved to its place in the NZCV register, or back.
static ir_ref move_bit(struct a64 *a, ir_ref value, unsigned from, unsigned to)
{
    return ir_shli(a->b, ir_extract(a->b, value, from, 1), to);
}

static ir_ref flags_to_register(struct a64 *a, ir_ref f)
{
    ir_ref nz = ir_or(a->b, move_bit(a, f, ctz32(IR_FLAG_N), 31), move_bit(a, f, ctz32(IR_FLAG_Z), 30));
    ir_ref cv = ir_or(a->b, move_bit(a, f, ctz32(IR_FLAG_C), 29), move_bit(a, f, ctz32(IR_FLAG_V), 28));
    return ir_or(a->b, nz, cv);
}

static ir_ref flags_from_register(struct a64 *a, ir_ref x)
{
    ir_ref nz = ir_or(a->b, move_bit(a, x, 31, ctz32(IR_FLAG_N)), move_bit(a, x, 30, ctz32(IR_FLAG_Z)));
    ir_ref cv = ir_or(a->b, move_bit(a, x, 29, ctz32(IR_FLAG_C)), move_bit(a, x, 28, ctz32(IR_FLAG_V)));
    return ir_or(a->b, nz, cv);
}

static bool unknown_register(struct a64 *a, uint32_t insn)
{
    uint32_t e = encoding(insn);
    log_printf(LOG_UNIMP, "arm: %s of unknown system register S%u_%u_C%u_C%u_%u at EL%u\n",
               insn >> 21 & 1 ? "read" : "write", e >> 14, e >> 11 & 7, e >> 7 & 15, e >> 3 & 15, e & 7, a->el);
    return a64_undefined(a);
}

static bool gic_register(struct a64 *a, uint32_t insn, unsigned min_el)
{
    if (!arm_has(a->cpu, ARM_FEAT_GICV3) || a->el < min_el)
        return a64_undefined(a);
    ir_ref e = ir_i32(a->b, encoding(insn));
    if (insn >> 21 & 1) {
        a64_set(a, insn & 31, a64_call1(a, &arm_helper_gic_read, e));
        return true;
    }
    // Acknowledging, priorities and enables change which interrupts are signalled.
    a64_call2(a, &arm_helper_gic_write, e, a64_x(a, insn & 31));
    return a64_next_loop(a);
}

// The row for an access that the exception level has; NULL after raising an exception.
static const struct arm_sysreg *accessible(struct a64 *a, uint32_t insn, bool write)
{
    const struct arm_sysreg *reg = arm_sysreg_find(a->cpu, encoding(insn));
    if (!reg) {
        unknown_register(a, insn);
        return NULL;
    }
    bool current_sp = reg->encoding == REG_SP_EL0 && !a64_flag(a, ARM_BF_SPSEL);
    if (!arm_sysreg_allowed(reg, a->el, write) || current_sp) {
        a64_undefined(a);
        return NULL;
    }
    return reg;
}

bool a64_MRS(struct a64 *a, uint32_t insn)
{
    unsigned rt = insn & 31, min_el;
    switch (encoding(insn)) {
    case REG_NZCV:
        a64_set(a, rt, flags_to_register(a, ir_get(a->b, SLOT_NZCV)));
        return true;
    case REG_DAIF:
        if (a->el == 0)
            a64_call1(a, &arm_helper_check_daif, ir_i32(a->b, syndrome(insn)));
        a64_set(a, rt, ir_get(a->b, SLOT_DAIF));
        return true;
    case REG_CURRENT_EL:
        if (a->el == 0)
            return a64_undefined(a);
        a64_set(a, rt, ir_i64(a->b, (uint64_t)a->el << 2));
        return true;
    }
    if (arm_sysreg_is_gic(encoding(insn), &min_el))
        return gic_register(a, insn, min_el);
    const struct arm_sysreg *reg = accessible(a, insn, false);
    if (!reg)
        return false;
    int slot = reg->read || reg->trap || !reg->offset ? -1 : arm_slot_at(reg->offset);
    if (slot >= 0) {
        a64_set(a, rt, ir_get(a->b, slot));
        return true;
    }
    const struct ir_helper *helper =
        reg->trap || reg->flags & SR_SLOTS ? &arm_helper_sysreg_read : &arm_helper_sysreg_read_plain;
    ir_ref index = ir_i32(a->b, arm_sysreg_index(reg));
    a64_set(a, rt, a64_call2(a, helper, index, ir_i32(a->b, syndrome(insn))));
    return true;
}

static bool write_register(struct a64 *a, uint32_t insn, const struct arm_sysreg *reg)
{
    ir_ref value = a64_x(a, insn & 31);
    int slot = reg->write || reg->trap || !reg->offset || reg->writable ? -1 : arm_slot_at(reg->offset);
    if (slot >= 0) {
        ir_set(a->b, slot, value);
        return true;
    }
    bool plain = !reg->trap && !(reg->flags & (SR_SLOTS | SR_ENDS_BLOCK));
    a64_call3(a, plain ? &arm_helper_sysreg_write_plain : &arm_helper_sysreg_write,
              ir_i32(a->b, arm_sysreg_index(reg)), value, ir_i32(a->b, syndrome(insn)));
    return reg->flags & SR_ENDS_BLOCK ? a64_next_loop(a) : true;
}

bool a64_MSR_reg(struct a64 *a, uint32_t insn)
{
    unsigned rt = insn & 31, min_el;
    switch (encoding(insn)) {
    case REG_NZCV:
        a64_set_nzcv(a, flags_from_register(a, a64_reg(a, IR_I32, rt)));
        return true;
    case REG_DAIF:
        return write_daif(a, insn, ir_andi(a->b, a64_reg(a, IR_I32, rt), PSTATE_DAIF));
    }
    if (arm_sysreg_is_gic(encoding(insn), &min_el))
        return gic_register(a, insn, min_el);
    const struct arm_sysreg *reg = accessible(a, insn, true);
    return reg ? write_register(a, insn, reg) : false;
}

bool a64_SYS(struct a64 *a, uint32_t insn)
{
    if (encoding(insn) == REG_DC_ZVA) {
        a64_call2(a, &arm_helper_dc_zva, a64_x(a, insn & 31), ir_i32(a->b, syndrome(insn)));
        return true;
    }
    const struct arm_sysreg *reg = accessible(a, insn, true);
    return reg ? write_register(a, insn, reg) : false;
}

// No instruction of the SYSL space is implemented.
bool a64_SYSL(struct a64 *a, uint32_t insn)
{
    return unknown_register(a, insn);
}
