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

// --- the walk ------------------------------------------------------------------------------------------------------

struct walk {
    struct x86_cpu *cpu;
    uint64_t gva;
    enum tlb_access access;
    bool user, smap, probe;
    uint32_t error;  // of a fault met now
};

enum walk_result { WALK_OK, WALK_FAULT, WALK_AGAIN };

struct leaf {
    uint64_t entry, rights; // rights: P, W, U of all levels together, NX of any
    unsigned log2;
    uint64_t gpa;
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

// What stops the access at the leaf; 0 for nothing.
static uint32_t refusal(const struct walk *w, const struct leaf *leaf, struct tlb_translation *t)
{
    const struct x86_cpu *cpu = w->cpu;
    bool user_page = leaf->rights & PTE_U, write_bit = leaf->rights & PTE_W, nx = leaf->rights & PTE_NX;
    uint32_t extra = 0;
    if (w->user) {
        t->readable = user_page;
        t->writable = user_page && write_bit;
        t->executable = user_page && !nx;
    } else {
        t->readable = !(user_page && w->smap);
        t->writable = t->readable && (write_bit || !(cpu->cr0 & CR0_WP));
        t->executable = !nx && !(user_page && (cpu->cr4 & CR4_SMEP));
    }
    if ((cpu->cr4 & CR4_PKE) && x86_long_mode(cpu) && user_page && w->access != TLB_FETCH) {
        uint32_t key = extract64(leaf->entry, 59, 4), rights = cpu->pkru >> (key * 2) & 3;
        w->cpu->pkey_rights_used |= UINT32_C(3) << (key * 2);
        bool was = w->access == TLB_WRITE ? t->writable : t->readable;
        if (rights & 1)
            t->readable = t->writable = false;
        else if ((rights & 2) && (w->user || (cpu->cr0 & CR0_WP)))
            t->writable = false;
        bool now = w->access == TLB_WRITE ? t->writable : t->readable;
        extra = was && !now ? PF_PK : 0;
    }
    bool good = w->access == TLB_FETCH ? t->executable : w->access == TLB_WRITE ? t->writable : t->readable;
    return good ? 0 : PF_P | extra;
}

static enum walk_result finish(struct walk *w, struct leaf *leaf, void *host, unsigned bytes,
                               struct tlb_translation *t)
{
    uint32_t refused = refusal(w, leaf, t);
    if (refused)
        return fail(w, refused);
    uint64_t bits = PTE_A | (w->access == TLB_WRITE ? PTE_D : 0);
    if (!w->probe && !set_bits(host, bytes, leaf->entry, bits))
        return WALK_AGAIN;
    // A clean page is shown as read only until its first write.
    if (!(leaf->entry & PTE_D) && w->access != TLB_WRITE)
        t->writable = false;
    t->gpa = x86_a20(w->cpu, leaf->gpa);
    t->page_log2 = (uint8_t)leaf->log2;
    t->global = (leaf->entry & PTE_G) && (w->cpu->cr4 & CR4_PGE);
    return WALK_OK;
}

// An upper entry that points at a table.
static bool pass(struct walk *w, struct leaf *leaf, void *host, unsigned bytes)
{
    leaf->rights &= leaf->entry | PTE_NX;
    leaf->rights |= leaf->entry & PTE_NX;
    return w->probe || set_bits(host, bytes, leaf->entry, PTE_A);
}

uint64_t x86_reserved_bits(const struct x86_cpu *cpu, unsigned level, bool large)
{
    if (!(cpu->cr4 & CR4_PAE)) // bits 39:32 of an address are in bits 20:13
        return large ? BIT64(21) | (~cpu->pa_mask >> 32 & 0xff) << 13 : 0;
    uint64_t bits = X86_PTE_ADDRESS & ~cpu->pa_mask;
    if (!(cpu->efer & EFER_NXE))
        bits |= PTE_NX;
    if (!x86_long_mode(cpu))
        bits |= UINT64_C(0x7ff) << 52;
    if (level > 3 || (level == 3 && !x86_has(cpu, X86_FEAT_PDPE1GB)))
        bits |= PTE_PS;
    if (large)
        bits |= mask64(12 + 9 * (level - 1)) & ~UINT64_C(0x1fff);
    return bits;
}

uint64_t x86_page_address(const struct x86_cpu *cpu, uint64_t entry, unsigned log2)
{
    if (!(cpu->cr4 & CR4_PAE) && log2 > 12)
        return extract64(entry, 13, 8) << 32 | (entry & 0xffc00000);
    return entry & X86_PTE_ADDRESS & ~mask64(log2);
}

static enum walk_result walk_32(struct walk *w, struct tlb_translation *t)
{
    const struct x86_cpu *cpu = w->cpu;
    struct leaf leaf = {.rights = PTE_W | PTE_U};
    void *host = entry_at(w, (cpu->cr3 & 0xfffff000) + (w->gva >> 22 & 0x3ff) * 4, 4);
    if (!host || !((leaf.entry = load_entry(host, 4)) & PTE_P))
        return fail(w, 0);
    if ((leaf.entry & PTE_PS) && (cpu->cr4 & CR4_PSE)) {
        if (leaf.entry & x86_reserved_bits(cpu, 2, true))
            return fail(w, PF_P | PF_RSVD);
        leaf.rights &= leaf.entry;
        leaf.log2 = 22;
        leaf.gpa = x86_page_address(cpu, leaf.entry, 22) | (w->gva & 0x3fffff);
        return finish(w, &leaf, host, 4, t);
    }
    if (!pass(w, &leaf, host, 4))
        return WALK_AGAIN;
    host = entry_at(w, (leaf.entry & 0xfffff000) + (w->gva >> 12 & 0x3ff) * 4, 4);
    if (!host || !((leaf.entry = load_entry(host, 4)) & PTE_P))
        return fail(w, 0);
    leaf.rights &= leaf.entry;
    leaf.log2 = 12;
    leaf.gpa = (leaf.entry & 0xfffff000) | (w->gva & 0xfff);
    return finish(w, &leaf, host, 4, t);
}

static enum walk_result walk_64(struct walk *w, uint64_t table, unsigned level, uint64_t rights,
                                struct tlb_translation *t)
{
    const struct x86_cpu *cpu = w->cpu;
    struct leaf leaf = {.rights = rights};
    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        void *host = entry_at(w, table + (w->gva >> shift & 0x1ff) * 8, 8);
        if (!host || !((leaf.entry = load_entry(host, 8)) & PTE_P))
            return fail(w, 0);
        bool large = level > 1 && level <= 3 && (leaf.entry & PTE_PS);
        if (leaf.entry & x86_reserved_bits(cpu, level, large))
            return fail(w, PF_P | PF_RSVD);
        if (level == 1 || large) {
            leaf.rights &= leaf.entry | PTE_NX;
            leaf.rights |= leaf.entry & PTE_NX;
            leaf.log2 = shift;
            leaf.gpa = x86_page_address(cpu, leaf.entry, shift) | (w->gva & mask64(shift));
            return finish(w, &leaf, host, 8, t);
        }
        if (!pass(w, &leaf, host, 8))
            return WALK_AGAIN;
        table = leaf.entry & X86_PTE_ADDRESS;
    }
}

