// SPDX-License-Identifier: MIT
// The soft TLB of a vCPU, as guests see it.
//
// It holds several *contexts*, one for each translation regime and address space (ASID, PCID) used lately; the
// current one is a pointer. A context has a table for each mmu index: a set of permissions that code may use
// (unprivileged, privileged, ...), and behind these a second level that all share, for what had to make room (tlb-second.c).
// Entries are keyed by the raw guest address, ignored top bits included.
//
// Threads: a vCPU's tables are filled by its own thread and may be invalidated by any; each has a lock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tcg_cpu;
struct tcg_engine;

enum tlb_access {
    TLB_READ,
    TLB_WRITE,
    TLB_FETCH,
};

enum {
    TLB_PAGE_BITS = 12,
    TLB_PAGE_SIZE = 1 << TLB_PAGE_BITS,
    TLB_MMU_INDEXES = 3,
};

// What a guest's page walk found for the page of an address.
struct tlb_translation {
    uint64_t gpa;          // of the address itself
    bool readable, writable, executable; // with the permissions of the mmu index asked for
    bool global;           // the same in every address space of the regime
    bool device;           // accesses that are not aligned fault (guest's align_fault)
    bool watched;          // the guest is told of accesses to the page: guest_ops.watched
    uint8_t page_log2;     // size of the mapping, at least 12 unless walks are not cached
    uint8_t code_flags;    // goes into the flags of blocks fetched from the page (for instance BTI guarded)
};

// Why a translation failed, in the guest's own terms; passed to the guest's raise function unchanged.
struct tlb_fault {
    uint64_t gva;
    enum tlb_access access;
    uint32_t kind, level;  // the guest's encoding
    uint64_t gpa;          // for stage 2 faults and external aborts
};

// Makes the context for `key` current, creating or recycling one when there is none. Cheap. Own thread only.
// Keys are the guest's: distinct for regime, ASID and VMID, never 0. Contexts whose keys have the same
// `key >> 32` share global entries.
void tlb_switch(struct tcg_cpu *cpu, uint64_t key);

// Invalidation, in one vCPU's TLB and its lookup tables for code. Any thread. What `cpu` does after its next poll sees
// the change; tlb_wait_others waits for that.
void tlb_flush_all(struct tcg_cpu *cpu);
void tlb_flush_everywhere(struct tcg_engine *engine); // in every vCPU's that has one
// All entries of the context (not the global ones).
void tlb_flush_key(struct tcg_cpu *cpu, uint64_t key);
// All entries of the regime `key >> 32`, global or not.
void tlb_flush_regime(struct tcg_cpu *cpu, uint32_t regime);
// Entries for pages in [gva, gva + size) in the context `key`, and global ones of its regime; `ignore_top_bits` of
// the address, 20 at most, are not compared. With all_keys, in every context of the regime.
void tlb_flush_range(struct tcg_cpu *cpu, uint64_t key, bool all_keys, uint64_t gva, uint64_t size,
                     unsigned ignore_top_bits);

// Returns when no other vCPU can still be using what has been invalidated before the call: what a guest's barrier after
// invalidation promises. From a helper or the run loop of `cpu`.
void tlb_wait_others(struct tcg_cpu *cpu);

// Accesses on behalf of helpers, with the permissions of `mmu_index`, faulting as guest accesses do. The helper must
// have been declared MAY_FAULT. Sizes of 1 to 16 bytes; not for device memory when larger than 8.
uint64_t tlb_load(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index);
void tlb_store(struct tcg_cpu *cpu, uint64_t gva, unsigned size, uint64_t value, unsigned mmu_index);
// `size` bytes that need not be read or written at once; nothing is written when some of them cannot be.
void tlb_load_bytes(struct tcg_cpu *cpu, uint64_t gva, void *out, unsigned size, unsigned mmu_index);
void tlb_store_bytes(struct tcg_cpu *cpu, uint64_t gva, const void *in, unsigned size, unsigned mmu_index);
// Host address of `gva` when the page is RAM that may be accessed so, else NULL; faults unless `probe`. Good until
// the vCPU's next poll for accesses within the page. For TLB_WRITE, code in the page has been invalidated.
void *tlb_host(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe);
