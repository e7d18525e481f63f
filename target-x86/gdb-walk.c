// SPDX-License-Identifier: MIT
// Page tables as debuggers see them (Intel SDM volume 3, chapter 4): where an address leads, level by level, and what is mapped
// at all. Nothing is refused for the sake of privilege, and nothing is marked accessed. Tables that are no RAM are empty.

#include <inttypes.h>
#include <string.h>

#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

struct paging {
    unsigned levels, index_bits, entry_bytes, address_bits;
    uint64_t root; // of the top level's table
    bool pae;      // whose top level is four entries that the processor has loaded
    const char *name;
};

static struct paging paging_of(const struct x86_cpu *cpu)
{
    uint64_t root = cpu->cr3 & X86_PTE_ADDRESS;
    if (!(cpu->cr4 & CR4_PAE))
        return (struct paging){2, 10, 4, 32, root & 0xffffffff, false, "32-bit"};
    if (!x86_long_mode(cpu))
        return (struct paging){3, 9, 8, 32, cpu->cr3 & 0xffffffe0, true, "PAE"};
    if (cpu->cr4 & CR4_LA57)
        return (struct paging){5, 9, 8, 57, root, false, "5-level"};
    return (struct paging){4, 9, 8, 48, root, false, "4-level"};
}

static unsigned shift_of(const struct paging *p, unsigned level)
{
    return 12 + p->index_bits * (level - 1);
}

static unsigned entries_of(const struct paging *p, unsigned level)
{
    return p->pae && level == 3 ? 4 : 1u << p->index_bits;
}

// --- one entry -----------------------------------------------------------------------------------------------------

enum step_kind { STEP_TABLE, STEP_PAGE, STEP_ABSENT, STEP_RESERVED, STEP_NO_MEMORY };

struct step {
    enum step_kind kind;
    uint64_t at, entry, reserved; // reserved: bits that should not be set
};

// A table's entries. NULL: there is no memory.
static const uint8_t *table_at(struct x86_cpu *cpu, const struct paging *p, unsigned level, uint64_t gpa)
{
    if (p->pae && level == 3)
        return (const uint8_t *)cpu->pdpte;
    return x86_physical(cpu, x86_a20(cpu, gpa & cpu->pa_mask), TLB_PAGE_SIZE);
}

static uint64_t entry_in(const struct paging *p, unsigned level, const uint8_t *table, unsigned index)
{
    if (p->pae && level == 3)
        return ((const uint64_t *)table)[index];
    return load_le(table + index * p->entry_bytes, p->entry_bytes);
}

static struct step classify(const struct x86_cpu *cpu, const struct paging *p, unsigned level, uint64_t entry)
{
    struct step s = {.entry = entry};
    bool large = level > 1 && level <= (x86_long_mode(cpu) ? 3 : 2) && (entry & PTE_PS) &&
                 (p->entry_bytes == 8 || (cpu->cr4 & CR4_PSE));
    // The processor has checked those of PAE when it loaded them.
    if (!(p->pae && level == 3))
        s.reserved = entry & x86_reserved_bits(cpu, level, large);
    s.kind = !(entry & PTE_P) ? STEP_ABSENT : s.reserved ? STEP_RESERVED : level == 1 || large ? STEP_PAGE : STEP_TABLE;
    return s;
}

static struct step look(struct x86_cpu *cpu, const struct paging *p, unsigned level, uint64_t table, uint64_t gva)
{
    unsigned index = (unsigned)extract64(gva, shift_of(p, level), p->pae && level == 3 ? 2 : p->index_bits);
    const uint8_t *entries = table_at(cpu, p, level, table);
    struct step s = {.kind = STEP_NO_MEMORY};
    if (entries)
        s = classify(cpu, p, level, entry_in(p, level, entries, index));
    s.at = table + index * p->entry_bytes;
    return s;
}

// What pages of a table may be used for at most: W and U of all levels together, NX of any.
static uint64_t rights_below(const struct x86_cpu *cpu, const struct paging *p, unsigned level, uint64_t rights,
                             uint64_t entry)
{
    if (p->pae && level == 3)
        return rights;
    uint64_t nx = cpu->efer & EFER_NXE ? entry & PTE_NX : 0;
    return (rights & (entry | PTE_NX)) | nx;
}

static uint64_t next_table(const struct paging *p, uint64_t entry)
{
    return entry & (p->entry_bytes == 4 ? 0xfffff000 : X86_PTE_ADDRESS);
}

// Whether the address can be meant at all.
static bool possible(const struct x86_cpu *cpu, uint64_t gva)
{
    return x86_long_mode(cpu) ? x86_canonical(cpu, gva) : !(gva >> 32);
}

