// SPDX-License-Identifier: MIT
// Which large mappings a vCPU's soft TLB holds pages of. Guests invalidate such a mapping by any one address in it, so
// a flush must be widened to all of it; the soft TLB itself knows pages of 4 KiB only.
//
// A table of exact tags, hashed; where two share a place it answers yes for both. Guarded by tlb->lock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TLB_LARGE_SLOTS = 4096 };

struct tlb_large {
    uint64_t sizes; // a bit for each log2 of a size that is present
    unsigned shared;
    struct tlb_large_slot {
        uint64_t tag, key; // start address | log2 of the size; key 0 for global mappings; tag 1: several
    } slots[TLB_LARGE_SLOTS];
};

// Notes a mapping of 1 << size_log2 bytes around `gva`. False when the table has become too vague to be of use: the
// caller empties the soft TLB and calls tlb_large_clear first.
bool tlb_large_note(struct tlb_large *large, uint64_t key, uint64_t gva, unsigned size_log2);
// Log2 of the largest mapping that may cover `gva` for `key`, or globally; 0 when there is none.
unsigned tlb_large_find(const struct tlb_large *large, uint64_t key, uint64_t gva);
// Forgets those of a key whose entries are gone.
void tlb_large_forget_key(struct tlb_large *large, uint64_t key);
void tlb_large_clear(struct tlb_large *large);
