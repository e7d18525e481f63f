// SPDX-License-Identifier: MIT
// Exception entry and the state that goes with it (Arm ARM, D1.3): PSTATE, routing, syndromes of memory faults,
// interrupts. Returns are in helper-exception.c.
//
// Routing covers EL1, EL2 (HCR_EL2.TGE, AMO, IMO, FMO) and EL3 (SCR_EL3.EA, IRQ, FIQ). SError interrupts have no source
// here. AArch32 is not implemented at any level.

#include "target-arm/exception.h"

#include "target-arm/mmu.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

// --- PSTATE --------------------------------------------------------------------------------------------------------

uint32_t arm_nzcv_unpack(uint32_t p)
{
    return (p & IR_FLAG_N ? 1U << 31 : 0) | (p & IR_FLAG_Z ? 1U << 30 : 0) | (p & IR_FLAG_C ? 1U << 29 : 0) |
           (p & IR_FLAG_V ? 1U << 28 : 0);
}

uint32_t arm_nzcv_pack(uint32_t nzcv)
{
    return (nzcv >> 31 & 1 ? IR_FLAG_N : 0) | (nzcv >> 30 & 1 ? IR_FLAG_Z : 0) | (nzcv >> 29 & 1 ? IR_FLAG_C : 0) |
           (nzcv >> 28 & 1 ? IR_FLAG_V : 0);
}

uint64_t arm_pstate_get(const struct arm_cpu *cpu)
{
    return arm_nzcv_unpack(cpu->nzcv) | (uint64_t)cpu->dit << SPSR_DIT | (uint64_t)cpu->uao << SPSR_UAO |
           (uint64_t)cpu->pan << SPSR_PAN | (uint64_t)cpu->ss << SPSR_SS | (uint64_t)cpu->il << SPSR_IL |
           (uint64_t)cpu->ssbs << SPSR_SSBS | (uint64_t)(cpu->btype & 3) << SPSR_BTYPE | cpu->daif |
           (uint64_t)cpu->el << 2 | cpu->spsel;
}

void arm_select_sp(struct arm_cpu *cpu, unsigned el, unsigned spsel)
{
    cpu->sp_el[cpu->spsel ? cpu->el : 0] = cpu->sp;
    cpu->el = el;
    cpu->spsel = spsel;
    cpu->sp = cpu->sp_el[spsel ? el : 0];
}

void arm_pstate_set(struct arm_cpu *cpu, uint64_t spsr)
{
    cpu->nzcv = arm_nzcv_pack((uint32_t)spsr);
    cpu->daif = spsr & PSTATE_DAIF;
    cpu->dit = arm_has(cpu, ARM_FEAT_DIT) && spsr >> SPSR_DIT & 1;
    cpu->uao = arm_has(cpu, ARM_FEAT_UAO) && spsr >> SPSR_UAO & 1;
    cpu->pan = arm_has(cpu, ARM_FEAT_PAN) && spsr >> SPSR_PAN & 1;
    cpu->ssbs = arm_has(cpu, ARM_FEAT_SSBS) && spsr >> SPSR_SSBS & 1;
    cpu->btype = arm_has(cpu, ARM_FEAT_BTI) ? extract64(spsr, SPSR_BTYPE, 2) : 0;
    cpu->ss = spsr >> SPSR_SS & 1;
    cpu->il = spsr >> SPSR_IL & 1;
    arm_select_sp(cpu, extract64(spsr, 2, 2), spsr & 1);
}

// --- entry ---------------------------------------------------------------------------------------------------------

static bool has_far(uint32_t esr)
{
    switch (esr >> 26 & ~1U) {
    case EC_INSTRUCTION_ABORT:
    case EC_DATA_ABORT:
    case EC_PC_ALIGNMENT:
    case EC_WATCHPOINT:
        return true;
    default:
        return false;
    }
}

