// SPDX-License-Identifier: MIT
// Helpers of system instructions: ports, descriptor tables, TLB maintenance, halting, counters.

#include <string.h>

#include "hw/core/clock.h"
#include "hw/core/machine.h"
#include "hw/core/memory-map.h"
#include "target-x86/exception.h"
#include "target-x86/helper.h"
#include "target-x86/mmu.h"
#include "target-x86/port.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

// --- ports ---------------------------------------------------------------------------------------------------------

void x86_check_port(struct x86_cpu *cpu, uint32_t port, unsigned bytes)
{
    unsigned iopl = (cpu->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    if (!(cpu->cr0 & CR0_PE) || (x86_cpl(cpu) <= iopl && !x86_vm86(cpu)))
        return;
    enum { BITMAP_BASE = 102 };
    bool wide = cpu->tr.attr & (8 << 8);
    if (!(cpu->tr.attr & DESC_P) || !wide || cpu->tr.limit < BITMAP_BASE + 1)
        x86_fault(cpu, X86_GP, 0);
    uint32_t base = (uint32_t)tlb_load(&cpu->tcg, cpu->tr.base + BITMAP_BASE, 2, X86_MMU_KERNEL) & 0xffff;
    uint32_t at = base + port / 8;
    if (at + 1 > cpu->tr.limit)
        x86_fault(cpu, X86_GP, 0);
    uint32_t map = (uint32_t)tlb_load(&cpu->tcg, cpu->tr.base + at, 2, X86_MMU_KERNEL);
    if (map >> (port & 7) & mask64(bytes))
        x86_fault(cpu, X86_GP, 0);
}

uint32_t x86_port_read(struct x86_cpu *cpu, uint32_t port, unsigned bytes)
{
    uint64_t value;
    struct mem_requester who = {.cpu = (uint16_t)cpu->tcg.vcpu.index};
    if (!cpu->config.io || memory_map_read(cpu->config.io, who, port, bytes, &value) != MEM_OK)
        value = ~UINT64_C(0);
    if (cpu->port_watches)
        x86_watch_port(cpu, port, bytes);
    return (uint32_t)(value & mask64(bytes * 8));
}

void x86_port_write(struct x86_cpu *cpu, uint32_t port, unsigned bytes, uint64_t value)
{
    struct mem_requester who = {.cpu = (uint16_t)cpu->tcg.vcpu.index};
    if (cpu->config.io)
        memory_map_write(cpu->config.io, who, port, bytes, value);
    if (cpu->port_watches)
        x86_watch_port(cpu, port, bytes);
    // The A20 gate may have been opened, which wakes nobody.
    if ((atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire) >> X86_CPU_A20M & 1) != cpu->a20_masked)
        atomic_store(&cpu->tcg.vcpu.exit_request, 1);
}

static uint32_t port_in(struct x86_cpu *cpu, uint32_t port, uint32_t bytes)
{
    x86_check_port(cpu, port, bytes);
    return x86_port_read(cpu, port, bytes);
}
X86_HELPER_AS(in, port_in, X86_FAULTS, I32, 2, IR_I32, IR_I32)

static void out(struct x86_cpu *cpu, uint32_t port, uint32_t bytes, uint32_t value)
{
    x86_check_port(cpu, port, bytes);
    x86_port_write(cpu, port, bytes, value);
}
X86_HELPER(out, X86_FAULTS, VOID, 3, IR_I32, IR_I32, IR_I32)

// --- system segments and tables ------------------------------------------------------------------------------------

enum { SYS_LDTR, SYS_TR, SYS_MSW, SYS_GDT_BASE = 4, SYS_IDT_BASE, SYS_GDT_LIMIT, SYS_IDT_LIMIT, SYS_TSC_AUX };

static uint64_t read_system(const struct x86_cpu *cpu, uint32_t which)
{
    switch (which) {
    case SYS_LDTR:
        return cpu->ldtr.selector;
    case SYS_TR:
        return cpu->tr.selector;
    case SYS_MSW:
        return cpu->cr0;
    case SYS_GDT_BASE:
        return cpu->gdtr.base;
    case SYS_IDT_BASE:
        return cpu->idtr.base;
    case SYS_GDT_LIMIT:
        return cpu->gdtr.limit;
    case SYS_IDT_LIMIT:
        return cpu->idtr.limit;
    default:
        return cpu->tsc_aux;
    }
}
X86_HELPER(read_system, 0, I64, 1, IR_I32)

