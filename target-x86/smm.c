// SPDX-License-Identifier: MIT
// System management mode (AMD APM volume 2, chapter 10; Intel SDM volume 3, chapter 31): entry at an SMI, and RSM.
//
// What RSM finds that no processor can be in is a shutdown. I/O restart is left out. The save area is in the form of AMD64
// processors when long mode is offered, else in that of 32-bit ones.

#include "target-x86/exception.h"

#include "hw/core/machine.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { SAVE_AREA = 0x8000, SAVE_BYTES = 0x8000 };

static void put(uint8_t *area, unsigned at, unsigned bytes, uint64_t value)
{
    store_le(area + at - SAVE_AREA, bytes, value);
}

static uint64_t get(const uint8_t *area, unsigned at, unsigned bytes)
{
    return load_le(area + at - SAVE_AREA, bytes);
}

static void select_memory(struct x86_cpu *cpu, bool smm)
{
    cpu->smm = smm;
    cpu->memory = smm && cpu->config.smm_memory ? cpu->config.smm_memory : cpu->tcg.vcpu.machine->map;
    cpu->tcg.memory = cpu->memory;
    tlb_flush_all(&cpu->tcg);
}

// --- the 64-bit form ---

static unsigned seg64(unsigned n)
{
    return 0xfe00 + n * 16;
}

static void save_seg64(uint8_t *area, unsigned at, const struct x86_segment *s)
{
    put(area, at, 2, s->selector);
    put(area, at + 2, 2, s->attr >> 8 & 0xf0ff);
    put(area, at + 4, 4, s->limit);
    put(area, at + 8, 8, s->base);
}

static struct x86_segment load_seg64(const uint8_t *area, unsigned at)
{
    return (struct x86_segment){.selector = (uint32_t)get(area, at, 2),
                                .attr = (uint32_t)get(area, at + 2, 2) << 8 & DESC_ATTR,
                                .limit = (uint32_t)get(area, at + 4, 4), .base = get(area, at + 8, 8)};
}

static void save64(struct x86_cpu *cpu, uint8_t *area)
{
    for (unsigned n = 0; n < X86_SEGS; n++)
        save_seg64(area, seg64(n), &cpu->segs[n]);
    save_seg64(area, 0xfe60, &cpu->gdtr);
    save_seg64(area, 0xfe70, &cpu->ldtr);
    save_seg64(area, 0xfe80, &cpu->idtr);
    save_seg64(area, 0xfe90, &cpu->tr);
    put(area, 0xfed0, 8, cpu->efer);
    for (unsigned n = 0; n < 16; n++)
        put(area, 0xfff8 - n * 8, 8, cpu->gpr[n]);
    put(area, 0xff78, 8, x86_rip(cpu));
    put(area, 0xff70, 8, x86_eflags_get(cpu));
    put(area, 0xff68, 8, cpu->dr[6]);
    put(area, 0xff60, 8, cpu->dr[7]);
    put(area, 0xff48, 8, cpu->cr4);
    put(area, 0xff50, 8, cpu->cr3);
    put(area, 0xff58, 8, cpu->cr0);
    put(area, 0xfec9, 1, cpu->halt == X86_IN_HLT);
    put(area, 0xfefc, 4, 0x00020064);
    put(area, 0xff00, 4, cpu->smbase);
}

static void load64(struct x86_cpu *cpu, const uint8_t *area)
{
    cpu->efer = get(area, 0xfed0, 8);
    cpu->halt = get(area, 0xfec9, 1) & 1 ? X86_IN_HLT : X86_RUNS;
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = load_seg64(area, seg64(n));
    cpu->gdtr = load_seg64(area, 0xfe60);
    cpu->ldtr = load_seg64(area, 0xfe70);
    cpu->idtr = load_seg64(area, 0xfe80);
    cpu->tr = load_seg64(area, 0xfe90);
    for (unsigned n = 0; n < 16; n++)
        cpu->gpr[n] = get(area, 0xfff8 - n * 8, 8);
    x86_eflags_set(cpu, (uint32_t)get(area, 0xff70, 8));
    cpu->dr[6] = get(area, 0xff68, 8);
    cpu->dr[7] = get(area, 0xff60, 8);
    cpu->cr4 = get(area, 0xff48, 8);
    cpu->cr3 = get(area, 0xff50, 8);
    cpu->cr0 = get(area, 0xff58, 8);
    if (get(area, 0xfefc, 4) & 0x20000)
        cpu->smbase = (uint32_t)get(area, 0xff00, 4);
    x86_debug_registers_changed(cpu);
    x86_set_rip(cpu, get(area, 0xff78, 8));
}