void arm_take_exception(struct arm_cpu *cpu, unsigned target_el, enum arm_vector vector, uint32_t esr, uint64_t far,
                        uint64_t return_address)
{
    // An instruction that is stepped over but did not complete is to be stepped over again.
    if (cpu->stepping && vector == ARM_VECTOR_SYNC && return_address == tcg_get_pc(&cpu->tcg) &&
        esr >> 26 >> 1 != EC_STEP >> 1)
        cpu->ss = true;
    cpu->stepping = false;

    unsigned from = target_el > cpu->el ? 0x400 : cpu->spsel ? 0x200 : 0;
    if (log_enabled(LOG_INT))
        log_printf(LOG_INT, "arm: cpu %u: exception to EL%u from EL%u, vector 0x%x, ESR 0x%x, FAR 0x%llx, ELR 0x%llx\n",
                   cpu->tcg.vcpu.index, target_el, cpu->el, from + vector, esr, (unsigned long long)far,
                   (unsigned long long)return_address);

    uint64_t handler = cpu->vbar_el[target_el] + from + vector;
    bool address = vector == ARM_VECTOR_SYNC && has_far(esr);
    debug_exception_taken(&cpu->tcg.vcpu, (struct debug_exception){.pc = tcg_get_pc(&cpu->tcg),
                                                                   .handler = handler,
                                                                   .syndrome = esr,
                                                                   .address = far,
                                                                   .vector = from + vector,
                                                                   .from = cpu->el,
                                                                   .to = (uint8_t)target_el,
                                                                   .interrupt = vector != ARM_VECTOR_SYNC,
                                                                   .has_address = address});

    cpu->spsr_el[target_el] = arm_pstate_get(cpu);
    cpu->elr_el[target_el] = return_address;
    if (vector == ARM_VECTOR_SYNC || vector == ARM_VECTOR_SERROR)
        cpu->esr_el[target_el] = esr;
    if (address)
        cpu->far_el[target_el] = far;

    arm_select_sp(cpu, target_el, 1);
    uint64_t sctlr = cpu->sctlr_el[target_el];
    bool host_el2 = target_el == 2 && (cpu->hcr_el2 & HCR_E2H) && (cpu->hcr_el2 & HCR_TGE);
    cpu->daif = PSTATE_DAIF;
    cpu->ss = false;
    cpu->il = false;
    cpu->btype = 0;
    cpu->uao = false;
    if (arm_has(cpu, ARM_FEAT_PAN) && (target_el == 1 || host_el2) && !(sctlr & SCTLR_SPAN))
        cpu->pan = true;
    if (arm_has(cpu, ARM_FEAT_SSBS))
        cpu->ssbs = (sctlr & SCTLR_DSSBS) != 0;
    tcg_set_pc(&cpu->tcg, handler);
    arm_modes_changed(cpu);
}

unsigned arm_sync_target(const struct arm_cpu *cpu)
{
    if (cpu->el > 1)
        return cpu->el;
    return cpu->el == 0 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & HCR_TGE) ? 2 : 1;
}

void arm_take_sync(struct arm_cpu *cpu, uint32_t esr, uint64_t far)
{
    arm_take_exception(cpu, arm_sync_target(cpu), ARM_VECTOR_SYNC, esr, far, tcg_get_pc(&cpu->tcg));
}

uint32_t arm_syndrome_sysreg(uint32_t encoding, unsigned rt, bool read)
{
    uint32_t op0 = encoding >> 14 & 3, op1 = encoding >> 11 & 7, crn = encoding >> 7 & 15, crm = encoding >> 3 & 15,
             op2 = encoding & 7;
    return arm_syndrome(EC_SYSREG, op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read);
}

// --- memory faults -------------------------------------------------------------------------------------------------

enum { ISS_WNR = 1 << 6, ISS_CM = 1 << 8 };

static void take_abort(struct arm_cpu *cpu, unsigned target, enum tlb_access access, uint32_t fsc, uint64_t gva)
{
    enum arm_exception_class ec = access == TLB_FETCH ? EC_INSTRUCTION_ABORT : EC_DATA_ABORT;
    uint32_t esr = arm_syndrome(ec, fsc) | (access == TLB_WRITE ? ISS_WNR : 0);
    if (cpu->cache_op)
        esr |= ISS_CM | ISS_WNR;
    cpu->cache_op = false;
    if (target == cpu->el)
        esr |= 1U << 26;
    arm_take_exception(cpu, target, ARM_VECTOR_SYNC, esr, gva, tcg_get_pc(&cpu->tcg));
}

void arm_raise_fault(struct tcg_cpu *tcg, const struct tlb_fault *fault, unsigned mmu_index, unsigned size_log2)
{
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    (void)mmu_index;
    (void)size_log2;
    if (fault->kind == ARM_FAULT_TAGGED_PC) {
        // No exception: a branch went to a tagged address, and execution goes on without the tag.
        tcg_set_pc(tcg, fault->gpa);
        return;
    }
    unsigned target = arm_sync_target(cpu);
    if (fault->kind & ARM_FAULT_STAGE2) {
        target = 2;
        cpu->hpfar_el2 = fault->gpa >> 12 << 4;
    }
    log_printf(LOG_MMU, "arm: fault 0x%x level %u at 0x%llx, pc 0x%llx\n", fault->kind, fault->level,
               (unsigned long long)fault->gva, (unsigned long long)tcg_get_pc(tcg));
    take_abort(cpu, target, fault->access, arm_fault_status(fault), fault->gva);
}

void arm_raise(struct tcg_cpu *tcg, uint32_t syndrome)
{
    arm_take_sync(arm_cpu_of(tcg), syndrome, 0);
}

void arm_raise_alignment(struct tcg_cpu *tcg, uint64_t gva, enum tlb_access access, unsigned mmu_index)
{
    enum { FSC_ALIGNMENT = 0x21 };
    (void)mmu_index;
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    take_abort(cpu, arm_sync_target(cpu), access, FSC_ALIGNMENT, gva);
}

