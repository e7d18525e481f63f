// SPDX-License-Identifier: MIT
// What lowerings of memory operations share.
#pragma once

#include <stddef.h>

#include "tcg/host-x86-64/lower.h"

// An access that has passed the inline check.
struct checked {
    unsigned host;  // register: host address - guest address
    unsigned spare; // a temporary that is free again, or X86_NO_REG
    struct slow_path slow;
};

// Where a table's first entry has its tag and its addend, from the soft TLB's register.
static inline int32_t lower_tag_offset(unsigned mmu_index, bool write)
{
    return (int32_t)(offsetof(struct backend_tlb, tables[mmu_index]) +
                     (write ? offsetof(struct backend_tlb_entry, write_tag) : offsetof(struct backend_tlb_entry, read_tag)));
}
static inline int32_t lower_addend_offset(unsigned mmu_index)
{
    return (int32_t)(offsetof(struct backend_tlb, tables[mmu_index]) + offsetof(struct backend_tlb_entry, addend));
}

// The inline check of an access of its own, in two temporaries.
struct checked lower_check(struct lower *l, unsigned address, struct ir_mem mem, bool write);
// Writes the description of where everything is when the access leaves; NULL when there is no room.
struct tcg_site *lower_site(struct lower *l, const struct ir_ins *ins, unsigned address);
// The slow path comes back to the current place.
void lower_slow(struct lower *l, struct slow_path slow, const struct tcg_site *site);
// Goes to the slow path without a check.
void lower_only_slow(struct lower *l, struct slow_path *slow);
// Loads an integer of `mem`'s size in the host's byte order, extended to 32 or 64 bits.
void lower_int_load(struct lower *l, unsigned dst, struct ir_mem mem, bool wide, struct x86_mem at);

void lower_cas(struct lower *l, uint32_t index);
void lower_atomic(struct lower *l, uint32_t index);
