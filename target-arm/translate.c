// SPDX-License-Identifier: MIT
// The translation loop for A64 blocks, and what all translators share (translate.h).
//
// A block ends at a branch, at an instruction that changes modes, at the end of its page, or after max_insns. The
// first instruction of a block also carries what the architecture checks on arrival: illegal execution state, software
// step and the branch target check, in this order of priority.

#include "target-arm/translate.h"

#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "tcg/base/endian.h"
#include "tcg/region.h"

enum { NO_REGISTER = 31 };

// --- registers -----------------------------------------------------------------------------------------------------

ir_ref a64_reg(struct a64 *a, enum ir_type type, unsigned n)
{
    if (n == NO_REGISTER)
        return ir_imm(a->b, type, 0);
    ir_ref x = ir_get(a->b, SLOT_X0 + n);
    return type == IR_I32 ? ir_trunc(a->b, x) : x;
}

ir_ref a64_reg_sp(struct a64 *a, enum ir_type type, unsigned n)
{
    if (n != NO_REGISTER)
        return a64_reg(a, type, n);
    ir_ref sp = ir_get(a->b, SLOT_SP);
    return type == IR_I32 ? ir_trunc(a->b, sp) : sp;
}

void a64_set(struct a64 *a, unsigned n, ir_ref value)
{
    if (n != NO_REGISTER)
        ir_set(a->b, SLOT_X0 + n, ir_zext(a->b, value));
}

void a64_set_sp(struct a64 *a, unsigned n, ir_ref value)
{
    if (n != NO_REGISTER) {
        a64_set(a, n, value);
        return;
    }
    ir_set(a->b, SLOT_SP, ir_zext(a->b, value));
    a->notes.sp_aligned = false;
}

ir_ref a64_v(struct a64 *a, unsigned n)
{
    return ir_get(a->b, SLOT_V0 + n);
}

void a64_set_v(struct a64 *a, unsigned n, ir_ref value)
{
    ir_set(a->b, SLOT_V0 + n, value);
}

bool a64_fp_enabled(struct a64 *a)
{
    unsigned target = extract64(a->flags, ARM_BF_FP_TRAP, 2);
    if (!target)
        return true;
    ir_ref args[] = {ir_i32(a->b, arm_syndrome(EC_FP_ACCESS, ISS_FP_ACCESS)), ir_i32(a->b, target)};
    ir_call(a->b, &arm_helper_raise_to, args);
    return false;
}

// --- conditions ----------------------------------------------------------------------------------------------------

ir_ref a64_condition(struct a64 *a, unsigned cond)
{
    if (cond >= 14)
        return ir_i32(a->b, 1);
    return ir_flag_test(a->b, IR_I32, (enum ir_flag_cond)cond, ir_get(a->b, SLOT_NZCV));
}

void a64_set_nzcv(struct a64 *a, ir_ref packed)
{
    ir_set(a->b, SLOT_NZCV, packed);
}

uint32_t a64_pack_nzcv(unsigned nzcv)
{
    return (nzcv & 8 ? IR_FLAG_N : 0) | (nzcv & 4 ? IR_FLAG_Z : 0) | (nzcv & 2 ? IR_FLAG_C : 0) |
           (nzcv & 1 ? IR_FLAG_V : 0);
}

// --- memory --------------------------------------------------------------------------------------------------------

// CheckSPAlignment. A multiple of 16 stays one over the adjustments that functions make (a64_write_base and the
// immediate forms of ADD and SUB say so), which leaves one check in most blocks.
static void check_sp_alignment(struct a64 *a)
{
    if (a->notes.sp_aligned || !a64_flag(a, ARM_BF_SP_CHECK))
        return;
    ir_raise_if(a->b, IR_TSTNE, ir_get(a->b, SLOT_SP), ir_i64(a->b, 15), arm_syndrome(EC_SP_ALIGNMENT, 0));
    a->notes.sp_aligned = true;
}

