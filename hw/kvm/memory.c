// SPDX-License-Identifier: MIT
// KVM's memory slots (Documentation/virt/kvm/api.rst, 4.35) from the machine's map, and from that of a special mode: what can be read directly is a slot, read-only
// where stores are for a device or for nobody. All else comes back from KVM_RUN as an access to a device.
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "tcg/base/alloc.h"

// Whole pages of the host's.
static bool wanted(const struct kvm_accel *kvm, const struct mem_range *range, struct kvm_slot *slot)
{
    if (!mem_range_direct_read(range))
        return false;
    uint64_t page = kvm->page_bytes, skip = -range->base & (page - 1);
    if (range->size < skip + page)
        return false;
    *slot = (struct kvm_slot){range->base + skip, (range->size - skip) & -page, range->ram_offset + skip,
                              !mem_range_direct_write(range), false};
    return slot->ram_offset % page == 0;
}

static bool same(const struct kvm_slot *a, const struct kvm_slot *b)
{
    return a->base == b->base && a->size == b->size && a->ram_offset == b->ram_offset && a->readonly == b->readonly;
}

uint32_t kvm_slot_name(const struct kvm_space *space, unsigned index)
{
    return space->number << 16 | index; // KVM_CAP_MULTI_ADDRESS_SPACE
}

int kvm_slot_set(const struct kvm_space *space, unsigned index, const struct kvm_slot *slot)
{
    struct kvm_userspace_memory_region region = {
        .slot = kvm_slot_name(space, index),
        .flags = (slot->readonly ? KVM_MEM_READONLY : 0) | (slot->logged ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = slot->base,
        .memory_size = slot->size,
        .userspace_addr = (uint64_t)(uintptr_t)(space->kvm->vm.machine->ram->host + slot->ram_offset),
    };
    return ioctl(space->kvm->vm.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static void add(struct kvm_space *space, unsigned index, struct kvm_slot slot)
{
    slot.logged = kvm_dirty_wants(space->kvm, &slot);
    int status = kvm_slot_set(space, index, &slot);
    if (status)
        kvm_vm_fail(&space->kvm->vm, "%llu KiB of guest memory at 0x%llx cannot be mapped: %s",
                    (unsigned long long)(slot.size >> 10), (unsigned long long)slot.base, strerror(-status));
    space->slots[index] = slot;
}

static void drop(struct kvm_space *space, unsigned index)
{
    struct kvm_slot gone = space->slots[index];
    gone.size = 0;
    gone.logged = false;
    kvm_slot_set(space, index, &gone);
    kvm_dirty_lost(space->kvm, &space->slots[index]);
    space->slots[index] = gone;
}

// Makes room in the list; false when the kernel has no more slots.
static bool free_slot(struct kvm_space *space, unsigned *index)
{
    for (*index = 0; *index < space->slot_count; ++*index)
        if (!space->slots[*index].size)
            return true;
    if (space->slot_count == space->kvm->slot_most)
        return false;
    space->slots = alloc_resize(space->slots, space->slot_count + 1, sizeof(*space->slots));
    space->slots[space->slot_count++] = (struct kvm_slot){0};
    return true;
}

static bool is_in_map(const struct kvm_space *space, const struct kvm_slot *slot)
{
    struct kvm_slot now;
    const struct mem_range *range = memory_map_find(space->map, slot->base);
    return range && wanted(space->kvm, range, &now) && same(&now, slot);
}

static bool has(const struct kvm_space *space, const struct kvm_slot *slot)
{
    for (unsigned i = 0; i < space->slot_count; i++)
        if (same(&space->slots[i], slot))
            return true;
    return false;
}

// A slot cannot change its place, so those that are not as the map has them go first.
static void changed(void *opaque, uint64_t base, uint64_t size)
{
    struct kvm_space *space = opaque;
    (void)base;
    (void)size;
    for (unsigned i = 0; i < space->slot_count; i++)
        if (space->slots[i].size && !is_in_map(space, &space->slots[i]))
            drop(space, i);
    const struct mem_range *range = memory_map_next(space->map, 0);
    for (; range; range = range->base + range->size ? memory_map_next(space->map, range->base + range->size) : NULL) {
        struct kvm_slot slot;
        unsigned index;
        if (wanted(space->kvm, range, &slot) && !has(space, &slot) && free_slot(space, &index))
            add(space, index, slot);
    }
}

static void add_space(struct kvm_accel *kvm, struct memory_map *map)
{
    struct kvm_space *space = &kvm->spaces[kvm->space_count];
    *space = (struct kvm_space){.kvm = kvm, .number = kvm->space_count, .map = map, .listener = {.changed = changed, .opaque = space}};
    kvm->space_count++;
    memory_map_listen(map, &space->listener);
    changed(space, 0, 0);
}

void kvm_memory_init(struct kvm_accel *kvm, struct memory_map *special)
{
    int most = kvm_capability(&kvm->vm, KVM_CAP_NR_MEMSLOTS);
    kvm->slot_most = most > 0 ? (unsigned)most : 32;
    kvm_dirty_init(kvm);
    add_space(kvm, kvm->vm.machine->map);
    if (special)
        add_space(kvm, special);
}

void kvm_memory_destroy(struct kvm_accel *kvm)
{
    for (unsigned i = 0; i < kvm->space_count; i++)
        free(kvm->spaces[i].slots);
}
