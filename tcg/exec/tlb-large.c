// SPDX-License-Identifier: MIT
// Large mappings in a soft TLB.
#include "tcg/exec/tlb-large.h"

#include <string.h>

#include "tcg/base/bits.h"

enum { SHARED = 1, MAX_SHARED = TLB_LARGE_SLOTS / 4 };

// Top bytes that some address spaces ignore are not part of the start address.
static uint64_t tag_of(uint64_t gva, unsigned size_log2)
{
    return (gva & mask64(56)) >> size_log2 << size_log2 | size_log2;
}

static unsigned slot_of(uint64_t key, uint64_t tag)
{
    return (unsigned)(((tag ^ key << 20) * UINT64_C(0x9e3779b97f4a7c15)) >> 52);
}
_Static_assert(TLB_LARGE_SLOTS == 1 << (64 - 52), "the hash fills the table");

bool tlb_large_note(struct tlb_large *large, uint64_t key, uint64_t gva, unsigned size_log2)
{
    uint64_t tag = tag_of(gva, size_log2);
    struct tlb_large_slot *slot = &large->slots[slot_of(key, tag)];
    large->sizes |= BIT64(size_log2);
    if (!slot->tag) {
        slot->tag = tag;
        slot->key = key;
    } else if (slot->tag != SHARED && (slot->tag != tag || slot->key != key)) {
        slot->tag = SHARED;
        large->shared++;
    }
    return large->shared <= MAX_SHARED;
}

static bool present(const struct tlb_large *large, uint64_t key, uint64_t tag)
{
    const struct tlb_large_slot *slot = &large->slots[slot_of(key, tag)];
    return slot->tag == SHARED || (slot->tag == tag && slot->key == key);
}

unsigned tlb_large_find(const struct tlb_large *large, uint64_t key, uint64_t gva)
{
    unsigned found = 0;
    for (uint64_t sizes = large->sizes; sizes; sizes &= sizes - 1) {
        unsigned size_log2 = ctz64(sizes);
        uint64_t tag = tag_of(gva, size_log2);
        if (present(large, key, tag) || present(large, 0, tag))
            found = size_log2;
    }
    return found;
}

void tlb_large_forget_key(struct tlb_large *large, uint64_t key)
{
    if (!large->sizes)
        return;
    for (unsigned i = 0; i < TLB_LARGE_SLOTS; i++)
        if (large->slots[i].key == key && large->slots[i].tag != SHARED)
            large->slots[i].tag = 0;
}

void tlb_large_clear(struct tlb_large *large)
{
    if (large->sizes)
        memset(large, 0, sizeof(*large));
}
