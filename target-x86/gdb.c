// SPDX-License-Identifier: MIT
// The record that debuggers call, and what is asked of the processor's state.

#include "target-x86/gdb.h"

#include "target-x86/mmu.h"
#include "tcg/base/bits.h"

static unsigned mode_count(const struct vcpu *vcpu)
{
    return x86_has(x86_cpu_of_vcpu((struct vcpu *)vcpu), X86_FEAT_LM) ? 3 : 2;
}

static unsigned mode(const struct vcpu *vcpu)
{
    return (unsigned)extract64(x86_cpu_of_vcpu((struct vcpu *)vcpu)->block_flags, X86_BF_CODE, 2);
}

static const struct debug_view *view(const struct vcpu *vcpu, unsigned which)
{
    return x86_view(x86_cpu_of_vcpu((struct vcpu *)vcpu)->views, which);
}

// Without paging no tables translate. Those of PAE may lie in one page with others: bits 11:5 of their address tell them apart
// as PCIDs do.
static uint64_t space(const struct vcpu *vcpu)
{
    const struct x86_cpu *cpu = x86_cpu_of_vcpu((struct vcpu *)vcpu);
    if (!(cpu->cr0 & CR0_PG))
        return 0;
    if (cpu->cr4 & CR4_PCIDE)
        return cpu->cr3;
    return cpu->cr3 & (x86_long_mode(cpu) ? X86_PTE_ADDRESS : cpu->cr4 & CR4_PAE ? 0xffffffe0 : 0xfffff000);
}

static unsigned privilege(const struct vcpu *vcpu)
{
    return x86_cpl(x86_cpu_of_vcpu((struct vcpu *)vcpu));
}

static bool secure(const struct vcpu *vcpu)
{
    return x86_cpu_of_vcpu((struct vcpu *)vcpu)->smm;
}

const struct debug_ops x86_debug_ops = {
    .mode_count = mode_count,
    .mode = mode,
    .view = view,
    .read = x86_debug_read,
    .write = x86_debug_write,
    .space = space,
    .space_tables = X86_PTE_ADDRESS,
    .space_id = 0xfff,
    .privilege = privilege,
    .secure = secure,
    .privilege_name = "cpl",
    .space_name = "cr3",
    .print_walk = x86_debug_print_walk,
    .next_mapping = x86_debug_next_mapping,
    .describe_exception = x86_debug_describe,
    .find_exception = x86_debug_find_exception,
    .exception_class = x86_debug_exception_class,
    .print_irq = x86_debug_print_irq,
};
