// SPDX-License-Identifier: MIT
// The flat table: made from the regions on every change, published by one pointer, searched by halving.
#include "hw/core/memory-map.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

struct mem_region {
    struct mem_region_desc desc;
    atomic_bool direct_read;
    uint64_t order; // of adding, to settle overlaps
    struct mem_region *retired; // next one that was removed earlier
};

struct flat_table {
    size_t count;
    struct flat_table *retired; // next older one
    struct mem_range ranges[];
};

struct memory_map {
    struct guest_ram *ram;
    struct device_lock *lock;
    _Atomic(struct flat_table *) table;
    _Atomic uint64_t generation;
    struct flat_table *retired;
    struct mem_region *retired_regions; // ranges of old tables name them
    unsigned retired_count;
    void (*crowded)(void *opaque);
    void *crowded_opaque;
    struct memory_map *base, *views, *next_view; // what this shows, and who shows this
    struct mem_region **regions;
    size_t region_count;
    uint64_t next_order;
    struct memory_map_listener *listeners;
};

enum { CROWDED = 256 };

struct memory_map *memory_map_create(struct guest_ram *ram, struct device_lock *lock)
{
    struct memory_map *map = ALLOC(struct memory_map);
    map->ram = ram;
    map->lock = lock;
    atomic_store(&map->table, alloc_zeroed(1, sizeof(struct flat_table)));
    return map;
}

void memory_map_destroy(struct memory_map *map)
{
    if (!map)
        return;
    assert(!map->views);
    if (map->base) {
        struct memory_map **link = &map->base->views;
        while (*link != map)
            link = &(*link)->next_view;
        *link = map->next_view;
    }
    memory_map_reclaim(map);
    free(atomic_load(&map->table));
    for (size_t i = 0; i < map->region_count; i++)
        free(map->regions[i]);
    free(map->regions);
    free(map);
}

struct guest_ram *memory_map_ram(struct memory_map *map)
{
    return map->ram;
}

static bool has_memory(const struct mem_region *region)
{
    return region->desc.kind != MEM_MMIO;
}

static bool wins(const struct mem_region *a, const struct mem_region *b)
{
    if (!b || a->desc.priority != b->desc.priority)
        return !b || a->desc.priority > b->desc.priority;
    return a->order > b->order;
}

