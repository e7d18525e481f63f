// SPDX-License-Identifier: MIT
// Helpers of instructions that raise exceptions or return from them (Arm ARM, C6.2 and D1.3.6).
//
// Those that "return the pc to go on at" have changed modes and pc; their caller leaves to the run loop at that pc.

#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

#define RAISES (IR_HELPER_MAY_FAULT | IR_HELPER_NORETURN | IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB)
#define CHANGES_MODES (IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB)

static void raise_exception(struct arm_cpu *cpu, uint32_t esr)
{
    arm_take_sync(cpu, esr, 0);
    tcg_leave(&cpu->tcg);
}
const struct ir_helper arm_helper_raise = {
    "raise", ARM_HELPER_FN(raise_exception), RAISES, IR_VOID, 1, {IR_I32}};

static void raise_to(struct arm_cpu *cpu, uint32_t esr, uint32_t el)
{
    arm_take_exception(cpu, el, ARM_VECTOR_SYNC, esr, 0, tcg_get_pc(&cpu->tcg));
    tcg_leave(&cpu->tcg);
}
const struct ir_helper arm_helper_raise_to = {
    "raise_to", ARM_HELPER_FN(raise_to), RAISES, IR_VOID, 2, {IR_I32, IR_I32}};

static void raise_branch_target(struct arm_cpu *cpu)
{
    raise_exception(cpu, arm_syndrome(EC_BRANCH_TARGET, cpu->btype));
}
const struct ir_helper arm_helper_raise_branch_target = {
    "raise_branch_target", ARM_HELPER_FN(raise_branch_target), RAISES, IR_VOID, 0, {0}};

static void raise_pc_alignment(struct arm_cpu *cpu)
{
    arm_take_sync(cpu, arm_syndrome(EC_PC_ALIGNMENT, 0), tcg_get_pc(&cpu->tcg));
    tcg_leave(&cpu->tcg);
}
const struct ir_helper arm_helper_raise_pc_alignment = {
    "raise_pc_alignment", ARM_HELPER_FN(raise_pc_alignment), RAISES, IR_VOID, 0, {0}};

// --- software step (D2.11) ---

static void raise_step(struct arm_cpu *cpu)
{
    enum { IFSC_DEBUG = 0x22, ISV = 1 << 24 };
    bool to_el2 = arm_has(cpu, ARM_FEAT_EL2) && ((cpu->mdcr_el2 & MDCR_EL2_TDE) || (cpu->hcr_el2 & HCR_TGE));
    unsigned target = to_el2 ? 2 : 1;
    uint32_t esr = arm_syndrome(EC_STEP, ISV | IFSC_DEBUG) | (target == cpu->el ? 1U << 26 : 0);
    arm_take_exception(cpu, target, ARM_VECTOR_SYNC, esr, 0, tcg_get_pc(&cpu->tcg));
    tcg_leave(&cpu->tcg);
}
const struct ir_helper arm_helper_raise_step = {
    "raise_step", ARM_HELPER_FN(raise_step), RAISES, IR_VOID, 0, {0}};

// PSTATE.SS goes to 0 with the instruction; `stepping` lets an exception that keeps it from completing undo that.
static void begin_step(struct arm_cpu *cpu)
{
    cpu->ss = false;
    cpu->stepping = true;
    arm_modes_changed(cpu);
    tcg_modes_changed(&cpu->tcg);
}
const struct ir_helper arm_helper_begin_step = {"begin_step", ARM_HELPER_FN(begin_step), 0, IR_VOID, 0, {0}};

// --- calls ---

static uint64_t svc(struct arm_cpu *cpu, uint32_t esr)
{
    arm_take_exception(cpu, arm_sync_target(cpu), ARM_VECTOR_SYNC, esr, 0, tcg_get_pc(&cpu->tcg) + 4);
    return tcg_get_pc(&cpu->tcg);
}
const struct ir_helper arm_helper_svc = {"svc", ARM_HELPER_FN(svc), CHANGES_MODES, IR_I64, 1, {IR_I32}};

// Whether firmware behind this conduit took the call. pc is then the next instruction's.
static bool firmware_call(struct arm_cpu *cpu, enum arm_conduit conduit)
{
    if (!cpu->config.firmware || cpu->config.conduit != conduit)
        return false;
    uint64_t pc = tcg_get_pc(&cpu->tcg);
    tcg_set_pc(&cpu->tcg, pc + 4);
    if (cpu->config.firmware->call(cpu->config.firmware_opaque, &cpu->tcg.vcpu, cpu->x))
        return true;
    tcg_set_pc(&cpu->tcg, pc);
    return false;
}