static enum walk_result walk_once(struct walk *w, struct tlb_translation *t)
{
    const struct x86_cpu *cpu = w->cpu;
    if (!(cpu->cr4 & CR4_PAE))
        return walk_32(w, t);
    if (x86_long_mode(cpu))
        return walk_64(w, cpu->cr3 & X86_PTE_ADDRESS, cpu->cr4 & CR4_LA57 ? 5 : 4, PTE_W | PTE_U, t);
    uint64_t pdpte = cpu->pdpte[w->gva >> 30 & 3];
    if (!(pdpte & PTE_P))
        return fail(w, 0);
    return walk_64(w, pdpte & X86_PTE_ADDRESS, 2, PTE_W | PTE_U, t);
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

bool x86_translate_address(struct tcg_cpu *tcg, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *t, struct tlb_fault *fault)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    *fault = (struct tlb_fault){.gva = gva, .access = access};
    if (!x86_canonical(cpu, gva)) {
        fault->kind = X86_FAULT_NOT_CANONICAL;
        return false;
    }
    if (!(cpu->cr0 & CR0_PG)) {
        *t = (struct tlb_translation){.gpa = x86_a20(cpu, gva & cpu->pa_mask), .readable = true, .writable = true,
                                      .executable = true, .page_log2 = TLB_PAGE_BITS,
                                      .watched = x86_watched_page(cpu, gva)};
        return true;
    }
    struct walk w = {.cpu = cpu, .gva = gva, .access = access, .user = mmu_index == X86_MMU_USER, .probe = probe,
                     .smap = mmu_index == X86_MMU_KERNEL && (cpu->cr4 & CR4_SMAP)};
    // Another processor's update of an entry repeats the walk; only a hostile guest can make that go on.
    enum walk_result result = WALK_AGAIN;
    for (unsigned attempt = 0; attempt < 64 && result == WALK_AGAIN; attempt++)
        result = walk_once(&w, t);
    if (result == WALK_OK) {
        t->watched = x86_watched_page(cpu, gva);
        if (access == TLB_FETCH && !probe)
            see_code(cpu, t, w.user);
        return true;
    }
    bool fetch_known = (cpu->cr4 & CR4_SMEP) || ((cpu->efer & EFER_NXE) && (cpu->cr4 & CR4_PAE));
    fault->kind = w.error | (access == TLB_WRITE ? PF_W : 0) | (w.user ? PF_U : 0) |
                  (access == TLB_FETCH && fetch_known ? PF_I : 0);
    return false;
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
