// SPDX-License-Identifier: MIT
// Breakpoint instructions in the guest's memory. Debuggers, the monitor, resets and whatever else looks at the guest with all vCPUs
// stopped finds its own bytes there. Devices that read memory while it runs do see them.
//
// They go where an instruction can be, at a multiple of their length; and processors whose caches do not see stores to code are told.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/memory-map.h"
#include "hw/core/stops.h"
#include "hw/kvm/debug.h"
#include "tcg/base/alloc.h"

// A guest that moves its code about has one after another in many places.
enum { PLANTS_LIMIT = 2 * STOPS_LIMIT };

struct plant {
    uint64_t gpa;
    uint8_t *host;
    uint8_t original[sizeof(((struct kvm_debug_ops *)0)->instruction)];
};

struct kvm_plants {
    const struct kvm_debug_ops *ops;
    struct memory_map *map;
    pthread_mutex_t mutex; // for all below
    unsigned inside;
    struct plant *items;
    size_t count;
};

struct kvm_plants *kvm_plants_create(const struct kvm_debug_ops *ops, struct memory_map *map)
{
    struct kvm_plants *plants = ALLOC(struct kvm_plants);
    plants->ops = ops;
    plants->map = map;
    pthread_mutex_init(&plants->mutex, NULL);
    return plants;
}

void kvm_plants_destroy(struct kvm_plants *plants)
{
    if (!plants)
        return;
    pthread_mutex_destroy(&plants->mutex);
    free(plants->items);
    free(plants);
}

static uint8_t *host_of(const struct kvm_plants *plants, uint64_t gpa)
{
    const struct mem_range *range = memory_map_find(plants->map, gpa);
    unsigned bytes = plants->ops->instruction_bytes;
    if (!range || !mem_range_direct_write(range) || gpa % bytes || range->base + range->size - gpa < bytes)
        return NULL;
    return range->host + (gpa - range->base);
}

static struct plant *find(const struct kvm_plants *plants, uint64_t gpa)
{
    for (size_t i = 0; i < plants->count; i++)
        if (plants->items[i].gpa == gpa)
            return &plants->items[i];
    return NULL;
}

static bool is_in_place(const struct kvm_plants *plants, const struct plant *plant)
{
    return !memcmp(plant->host, plants->ops->instruction, plants->ops->instruction_bytes);
}

// By one store, so that what the guest runs elsewhere meanwhile is either the one or the other.
static void store(const struct kvm_plants *plants, uint8_t *host, const uint8_t *instruction)
{
    unsigned bytes = plants->ops->instruction_bytes;
    uint32_t word;
    if (bytes == sizeof(word)) {
        memcpy(&word, instruction, sizeof(word));
        __atomic_store_n((uint32_t *)host, word, __ATOMIC_RELEASE);
    } else {
        memcpy(host, instruction, bytes);
    }
    __builtin___clear_cache((char *)host, (char *)host + bytes);
}

static void put(const struct kvm_plants *plants, struct plant *plant)
{
    memcpy(plant->original, plant->host, plants->ops->instruction_bytes);
    store(plants, plant->host, plants->ops->instruction);
}

// Whoever has written over it meanwhile is right.
static void take(const struct kvm_plants *plants, const struct plant *plant)
{
    if (is_in_place(plants, plant))
        store(plants, plant->host, plant->original);
}

void kvm_plants_enter(struct kvm_plants *plants)
{
    pthread_mutex_lock(&plants->mutex);
    plants->inside++;
    pthread_mutex_unlock(&plants->mutex);
}

void kvm_plants_leave(struct kvm_plants *plants)
{
    pthread_mutex_lock(&plants->mutex);
    if (!--plants->inside) {
        for (size_t i = 0; i < plants->count; i++)
            take(plants, &plants->items[i]);
        plants->count = 0;
    }
    pthread_mutex_unlock(&plants->mutex);
}

bool kvm_plants_can_add(struct kvm_plants *plants, uint64_t gpa)
{
    pthread_mutex_lock(&plants->mutex);
    bool room = plants->count < PLANTS_LIMIT || find(plants, gpa);
    pthread_mutex_unlock(&plants->mutex);
    return room && host_of(plants, gpa);
}

void kvm_plants_add(struct kvm_plants *plants, uint64_t gpa)
{
    uint8_t *host = host_of(plants, gpa);
    pthread_mutex_lock(&plants->mutex);
    struct plant *plant = find(plants, gpa);
    if (host && !plant && plants->count < PLANTS_LIMIT) {
        plants->items = alloc_resize(plants->items, plants->count + 1, sizeof(*plants->items));
        plant = &plants->items[plants->count++];
        *plant = (struct plant){.gpa = gpa, .host = host};
        put(plants, plant);
    } else if (plant && plant->host == host && !is_in_place(plants, plant)) {
        put(plants, plant); // new code has come there
    }
    pthread_mutex_unlock(&plants->mutex);
}

bool kvm_plants_has(struct kvm_plants *plants, uint64_t gpa)
{
    pthread_mutex_lock(&plants->mutex);
    bool has = find(plants, gpa) != NULL;
    pthread_mutex_unlock(&plants->mutex);
    return has;
}

void kvm_plants_lift(struct kvm_plants *plants, uint64_t gpa, bool lifted)
{
    pthread_mutex_lock(&plants->mutex);
    struct plant *plant = find(plants, gpa);
    if (plant && lifted)
        take(plants, plant);
    else if (plant)
        put(plants, plant);
    pthread_mutex_unlock(&plants->mutex);
}
