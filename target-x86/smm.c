// SPDX-License-Identifier: MIT
// System management mode (AMD APM volume 2, chapter 10; Intel SDM volume 3, chapter 31): entry at an SMI, and RSM.
//
// What RSM finds that no processor can be in is a shutdown. I/O restart is left out. The save area is in the form of AMD64
// processors when long mode is offered, else in that of 32-bit ones.

#include "target-x86/exception.h"

#include "hw/core/machine.h"
#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { SAVE_AREA = 0x8000, SAVE_BYTES = 0x8000, SMBASE_MOVES = 0x20000 /* in the revision */ };

// The save area on the way from or to the processor: each place is named once, for both.
struct image {
    uint8_t *area;
    bool save;
};

static void move64(const struct image *image, unsigned at, unsigned bytes, uint64_t *value)
{
    uint8_t *place = image->area + at - SAVE_AREA;
    if (image->save)
        store_le(place, bytes, *value);
    else
        *value = load_le(place, bytes);
}

static void move32(const struct image *image, unsigned at, unsigned bytes, uint32_t *value)
{
    uint64_t wide = *value;
    move64(image, at, bytes, &wide);
    *value = (uint32_t)wide;
}

static void move_attributes(const struct image *image, unsigned at, unsigned bytes, struct x86_segment *s)
{
    uint32_t attr = s->attr >> 8 & 0xf0ff;
    move32(image, at, bytes, &attr);
    s->attr = attr << 8 & DESC_ATTR;
}

// What has no place in the processor as it is: flags, instruction pointer, whether it is in HLT, and the revision, which says
// whether SMBASE is there.
struct scattered {
    uint64_t flags, rip;
    uint32_t in_hlt, revision;
};

static struct scattered scattered(struct x86_cpu *cpu, uint32_t revision)
{
    return (struct scattered){x86_eflags_get(cpu), x86_rip(cpu), cpu->halt == X86_IN_HLT, revision | SMBASE_MOVES};
}

static void gather(struct x86_cpu *cpu, const struct scattered *s)
{
    x86_eflags_set(cpu, (uint32_t)s->flags);
    cpu->halt = s->in_hlt & 1 ? X86_IN_HLT : X86_RUNS;
    x86_debug_registers_changed(cpu);
    x86_set_rip(cpu, s->rip);
}

struct memory_map *x86_smm_memory(const struct x86_cpu *cpu, bool smm)
{
    return smm && cpu->config.smm_memory ? cpu->config.smm_memory : cpu->tcg.vcpu.machine->map;
}

void x86_smm_select(struct x86_cpu *cpu, bool smm)
{
    cpu->smm = smm;
    cpu->memory = cpu->tcg.memory = x86_smm_memory(cpu, smm);
}

static void change_mode(struct x86_cpu *cpu, bool smm)
{
    x86_smm_select(cpu, smm);
    tlb_flush_all(&cpu->tcg);
}

// --- the 64-bit form ---

static void move_seg64(const struct image *image, unsigned at, struct x86_segment *s)
{
    move32(image, at, 2, &s->selector);
    move_attributes(image, at + 2, 2, s);
    move32(image, at + 4, 4, &s->limit);
    move64(image, at + 8, 8, &s->base);
}

static void move_form64(struct x86_cpu *cpu, const struct image *image)
{
    struct scattered s = scattered(cpu, 0x64);
    for (unsigned n = 0; n < X86_SEGS; n++)
        move_seg64(image, 0xfe00 + n * 16, &cpu->segs[n]);
    move_seg64(image, 0xfe60, &cpu->gdtr);
    move_seg64(image, 0xfe70, &cpu->ldtr);
    move_seg64(image, 0xfe80, &cpu->idtr);
    move_seg64(image, 0xfe90, &cpu->tr);
    move32(image, 0xfec9, 1, &s.in_hlt);
    move64(image, 0xfed0, 8, &cpu->efer);
    move32(image, 0xfefc, 4, &s.revision);
    if (s.revision & SMBASE_MOVES)
        move64(image, 0xff00, 4, &cpu->smbase);
    move64(image, 0xff48, 8, &cpu->cr4);
    move64(image, 0xff50, 8, &cpu->cr3);
    move64(image, 0xff58, 8, &cpu->cr0);
    move64(image, 0xff60, 8, &cpu->dr[7]);
    move64(image, 0xff68, 8, &cpu->dr[6]);
    move64(image, 0xff70, 8, &s.flags);
    move64(image, 0xff78, 8, &s.rip);
    for (unsigned n = 0; n < 16; n++)
        move64(image, 0xfff8 - n * 8, 8, &cpu->gpr[n]);
    if (!image->save)
        gather(cpu, &s);
}

// --- the 32-bit form ---

