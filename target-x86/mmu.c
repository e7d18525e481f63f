// SPDX-License-Identifier: MIT
// Page walks: 32-bit with PSE and PSE-36, PAE, 4 and 5 levels; NX, WP, SMEP, SMAP, protection keys; accessed and dirty
// bits by compare and swap.

#include "target-x86/exception.h"
#include "target-x86/mmu.h"

#include <string.h>

#include "hw/core/memory-map.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16, PF_PK = 32 };

// A key's bits of PKRU.
enum { KEY_NO_ACCESS = 1, KEY_NO_WRITE = 2 };

uint64_t x86_pcid_key(uint64_t pcid)
{
    return (uint64_t)X86_REGIME_PAGED << 32 | ((pcid & 0xfff) + 1);
}

uint64_t x86_space_key(const struct x86_cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PG))
        return (uint64_t)X86_REGIME_FLAT << 32 | 1;
    return x86_pcid_key(cpu->cr4 & CR4_PCIDE ? cpu->cr3 : 0);
}

void *x86_physical(struct x86_cpu *cpu, uint64_t gpa, unsigned bytes)
{
    const struct mem_range *range = memory_map_find(cpu->memory, gpa);
    if (!range || !range->host || range->base + range->size - gpa < bytes)
        return NULL;
    return range->host + (gpa - range->base);
}

// What each miss of the soft TLB goes through is compiled for itself, without anybody who looks on.
#define INLINE static inline __attribute__((always_inline))

// --- the walk ------------------------------------------------------------------------------------------------------

struct walk {
    struct x86_cpu *cpu;
    uint64_t gva;
    struct x86_walk how;
    uint32_t error;  // of a fault met now
};

enum walk_result { WALK_OK, WALK_FAULT, WALK_AGAIN };

// An entry of a table, and what those above it leave.
struct entry {
    void *host; // NULL: there is no memory
    uint64_t value, rights; // rights: W, U of all levels together, NX of any
    bool page;
};

static void *entry_at(struct walk *w, uint64_t gpa, unsigned bytes)
{
    return x86_physical(w->cpu, x86_a20(w->cpu, gpa & w->cpu->pa_mask), bytes);
}

static uint64_t load_entry(const void *host, unsigned bytes)
{
    if (bytes == 4)
        return __atomic_load_n((const uint32_t *)host, __ATOMIC_ACQUIRE);
    return __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE);
}