// A descriptor of the GDT for LLDT or LTR, with the upper half of its base in long mode.
static struct x86_segment system_segment(struct x86_cpu *cpu, uint32_t selector, uint32_t types,
                                         struct x86_descriptor *d)
{
    uint32_t error = selector & 0xfffc;
    if ((selector & 4) || !x86_read_descriptor(cpu, selector, d) || (d->high & DESC_S) ||
        !(types >> x86_desc_type(d->high) & 1))
        x86_fault(cpu, X86_GP, error);
    if (!(d->high & DESC_P))
        x86_fault(cpu, X86_NP, error);
    struct x86_segment s = x86_segment_of(selector, d);
    if (x86_long_mode(cpu)) {
        if ((selector & 0xfff8) + 15 > cpu->gdtr.limit)
            x86_fault(cpu, X86_GP, error);
        uint64_t upper = tlb_load(&cpu->tcg, d->address + 8, 8, X86_MMU_KERNEL);
        if (upper >> 40 & 31)
            x86_fault(cpu, X86_GP, error);
        s.base |= upper << 32;
    }
    return s;
}

static void load_system(struct x86_cpu *cpu, uint32_t which, uint32_t value)
{
    struct x86_descriptor d;
    if (which == SYS_MSW) {
        // PE can be set this way but not cleared.
        if (!x86_set_cr(cpu, 0, (cpu->cr0 & ~UINT64_C(14)) | (value & 15)))
            x86_fault(cpu, X86_GP, 0);
    } else if (which == SYS_LDTR) {
        cpu->ldtr = value & 0xfffc ? system_segment(cpu, value, 1u << GATE_LDT, &d)
                                   : (struct x86_segment){.selector = value};
    } else {
        if (!(value & 0xfffc))
            x86_fault(cpu, X86_GP, 0);
        uint32_t types = 1u << GATE_TSS32 | (x86_long_mode(cpu) ? 0 : 1u << GATE_TSS16);
        struct x86_segment tr = system_segment(cpu, value, types, &d);
        tlb_store(&cpu->tcg, d.address + 5, 1, (d.high >> 8 & 0xff) | 2, X86_MMU_KERNEL);
        cpu->tr = tr;
        cpu->tr.attr |= 2 << 8;
    }
    x86_modes_changed(cpu);
}
X86_HELPER(load_system, X86_MODES, VOID, 2, IR_I32, IR_I32)

static void load_table(struct x86_cpu *cpu, uint32_t which, uint32_t limit, uint64_t base)
{
    struct x86_segment *table = which ? &cpu->idtr : &cpu->gdtr;
    table->base = base;
    table->limit = limit & 0xffff;
}
X86_HELPER(load_table, 0, VOID, 3, IR_I32, IR_I32, IR_I64)