static struct mem_range make_range(const struct memory_map *map, const struct mem_region *region,
                                   uint64_t base, uint64_t last)
{
    const struct mem_region_desc *desc = &region->desc;
    struct mem_range range = {.base = base,
                              .size = last - base + 1,
                              .kind = desc->kind,
                              .region_offset = base - desc->base,
                              .ops = desc->ops,
                              .opaque = desc->opaque,
                              .region = region};
    if (has_memory(region)) {
        range.ram_offset = desc->ram_offset + range.region_offset;
        range.host = map->ram->host + range.ram_offset;
        range.page_flags = map->ram->page_flags + (range.ram_offset >> GUEST_PAGE_BITS);
    }
    return range;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t add_edges(const struct memory_map *map, uint64_t *edges)
{
    size_t count = 0;
    for (size_t i = 0; i < map->region_count; i++) {
        const struct mem_region_desc *desc = &map->regions[i]->desc;
        edges[count++] = desc->base;
        if (desc->base + desc->size)
            edges[count++] = desc->base + desc->size;
    }
    return count;
}

static const struct mem_region *find_winner(const struct memory_map *map, uint64_t at)
{
    const struct mem_region *winner = NULL;
    for (size_t i = 0; i < map->region_count; i++) {
        const struct mem_region *region = map->regions[i];
        if (at >= region->desc.base && at - region->desc.base < region->desc.size && wins(region, winner))
            winner = region;
    }
    return winner || !map->base ? winner : find_winner(map->base, at);
}

// Cuts the address space at every edge of a region; each piece belongs to the region that wins there.
// Addresses are inclusive at the top so that a region may end at the last byte.
static void rebuild(struct memory_map *map)
{
    size_t edge_count = 0, region_count = 0;
    for (const struct memory_map *m = map; m; m = m->base)
        region_count += m->region_count;
    uint64_t *edges = ALLOC_ARRAY(uint64_t, 2 * region_count + 1);
    for (const struct memory_map *m = map; m; m = m->base)
        edge_count += add_edges(m, edges + edge_count);
    qsort(edges, edge_count, sizeof(*edges), compare_u64);

    struct flat_table *table =
        alloc_zeroed(1, sizeof(struct flat_table) + (edge_count + 1) * sizeof(struct mem_range));
    for (size_t e = 0; e < edge_count; e++) {
        if (e && edges[e] == edges[e - 1])
            continue;
        size_t next = e + 1;
        while (next < edge_count && edges[next] == edges[e])
            next++;
        uint64_t base = edges[e], last = next < edge_count ? edges[next] - 1 : UINT64_MAX;
        const struct mem_region *winner = find_winner(map, base);
        if (!winner)
            continue;
        struct mem_range *previous = table->count ? &table->ranges[table->count - 1] : NULL;
        if (previous && previous->region == winner && previous->base + previous->size == base)
            previous->size += last - base + 1;
        else
            table->ranges[table->count++] = make_range(map, winner, base, last);
    }
    free(edges);

    struct flat_table *old = atomic_exchange(&map->table, table);
    old->retired = map->retired;
    map->retired = old;
    atomic_fetch_add(&map->generation, 1);
    if (++map->retired_count == CROWDED && map->crowded)
        map->crowded(map->crowded_opaque);
    for (struct memory_map *view = map->views; view; view = view->next_view)
        rebuild(view);
}

struct memory_map *memory_map_create_view(struct memory_map *base)
{
    struct memory_map *map = memory_map_create(base->ram, base->lock);
    map->base = base;
    map->next_view = base->views;
    base->views = map;
    rebuild(map);
    return map;
}

void memory_map_set_crowded(struct memory_map *map, void (*crowded)(void *opaque), void *opaque)
{
    map->crowded = crowded;
    map->crowded_opaque = opaque;
}

void memory_map_reclaim(struct memory_map *map)
{
    while (map->retired) {
        struct flat_table *old = map->retired;
        map->retired = old->retired;
        free(old);
    }
    while (map->retired_regions) {
        struct mem_region *old = map->retired_regions;
        map->retired_regions = old->retired;
        free(old);
    }
    map->retired_count = 0;
    for (struct memory_map *view = map->views; view; view = view->next_view)
        memory_map_reclaim(view);
}

static void tell_listeners(struct memory_map *map, uint64_t base, uint64_t size)
{
    for (struct memory_map_listener *l = map->listeners; l; l = l->next)
        l->changed(l->opaque, base, size);
    for (struct memory_map *view = map->views; view; view = view->next_view)
        tell_listeners(view, base, size);
}

struct mem_region *memory_map_add(struct memory_map *map, struct mem_region_desc desc, struct error *error)
{
    if (!desc.size || desc.size - 1 > UINT64_MAX - desc.base) {
        error_set(error, EINVAL,
                  "region '%s' at 0x%" PRIx64 " of size 0x%" PRIx64 " is not in the address space", desc.name,
                  desc.base, desc.size);
        return NULL;
    }
    bool memory = desc.kind != MEM_MMIO;
    if (memory && (((desc.base | desc.size | desc.ram_offset) & (GUEST_PAGE_SIZE - 1)) ||
                   !range_inside(desc.ram_offset, desc.size, map->ram->size))) {
        error_set(error, EINVAL, "memory region '%s' is not made of whole pages of guest memory", desc.name);
        return NULL;
    }
    assert(memory ? desc.kind != MEM_ROM_DEVICE || desc.ops : desc.ops != NULL);
    assert(!desc.ops || (is_power_of_two(desc.ops->min_size) && is_power_of_two(desc.ops->max_size) &&
                         desc.ops->min_size <= desc.ops->max_size && desc.ops->max_size <= 8));

    struct mem_region *region = ALLOC(struct mem_region);
    region->desc = desc;
    region->order = map->next_order++;
    atomic_store(&region->direct_read, memory);
    map->regions = alloc_resize(map->regions, map->region_count + 1, sizeof(*map->regions));
    map->regions[map->region_count++] = region;
    rebuild(map);
    tell_listeners(map, desc.base, desc.size);
    return region;
}

void memory_map_remove(struct memory_map *map, struct mem_region *region)
{
    size_t i = 0;
    while (i < map->region_count && map->regions[i] != region)
        i++;
    assert(i < map->region_count);
    memmove(&map->regions[i], &map->regions[i + 1], (map->region_count - i - 1) * sizeof(*map->regions));
    map->region_count--;
    rebuild(map);
    tell_listeners(map, region->desc.base, region->desc.size);
    region->retired = map->retired_regions;
    map->retired_regions = region;
}

void memory_map_set_direct_read(struct memory_map *map, struct mem_region *region, bool direct)
{
    assert(region->desc.kind == MEM_ROM_DEVICE);
    if (atomic_exchange(&region->direct_read, direct) != direct)
        tell_listeners(map, region->desc.base, region->desc.size);
}

void memory_map_set_doorbells(struct memory_map *map, struct mem_region *region, const struct mem_doorbell *doorbells,
                              unsigned count)
{
    bool changes = count || region->desc.doorbell_count;
    region->desc.doorbells = doorbells;
    region->desc.doorbell_count = count;
    if (changes)
        tell_listeners(map, region->desc.base, region->desc.size);
}

const struct mem_doorbell *mem_range_doorbells(const struct mem_range *range, unsigned *count)
{
    *count = range->region->desc.doorbell_count;
    return range->region->desc.doorbells;
}

bool mem_range_stores_may_wait(const struct mem_range *range)
{
    return range->region->desc.stores_may_wait;
}

const struct mem_range *memory_map_next(struct memory_map *map, uint64_t gpa)
{
    const struct flat_table *table = atomic_load_explicit(&map->table, memory_order_acquire);
    size_t low = 0, high = table->count; // the answer is in [low, high)
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct mem_range *range = &table->ranges[middle];
        if (gpa < range->base)
            high = middle;
        else if (gpa - range->base >= range->size)
            low = middle + 1;
        else
            return range;
    }
    return low < table->count ? &table->ranges[low] : NULL;
}

