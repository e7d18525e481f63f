// SPDX-License-Identifier: MIT
// Branches and exception-generating instructions (Arm ARM, C4.1.94), with their pointer authentication forms.
//
// An indirect branch goes to the address as it is in the register: where the tag of a target must be ignored, the
// fetch from the tagged address finds out (mmu.c).

#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "target-arm/semihost.h"
#include "target-arm/translate.h"

// --- immediate ---

bool a64_B_uncond(struct a64 *a, uint32_t insn)
{
    return a64_goto(a, sextract64(insn, 0, 26) * 4);
}

bool a64_BL(struct a64 *a, uint32_t insn)
{
    a64_set(a, 30, ir_pc_plus(a->b, a->pc + 4));
    ir_note_return(a->b, a->pc + 4);
    return a64_goto(a, sextract64(insn, 0, 26) * 4);
}

bool a64_B_cond(struct a64 *a, uint32_t insn)
{
    int64_t offset = sextract64(insn, 5, 19) * 4;
    unsigned cond = insn & 15;
    if (cond >= 14)
        return a64_goto(a, offset);
    return a64_branch_if(a, IR_NE, a64_condition(a, cond), ir_i32(a->b, 0), offset);
}

static bool compare_branch(struct a64 *a, uint32_t insn, enum ir_cond cond)
{
    enum ir_type type = insn_type(insn);
    return a64_branch_if(a, cond, a64_reg(a, type, insn & 31), ir_imm(a->b, type, 0), sextract64(insn, 5, 19) * 4);
}

bool a64_CBZ(struct a64 *a, uint32_t insn)
{
    return compare_branch(a, insn, IR_EQ);
}
bool a64_CBNZ(struct a64 *a, uint32_t insn)
{
    return compare_branch(a, insn, IR_NE);
}

static bool test_branch(struct a64 *a, uint32_t insn, enum ir_cond cond)
{
    unsigned bit = (insn >> 31) << 5 | extract32(insn, 19, 5);
    ir_ref mask = ir_i64(a->b, BIT64(bit));
    return a64_branch_if(a, cond, a64_x(a, insn & 31), mask, sextract64(insn, 5, 14) * 4);
}

bool a64_TBZ(struct a64 *a, uint32_t insn)
{
    return test_branch(a, insn, IR_TSTEQ);
}
bool a64_TBNZ(struct a64 *a, uint32_t insn)
{
    return test_branch(a, insn, IR_TSTNE);
}

// --- register ---

enum { BTYPE_X16_X17 = 1, BTYPE_CALL = 2, BTYPE_JUMP = 3 };

static void set_btype(struct a64 *a, unsigned btype)
{
    if (a64_flag(a, ARM_BF_BTYPE))
        ir_set(a->b, SLOT_BTYPE, ir_i32(a->b, btype));
}

static bool branch_register(struct a64 *a, unsigned rn, ir_ref target)
{
    bool anywhere = rn == 16 || rn == 17 || !a64_flag(a, ARM_BF_PAGE_GUARDED);
    set_btype(a, anywhere ? BTYPE_X16_X17 : BTYPE_JUMP);
    ir_exit_indirect(a->b, target);
    return false;
}

static bool call_register(struct a64 *a, ir_ref target)
{
    a64_set(a, 30, ir_pc_plus(a->b, a->pc + 4));
    set_btype(a, BTYPE_CALL);
    ir_exit_indirect(a->b, target);
    return false;
}

bool a64_BR(struct a64 *a, uint32_t insn)
{
    return branch_register(a, insn_rn(insn), a64_x(a, insn_rn(insn)));
}

bool a64_BLR(struct a64 *a, uint32_t insn)
{
    return call_register(a, a64_x(a, insn_rn(insn)));
}

bool a64_RET(struct a64 *a, uint32_t insn)
{
    ir_exit_return(a->b, a64_x(a, insn_rn(insn)));
    return false;
}

// The target authenticated with instruction key A or B, bit 10.
static ir_ref authenticated(struct a64 *a, uint32_t insn, unsigned rn, ir_ref modifier)
{
    return a64_pauth_authenticate(a, a64_x(a, rn), modifier, insn >> 10 & 1);
}

bool a64_BRAZ(struct a64 *a, uint32_t insn)
{
    return branch_register(a, insn_rn(insn), authenticated(a, insn, insn_rn(insn), ir_i64(a->b, 0)));
}

bool a64_BRA(struct a64 *a, uint32_t insn)
{
    ir_ref modifier = a64_reg_sp(a, IR_I64, insn & 31);
    return branch_register(a, insn_rn(insn), authenticated(a, insn, insn_rn(insn), modifier));
}

bool a64_BLRAZ(struct a64 *a, uint32_t insn)
{
    return call_register(a, authenticated(a, insn, insn_rn(insn), ir_i64(a->b, 0)));
}

bool a64_BLRA(struct a64 *a, uint32_t insn)
{
    ir_ref modifier = a64_reg_sp(a, IR_I64, insn & 31);
    return call_register(a, authenticated(a, insn, insn_rn(insn), modifier));
}

bool a64_RETA(struct a64 *a, uint32_t insn)
{
    ir_exit_return(a->b, authenticated(a, insn, 30, a64_reg_sp(a, IR_I64, 31)));
    return false;
}

// --- exceptions ---

bool a64_SVC(struct a64 *a, uint32_t insn)
{
    uint32_t esr = arm_syndrome(EC_SVC64, extract32(insn, 5, 16));
    ir_exit_loop(a->b, a64_call1(a, &arm_helper_svc, ir_i32(a->b, esr)));
    return false;
}

bool a64_HVC(struct a64 *a, uint32_t insn)
{
    if (a->el == 0)
        return a64_undefined(a);
    ir_exit_loop(a->b, a64_call1(a, &arm_helper_hvc, ir_i32(a->b, extract32(insn, 5, 16))));
    return false;
}

bool a64_SMC(struct a64 *a, uint32_t insn)
{
    if (a->el == 0)
        return a64_undefined(a);
    ir_exit_loop(a->b, a64_call1(a, &arm_helper_smc, ir_i32(a->b, extract32(insn, 5, 16))));
    return false;
}

bool a64_BRK(struct a64 *a, uint32_t insn)
{
    return a64_raise(a, arm_syndrome(EC_BRK64, extract32(insn, 5, 16)));
}

// Halting debug is not there; with semihosting, one of the instructions is a call of the host.
bool a64_HLT(struct a64 *a, uint32_t insn)
{
    if (!arm_semihost_is_call(a->cpu, extract32(insn, 5, 16), a->el))
        return a64_undefined(a);
    ir_exit_loop(a->b, a64_call0(a, &arm_helper_semihost));
    return false;
}

static bool exception_return(struct a64 *a, ir_ref target)
{
    ir_exit_loop(a->b, a64_call1(a, &arm_helper_eret, target));
    return false;
}

bool a64_ERET(struct a64 *a, uint32_t insn)
{
    (void)insn;
    if (a->el == 0)
        return a64_undefined(a);
    return exception_return(a, a64_call0(a, &arm_helper_read_elr));
}

bool a64_ERETA(struct a64 *a, uint32_t insn)
{
    if (a->el == 0)
        return a64_undefined(a);
    ir_ref elr = a64_call0(a, &arm_helper_read_elr);
    return exception_return(a, a64_pauth_authenticate(a, elr, a64_reg_sp(a, IR_I64, 31), insn >> 10 & 1));
}