bool x86_debug_translate(struct x86_cpu *cpu, uint64_t gva, uint64_t *gpa)
{
    if (!possible(cpu, gva))
        return false;
    if (!(cpu->cr0 & CR0_PG)) {
        *gpa = x86_a20(cpu, gva & cpu->pa_mask);
        return true;
    }
    struct paging p = paging_of(cpu);
    uint64_t table = p.root;
    for (unsigned level = p.levels; level; level--) {
        struct step s = look(cpu, &p, level, table, gva);
        unsigned shift = shift_of(&p, level);
        if (s.kind == STEP_PAGE) {
            *gpa = x86_a20(cpu, x86_page_address(cpu, s.entry, shift) | (gva & mask64(shift)));
            return true;
        }
        if (s.kind != STEP_TABLE)
            return false;
        table = next_table(&p, s.entry);
    }
    return false;
}

// --- a walk in words -----------------------------------------------------------------------------------------------

static void print_bits(const struct x86_cpu *cpu, const struct paging *p, unsigned level, uint64_t entry, FILE *out)
{
    static const char *const names[] = {"P", "W", "U", "PWT", "PCD", "A", "D", "PS", "G"};
    if (level == 1)
        entry &= ~(uint64_t)PTE_PS; // the PAT's there
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (entry >> i & 1)
            fprintf(out, " %s", names[i]);
    if (p->entry_bytes == 8 && (entry & PTE_NX) && (cpu->efer & EFER_NXE))
        fputs(" NX", out);
}

static void print_step(const struct x86_cpu *cpu, const struct paging *p, unsigned level, const struct step *s, FILE *out)
{
    static const char *const names[] = {"", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
    fprintf(out, "%-5s at 0x%" PRIx64 "%s: ", names[level], s->at, p->pae && level == 3 ? ", loaded with CR3" : "");
    if (s->kind == STEP_NO_MEMORY) {
        fputs("no memory there, as if P=0: not present\n", out);
        return;
    }
    fprintf(out, "0x%0*" PRIx64, (int)p->entry_bytes * 2, s->entry);
    print_bits(cpu, p, level, s->entry, out);
    switch (s->kind) {
    case STEP_ABSENT:
        fputs(" -> P=0: not present\n", out);
        break;
    case STEP_RESERVED:
        for (unsigned i = 0; i < 64; i++)
            if (s->reserved >> i & 1)
                fprintf(out, " -> reserved bit %u set\n", i);
        break;
    case STEP_TABLE:
        fprintf(out, " -> table 0x%" PRIx64 "\n", next_table(p, s->entry));
        break;
    default:
        fprintf(out, " -> page 0x%" PRIx64 "\n", x86_page_address(cpu, s->entry, shift_of(p, level)));
    }
}

// "r-x" for user code or for the supervisor's, with what stops them besides.
static void print_rights(const struct x86_cpu *cpu, uint64_t rights, uint64_t leaf, bool user, FILE *out)
{
    bool user_page = rights & PTE_U, smap = user_page && !user && (cpu->cr4 & CR4_SMAP) && !(cpu->eflags & FLAG_AC);
    bool smep = user_page && !user && (cpu->cr4 & CR4_SMEP);
    bool read = (user_page || !user) && !smap, wp = user || (cpu->cr0 & CR0_WP), write = read && ((rights & PTE_W) || !wp);
    bool execute = (user_page || !user) && !(rights & PTE_NX) && !smep;
    unsigned key = 0, denied = 0;
    if ((cpu->cr4 & CR4_PKE) && x86_long_mode(cpu) && user_page) {
        key = (unsigned)extract64(leaf, 59, 4);
        denied = cpu->pkru >> (key * 2) & (wp ? 3 : 1);
    }
    fprintf(out, "%s %c%c%c", user ? "user" : "supervisor", read && !(denied & 1) ? 'r' : '-', write && !denied ? 'w' : '-',
            execute ? 'x' : '-');
    if (smap)
        fputs(" (SMAP)", out);
    if (smep)
        fputs(" (SMEP)", out);
    if (denied)
        fprintf(out, " (protection key %u)", key);
}

static void print_size(uint64_t bytes, FILE *out)
{
    if (bytes >> 30)
        fprintf(out, "%" PRIu64 " GiB", bytes >> 30);
    else if (bytes >> 20)
        fprintf(out, "%" PRIu64 " MiB", bytes >> 20);
    else
        fprintf(out, "%" PRIu64 " KiB", bytes >> 10);
}

static void print_page(const struct x86_cpu *cpu, uint64_t gva, uint64_t entry, unsigned shift, uint64_t rights, FILE *out)
{
    uint64_t gpa = x86_page_address(cpu, entry, shift) | (gva & mask64(shift));
    fprintf(out, "0x%" PRIx64 " -> 0x%" PRIx64 ", page of ", gva, x86_a20(cpu, gpa));
    print_size(BIT64(shift), out);
    fputs(": ", out);
    print_rights(cpu, rights, entry, true, out);
    fputs(", ", out);
    print_rights(cpu, rights, entry, false, out);
    fputs(x86_a20(cpu, gpa) != gpa ? ", A20 is masked\n" : "\n", out);
}

void x86_debug_print_walk(struct vcpu *vcpu, uint64_t gva, FILE *out)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    struct paging p = paging_of(cpu);
    uint64_t table = p.root, rights = PTE_W | PTE_U, gpa;
    bool paged = cpu->cr0 & CR0_PG;
    if (paged)
        fprintf(out, "%s paging, CR3 0x%" PRIx64 "\n", p.name, cpu->cr3);
    else
        fputs("CR0.PG=0: no paging\n", out);
    if (!possible(cpu, gva)) {
        fprintf(out, "0x%" PRIx64 ": %s\n", gva, x86_long_mode(cpu) ? "not canonical" : "addresses have 32 bits");
        return;
    }
    if (!paged && x86_debug_translate(cpu, gva, &gpa)) {
        fprintf(out, "0x%" PRIx64 " -> 0x%" PRIx64 "%s\n", gva, gpa, gpa != gva ? ", A20 is masked" : "");
        return;
    }
    for (unsigned level = p.levels; level; level--) {
        struct step s = look(cpu, &p, level, table, gva);
        print_step(cpu, &p, level, &s, out);
        rights = rights_below(cpu, &p, level, rights, s.entry);
        if (s.kind == STEP_PAGE)
            print_page(cpu, gva, s.entry, shift_of(&p, level), rights, out);
        if (s.kind != STEP_TABLE)
            return;
        table = next_table(&p, s.entry);
    }
}