const struct mem_range *memory_map_find(struct memory_map *map, uint64_t gpa)
{
    const struct mem_range *range = memory_map_next(map, gpa);
    return range && gpa >= range->base ? range : NULL;
}

bool mem_range_direct_read(const struct mem_range *range)
{
    switch (range->kind) {
    case MEM_RAM:
    case MEM_ROM:
        return true;
    case MEM_ROM_DEVICE:
        return atomic_load_explicit(&range->region->direct_read, memory_order_acquire);
    case MEM_MMIO:
        break;
    }
    return false;
}

bool mem_range_direct_write(const struct mem_range *range)
{
    return range->kind == MEM_RAM;
}

uint64_t memory_map_generation(struct memory_map *map)
{
    return atomic_load_explicit(&map->generation, memory_order_acquire);
}

void memory_map_listen(struct memory_map *map, struct memory_map_listener *listener)
{
    listener->next = map->listeners;
    map->listeners = listener;
}

struct device_lock *memory_map_lock(struct memory_map *map)
{
    return map->lock;
}

void memory_map_print(struct memory_map *map, FILE *out)
{
    static const char *const kinds[] = {"ram", "rom", "i/o", "romd"};
    const struct flat_table *table = atomic_load(&map->table);
    for (size_t i = 0; i < table->count; i++) {
        const struct mem_range *range = &table->ranges[i];
        fprintf(out, "  %016" PRIx64 "-%016" PRIx64 " (%s): %s", range->base, range->base + range->size - 1,
                kinds[range->kind], range->region->desc.name);
        if (range->region_offset)
            fprintf(out, " @%016" PRIx64, range->region_offset);
        fputc('\n', out);
    }
}
