// SPDX-License-Identifier: MIT
// Helpers of system instructions: hints that wait, PSTATE fields, system register access with its traps, DC ZVA.

#include <sched.h>
#include <string.h>

#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg.h"

static void trap_to(struct arm_cpu *cpu, unsigned target, uint32_t esr)
{
    if (target & ARM_TRAP_FP)
        esr = arm_syndrome(EC_FP_ACCESS, ISS_FP_ACCESS);
    target &= ~ARM_TRAP_FP;
    if (target == 1)
        target = arm_sync_target(cpu);
    arm_take_exception(cpu, target, ARM_VECTOR_SYNC, esr, 0, tcg_get_pc(&cpu->tcg));
    tcg_leave(&cpu->tcg);
}

// --- waiting (D1.6) ---

enum { WFX_WFI = 0, WFX_WFE = 1 };

static void check_wait_trap(struct arm_cpu *cpu, unsigned wfe)
{
    uint32_t esr = arm_syndrome(EC_WFX, 1 << 24 | 0xe << 20 | wfe);
    if (cpu->el == 0 && !(cpu->sctlr_el[1] & (wfe ? SCTLR_NTWE : SCTLR_NTWI)))
        trap_to(cpu, 1, esr);
    if (cpu->el <= 1 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & (wfe ? HCR_TWE : HCR_TWI)))
        trap_to(cpu, 2, esr);
}

static void wfi(struct arm_cpu *cpu)
{
    struct vcpu *vcpu = &cpu->tcg.vcpu;
    if (vcpu->ops->has_work(vcpu))
        return;
    check_wait_trap(cpu, WFX_WFI);
    vcpu->halted = true;
}
const struct ir_helper arm_helper_wfi = {
    "wfi", ARM_HELPER_FN(wfi), IR_HELPER_MAY_FAULT, IR_VOID, 0, {0}};

// Stores by others that would end the wait are not seen here, so the processor is only given away for a moment.
static void wfe(struct arm_cpu *cpu)
{
    if (atomic_exchange(&cpu->event, false))
        return;
    check_wait_trap(cpu, WFX_WFE);
    sched_yield();
}
const struct ir_helper arm_helper_wfe = {
    "wfe", ARM_HELPER_FN(wfe), IR_HELPER_MAY_FAULT, IR_VOID, 0, {0}};

static void sev(struct arm_cpu *cpu)
{
    const struct vcpu_group *group = cpu->tcg.vcpu.group;
    cpu->event = true;
    for (unsigned i = 0; group && i < group->count; i++)
        atomic_store(&arm_cpu_of_vcpu(group->cpus[i])->event, true);
}
const struct ir_helper arm_helper_sev = {"sev", ARM_HELPER_FN(sev), 0, IR_VOID, 0, {0}};

static void sevl(struct arm_cpu *cpu)
{
    cpu->event = true;
}
const struct ir_helper arm_helper_sevl = {"sevl", ARM_HELPER_FN(sevl), 0, IR_VOID, 0, {0}};

static void dsb(struct arm_cpu *cpu)
{
    tlb_wait_others(&cpu->tcg);
}
const struct ir_helper arm_helper_dsb = {"dsb", ARM_HELPER_FN(dsb), 0, IR_VOID, 0, {0}};

// --- PSTATE ---

const struct ir_helper arm_helper_interrupts_pending = {
    "interrupts_pending", ARM_HELPER_FN(arm_interrupts_pending), 0, IR_I32, 0, {0}};

static void check_daif(struct arm_cpu *cpu, uint32_t esr)
{
    if (!(cpu->sctlr_el[1] & SCTLR_UMA))
        trap_to(cpu, 1, esr);
}
const struct ir_helper arm_helper_check_daif = {
    "check_daif", ARM_HELPER_FN(check_daif), IR_HELPER_MAY_FAULT, IR_VOID, 1, {IR_I32}};

static void msr_pstate(struct arm_cpu *cpu, uint32_t field, uint32_t value)
{
    enum { UAO = 003, PAN = 004, SPSEL = 005, SSBS = 031, DIT = 032 };
    switch (field) {
    case UAO:
        cpu->uao = value;
        break;
    case PAN:
        cpu->pan = value;
        break;
    case SPSEL:
        arm_select_sp(cpu, cpu->el, value);
        break;
    case SSBS:
        cpu->ssbs = value;
        break;
    case DIT:
        cpu->dit = value;
        break;
    }
    arm_modes_changed(cpu);
}
const struct ir_helper arm_helper_msr_pstate = {
    "msr_pstate", ARM_HELPER_FN(msr_pstate), IR_HELPER_WRITES_STATE, IR_VOID, 2, {IR_I32, IR_I32}};

// --- system registers ---

static const struct arm_sysreg *checked(struct arm_cpu *cpu, uint32_t index, uint32_t esr, bool write)
{
    const struct arm_sysreg *reg = arm_sysreg_at(index);
    unsigned target = reg->trap ? reg->trap(cpu, reg, write) : 0;
    if (target)
        trap_to(cpu, target, esr);
    return reg;
}