// Sets bits of an entry. False when it has changed meanwhile.
static bool set_bits(void *host, unsigned bytes, uint64_t old, uint64_t bits)
{
    if ((old & bits) == bits)
        return true;
    if (bytes == 4) {
        uint32_t expected = (uint32_t)old;
        return __atomic_compare_exchange_n((uint32_t *)host, &expected, (uint32_t)(old | bits), false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
    return __atomic_compare_exchange_n((uint64_t *)host, &old, old | bits, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static enum walk_result fail(struct walk *w, uint32_t error)
{
    w->error = error;
    return WALK_FAULT;
}

INLINE unsigned page_rights(const struct x86_cpu *cpu, const struct x86_walk *walk, uint64_t rights, uint64_t leaf,
                            struct tlb_translation *t)
{
    bool user_page = rights & PTE_U, write_bit = rights & PTE_W, nx = rights & PTE_NX;
    bool protects = walk->user || (cpu->cr0 & CR0_WP);
    if (walk->user) {
        t->readable = user_page;
        t->executable = user_page && !nx;
    } else {
        t->readable = !(user_page && walk->smap);
        t->executable = !nx && !(user_page && (cpu->cr4 & CR4_SMEP));
    }
    t->writable = t->readable && (write_bit || !protects);
    if (!x86_has_key(cpu, rights))
        return 0;
    unsigned denied = cpu->pkru >> (x86_key(leaf) * 2) & (protects ? KEY_NO_ACCESS | KEY_NO_WRITE : KEY_NO_ACCESS);
    if (denied & KEY_NO_ACCESS)
        t->readable = false;
    if (denied)
        t->writable = false;
    return denied;
}

unsigned x86_page_rights(const struct x86_cpu *cpu, const struct x86_walk *walk, uint64_t rights, uint64_t leaf,
                         struct tlb_translation *t)
{
    return page_rights(cpu, walk, rights, leaf, t);
}

// What stops the access to a page; 0 for nothing. Keys do not count for fetches.
INLINE uint32_t refusal(const struct walk *w, const struct entry *e, struct tlb_translation *t)
{
    enum tlb_access access = w->how.access;
    unsigned denied = page_rights(w->cpu, &w->how, e->rights, e->value, t);
    if (w->how.any)
        return 0;
    if (access == TLB_FETCH)
        return t->executable ? 0 : PF_P;
    if (x86_has_key(w->cpu, e->rights))
        w->cpu->pkey_rights_used |= UINT32_C(3) << (x86_key(e->value) * 2);
    if (access == TLB_WRITE ? t->writable : t->readable)
        return 0;
    return PF_P | (denied & (access == TLB_WRITE ? KEY_NO_ACCESS | KEY_NO_WRITE : KEY_NO_ACCESS) ? PF_PK : 0);
}

INLINE enum walk_result finish(struct walk *w, const struct entry *e, unsigned log2, unsigned bytes, struct tlb_translation *t)
{
    bool write = w->how.access == TLB_WRITE;
    uint32_t refused = refusal(w, e, t);
    if (refused)
        return fail(w, refused);
    uint64_t bits = PTE_A | (write ? PTE_D : 0);
    if (!w->how.probe && !set_bits(e->host, bytes, e->value, bits))
        return WALK_AGAIN;
    // A clean page is shown as read only until its first write.
    if (!(e->value & PTE_D) && !write)
        t->writable = false;
    t->gpa = x86_a20(w->cpu, x86_page_address(w->cpu, e->value, log2) | (w->gva & mask64(log2)));
    t->page_log2 = (uint8_t)log2;
    t->global = (e->value & PTE_G) && (w->cpu->cr4 & CR4_PGE);
    return WALK_OK;
}

// Bits that must be zero in all entries.
static uint64_t always_reserved(const struct x86_cpu *cpu, unsigned bytes)
{
    uint64_t unless_nxe = cpu->efer & EFER_NXE ? 0 : PTE_NX, unless_long = x86_long_mode(cpu) ? 0 : UINT64_C(0x7ff) << 52;
    return bytes == 8 ? (X86_PTE_ADDRESS & ~cpu->pa_mask) | unless_nxe | unless_long : 0;
}

// Those of a level besides, for an entry that maps a large page or does not.
INLINE uint64_t level_reserved(const struct x86_cpu *cpu, unsigned level, unsigned log2, bool large, unsigned bytes)
{
    if (bytes == 4) // bits 39:32 of an address are in bits 20:13
        return large ? BIT64(21) | (~cpu->pa_mask >> 32 & 0xff) << 13 : 0;
    bool must_be_table = level > 3 || (level == 3 && !x86_has(cpu, X86_FEAT_PDPE1GB));
    return (must_be_table ? PTE_PS : 0) | (large ? mask64(log2) & ~UINT64_C(0x1fff) : 0);
}

uint64_t x86_page_address(const struct x86_cpu *cpu, uint64_t entry, unsigned log2)
{
    if (!(cpu->cr4 & CR4_PAE) && log2 > 12)
        return extract64(entry, 13, 8) << 32 | (entry & 0xffc00000);
    return entry & X86_PTE_ADDRESS & ~mask64(log2);
}

static __attribute__((noinline)) void tell(const struct walk *w, const struct entry *e, struct x86_walk_step step)
{
    step.entry = e->value;
    step.rights = e->rights;
    step.kind = !e->host ? X86_ENTRY_NO_MEMORY : !(e->value & PTE_P) ? X86_ENTRY_ABSENT : step.reserved ? X86_ENTRY_RESERVED
                : e->page ? X86_ENTRY_PAGE : X86_ENTRY_TABLE;
    w->how.step(w->how.opaque, &step);
}

// From a table on whose entries have 4 or 8 bytes.
INLINE enum walk_result walk_tables(struct walk *w, uint64_t table, unsigned level, unsigned bytes, struct tlb_translation *t)
{
    const struct x86_cpu *cpu = w->cpu;
    unsigned index_bits = bytes == 8 ? 9 : 10;
    uint64_t always = always_reserved(cpu, bytes);
    struct entry e = {.rights = PTE_W | PTE_U};
    for (;; level--) {
        unsigned shift = 12 + index_bits * (level - 1);
        uint64_t address = table + (w->gva >> shift & mask64(index_bits)) * bytes;
        e.host = entry_at(w, address, bytes);
        e.value = e.host ? load_entry(e.host, bytes) : 0;
        bool large = level > 1 && level <= 3 && (e.value & PTE_PS) && (bytes == 8 || (cpu->cr4 & CR4_PSE));
        uint64_t reserved = e.value & (always | level_reserved(cpu, level, shift, large, bytes));
        e.page = level == 1 || large;
        e.rights = (e.rights & (e.value | PTE_NX)) | (e.value & PTE_NX);
        if (w->how.step)
            tell(w, &e, (struct x86_walk_step){.level = level, .size_log2 = shift, .address = address, .reserved = reserved});
        if (!(e.value & PTE_P))
            return fail(w, 0);
        if (reserved)
            return fail(w, PF_P | PF_RSVD);
        if (e.page)
            return finish(w, &e, shift, bytes, t);
        if (!w->how.probe && !set_bits(e.host, bytes, e.value, PTE_A))
            return WALK_AGAIN;
        table = e.value & X86_PTE_ADDRESS;
    }
}

INLINE enum walk_result walk_once(struct walk *w, struct tlb_translation *t)
{
    struct x86_cpu *cpu = w->cpu;
    if (!(cpu->cr4 & CR4_PAE))
        return walk_tables(w, cpu->cr3 & 0xfffff000, 2, 4, t);
    if (x86_long_mode(cpu))
        return walk_tables(w, cpu->cr3 & X86_PTE_ADDRESS, cpu->cr4 & CR4_LA57 ? 5 : 4, 8, t);
    // One of the four entries that PAE paging keeps in the processor.
    unsigned index = w->gva >> 30 & 3;
    struct entry e = {.host = &cpu->pdpte[index], .value = cpu->pdpte[index], .rights = PTE_W | PTE_U};
    if (w->how.step)
        tell(w, &e, (struct x86_walk_step){.level = 3, .size_log2 = 30, .address = (cpu->cr3 & 0xffffffe0) + index * 8});
    return e.value & PTE_P ? walk_tables(w, e.value & X86_PTE_ADDRESS, 2, 8, t) : fail(w, 0);
}

bool x86_canonical(const struct x86_cpu *cpu, uint64_t gva)
{
    if (!x86_long_mode(cpu))
        return true;
    return (uint64_t)sextract64(gva, 0, cpu->cr4 & CR4_LA57 ? 57 : 48) == gva;
}

// Privileged code is global as a rule, and then what has been looked up of it holds in all address spaces. That of a guest's
// first page tables is not, so this is not for good: a number of walks that found global code end it.
static void see_code(struct x86_cpu *cpu, const struct tlb_translation *t, bool user)
{
    enum { WALKS = 64 };
    if (user || !(cpu->cr4 & CR4_PGE) || (t->global && !cpu->private_code))
        return;
    bool was_private = cpu->private_code;
    cpu->private_code = t->global ? cpu->private_code - 1 : WALKS;
    if (was_private != (bool)cpu->private_code)
        tcg_modes_changed(&cpu->tcg);
}

INLINE bool translate(struct x86_cpu *cpu, uint64_t gva, struct x86_walk how, struct tlb_translation *t, struct tlb_fault *fault)
{
    enum tlb_access access = how.access;
    *fault = (struct tlb_fault){.gva = gva, .access = access};
    if (!x86_canonical(cpu, gva)) {
        fault->kind = X86_FAULT_NOT_CANONICAL;
        return false;
    }
    if (!(cpu->cr0 & CR0_PG)) {
        *t = (struct tlb_translation){.gpa = x86_a20(cpu, gva & cpu->pa_mask), .readable = true, .writable = true,
                                      .executable = true, .page_log2 = TLB_PAGE_BITS};
        return true;
    }
    struct walk w = {.cpu = cpu, .gva = gva, .how = how};
    // Another processor's update of an entry repeats the walk; only a hostile guest can make that go on.
    enum walk_result result = WALK_AGAIN;
    for (unsigned attempt = 0; attempt < 64 && result == WALK_AGAIN; attempt++)
        result = walk_once(&w, t);
    if (result == WALK_OK)
        return true;
    bool fetch_known = (cpu->cr4 & CR4_SMEP) || ((cpu->efer & EFER_NXE) && (cpu->cr4 & CR4_PAE));
    fault->kind = w.error | (access == TLB_WRITE ? PF_W : 0) | (how.user ? PF_U : 0) |
                  (access == TLB_FETCH && fetch_known ? PF_I : 0);
    return false;
}

bool x86_walk(struct x86_cpu *cpu, uint64_t gva, const struct x86_walk *walk, struct tlb_translation *t,
              struct tlb_fault *fault)
{
    return translate(cpu, gva, *walk, t, fault);
}

bool x86_translate_address(struct tcg_cpu *tcg, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *t, struct tlb_fault *fault)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    struct x86_walk how = {.user = mmu_index == X86_MMU_USER, .probe = probe, .access = access,
                           .smap = mmu_index == X86_MMU_KERNEL && (cpu->cr4 & CR4_SMAP)};
    if (!translate(cpu, gva, how, t, fault))
        return false;
    t->watched = cpu->watches && x86_watched_page(cpu, gva);
    if (access == TLB_FETCH && !probe && (cpu->cr0 & CR0_PG))
        see_code(cpu, t, how.user);
    return true;
}

bool x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3)
{
    uint64_t entries[4];
    const uint8_t *host = x86_physical(cpu, x86_a20(cpu, cr3 & 0xffffffe0), 32);
    if (!host)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        entries[i] = load_le64(host + i * 8);
        uint64_t reserved = 0x1e6 | (~cpu->pa_mask & ~UINT64_C(0xfff));
        if ((entries[i] & PTE_P) && (entries[i] & reserved))
            return false;
    }
    memcpy(cpu->pdpte, entries, sizeof(entries));
    return true;
}

bool x86_peek_code(struct tcg_cpu *tcg, uint64_t gva, uint8_t *out, unsigned bytes)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    struct tlb_translation t = {0};
    struct tlb_fault fault;
    unsigned index = x86_cpl(cpu) == 3 ? X86_MMU_USER : X86_MMU_KERNEL;
    if (!x86_translate_address(tcg, gva, TLB_FETCH, index, true, &t, &fault))
        return false;
    const void *host = x86_physical(cpu, t.gpa, bytes);
    if (!host)
        return false;
    memcpy(out, host, bytes);
    return true;
}
