// SPDX-License-Identifier: MIT
// Page flags are looked at eight at a time: most pages of a screen are as they were.
#include "hw/core/ram-watch.h"

#include <stdlib.h>
#include <string.h>

#include "hw/core/guest-ram.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

static size_t words(uint64_t pages)
{
    return (pages + 63) / 64;
}

static void set_bit(uint64_t *set, uint64_t bit)
{
    set[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static bool test_bit(const uint64_t *set, uint64_t bit)
{
    return set[bit / 64] >> (bit % 64) & 1;
}

static void tell(const struct ram_watch *watch, bool on)
{
    const struct guest_ram *ram = watch->ram;
    if (ram->watch_ops && ram->watch_ops->watch)
        ram->watch_ops->watch(ram->watch_opaque, watch->first_page << GUEST_PAGE_BITS, watch->page_count << GUEST_PAGE_BITS, on);
}

void ram_watch_begin(struct ram_watch *watch, struct guest_ram *ram, uint64_t ram_offset, uint64_t bytes)
{
    ram_watch_end(watch);
    if (!bytes || !range_inside(ram_offset, bytes, ram->size))
        return;
    watch->ram = ram;
    watch->first_page = ram_offset >> GUEST_PAGE_BITS;
    watch->page_count = ((ram_offset + bytes - 1) >> GUEST_PAGE_BITS) - watch->first_page + 1;
    watch->settling = ALLOC_ARRAY(uint64_t, words(watch->page_count));
    for (uint64_t i = 0; i < watch->page_count; i++)
        atomic_fetch_or(&ram->page_flags[watch->first_page + i], PAGE_SHOWN | PAGE_DIRTY);
    tell(watch, true);
}

void ram_watch_end(struct ram_watch *watch)
{
    for (uint64_t i = 0; watch->ram && i < watch->page_count; i++)
        atomic_fetch_and(&watch->ram->page_flags[watch->first_page + i], (uint8_t)~(PAGE_SHOWN | PAGE_DIRTY));
    if (watch->ram)
        tell(watch, false);
    free(watch->settling);
    *watch = (struct ram_watch){0};
}

// Takes the dirty flags of a run of pages; whether there were any.
static bool take_flags(struct ram_watch *watch, uint64_t first, uint64_t count, uint64_t *dirty)
{
    _Atomic uint8_t *flags = &watch->ram->page_flags[watch->first_page + first];
    bool any = false;
    for (uint64_t i = 0; i < count; i++) {
        if (!(atomic_load_explicit(&flags[i], memory_order_relaxed) & PAGE_DIRTY))
            continue;
        atomic_fetch_and(&flags[i], (uint8_t)~PAGE_DIRTY);
        set_bit(dirty, i);
        any = true;
    }
    return any;
}

bool ram_watch_collect(struct ram_watch *watch, uint64_t first, uint64_t count, uint64_t *dirty)
{
    memset(dirty, 0, words(count) * sizeof(*dirty));
    if (!watch->ram || first >= watch->page_count)
        return false;
    struct guest_ram *ram = watch->ram;
    count = count < watch->page_count - first ? count : watch->page_count - first;
    const struct guest_ram_watch_ops *ops = ram->watch_ops;
    uint64_t ram_offset = (watch->first_page + first) << GUEST_PAGE_BITS, bytes = count << GUEST_PAGE_BITS;
    if (ops && ops->harvest)
        ops->harvest(ram->watch_opaque, ram_offset, bytes);
    // Asked before pages are protected anew: a store that was under way then is in memory now.
    bool settled = !ops || (ops->settled && ops->settled(ram->watch_opaque));
    bool any = take_flags(watch, first, count, dirty);
    if (any && ops && ops->protect)
        ops->protect(ram->watch_opaque, ram_offset, bytes);
    if (ops && !ops->settled)
        return any;
    for (uint64_t i = 0; i < count; i++) {
        bool stored = test_bit(dirty, i), again = test_bit(watch->settling, first + i);
        uint64_t bit = UINT64_C(1) << ((first + i) % 64), *settling = &watch->settling[(first + i) / 64];
        if (again) {
            set_bit(dirty, i);
            any = true;
        }
        *settling = stored || (again && !settled) ? *settling | bit : *settling & ~bit;
    }
    return any;
}