static void move_seg32(const struct image *image, unsigned selector_at, unsigned hidden_at, struct x86_segment *s)
{
    move32(image, selector_at, 4, &s->selector);
    s->selector &= 0xffff;
    move_attributes(image, hidden_at, 4, s);
    move64(image, hidden_at + 4, 4, &s->base);
    move32(image, hidden_at + 8, 4, &s->limit);
}

static void move_form32(struct x86_cpu *cpu, const struct image *image)
{
    static const struct {
        uint16_t selector, hidden;
    } places[X86_SEGS] = {[X86_ES] = {0xffa8, 0xff84}, [X86_CS] = {0xffac, 0xff90}, [X86_SS] = {0xffb0, 0xff9c},
                          [X86_DS] = {0xffb4, 0xff2c}, [X86_FS] = {0xffb8, 0xff38}, [X86_GS] = {0xffbc, 0xff44}};
    struct scattered s = scattered(cpu, 0);
    move32(image, 0xfefc, 4, &s.revision);
    if (s.revision & SMBASE_MOVES)
        move64(image, 0xfef8, 4, &cpu->smbase);
    move32(image, 0xff02, 2, &s.in_hlt);
    move64(image, 0xff14, 4, &cpu->cr4);
    move32(image, 0xff54, 4, &cpu->idtr.limit);
    move64(image, 0xff58, 4, &cpu->idtr.base);
    move32(image, 0xff70, 4, &cpu->gdtr.limit);
    move64(image, 0xff74, 4, &cpu->gdtr.base);
    for (unsigned n = 0; n < X86_SEGS; n++)
        move_seg32(image, places[n].selector, places[n].hidden, &cpu->segs[n]);
    move_seg32(image, 0xffc0, 0xff78, &cpu->ldtr);
    move_seg32(image, 0xffc4, 0xff5c, &cpu->tr);
    move64(image, 0xffc8, 4, &cpu->dr[7]);
    move64(image, 0xffcc, 4, &cpu->dr[6]);
    for (unsigned n = 0; n < 8; n++)
        move64(image, 0xffd0 + n * 4, 4, &cpu->gpr[n]);
    move64(image, 0xfff0, 4, &s.rip);
    move64(image, 0xfff4, 4, &s.flags);
    move64(image, 0xfff8, 4, &cpu->cr3);
    move64(image, 0xfffc, 4, &cpu->cr0);
    if (!image->save)
        gather(cpu, &s);
}

static void move(struct x86_cpu *cpu, uint8_t *area, bool save)
{
    struct image image = {area, save};
    if (x86_has(cpu, X86_FEAT_LM))
        move_form64(cpu, &image);
    else
        move_form32(cpu, &image);
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
    unsigned from = x86_cpl(cpu);
    uint64_t pc = tcg_get_pc(&cpu->tcg);
    change_mode(cpu, true);
    cpu->nmi_blocked_before_smm = cpu->nmi_blocked;
    cpu->nmi_blocked = true;
    uint8_t *area = save_area(cpu);
    if (!area) {
        log_printf(LOG_GUEST_ERRORS, "x86: SMI with SMBASE 0x%llx, where there is no memory\n", (unsigned long long)cpu->smbase);
        change_mode(cpu, false);
        cpu->nmi_blocked = cpu->nmi_blocked_before_smm;
        return;
    }
    move(cpu, area, true);
    wrote_area(cpu, area);
    cpu->halt = X86_RUNS;
    enum { DATA = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED | DESC_G };
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = (struct x86_segment){.limit = 0xffffffff, .attr = DATA};
    cpu->segs[X86_CS].selector = (uint32_t)cpu->smbase >> 4 & 0xffff;
    cpu->segs[X86_CS].base = cpu->smbase;
    cpu->efer = 0;
    cpu->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->dr[7] = 0x400;
    cpu->shadow = 0;
    x86_eflags_set(cpu, FLAG_1);
    x86_debug_registers_changed(cpu);
    x86_set_rip(cpu, 0x8000);
    debug_exception_taken(&cpu->tcg.vcpu,
                          (struct debug_exception){.pc = pc, .handler = tcg_get_pc(&cpu->tcg), .vector = X86_DEBUG_SMI,
                                                   .from = (uint8_t)from, .interrupt = true});
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
    uint8_t *area = save_area(cpu);
    cpu->nmi_blocked = cpu->nmi_blocked_before_smm;
    if (area)
        move(cpu, area, false);
    change_mode(cpu, false);
    bool pae = (cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !x86_long_mode(cpu);
    if (!area || !possible(cpu) || (pae && !x86_load_pdptes(cpu, cpu->cr3)))
        x86_shut_down(cpu, "RSM to a state that cannot be");
    cpu->tcg.vcpu.halted |= cpu->halt == X86_IN_HLT;
    x86_debug_registers_changed(cpu);
}