ir_ref a64_base(struct a64 *a, unsigned n)
{
    if (n == 31)
        check_sp_alignment(a);
    return a64_reg_sp(a, IR_I64, n);
}

struct ir_mem a64_mem(const struct a64 *a, unsigned size_log2)
{
    return (struct ir_mem){.size_log2 = size_log2,
                           .big_endian = a64_flag(a, ARM_BF_BIG_ENDIAN),
                           .align_log2 = a64_flag(a, ARM_BF_ALIGN_CHECK) ? size_log2 : 0,
                           .mmu_index = a->mmu_index};
}

// --- leaving -------------------------------------------------------------------------------------------------------

bool a64_raise(struct a64 *a, uint32_t esr)
{
    a64_call1(a, &arm_helper_raise, ir_i32(a->b, esr));
    return false;
}

bool a64_undefined(struct a64 *a)
{
    return a64_raise(a, arm_syndrome(EC_UNKNOWN, 0));
}

bool a64_goto(struct a64 *a, int64_t offset)
{
    ir_exit_to(a->b, a->pc + offset);
    return false;
}

bool a64_next_loop(struct a64 *a)
{
    ir_exit_loop(a->b, ir_pc_plus(a->b, a->pc + 4));
    return false;
}

bool a64_branch_if(struct a64 *a, enum ir_cond cond, ir_ref x, ir_ref y, int64_t offset)
{
    ir_exit_if(a->b, cond, x, y, a->pc + offset, a->pc + 4);
    return false;
}

ir_ref a64_call0(struct a64 *a, const struct ir_helper *helper)
{
    return ir_call(a->b, helper, NULL);
}

ir_ref a64_call1(struct a64 *a, const struct ir_helper *helper, ir_ref x)
{
    return ir_call(a->b, helper, &x);
}

ir_ref a64_call2(struct a64 *a, const struct ir_helper *helper, ir_ref x, ir_ref y)
{
    ir_ref args[] = {x, y};
    return ir_call(a->b, helper, args);
}

ir_ref a64_call3(struct a64 *a, const struct ir_helper *helper, ir_ref x, ir_ref y, ir_ref z)
{
    ir_ref args[] = {x, y, z};
    return ir_call(a->b, helper, args);
}

// --- the block -----------------------------------------------------------------------------------------------------

// Which values of PSTATE.BTYPE may arrive at this instruction of a guarded page; a bit each (Arm ARM, D8.4.5.2).
static unsigned accepted_btypes(const struct a64 *a, uint32_t insn)
{
    enum { CALL = 1 << 2, JUMP = 1 << 3, X16 = 1 << 1 };
    switch (insn) {
    case 0xd503245f: // BTI c
        return CALL | X16;
    case 0xd503249f: // BTI j
        return JUMP | X16;
    case 0xd50324df: // BTI jc
        return CALL | JUMP | X16;
    case 0xd503233f: // PACIASP
    case 0xd503237f: // PACIBSP
        return CALL | X16 | (a64_flag(a, ARM_BF_BT) ? 0 : JUMP);
    }
    if ((insn & 0xffe0001f) == 0xd4200000 || (insn & 0xffe0001f) == 0xd4400000) // BRK, HLT
        return CALL | JUMP | X16;
    return 0;
}

// BTYPE is checked on arrival and is zero after any instruction but an indirect branch, so only the first
// instruction of a block can see another value.
static void check_branch_target(struct a64 *a, uint32_t insn)
{
    if (!a64_flag(a, ARM_BF_BTYPE))
        return;
    ir_ref btype = ir_get(a->b, SLOT_BTYPE);
    if (a64_flag(a, ARM_BF_PAGE_GUARDED)) {
        // Bit `btype` of the set of refused values.
        ir_ref refused = ir_i32(a->b, ~accepted_btypes(a, insn) & 0xe);
        ir_ref bad = ir_andi(a->b, ir_op2(a->b, IR_SHR, refused, btype), 1);
        uint32_t fault = ir_new_side(a->b), good = ir_new_side(a->b);
        a->b->region->blocks[fault].cold = true;
        ir_brcond(a->b, IR_NE, bad, ir_i32(a->b, 0), fault, good);
        ir_begin_block(a->b, fault);
        a64_call0(a, &arm_helper_raise_branch_target);
        ir_begin_block(a->b, good);
    }
    ir_set(a->b, SLOT_BTYPE, ir_i32(a->b, 0));
}

