// SPDX-License-Identifier: MIT
// Paging (Intel SDM volume 3, chapter 4): walks, and what the soft TLB is keyed by.
#pragma once

#include "target-x86/cpu.h"
#include "tcg/base/bits.h"

// tlb_fault.kind: the error code of #PF, or this for an address that is not canonical.
enum { X86_FAULT_NOT_CANONICAL = 1 << 16 };

// Entries of page tables; those of 32-bit paging have the lower half.
enum {
    PTE_P = 1 << 0, PTE_W = 1 << 1, PTE_U = 1 << 2, PTE_A = 1 << 5, PTE_D = 1 << 6, PTE_PS = 1 << 7, PTE_G = 1 << 8,
};
#define PTE_NX BIT64(63)
#define X86_PTE_ADDRESS UINT64_C(0x000ffffffffff000)

// Where the page begins that an entry maps.
uint64_t x86_page_address(const struct x86_cpu *cpu, uint64_t entry, unsigned log2);

static inline uint64_t x86_a20(const struct x86_cpu *cpu, uint64_t gpa)
{
    return cpu->a20_masked ? gpa & ~UINT64_C(0x100000) : gpa;
}

enum { X86_REGIME_FLAT = 1, X86_REGIME_PAGED = 2 };

// The soft-TLB key of what the CPU translates with now.
uint64_t x86_space_key(const struct x86_cpu *cpu);
// The key of another PCID.
uint64_t x86_pcid_key(uint64_t pcid);

// In long mode, whether the address is one that the levels of paging can mean.
bool x86_canonical(const struct x86_cpu *cpu, uint64_t gva);

enum x86_entry_kind { X86_ENTRY_TABLE, X86_ENTRY_PAGE, X86_ENTRY_ABSENT, X86_ENTRY_RESERVED, X86_ENTRY_NO_MEMORY };

// An entry that a walk looks at.
struct x86_walk_step {
    enum x86_entry_kind kind;
    unsigned level;            // 1 for PTEs
    unsigned size_log2;        // of what an entry of this level maps
    uint64_t address, entry;   // in PAE paging those of level 3 are the processor's, loaded from there
    uint64_t reserved;         // bits that should not be set
    uint64_t rights;           // PTE_W and PTE_U that all entries so far have, PTE_NX that any has
};

struct x86_walk {
    bool user;  // CPL 3
    bool smap;  // user pages are not for the supervisor's data
    bool probe; // mark nothing as accessed
    bool any;   // for debuggers, with `probe`: mapped is enough, whatever rights say, and the processor's state stays as it is
    enum tlb_access access;
    void (*step)(void *opaque, const struct x86_walk_step *step); // is told of each entry if not NULL
    void *opaque;
};

// Translates `gva`, without watchpoints. False with `fault` filled in.
bool x86_walk(struct x86_cpu *cpu, uint64_t gva, const struct x86_walk *walk, struct tlb_translation *translation,
              struct tlb_fault *fault);

// Whether pages with these rights (x86_walk_step) are subject to protection keys, and the key in an entry that maps one.
static inline bool x86_has_key(const struct x86_cpu *cpu, uint64_t rights)
{
    return (cpu->cr4 & CR4_PKE) && x86_long_mode(cpu) && (rights & PTE_U);
}
static inline unsigned x86_key(uint64_t entry)
{
    return (unsigned)extract64(entry, 59, 4);
}

// What the rights of a page come to for who walks: readable, writable and executable. Returns the bits of PKRU that take
// some of that away.
unsigned x86_page_rights(const struct x86_cpu *cpu, const struct x86_walk *walk, uint64_t rights, uint64_t entry,
                         struct tlb_translation *translation);

// guest_ops entry.
bool x86_translate_address(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *translation, struct tlb_fault *fault);

// Loads the four PDPTEs of PAE paging from CR3. False when a reserved bit is set in one: #GP(0).
bool x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3);

// Copies code at `gva` (within a page) as fetches see it now, without faults or effects. False when there is none.
bool x86_peek_code(struct tcg_cpu *cpu, uint64_t gva, uint8_t *out, unsigned bytes);

// Host address of physical memory that holds `bytes` from gpa on; NULL when that is not RAM or ROM.
void *x86_physical(struct x86_cpu *cpu, uint64_t gpa, unsigned bytes);
