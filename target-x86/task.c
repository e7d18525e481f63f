// SPDX-License-Identifier: MIT
// Hardware task switches (Intel SDM volume 3, chapter 7).
//
// Both TSSs are checked and touched before anything changes; faults while the new task's segments are loaded are the
// new task's, as on hardware.

#include "target-x86/exception.h"

#include "tcg/base/bits.h"

// Offsets of a 32-bit TSS; a 16-bit one has its registers from 14 on, two bytes each.
enum { TSS32_CR3 = 28, TSS32_EIP = 32, TSS32_EFLAGS = 36, TSS32_REGS = 40, TSS32_SEGS = 72, TSS32_LDT = 96, TSS32_TRAP = 100,
       TSS32_MIN = 103, TSS16_IP = 14, TSS16_FLAGS = 16, TSS16_REGS = 18, TSS16_SEGS = 34, TSS16_LDT = 42, TSS16_MIN = 43 };

static uint64_t load(struct x86_cpu *cpu, uint64_t base, unsigned offset, unsigned bytes)
{
    uint64_t value = tlb_load(&cpu->tcg, base + offset, bytes, X86_MMU_KERNEL);
    return bytes == 8 ? value : value & mask64(bytes * 8);
}

static void store(struct x86_cpu *cpu, uint64_t base, unsigned offset, unsigned bytes, uint64_t value)
{
    tlb_store(&cpu->tcg, base + offset, bytes, value, X86_MMU_KERNEL);
}

static void set_busy(struct x86_cpu *cpu, uint32_t selector, bool busy)
{
    struct x86_descriptor d;
    if (!x86_read_descriptor(cpu, selector, &d))
        return;
    uint32_t high = busy ? d.high | 2 << 8 : d.high & ~(2u << 8);
    tlb_store(&cpu->tcg, d.address + 5, 1, high >> 8 & 0xff, X86_MMU_KERNEL);
}

// Bytes of both ends of a TSS, so that faults come before the switch.
static void touch(struct x86_cpu *cpu, uint64_t base, unsigned last, enum tlb_access access)
{
    tlb_host(&cpu->tcg, base, access, X86_MMU_KERNEL, false);
    tlb_host(&cpu->tcg, base + last, access, X86_MMU_KERNEL, false);
}

static void save_state(struct x86_cpu *cpu, uint32_t eflags, uint64_t rip)
{
    uint64_t base = cpu->tr.base;
    if (cpu->tr.attr & (8 << 8)) {
        store(cpu, base, TSS32_EIP, 4, rip);
        store(cpu, base, TSS32_EFLAGS, 4, eflags);
        for (unsigned i = 0; i < 8; i++)
            store(cpu, base, TSS32_REGS + i * 4, 4, cpu->gpr[i]);
        for (unsigned i = 0; i < 6; i++)
            store(cpu, base, TSS32_SEGS + i * 4, 2, cpu->segs[i].selector);
        return;
    }
    store(cpu, base, TSS16_IP, 2, rip);
    store(cpu, base, TSS16_FLAGS, 2, eflags);
    for (unsigned i = 0; i < 8; i++)
        store(cpu, base, TSS16_REGS + i * 2, 2, cpu->gpr[i]);
    for (unsigned i = 0; i < 4; i++)
        store(cpu, base, TSS16_SEGS + i * 2, 2, cpu->segs[i].selector);
}

struct task {
    uint64_t cr3, rip, regs[8];
    uint32_t eflags, segs[6], ldt;
    bool trap;
};

static struct task read_state(struct x86_cpu *cpu, uint64_t base, bool wide)
{
    struct task t = {0};
    if (wide) {
        t.cr3 = load(cpu, base, TSS32_CR3, 4);
        t.rip = load(cpu, base, TSS32_EIP, 4);
        t.eflags = (uint32_t)load(cpu, base, TSS32_EFLAGS, 4);
        for (unsigned i = 0; i < 8; i++)
            t.regs[i] = load(cpu, base, TSS32_REGS + i * 4, 4);
        for (unsigned i = 0; i < 6; i++)
            t.segs[i] = (uint32_t)load(cpu, base, TSS32_SEGS + i * 4, 2);
        t.ldt = (uint32_t)load(cpu, base, TSS32_LDT, 2);
        t.trap = load(cpu, base, TSS32_TRAP, 1) & 1;
        return t;
    }
    t.rip = load(cpu, base, TSS16_IP, 2);
    t.eflags = (uint32_t)load(cpu, base, TSS16_FLAGS, 2);
    for (unsigned i = 0; i < 8; i++)
        t.regs[i] = load(cpu, base, TSS16_REGS + i * 2, 2) | 0xffff0000;
    for (unsigned i = 0; i < 4; i++)
        t.segs[i] = (uint32_t)load(cpu, base, TSS16_SEGS + i * 2, 2);
    t.ldt = (uint32_t)load(cpu, base, TSS16_LDT, 2);
    return t;
}

