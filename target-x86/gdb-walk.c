// SPDX-License-Identifier: MIT
// Page tables as debuggers see them (Intel SDM volume 3, chapter 4): where an address leads, level by level, and what is mapped
// at all. Both let x86_walk do the walking and look on.

#include <inttypes.h>

#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"

struct paging {
    unsigned entry_bytes, address_bits;
    bool pae; // whose top level is four entries that the processor has loaded
    const char *name;
};

static struct paging paging_of(const struct x86_cpu *cpu)
{
    if (!(cpu->cr4 & CR4_PAE))
        return (struct paging){4, 32, false, "32-bit"};
    if (!x86_long_mode(cpu))
        return (struct paging){8, 32, true, "PAE"};
    if (cpu->cr4 & CR4_LA57)
        return (struct paging){8, 57, false, "5-level"};
    return (struct paging){8, 48, false, "4-level"};
}

// Whether the address can be meant at all.
static bool possible(const struct x86_cpu *cpu, uint64_t gva)
{
    return x86_long_mode(cpu) ? x86_canonical(cpu, gva) : !(gva >> 32);
}

static bool look(struct x86_cpu *cpu, uint64_t gva, void (*step)(void *opaque, const struct x86_walk_step *step), void *opaque,
                 struct tlb_translation *t)
{
    struct x86_walk walk = {.probe = true, .any = true, .access = TLB_READ, .step = step, .opaque = opaque};
    struct tlb_fault fault;
    *t = (struct tlb_translation){0};
    return x86_walk(cpu, gva, &walk, t, &fault);
}

bool x86_debug_translate(struct x86_cpu *cpu, uint64_t gva, uint64_t *gpa)
{
    struct tlb_translation t;
    if (!possible(cpu, gva) || !look(cpu, gva, NULL, NULL, &t))
        return false;
    *gpa = t.gpa;
    return true;
}

// --- a walk in words -----------------------------------------------------------------------------------------------

struct printer {
    const struct x86_cpu *cpu;
    struct paging paging;
    FILE *out;
    struct x86_walk_step last;
};

static void print_bits(const struct printer *p, const struct x86_walk_step *s)
{
    static const char *const names[] = {"P", "W", "U", "PWT", "PCD", "A", "D", "PS", "G"};
    // In place of PS, PTEs have the PAT's.
    uint64_t entry = s->level == 1 ? s->entry & ~(uint64_t)PTE_PS : s->entry;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (entry >> i & 1)
            fprintf(p->out, " %s", names[i]);
    if ((entry & PTE_NX) && (p->cpu->efer & EFER_NXE))
        fputs(" NX", p->out);
}