// --- all mappings --------------------------------------------------------------------------------------------------

// Many tables without a page in them, or one that is its own table, would keep a search busy for very long.
enum { SEARCH_ENTRIES = 1 << 24 };

struct search {
    struct x86_cpu *cpu;
    struct paging paging;
    uint64_t from; // without what extends its sign
    unsigned left; // entries to look at
    struct debug_mapping *found;
};

static void describe(const struct search *s, uint64_t gva, uint64_t entry, unsigned shift, uint64_t rights)
{
    const struct x86_cpu *cpu = s->cpu;
    uint64_t size = BIT64(shift);
    bool global = (entry & PTE_G) && (cpu->cr4 & CR4_PGE);
    struct debug_mapping *m = s->found;
    *m = (struct debug_mapping){.gva = gva, .size = size, .page_bytes = size,
                                .gpa = x86_a20(cpu, x86_page_address(cpu, entry, shift))};
    if (x86_long_mode(cpu))
        m->gva = (uint64_t)sextract64(gva, 0, s->paging.address_bits);
    unsigned key = (cpu->cr4 & CR4_PKE) && x86_long_mode(cpu) && (rights & PTE_U) ? (unsigned)extract64(entry, 59, 4) : 0;
    int end = snprintf(m->rights, sizeof(m->rights), "%cr%c%c%c", rights & PTE_U ? 'u' : 's', rights & PTE_W ? 'w' : '-',
                       rights & PTE_NX ? '-' : 'x', global ? 'g' : '-');
    if (key)
        snprintf(m->rights + end, sizeof(m->rights) - (size_t)end, " key %u", key);
}

static bool search(struct search *s, unsigned level, uint64_t table, uint64_t base, uint64_t rights)
{
    const struct paging *p = &s->paging;
    const uint8_t *entries = table_at(s->cpu, p, level, table);
    unsigned shift = shift_of(p, level), count = entries ? entries_of(p, level) : 0;
    for (uint64_t i = s->from > base ? (s->from - base) >> shift : 0; i < count; i++) {
        if (!s->left)
            return false;
        s->left--;
        struct step step = classify(s->cpu, p, level, entry_in(p, level, entries, (unsigned)i));
        uint64_t gva = base + (i << shift), below = rights_below(s->cpu, p, level, rights, step.entry);
        if (step.kind == STEP_PAGE) {
            describe(s, gva, step.entry, shift, below);
            return true;
        }
        if (step.kind == STEP_TABLE && search(s, level - 1, next_table(p, step.entry), gva, below))
            return true;
    }
    return false;
}

bool x86_debug_next_mapping(struct vcpu *vcpu, uint64_t gva, struct debug_mapping *mapping)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    struct search s = {.cpu = cpu, .paging = paging_of(cpu), .left = SEARCH_ENTRIES, .found = mapping};
    unsigned bits = s.paging.address_bits;
    if (!x86_long_mode(cpu) && gva >> 32)
        return false;
    if (!(cpu->cr0 & CR0_PG)) {
        *mapping = (struct debug_mapping){.size = BIT64(32), .page_bytes = TLB_PAGE_SIZE, .rights = "urwx-"};
        return true;
    }
    s.from = gva & mask64(bits);
    // What is between the halves that are canonical comes before the upper one.
    if (!possible(cpu, gva))
        s.from = BIT64(bits - 1);
    return search(&s, s.paging.levels, s.paging.root, 0, PTE_W | PTE_U);
}
