// SPDX-License-Identifier: MIT
// Which bytes of guest RAM are translated code, for stores to ask without a lock: programs that keep data in the pages of their
// code store there all the time.
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

static uint64_t granule_bits(unsigned word, unsigned first, unsigned last)
{
    uint64_t bits = ~UINT64_C(0);
    if (word == first / 64)
        bits &= ~UINT64_C(0) << first % 64;
    if (word == last / 64)
        bits &= ~UINT64_C(0) >> (63 - last % 64);
    return bits;
}

void code_pages_mark(const struct tcg_block *b, uint64_t granules[CODE_GRANULES / 64])
{
    for (unsigned i = 0; i < b->span_count; i++) {
        if (!b->spans[i].bytes)
            continue;
        unsigned first = b->spans[i].start >> CODE_GRANULE_LOG2;
        unsigned last = (unsigned)(b->spans[i].start + b->spans[i].bytes - 1) >> CODE_GRANULE_LOG2;
        for (unsigned word = first / 64; word <= last / 64; word++)
            granules[word] |= granule_bits(word, first, last);
    }
}

void code_pages_set(struct tcg_engine *e, uint64_t page, const uint64_t granules[CODE_GRANULES / 64])
{
    for (unsigned i = 0; i < CODE_GRANULES / 64; i++)
        atomic_store_explicit(&e->code_pages[page].granules[i], granules[i], memory_order_relaxed);
}

void code_pages_claim(struct tcg_engine *e, const struct tcg_block *b)
{
    uint64_t granules[CODE_GRANULES / 64] = {0};
    code_pages_mark(b, granules);
    struct code_page *page = &e->code_pages[b->ram_pc >> TLB_PAGE_BITS];
    for (unsigned i = 0; i < ARRAY_SIZE(granules); i++)
        if (granules[i])
            atomic_fetch_or(&page->granules[i], granules[i]);
    atomic_thread_fence(memory_order_seq_cst);
}

bool code_pages_hit(const struct tcg_engine *e, uint64_t ram_offset, uint64_t length)
{
    uint64_t page = ram_offset >> TLB_PAGE_BITS;
    // One without any is to be made fast again.
    if (atomic_load(&e->translating) == page + 1 || !__atomic_load_n(&e->code_pages[page].blocks, __ATOMIC_RELAXED))
        return true;
    unsigned first = (unsigned)(ram_offset % TLB_PAGE_SIZE) >> CODE_GRANULE_LOG2;
    unsigned last = (unsigned)((ram_offset + length - 1) % TLB_PAGE_SIZE) >> CODE_GRANULE_LOG2;
    for (unsigned word = first / 64; word <= last / 64; word++)
        if (atomic_load_explicit(&e->code_pages[page].granules[word], memory_order_relaxed) & granule_bits(word, first, last))
            return true;
    return false;
}