// --- the 32-bit form ---

static const struct {
    uint16_t selector, hidden;
} places32[X86_SEGS] = {[X86_ES] = {0xffa8, 0xff84}, [X86_CS] = {0xffac, 0xff90}, [X86_SS] = {0xffb0, 0xff9c},
                        [X86_DS] = {0xffb4, 0xff2c}, [X86_FS] = {0xffb8, 0xff38}, [X86_GS] = {0xffbc, 0xff44}};

static void save_hidden32(uint8_t *area, unsigned at, const struct x86_segment *s)
{
    put(area, at, 4, s->attr >> 8 & 0xf0ff);
    put(area, at + 4, 4, s->base);
    put(area, at + 8, 4, s->limit);
}

static struct x86_segment load_hidden32(const uint8_t *area, unsigned selector_at, unsigned at)
{
    return (struct x86_segment){.selector = (uint32_t)get(area, selector_at, 2),
                                .attr = (uint32_t)get(area, at, 4) << 8 & DESC_ATTR,
                                .base = get(area, at + 4, 4), .limit = (uint32_t)get(area, at + 8, 4)};
}

static void save32(struct x86_cpu *cpu, uint8_t *area)
{
    put(area, 0xfffc, 4, cpu->cr0);
    put(area, 0xfff8, 4, cpu->cr3);
    put(area, 0xfff4, 4, x86_eflags_get(cpu));
    put(area, 0xfff0, 4, x86_rip(cpu));
    for (unsigned n = 0; n < 8; n++)
        put(area, 0xffd0 + n * 4, 4, cpu->gpr[n]);
    put(area, 0xffcc, 4, cpu->dr[6]);
    put(area, 0xffc8, 4, cpu->dr[7]);
    put(area, 0xffc4, 4, cpu->tr.selector);
    save_hidden32(area, 0xff5c, &cpu->tr);
    put(area, 0xffc0, 4, cpu->ldtr.selector);
    save_hidden32(area, 0xff78, &cpu->ldtr);
    put(area, 0xff74, 4, cpu->gdtr.base);
    put(area, 0xff70, 4, cpu->gdtr.limit);
    put(area, 0xff58, 4, cpu->idtr.base);
    put(area, 0xff54, 4, cpu->idtr.limit);
    for (unsigned n = 0; n < X86_SEGS; n++) {
        put(area, places32[n].selector, 4, cpu->segs[n].selector);
        save_hidden32(area, places32[n].hidden, &cpu->segs[n]);
    }
    put(area, 0xff14, 4, cpu->cr4);
    put(area, 0xff02, 2, cpu->halt == X86_IN_HLT);
    put(area, 0xfefc, 4, 0x00020000);
    put(area, 0xfef8, 4, cpu->smbase);
}

static void load32(struct x86_cpu *cpu, const uint8_t *area)
{
    cpu->cr0 = get(area, 0xfffc, 4);
    cpu->halt = get(area, 0xff02, 2) & 1 ? X86_IN_HLT : X86_RUNS;
    cpu->cr3 = get(area, 0xfff8, 4);
    x86_eflags_set(cpu, (uint32_t)get(area, 0xfff4, 4));
    for (unsigned n = 0; n < 8; n++)
        cpu->gpr[n] = get(area, 0xffd0 + n * 4, 4);
    cpu->dr[6] = get(area, 0xffcc, 4);
    cpu->dr[7] = get(area, 0xffc8, 4);
    cpu->tr = load_hidden32(area, 0xffc4, 0xff5c);
    cpu->ldtr = load_hidden32(area, 0xffc0, 0xff78);
    cpu->gdtr.base = get(area, 0xff74, 4);
    cpu->gdtr.limit = (uint32_t)get(area, 0xff70, 4);
    cpu->idtr.base = get(area, 0xff58, 4);
    cpu->idtr.limit = (uint32_t)get(area, 0xff54, 4);
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = load_hidden32(area, places32[n].selector, places32[n].hidden);
    cpu->cr4 = get(area, 0xff14, 4);
    if (get(area, 0xfefc, 4) & 0x20000)
        cpu->smbase = (uint32_t)get(area, 0xfef8, 4);
    x86_debug_registers_changed(cpu);
    x86_set_rip(cpu, get(area, 0xfff0, 4));
}

