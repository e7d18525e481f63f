// SPDX-License-Identifier: MIT
// The soft TLB's second level: what had to make room in the tables that translated code looks into first. Pages that lie a
// power of two apart share a place there; the second level finds its place by a hash.
//
// Translated code looks here when its check fails, before it calls, and goes on from here: an entry that is used stays
// where it is, so that two pages in turn (the ends of a copy) do not push each other about. But the first level shall hold
// what is used most: after some hits one entry, whichever is hit then, changes places.
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

// A prime number: loops hardly ever make it the same access each time. A hit costs 5 ns, changing places some 100 ns.
enum { HITS_BETWEEN_MOVES = 61 };

static uint64_t changed_tag(uint64_t tag)
{
    return tag & TLB_TAG_INVALID ? tag : tag ^ TLB_TAG_SECOND;
}

// From one level to the other.
static void copy_entry(struct backend_tlb_entry *to, const struct backend_tlb_entry *from)
{
    to->addend = from->addend;
    to->info = from->info;
    __atomic_store_n(&to->read_tag, changed_tag(from->read_tag), __ATOMIC_RELEASE);
    __atomic_store_n(&to->write_tag, changed_tag(from->write_tag), __ATOMIC_RELEASE);
}

void tlb_second_put(struct tlb_context *c, unsigned mmu_index, const struct backend_tlb_entry *e)
{
    unsigned index = backend_second_index(tlb_entry_page(e), mmu_index);
    tlb_entry_use(c, TLB_FIRST_LEVEL + index);
    copy_entry(&c->tlb.second[index], e);
}

static bool matches(uint64_t tag, uint64_t gva)
{
    uint64_t compared = -(uint64_t)TLB_PAGE_SIZE | TLB_TAG_INVALID | TLB_TAG_SECOND;
    return (tag & compared) == ((gva & -(uint64_t)TLB_PAGE_SIZE) | TLB_TAG_SECOND);
}

struct backend_tlb_entry *tlb_second_find(struct tlb_state *t, uint64_t gva, enum tlb_access access, unsigned mmu_index,
                                          uint64_t *tag)
{
    struct tlb_context *c = t->current;
    struct backend_tlb_entry *e = &c->tlb.second[backend_second_index(gva, mmu_index)];
    uint64_t found = tlb_entry_tag(e, access);
    if (!matches(found, gva))
        return NULL;
    *tag = found;
    if (--c->tlb.second_hits_left >= 0)
        return e;
    c->tlb.second_hits_left = HITS_BETWEEN_MOVES;
    unsigned number = mmu_index * TLB_ENTRIES + (gva >> TLB_PAGE_BITS & (TLB_ENTRIES - 1));
    struct backend_tlb_entry *first = tlb_entry(c, number);
    pthread_spin_lock(&t->lock);
    struct backend_tlb_entry moved = *e; // perhaps just invalidated, which holds for its new place as well
    tlb_entry_clear(e);
    if (tlb_entry_valid(first))
        tlb_second_put(c, mmu_index, first);
    tlb_entry_use(c, number);
    copy_entry(first, &moved);
    pthread_spin_unlock(&t->lock);
    return first;
}