static uint64_t sysreg_read(struct arm_cpu *cpu, uint32_t index, uint32_t esr)
{
    return arm_sysreg_get(cpu, checked(cpu, index, esr, false));
}
const struct ir_helper arm_helper_sysreg_read = {
    "sysreg_read", ARM_HELPER_FN(sysreg_read), IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE, IR_I64, 2, {IR_I32, IR_I32}};

static uint64_t sysreg_read_plain(struct arm_cpu *cpu, uint32_t index, uint32_t esr)
{
    (void)esr;
    return arm_sysreg_get(cpu, arm_sysreg_at(index));
}
const struct ir_helper arm_helper_sysreg_read_plain = {
    "sysreg_read_plain", ARM_HELPER_FN(sysreg_read_plain), 0, IR_I64, 2, {IR_I32, IR_I32}};

static void sysreg_write(struct arm_cpu *cpu, uint32_t index, uint64_t value, uint32_t esr)
{
    arm_sysreg_set(cpu, checked(cpu, index, esr, true), value);
}
const struct ir_helper arm_helper_sysreg_write = {
    "sysreg_write", ARM_HELPER_FN(sysreg_write),
    IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB, IR_VOID, 3,
    {IR_I32, IR_I64, IR_I32}};

static void sysreg_write_plain(struct arm_cpu *cpu, uint32_t index, uint64_t value, uint32_t esr)
{
    (void)esr;
    arm_sysreg_set(cpu, arm_sysreg_at(index), value);
}
const struct ir_helper arm_helper_sysreg_write_plain = {
    "sysreg_write_plain", ARM_HELPER_FN(sysreg_write_plain), 0, IR_VOID, 3, {IR_I32, IR_I64, IR_I32}};

// --- the interrupt controller's registers ---

static struct arm_sysreg_access gic_access(const struct arm_cpu *cpu, uint32_t encoding)
{
    bool route = arm_has(cpu, ARM_FEAT_EL2) && cpu->el == 1 && (cpu->hcr_el2 & (HCR_IMO | HCR_FMO));
    return (struct arm_sysreg_access){.encoding = encoding,
                                      .cpu = cpu->tcg.vcpu.index,
                                      .el = cpu->el,
                                      .secure = arm_has(cpu, ARM_FEAT_EL3) && !(cpu->scr_el3 & SCR_NS),
                                      .virtual = route};
}

static void no_gic_register(struct arm_cpu *cpu)
{
    trap_to(cpu, cpu->el > 1 ? cpu->el : 1, arm_syndrome(EC_UNKNOWN, 0));
}

static uint64_t gic_read(struct arm_cpu *cpu, uint32_t encoding)
{
    uint64_t value = 0;
    const struct arm_sysreg_bank_ops *bank = cpu->config.gic_sysregs;
    if (!bank || !bank->read(cpu->config.gic_opaque, gic_access(cpu, encoding), &value))
        no_gic_register(cpu);
    return value;
}
const struct ir_helper arm_helper_gic_read = {
    "gic_read", ARM_HELPER_FN(gic_read), IR_HELPER_MAY_FAULT, IR_I64, 1, {IR_I32}};

static void gic_write(struct arm_cpu *cpu, uint32_t encoding, uint64_t value)
{
    const struct arm_sysreg_bank_ops *bank = cpu->config.gic_sysregs;
    if (!bank || !bank->write(cpu->config.gic_opaque, gic_access(cpu, encoding), value))
        no_gic_register(cpu);
}
const struct ir_helper arm_helper_gic_write = {
    "gic_write", ARM_HELPER_FN(gic_write), IR_HELPER_MAY_FAULT, IR_VOID, 2, {IR_I32, IR_I64}};

// --- DC ZVA ---

static void dc_zva(struct arm_cpu *cpu, uint64_t gva, uint32_t esr)
{
    uint64_t size = UINT64_C(4) << (cpu->id.dczid & 15), within = gva & (size - 1), start = gva - within;
    if (cpu->el == 0 && !(cpu->sctlr_el[1] & SCTLR_DZE))
        trap_to(cpu, 1, esr);
    unsigned mmu_index = extract64(cpu->block_flags, ARM_BF_MMU, 2);
    uint8_t *host = tlb_host(&cpu->tcg, gva, TLB_WRITE, mmu_index, false); // FAR is to be the address given
    if (host) {
        memset(host - within, 0, size);
        return;
    }
    // Not RAM: what is there gets the stores, if it is not of a Device type, where the instruction is an alignment
    // fault.
    struct tlb_translation t;
    struct tlb_fault fault;
    if (arm_guest_ops.translate_address(&cpu->tcg, start, TLB_WRITE, mmu_index, true, &t, &fault) && t.device) {
        arm_raise_alignment(&cpu->tcg, gva, TLB_WRITE, mmu_index);
        tcg_leave(&cpu->tcg);
    }
    for (uint64_t at = 0; at < size; at += 8)
        tlb_store(&cpu->tcg, start + at, 8, 0, mmu_index);
}
const struct ir_helper arm_helper_dc_zva = {
    "dc_zva", ARM_HELPER_FN(dc_zva), IR_HELPER_MAY_FAULT, IR_VOID, 2, {IR_I64, IR_I32}};