static void swapgs(struct x86_cpu *cpu)
{
    uint64_t base = cpu->segs[X86_GS].base;
    cpu->segs[X86_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
}
X86_HELPER(swapgs, IR_HELPER_WRITES_STATE, VOID, 0, 0)

// --- TLB -----------------------------------------------------------------------------------------------------------

static void invlpg(struct x86_cpu *cpu, uint64_t gva)
{
    tlb_flush_range(&cpu->tcg, x86_space_key(cpu), false, gva, 1, 0);
}
X86_HELPER(invlpg, X86_MODES, VOID, 1, IR_I64)

static void invpcid(struct x86_cpu *cpu, uint64_t type, uint64_t pcid, uint64_t gva)
{
    enum { ADDRESS, CONTEXT, ALL_GLOBAL, ALL };
    bool offered = (cpu->cr4 & CR4_PCIDE) || pcid == 0;
    if (type > ALL || (type <= CONTEXT && (pcid >> 12 || !offered)))
        x86_fault(cpu, X86_GP, 0);
    if (type == ADDRESS)
        tlb_flush_range(&cpu->tcg, x86_pcid_key(pcid), false, gva, 1, 0);
    else if (type == CONTEXT)
        tlb_flush_key(&cpu->tcg, x86_pcid_key(pcid));
    else
        tlb_flush_all(&cpu->tcg);
}
X86_HELPER(invpcid, X86_MODES, VOID, 3, IR_I64, IR_I64, IR_I64)

// --- protection keys -----------------------------------------------------------------------------------------------

void x86_set_pkru(struct x86_cpu *cpu, uint32_t value)
{
    uint32_t changed = cpu->pkru ^ value;
    cpu->pkru = value;
    if (changed & cpu->pkey_rights_used) {
        cpu->pkey_rights_used = 0;
        tlb_flush_all(&cpu->tcg);
    }
}

static void pkru(struct x86_cpu *cpu, uint32_t write)
{
    if (!(cpu->cr4 & CR4_PKE))
        x86_fault(cpu, X86_UD, 0);
    if ((uint32_t)cpu->gpr[X86_RCX] || (write && (uint32_t)cpu->gpr[X86_RDX]))
        x86_fault(cpu, X86_GP, 0);
    if (!write) {
        cpu->gpr[X86_RAX] = cpu->pkru;
        cpu->gpr[X86_RDX] = 0;
        return;
    }
    x86_set_pkru(cpu, (uint32_t)cpu->gpr[X86_RAX]);
}
X86_HELPER(pkru, X86_MODES, VOID, 1, IR_I32)

// --- waiting -------------------------------------------------------------------------------------------------------

static void hlt(struct x86_cpu *cpu)
{
    cpu->halt = X86_IN_HLT;
    cpu->tcg.vcpu.halted = true;
    x86_poll(cpu);
}
X86_HELPER(hlt, X86_READS, VOID, 0, 0)

static void poll_lines(struct x86_cpu *cpu)
{
    if (atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire) & 1u << X86_CPU_INTR)
        atomic_store(&cpu->tcg.vcpu.exit_request, 1);
}
X86_HELPER_AS(poll, poll_lines, 0, VOID, 0, 0)

// --- counters, identification, MSRs --------------------------------------------------------------------------------

static uint64_t rdtsc(struct x86_cpu *cpu)
{
    return x86_tsc(cpu);
}
X86_HELPER(rdtsc, 0, I64, 0, 0)

static void cpuid(struct x86_cpu *cpu)
{
    uint32_t out_regs[4];
    x86_cpuid(cpu, (uint32_t)cpu->gpr[X86_RAX], (uint32_t)cpu->gpr[X86_RCX], out_regs);
    cpu->gpr[X86_RAX] = out_regs[0];
    cpu->gpr[X86_RBX] = out_regs[1];
    cpu->gpr[X86_RCX] = out_regs[2];
    cpu->gpr[X86_RDX] = out_regs[3];
}
X86_HELPER(cpuid, IR_HELPER_WRITES_STATE, VOID, 0, 0)

static void rdmsr(struct x86_cpu *cpu)
{
    uint64_t value = 0;
    if (!x86_read_msr(cpu, (uint32_t)cpu->gpr[X86_RCX], &value)) {
        log_printf(LOG_GUEST_ERRORS, "x86: read of MSR 0x%x, which is not there\n", (uint32_t)cpu->gpr[X86_RCX]);
        x86_fault(cpu, X86_GP, 0);
    }
    cpu->gpr[X86_RAX] = (uint32_t)value;
    cpu->gpr[X86_RDX] = value >> 32;
}
X86_HELPER(rdmsr, X86_MODES, VOID, 0, 0)

static void wrmsr(struct x86_cpu *cpu)
{
    uint64_t value = (uint32_t)cpu->gpr[X86_RAX] | cpu->gpr[X86_RDX] << 32;
    if (!x86_write_msr(cpu, (uint32_t)cpu->gpr[X86_RCX], value)) {
        log_printf(LOG_GUEST_ERRORS, "x86: write of 0x%llx to MSR 0x%x, refused\n", (unsigned long long)value,
                   (uint32_t)cpu->gpr[X86_RCX]);
        x86_fault(cpu, X86_GP, 0);
    }
    x86_modes_changed(cpu);
}
X86_HELPER(wrmsr, X86_MODES, VOID, 0, 0)