void arm_raise_bus_error(struct tcg_cpu *tcg, uint64_t gva, uint64_t gpa, enum tlb_access access, unsigned mmu_index)
{
    enum { FSC_EXTERNAL = 0x10 };
    (void)mmu_index;
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    log_printf(LOG_GUEST_ERRORS, "arm: access to 0x%llx, where nothing answers, pc 0x%llx\n", (unsigned long long)gpa,
               (unsigned long long)tcg_get_pc(tcg));
    bool to_el3 = arm_has(cpu, ARM_FEAT_EL3) && (cpu->scr_el3 & SCR_EA);
    take_abort(cpu, to_el3 ? 3 : arm_sync_target(cpu), access, FSC_EXTERNAL, gva);
}

// --- interrupts ----------------------------------------------------------------------------------------------------

uint32_t arm_interrupts_pending(struct arm_cpu *cpu)
{
    uint32_t lines = atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire);
    uint32_t irq = 1U << ARM_CPU_IRQ | 1U << ARM_CPU_VIRQ, fiq = 1U << ARM_CPU_FIQ | 1U << ARM_CPU_VFIQ;
    return (lines & irq ? PSTATE_I : 0) | (lines & fiq ? PSTATE_F : 0);
}

// Where a physical interrupt goes: EL3 or EL2 when they are there and ask for it, else EL1.
static unsigned interrupt_target(const struct arm_cpu *cpu, uint64_t scr_bit, uint64_t hcr_bit)
{
    if (arm_has(cpu, ARM_FEAT_EL3) && (cpu->scr_el3 & scr_bit))
        return 3;
    if (arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & (hcr_bit | HCR_TGE)))
        return 2;
    return 1;
}

static enum arm_interrupt_hold hold_physical(const struct arm_cpu *cpu, unsigned target, uint32_t mask)
{
    if (target < cpu->el)
        return ARM_HELD_BY_LEVEL;
    // To EL1 from EL0 the mask counts; EL2 and EL3 cannot be held off from below.
    return (target == cpu->el || target == 1) && (cpu->daif & mask) ? ARM_HELD_BY_MASK : ARM_NOT_HELD;
}

static enum arm_interrupt_hold hold_virtual(const struct arm_cpu *cpu, uint32_t mask, uint64_t hcr_route)
{
    if (!(cpu->hcr_el2 & hcr_route) || (cpu->hcr_el2 & HCR_TGE))
        return ARM_HELD_BY_HCR;
    if (cpu->el > 1)
        return ARM_HELD_BY_LEVEL;
    return cpu->daif & mask ? ARM_HELD_BY_MASK : ARM_NOT_HELD;
}

struct arm_interrupt arm_interrupt_state(const struct arm_cpu *cpu, enum arm_cpu_input input)
{
    bool fiq = input == ARM_CPU_FIQ || input == ARM_CPU_VFIQ;
    uint32_t mask = fiq ? PSTATE_F : PSTATE_I;
    uint64_t route = fiq ? HCR_FMO : HCR_IMO;
    struct arm_interrupt state = {
        .up = atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire) >> input & 1,
        .target = 1,
    };
    if (input == ARM_CPU_VIRQ || input == ARM_CPU_VFIQ) {
        state.up = state.up || (cpu->hcr_el2 & (fiq ? HCR_VF : HCR_VI));
        state.hold = arm_has(cpu, ARM_FEAT_EL2) ? hold_virtual(cpu, mask, route) : ARM_HELD_BY_HCR;
    } else {
        state.target = interrupt_target(cpu, fiq ? SCR_FIQ : SCR_IRQ, route);
        state.hold = hold_physical(cpu, state.target, mask);
    }
    return state;
}

bool arm_take_interrupt(struct tcg_cpu *tcg)
{
    static const enum arm_cpu_input order[] = {ARM_CPU_FIQ, ARM_CPU_IRQ, ARM_CPU_VFIQ, ARM_CPU_VIRQ};
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    bool any = atomic_load_explicit(&tcg->vcpu.irq_lines, memory_order_acquire) || (cpu->hcr_el2 & (HCR_VF | HCR_VI));
    for (unsigned i = 0; any && i < ARRAY_SIZE(order); i++) {
        struct arm_interrupt state = arm_interrupt_state(cpu, order[i]);
        if (!state.up || state.hold != ARM_NOT_HELD)
            continue;
        bool fiq = order[i] == ARM_CPU_FIQ || order[i] == ARM_CPU_VFIQ;
        arm_take_exception(cpu, state.target, fiq ? ARM_VECTOR_FIQ : ARM_VECTOR_IRQ, 0, 0, tcg_get_pc(tcg));
        return true;
    }
    return false;
}

// --- debug ---------------------------------------------------------------------------------------------------------

bool arm_debug_enabled(const struct arm_cpu *cpu, unsigned el)
{
    if (cpu->oslsr_el1 & OSLSR_OSLK)
        return false;
    bool to_el2 = arm_has(cpu, ARM_FEAT_EL2) && ((cpu->mdcr_el2 & MDCR_EL2_TDE) || (cpu->hcr_el2 & HCR_TGE));
    unsigned target = to_el2 ? 2 : 1;
    if (el < target)
        return true;
    return el == target && (cpu->mdscr_el1 & MDSCR_KDE) && !(cpu->daif & PSTATE_D);
}