static void print_step(void *opaque, const struct x86_walk_step *s)
{
    static const char *const names[] = {"", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
    struct printer *p = opaque;
    p->last = *s;
    fprintf(p->out, "%-5s at 0x%" PRIx64 "%s: ", names[s->level], s->address,
            p->paging.pae && s->level == 3 ? ", loaded with CR3" : "");
    if (s->kind == X86_ENTRY_NO_MEMORY) {
        fputs("no memory there, as if P=0: not present\n", p->out);
        return;
    }
    fprintf(p->out, "0x%0*" PRIx64, (int)p->paging.entry_bytes * 2, s->entry);
    print_bits(p, s);
    switch (s->kind) {
    case X86_ENTRY_ABSENT:
        fputs(" -> P=0: not present\n", p->out);
        break;
    case X86_ENTRY_RESERVED:
        for (unsigned i = 0; i < 64; i++)
            if (s->reserved >> i & 1)
                fprintf(p->out, " -> reserved bit %u set\n", i);
        break;
    case X86_ENTRY_TABLE:
        fprintf(p->out, " -> table 0x%" PRIx64 "\n", s->entry & X86_PTE_ADDRESS);
        break;
    default:
        fprintf(p->out, " -> page 0x%" PRIx64 "\n", x86_page_address(p->cpu, s->entry, s->size_log2));
    }
}

// "r-x" for user code or for the supervisor's, with what stops them besides.
static void print_rights(const struct printer *p, bool user)
{
    const struct x86_cpu *cpu = p->cpu;
    bool for_others = !user && (p->last.rights & PTE_U);
    struct x86_walk walk = {.user = user, .smap = (cpu->cr4 & CR4_SMAP) && !(cpu->eflags & FLAG_AC)};
    struct tlb_translation t;
    unsigned denied = x86_page_rights(cpu, &walk, p->last.rights, p->last.entry, &t);
    fprintf(p->out, "%s %c%c%c", user ? "user" : "supervisor", t.readable ? 'r' : '-', t.writable ? 'w' : '-',
            t.executable ? 'x' : '-');
    if (for_others && walk.smap)
        fputs(" (SMAP)", p->out);
    if (for_others && (cpu->cr4 & CR4_SMEP))
        fputs(" (SMEP)", p->out);
    if (denied)
        fprintf(p->out, " (protection key %u)", x86_key(p->last.entry));
}

static void print_page(const struct printer *p, uint64_t gva, uint64_t gpa)
{
    uint64_t within = mask64(p->last.size_log2);
    bool masked = gpa != (x86_page_address(p->cpu, p->last.entry, p->last.size_log2) | (gva & within));
    fprintf(p->out, "0x%" PRIx64 " -> 0x%" PRIx64 ", page of ", gva, gpa);
    debug_print_size(p->last.size_log2, p->out);
    fputs(": ", p->out);
    print_rights(p, true);
    fputs(", ", p->out);
    print_rights(p, false);
    fputs(masked ? ", A20 is masked\n" : "\n", p->out);
}

void x86_debug_print_walk(struct vcpu *vcpu, uint64_t gva, FILE *out)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    struct printer p = {.cpu = cpu, .paging = paging_of(cpu), .out = out};
    struct tlb_translation t;
    bool paged = cpu->cr0 & CR0_PG;
    if (paged)
        fprintf(out, "%s paging, CR3 0x%" PRIx64 "\n", p.paging.name, cpu->cr3);
    else
        fputs("CR0.PG=0: no paging\n", out);
    if (!possible(cpu, gva))
        fprintf(out, "0x%" PRIx64 ": %s\n", gva, x86_long_mode(cpu) ? "not canonical" : "addresses have 32 bits");
    else if (look(cpu, gva, print_step, &p, &t) && paged)
        print_page(&p, gva, t.gpa);
    else if (!paged)
        fprintf(out, "0x%" PRIx64 " -> 0x%" PRIx64 "%s\n", gva, t.gpa, t.gpa != gva ? ", A20 is masked" : "");
}

// --- all mappings --------------------------------------------------------------------------------------------------

static void keep_last(void *opaque, const struct x86_walk_step *step)
{
    *(struct x86_walk_step *)opaque = *step;
}

static void describe(const struct x86_cpu *cpu, uint64_t gva, const struct x86_walk_step *last, const struct tlb_translation *t,
                     struct debug_mapping *m)
{
    uint64_t within = mask64(last->size_log2), rights = last->rights;
    unsigned key = x86_has_key(cpu, rights) ? x86_key(last->entry) : 0;
    *m = (struct debug_mapping){.gva = gva & ~within, .size = within + 1, .page_bytes = within + 1, .gpa = t->gpa & ~within};
    int end = snprintf(m->rights, sizeof(m->rights), "%cr%c%c%c", rights & PTE_U ? 'u' : 's', rights & PTE_W ? 'w' : '-',
                       rights & PTE_NX ? '-' : 'x', t->global ? 'g' : '-');
    if (key)
        snprintf(m->rights + end, sizeof(m->rights) - (size_t)end, " key %u", key);
}

bool x86_debug_next_mapping(struct vcpu *vcpu, uint64_t gva, struct debug_mapping *mapping)
{
    // Many tables without a page in them, or one that is its own table, would keep a search busy for very long.
    enum { MOST_WALKS = 1 << 21 };
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    if (!(cpu->cr0 & CR0_PG)) {
        if (gva >> 32)
            return false;
        *mapping = (struct debug_mapping){.size = BIT64(32), .page_bytes = TLB_PAGE_SIZE, .rights = "urwx-"};
        return true;
    }
    // What is between the halves that are canonical comes before the upper one.
    uint64_t upper = ~mask64(paging_of(cpu).address_bits - 1);
    for (unsigned walks = 0; walks < MOST_WALKS; walks++) {
        struct x86_walk_step last;
        struct tlb_translation t;
        if (!possible(cpu, gva) && !x86_long_mode(cpu))
            return false;
        if (!possible(cpu, gva))
            gva = upper;
        if (look(cpu, gva, keep_last, &last, &t)) {
            describe(cpu, gva, &last, &t, mapping);
            return true;
        }
        gva = (gva | mask64(last.size_log2)) + 1;
        if (!gva)
            return false;
    }
    return false;
}
