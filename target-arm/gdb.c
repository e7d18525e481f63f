// SPDX-License-Identifier: MIT
// The record by which debuggers know an AArch64 processor. There is one mode: AArch32 is not implemented at any level.

#include "target-arm/gdb.h"

#include "target-arm/cpu.h"
#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"

static unsigned mode_count(const struct vcpu *cpu)
{
    (void)cpu;
    return 1;
}

static unsigned mode(const struct vcpu *cpu)
{
    (void)cpu;
    return 0;
}

static const struct debug_view *view(const struct vcpu *vcpu, unsigned which)
{
    (void)which;
    return arm_cpu_of_vcpu((struct vcpu *)vcpu)->debug_view;
}

// Of the larger half of the address space, while both are in use: without an upper one, this is firmware, and what comes after
// it will have tables of its own.
static unsigned address_bits(const struct vcpu *vcpu)
{
    const struct arm_cpu *cpu = arm_cpu_of_vcpu((struct vcpu *)vcpu);
    enum arm_regime regime = arm_regime_of(cpu, cpu->el);
    if (!arm_stage1_enabled(cpu, regime) || (regime != ARM_REGIME_EL10 && regime != ARM_REGIME_EL20))
        return 0;
    struct arm_params lower = arm_params_of(cpu, regime, 0, false), upper = arm_params_of(cpu, regime, BIT64(55), false);
    if (upper.disabled)
        return 0;
    return !lower.disabled && lower.input_bits > upper.input_bits ? lower.input_bits : upper.input_bits;
}

static unsigned privilege(const struct vcpu *vcpu)
{
    return arm_cpu_of_vcpu((struct vcpu *)vcpu)->el;
}

static bool secure(const struct vcpu *vcpu)
{
    const struct arm_cpu *cpu = arm_cpu_of_vcpu((struct vcpu *)vcpu);
    return arm_has(cpu, ARM_FEAT_EL3) && (cpu->el == 3 || !(cpu->scr_el3 & SCR_NS));
}

const struct debug_ops arm_debug_ops = {
    .mode_count = mode_count,
    .mode = mode,
    .view = view,
    .read = arm_debug_read,
    .write = arm_debug_write,
    .space = arm_debug_space,
    .space_tables = ARM_DEBUG_SPACE_TABLES,
    .space_id = ARM_DEBUG_SPACE_ID,
    .address_bits = address_bits,
    .privilege = privilege,
    .secure = secure,
    .privilege_name = "el",
    .space_name = "ttbr0",
    .print_walk = arm_debug_print_walk,
    .next_mapping = arm_debug_next_mapping,
    .describe_exception = arm_debug_describe_exception,
    .find_exception = arm_debug_find_exception,
    .exception_class = arm_debug_exception_class,
    .print_irq = arm_debug_print_irq,
};
