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

// Bits that must be zero in an entry of a level (1 for PTEs) that maps a large page or does not.
uint64_t x86_reserved_bits(const struct x86_cpu *cpu, unsigned level, bool large);
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

// guest_ops entry.
bool x86_translate_address(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *translation, struct tlb_fault *fault);

// Loads the four PDPTEs of PAE paging from CR3. False when a reserved bit is set in one: #GP(0).
bool x86_load_pdptes(struct x86_cpu *cpu, uint64_t cr3);

// Copies code at `gva` (within a page) as fetches see it now, without faults or effects. False when there is none.
bool x86_peek_code(struct tcg_cpu *cpu, uint64_t gva, uint8_t *out, unsigned bytes);

// Host address of physical memory that holds `bytes` from gpa on; NULL when that is not RAM or ROM.
void *x86_physical(struct x86_cpu *cpu, uint64_t gpa, unsigned bytes);
