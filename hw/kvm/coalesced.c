// SPDX-License-Identifier: MIT
// Stores that may wait, held back by the kernel in a ring that all vCPUs share (Documentation/virt/kvm/api.rst, 4.116). It is
// emptied whenever KVM_RUN comes back, before the reason for that is looked at, so each processor's accesses reach devices in their
// order; and when a display is drawn. The kernel comes back by itself when the ring is full.
//
// As doorbells.c, this takes places that are no longer so from the kernel at once, and tells it of new ones by the I/O loop. What
// is in the ring belongs to the places as the kernel knows them.
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { ZONES_MAX = 16 };

struct zone {
    uint64_t base, size, region_offset;
    const struct mmio_ops *ops;
    void *opaque;
    bool refused;
};

struct kvm_coalesced {
    const struct kvm_vm *vm;
    struct kvm_coalesced_mmio_ring *ring; // its `first` is ours, `last` the kernel's; NULL: it is gone
    unsigned entries;
    struct io_task add;
    struct memory_map_listener listener;
    struct zone zones[ZONES_MAX];
    unsigned zone_count;
    uint64_t held_back;
};

// --- the ring ---

static bool is_empty(const struct kvm_coalesced *self)
{
    return !self || !self->ring ||
           __atomic_load_n(&self->ring->first, __ATOMIC_RELAXED) == __atomic_load_n(&self->ring->last, __ATOMIC_ACQUIRE);
}

static void carry_out(struct kvm_coalesced *self, const struct kvm_coalesced_mmio *store)
{
    if (store->len > sizeof(store->data))
        return;
    for (unsigned i = 0; i < self->zone_count; i++) {
        const struct zone *zone = &self->zones[i];
        uint64_t offset = store->phys_addr - zone->base;
        if (store->phys_addr < zone->base || !range_inside(offset, store->len, zone->size))
            continue;
        self->held_back++;
        mmio_ops_write(zone->ops, zone->opaque, (struct mem_requester){0}, zone->region_offset + offset, store->len,
                       load_le64(store->data));
        return;
    }
}

void kvm_coalesced_flush(struct kvm_coalesced *self)
{
    // No more than there was room for: what processors add meanwhile is for the next time.
    for (unsigned i = 0; !is_empty(self) && i < self->entries; i++) {
        uint32_t first = self->ring->first;
        struct kvm_coalesced_mmio store = self->ring->coalesced_mmio[first % self->entries];
        carry_out(self, &store);
        // Only now, so that who finds the ring empty finds the store made.
        __atomic_store_n(&self->ring->first, (first + 1) % self->entries, __ATOMIC_RELEASE);
    }
}

void kvm_coalesced_drain(struct kvm_coalesced *self)
{
    if (is_empty(self))
        return;
    device_lock_acquire(&self->vm->machine->lock);
    kvm_coalesced_flush(self);
    device_lock_release(&self->vm->machine->lock);
}

// --- places ---

static bool is_zone(const struct mem_range *range)
{
    return range->kind == MEM_MMIO && mem_range_stores_may_wait(range);
}

static struct zone zone_of(const struct mem_range *range)
{
    return (struct zone){range->base, range->size, range->region_offset, range->ops, range->opaque, false};
}

static bool same(const struct zone *a, const struct zone *b)
{
    return a->base == b->base && a->size == b->size && a->region_offset == b->region_offset && a->ops == b->ops &&
           a->opaque == b->opaque;
}

static bool is_in_map(const struct kvm_coalesced *self, const struct zone *zone)
{
    const struct mem_range *range = memory_map_find(self->vm->machine->map, zone->base);
    if (!range || !is_zone(range))
        return false;
    struct zone now = zone_of(range);
    return same(&now, zone);
}

static bool has(const struct kvm_coalesced *self, const struct zone *zone)
{
    for (unsigned i = 0; i < self->zone_count; i++)
        if (same(&self->zones[i], zone))
            return true;
    return false;
}

static int tell_kernel(const struct kvm_coalesced *self, const struct zone *zone, unsigned long request)
{
    struct kvm_coalesced_mmio_zone place = {.addr = zone->base, .size = (uint32_t)zone->size};
    return zone->size > UINT32_MAX ? -1 : ioctl(self->vm->fd, request, &place);
}

static void add_zones(void *opaque)
{
    struct kvm_coalesced *self = opaque;
    struct memory_map *map = self->vm->machine->map;
    const struct mem_range *range = memory_map_next(map, 0);
    for (; range; range = range->base + range->size ? memory_map_next(map, range->base + range->size) : NULL) {
        struct zone zone = zone_of(range);
        if (!is_zone(range) || has(self, &zone) || self->zone_count == ZONES_MAX)
            continue;
        // In this order: a store may be in the ring as soon as the kernel knows.
        struct zone *added = &self->zones[self->zone_count++];
        *added = zone;
        added->refused = tell_kernel(self, &zone, KVM_REGISTER_COALESCED_MMIO) < 0;
    }
}

static void changed(void *opaque, uint64_t base, uint64_t size)
{
    struct kvm_coalesced *self = opaque;
    (void)base;
    (void)size;
    for (unsigned i = self->zone_count; i--;) {
        if (is_in_map(self, &self->zones[i]))
            continue;
        if (!self->zones[i].refused)
            tell_kernel(self, &self->zones[i], KVM_UNREGISTER_COALESCED_MMIO);
        kvm_coalesced_flush(self); // those that are for this place, too
        self->zones[i] = self->zones[--self->zone_count];
    }
    io_loop_post(self->vm->machine->loop, &self->add);
}

// --- life ---

struct kvm_coalesced *kvm_coalesced_create(const struct kvm_vcpu *vcpu)
{
    int page = kvm_capability(vcpu->vm, KVM_CAP_COALESCED_MMIO);
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (page <= 0 || (size_t)(page + 1) * (size_t)page_bytes > vcpu->run_bytes)
        return NULL;
    struct kvm_coalesced *self = ALLOC(struct kvm_coalesced);
    self->vm = vcpu->vm;
    self->ring = (struct kvm_coalesced_mmio_ring *)((uint8_t *)vcpu->run + page * page_bytes);
    self->entries = (unsigned)(((size_t)page_bytes - sizeof(*self->ring)) / sizeof(self->ring->coalesced_mmio[0]));
    io_task_init(&self->add, add_zones, self);
    self->listener = (struct memory_map_listener){.changed = changed, .opaque = self};
    memory_map_listen(self->vm->machine->map, &self->listener);
    io_loop_post(self->vm->machine->loop, &self->add);
    return self;
}

void kvm_coalesced_forget_ring(struct kvm_coalesced *self)
{
    if (self)
        self->ring = NULL;
}

void kvm_coalesced_destroy(struct kvm_coalesced *self)
{
    free(self);
}

void kvm_coalesced_print(const struct kvm_coalesced *self, FILE *out)
{
    if (self)
        fprintf(out, "stores that may wait: in %u places, %llu held back\n", self->zone_count, (unsigned long long)self->held_back);
}