static void load_ldt(struct x86_cpu *cpu, uint32_t selector)
{
    struct x86_descriptor d;
    cpu->ldtr = (struct x86_segment){.selector = selector};
    if (!(selector & 0xfffc))
        return;
    if ((selector & 4) || !x86_read_descriptor(cpu, selector, &d) || x86_desc_type(d.high) != GATE_LDT ||
        !(d.high & DESC_P))
        x86_fault(cpu, X86_TS, selector & 0xfffc);
    cpu->ldtr = x86_segment_of(selector, &d);
}

static void load_code(struct x86_cpu *cpu, uint32_t selector)
{
    struct x86_descriptor d;
    unsigned cpl = selector & 3;
    if (!(selector & 0xfffc) || !x86_read_descriptor(cpu, selector, &d) || !x86_is_code(d.high) ||
        (d.high & DESC_CONFORMING ? x86_desc_dpl(d.high) > cpl : x86_desc_dpl(d.high) != cpl))
        x86_fault(cpu, X86_TS, selector & 0xfffc);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    x86_mark_accessed(cpu, &d);
    cpu->segs[X86_CS] = x86_segment_of(selector, &d);
}

static void load_segments(struct x86_cpu *cpu, const struct task *t)
{
    static const uint8_t data[] = {X86_DS, X86_ES, X86_FS, X86_GS};
    if (t->eflags & FLAG_VM) {
        for (unsigned i = 0; i < X86_SEGS; i++)
            cpu->segs[i] = x86_real_segment(t->segs[i]);
        return;
    }
    for (unsigned i = 0; i < X86_SEGS; i++)
        cpu->segs[i] = (struct x86_segment){.selector = t->segs[i]};
    unsigned cpl = t->segs[X86_CS] & 3;
    x86_set_cpl(&cpu->segs[X86_SS], cpl);
    x86_modes_changed(cpu);
    load_ldt(cpu, t->ldt);
    load_code(cpu, t->segs[X86_CS]);
    cpu->segs[X86_SS] = x86_stack_segment(cpu, t->segs[X86_SS], cpl, X86_TS);
    x86_modes_changed(cpu);
    x86_set_rip(cpu, t->rip);
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
        x86_load_segment(cpu, data[i], t->segs[data[i]]);
}

void x86_task_switch(struct x86_cpu *cpu, uint32_t selector, enum x86_task_reason reason, uint64_t next_rip)
{
    struct x86_descriptor d;
    unsigned vector = reason == X86_TASK_IRET ? X86_TS : X86_GP;
    if ((selector & 4) || !x86_read_descriptor(cpu, selector, &d))
        x86_fault(cpu, vector, selector & 0xfffc);
    unsigned type = x86_desc_type(d.high);
    bool wide = type & 8;
    if ((type & ~8u) != (reason == X86_TASK_IRET ? GATE_TSS16_BUSY : GATE_TSS16))
        x86_fault(cpu, vector, selector & 0xfffc);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    struct x86_segment tss = x86_segment_of(selector, &d);
    unsigned last = wide ? TSS32_MIN : TSS16_MIN, old_last = cpu->tr.attr & (8 << 8) ? TSS32_MIN : TSS16_MIN;
    if (tss.limit < last)
        x86_fault(cpu, X86_TS, selector & 0xfffc);
    touch(cpu, tss.base, last, TLB_WRITE);
    touch(cpu, cpu->tr.base, old_last, TLB_WRITE);

    uint32_t eflags = x86_eflags_get(cpu), old_selector = cpu->tr.selector;
    if (reason == X86_TASK_IRET)
        eflags &= ~(uint32_t)FLAG_NT;
    if (reason != X86_TASK_CALL)
        set_busy(cpu, old_selector, false);
    save_state(cpu, eflags, next_rip);
    struct task t = read_state(cpu, tss.base, wide);
    if (reason == X86_TASK_CALL) {
        store(cpu, tss.base, 0, 2, old_selector);
        t.eflags |= FLAG_NT;
    }
    if (reason != X86_TASK_IRET)
        set_busy(cpu, selector, true);

    // From here on it is the new task.
    cpu->tr = tss;
    cpu->tr.attr |= 2 << 8;
    cpu->cr0 |= CR0_TS;
    if (wide && (cpu->cr0 & CR0_PG) && cpu->cr3 != t.cr3) {
        cpu->cr3 = t.cr3;
        tlb_flush_key(&cpu->tcg, cpu->space_key);
    }
    x86_eflags_set(cpu, t.eflags);
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = t.regs[i];
    cpu->dr[7] &= ~UINT64_C(0x155);
    x86_debug_registers_changed(cpu);
    load_segments(cpu, &t);
    x86_modes_changed(cpu);
    x86_set_rip(cpu, t.rip);
    if (t.trap)
        x86_debug_trap(cpu, 1u << 15);
}

void x86_task_gate(struct x86_cpu *cpu, uint32_t selector, enum x86_task_reason reason, uint64_t next_rip)
{
    struct x86_descriptor d;
    if ((selector & 4) || !x86_read_descriptor(cpu, selector, &d))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    x86_task_switch(cpu, selector, reason, next_rip);
}
