// SPDX-License-Identifier: MIT
// The interrupt inputs of a processor for people: where each goes, and what holds it off.

#include "target-arm/gdb.h"

#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/sysreg-bits.h"

static void print_input(const struct arm_cpu *cpu, const char *name, enum arm_cpu_input input, FILE *out)
{
    struct arm_interrupt state = arm_interrupt_state(cpu, input);
    bool fiq = input == ARM_CPU_FIQ || input == ARM_CPU_VFIQ;
    fprintf(out, "  %-4s %-4s  to EL%u, ", name, state.up ? "up" : "down", state.target);
    switch (state.hold) {
    case ARM_NOT_HELD:
        fputs(state.up ? "is taken next" : "not masked", out);
        break;
    case ARM_HELD_BY_MASK:
        fprintf(out, "masked by PSTATE.%c", fiq ? 'F' : 'I');
        break;
    case ARM_HELD_BY_LEVEL:
        fprintf(out, "held off at EL%u", cpu->el);
        break;
    case ARM_HELD_BY_HCR:
        fprintf(out, "off: HCR_EL2.%s", cpu->hcr_el2 & HCR_TGE ? "TGE is set" : fiq ? "FMO is clear" : "IMO is clear");
        break;
    }
    fputc('\n', out);
}

void arm_debug_print_irq(struct vcpu *vcpu, FILE *out)
{
    const struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    fprintf(out, "EL%u, PSTATE.DAIF %c%c%c%c", cpu->el, cpu->daif & PSTATE_D ? 'D' : '-', cpu->daif & PSTATE_A ? 'A' : '-',
            cpu->daif & PSTATE_I ? 'I' : '-', cpu->daif & PSTATE_F ? 'F' : '-');
    if (arm_has(cpu, ARM_FEAT_EL2))
        fprintf(out, ", HCR_EL2 0x%llx", (unsigned long long)cpu->hcr_el2);
    if (arm_has(cpu, ARM_FEAT_EL3))
        fprintf(out, ", SCR_EL3 0x%llx", (unsigned long long)cpu->scr_el3);
    fputc('\n', out);
    print_input(cpu, "IRQ", ARM_CPU_IRQ, out);
    print_input(cpu, "FIQ", ARM_CPU_FIQ, out);
    if (!arm_has(cpu, ARM_FEAT_EL2))
        return;
    print_input(cpu, "vIRQ", ARM_CPU_VIRQ, out);
    print_input(cpu, "vFIQ", ARM_CPU_VFIQ, out);
}
