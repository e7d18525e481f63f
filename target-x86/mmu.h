// SPDX-License-Identifier: MIT
// Paging (Intel SDM volume 3, chapter 4): walks, and what the soft TLB is keyed by.
#pragma once

#include "target-x86/cpu.h"

// tlb_fault.kind: the error code of #PF, or this for an address that is not canonical.
enum { X86_FAULT_NOT_CANONICAL = 1 << 16 };

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