// --- in and out ---

static uint8_t *save_area(struct x86_cpu *cpu)
{
    return x86_physical(cpu, cpu->smbase + SAVE_AREA, SAVE_BYTES);
}

static void wrote_area(struct x86_cpu *cpu, const uint8_t *area)
{
    struct guest_ram *ram = memory_map_ram(cpu->memory);
    guest_ram_wrote(ram, (uint64_t)(area - ram->host), SAVE_BYTES);
}

void x86_smm_enter(struct x86_cpu *cpu)
{
    select_memory(cpu, true);
    cpu->nmi_blocked_before_smm = cpu->nmi_blocked;
    cpu->nmi_blocked = true;
    uint8_t *area = save_area(cpu);
    if (!area) {
        log_printf(LOG_GUEST_ERRORS, "x86: SMI with SMBASE 0x%x, where there is no memory\n", cpu->smbase);
        select_memory(cpu, false);
        cpu->nmi_blocked = cpu->nmi_blocked_before_smm;
        return;
    }
    if (x86_has(cpu, X86_FEAT_LM))
        save64(cpu, area);
    else
        save32(cpu, area);
    wrote_area(cpu, area);
    cpu->halt = X86_RUNS;
    enum { DATA = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED | DESC_G };
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = (struct x86_segment){.limit = 0xffffffff, .attr = DATA};
    cpu->segs[X86_CS].selector = cpu->smbase >> 4 & 0xffff;
    cpu->segs[X86_CS].base = cpu->smbase;
    cpu->efer = 0;
    cpu->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->dr[7] = 0x400;
    cpu->shadow = 0;
    x86_eflags_set(cpu, FLAG_1);
    x86_debug_registers_changed(cpu);
    x86_set_rip(cpu, 0x8000);
}

static bool possible(const struct x86_cpu *cpu)
{
    uint64_t cr0 = cpu->cr0, long_mode = EFER_LME | EFER_LMA;
    if (cr0 >> 32 || ((cr0 & CR0_PG) && !(cr0 & CR0_PE)) || ((cr0 & CR0_NW) && !(cr0 & CR0_CD)))
        return false;
    if ((cpu->cr4 & ~x86_cr4_offered(cpu)) || (cpu->efer & ~x86_efer_offered(cpu) & ~(uint64_t)EFER_LMA))
        return false;
    if ((cpu->efer & EFER_LMA) && (!(cr0 & CR0_PG) || !(cpu->cr4 & CR4_PAE) || (cpu->efer & long_mode) != long_mode))
        return false;
    return (cpu->efer & EFER_LMA) || (!(cpu->efer & EFER_LME) || !(cr0 & CR0_PG));
}

void x86_smm_leave(struct x86_cpu *cpu)
{
    const uint8_t *area = save_area(cpu);
    cpu->nmi_blocked = cpu->nmi_blocked_before_smm;
    if (area && x86_has(cpu, X86_FEAT_LM))
        load64(cpu, area);
    else if (area)
        load32(cpu, area);
    select_memory(cpu, false);
    bool pae = (cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !x86_long_mode(cpu);
    if (!area || !possible(cpu) || (pae && !x86_load_pdptes(cpu, cpu->cr3)))
        x86_shut_down(cpu, "RSM to a state that cannot be");
    cpu->tcg.vcpu.halted |= cpu->halt == X86_IN_HLT;
    x86_debug_registers_changed(cpu);
}