static bool check_arrival(struct a64 *a, uint32_t insn)
{
    if (a64_flag(a, ARM_BF_STEP_PENDING)) {
        a64_call0(a, &arm_helper_raise_step);
        return false;
    }
    if (a64_flag(a, ARM_BF_ILLEGAL))
        return a64_raise(a, arm_syndrome(EC_ILLEGAL_STATE, 0));
    check_branch_target(a, insn);
    if (a64_flag(a, ARM_BF_STEP))
        a64_call0(a, &arm_helper_begin_step);
    return true;
}

static bool translate_insn(struct a64 *a, uint32_t insn)
{
    if (a->first && !check_arrival(a, insn))
        return false;
    const struct a64_row *row = a64_decode(insn);
    if (row && arm_has(a->cpu, row->feature))
        return row->translate(a, insn);
    return a64_undefined(a);
}

static struct ir_fp_rules fp_rules(uint64_t flags)
{
    bool flush = flags >> ARM_BF_FPCR_FZ & 1;
    return (struct ir_fp_rules){.default_nan = flags >> ARM_BF_FPCR_DN & 1,
                                .nan_arm = true,
                                .flush_inputs = flush,
                                .flush_outputs = flush,
                                .tiny_before = true};
}

// The instructions up to `limit`, or where the block ends. False when it has ended.
static bool translate_body(struct a64 *a, uint32_t limit)
{
    struct tcg_translation *t = a->t;
    bool go_on = true;
    t->insn_count = t->guest_bytes = 0;
    while (go_on && t->insn_count < limit && t->guest_bytes < t->code_bytes &&
           !(t->insn_count && ir_at_member(a->b, a->pc))) {
        ir_begin_insn(a->b, a->pc);
        go_on = translate_insn(a, load_le32(t->code + t->guest_bytes));
        a->first = false;
        a->pc += 4;
        t->insn_count++;
        t->guest_bytes += 4;
    }
    return go_on;
}

void arm_translate(struct tcg_translation *t)
{
    struct arm_cpu *cpu = arm_cpu_of(t->cpu);
    struct a64 a = {
        .b = t->builder,
        .t = t,
        .cpu = cpu,
        .flags = t->flags,
        .pc = t->pc & (TLB_PAGE_SIZE - 1),
        .first = !t->inner, // no branch inside a page leaves anything to check
        .notes = {.rbit_result = IR_NONE},
        .el = extract64(t->flags, ARM_BF_EL, 2),
        .mmu_index = extract64(t->flags, ARM_BF_MMU, 2),
    };
    t->builder->region->fp = fp_rules(t->flags);
    ir_keep_notes(a.b, &a.notes, sizeof(a.notes));
    // While stepping, the step exception is due after each instruction.
    t->single = t->pc & 3 || a64_flag(&a, ARM_BF_STEP) || a64_flag(&a, ARM_BF_STEP_PENDING) || a64_flag(&a, ARM_BF_ILLEGAL);
    if (t->pc & 3) {
        ir_begin_insn(a.b, a.pc);
        a64_call0(&a, &arm_helper_raise_pc_alignment);
        t->insn_count = 1;
        t->guest_bytes = 1; // whatever is there, it is not executed
        return;
    }
    if (!translate_body(&a, a64_flag(&a, ARM_BF_STEP) ? 1 : t->max_insns))
        return;
    if (a64_flag(&a, ARM_BF_STEP))
        ir_exit_loop(a.b, ir_pc_plus(a.b, a.pc));
    else
        ir_exit_to(a.b, a.pc);
}