static uint64_t undefined(struct arm_cpu *cpu)
{
    arm_take_sync(cpu, arm_syndrome(EC_UNKNOWN, 0), 0);
    return tcg_get_pc(&cpu->tcg);
}

static uint64_t hvc(struct arm_cpu *cpu, uint32_t imm)
{
    if (firmware_call(cpu, ARM_CONDUIT_HVC))
        return tcg_get_pc(&cpu->tcg);
    bool enabled = arm_has(cpu, ARM_FEAT_EL3) ? (cpu->scr_el3 & SCR_HCE) != 0 : !(cpu->hcr_el2 & HCR_HCD);
    if (!arm_has(cpu, ARM_FEAT_EL2) || !enabled)
        return undefined(cpu);
    unsigned target = cpu->el == 3 ? 3 : 2;
    arm_take_exception(cpu, target, ARM_VECTOR_SYNC, arm_syndrome(EC_HVC64, imm), 0, tcg_get_pc(&cpu->tcg) + 4);
    return tcg_get_pc(&cpu->tcg);
}
const struct ir_helper arm_helper_hvc = {"hvc", ARM_HELPER_FN(hvc), CHANGES_MODES, IR_I64, 1, {IR_I32}};

static uint64_t smc(struct arm_cpu *cpu, uint32_t imm)
{
    if (arm_has(cpu, ARM_FEAT_EL2) && cpu->el == 1 && (cpu->hcr_el2 & HCR_TSC)) {
        arm_take_exception(cpu, 2, ARM_VECTOR_SYNC, arm_syndrome(EC_SMC64, imm), 0, tcg_get_pc(&cpu->tcg));
        return tcg_get_pc(&cpu->tcg);
    }
    if (firmware_call(cpu, ARM_CONDUIT_SMC))
        return tcg_get_pc(&cpu->tcg);
    if (!arm_has(cpu, ARM_FEAT_EL3) || (cpu->scr_el3 & SCR_SMD))
        return undefined(cpu);
    arm_take_exception(cpu, 3, ARM_VECTOR_SYNC, arm_syndrome(EC_SMC64, imm), 0, tcg_get_pc(&cpu->tcg) + 4);
    return tcg_get_pc(&cpu->tcg);
}
const struct ir_helper arm_helper_smc = {"smc", ARM_HELPER_FN(smc), CHANGES_MODES, IR_I64, 1, {IR_I32}};

// --- return ---

static uint64_t read_elr(struct arm_cpu *cpu)
{
    return cpu->elr_el[cpu->el];
}
const struct ir_helper arm_helper_read_elr = {
    "read_elr", ARM_HELPER_FN(read_elr), IR_HELPER_READS_STATE, IR_I64, 0, {0}};

// Illegal exception returns (D1.3.6.3): AArch32, a higher EL, one that is not there, EL0 with its own SP.
static bool legal_return(const struct arm_cpu *cpu, uint64_t spsr)
{
    unsigned el = extract64(spsr, 2, 2);
    if (spsr & 0x12 || el > cpu->el || (el == 0 && (spsr & 1)))
        return false;
    if (el == 2 && (!arm_has(cpu, ARM_FEAT_EL2) || (arm_has(cpu, ARM_FEAT_EL3) && !(cpu->scr_el3 & SCR_NS))))
        return false;
    return !(el == 1 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & HCR_TGE));
}

static uint64_t eret(struct arm_cpu *cpu, uint64_t target)
{
    uint64_t spsr = cpu->spsr_el[cpu->el];
    bool could_step = arm_debug_enabled(cpu, cpu->el);
    if (legal_return(cpu, spsr)) {
        arm_pstate_set(cpu, spsr);
    } else {
        unsigned el = cpu->el, spsel = cpu->spsel;
        arm_pstate_set(cpu, (spsr & ~UINT64_C(0xf)) | el << 2 | spsel);
        cpu->il = true;
    }
    // PSTATE.SS survives only into a level from where stepping is possible, out of one from where it is not.
    cpu->ss = cpu->ss && (cpu->mdscr_el1 & MDSCR_SS) && !could_step && arm_debug_enabled(cpu, cpu->el);
    cpu->excl_address = ~UINT64_C(0);
    cpu->event = true;
    tcg_set_pc(&cpu->tcg, target);
    arm_modes_changed(cpu);
    return target;
}
const struct ir_helper arm_helper_eret = {"eret", ARM_HELPER_FN(eret), CHANGES_MODES, IR_I64, 1, {IR_I64}};
