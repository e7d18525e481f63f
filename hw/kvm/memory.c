// SPDX-License-Identifier: MIT
// KVM's memory slots (Documentation/virt/kvm/api.rst, 4.35) from the machine's map: what can be read directly is a slot, read-only
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

int kvm_slot_set(struct kvm_accel *kvm, unsigned index, const struct kvm_slot *slot)
{
    struct kvm_userspace_memory_region region = {
        .slot = index,
        .flags = (slot->readonly ? KVM_MEM_READONLY : 0) | (slot->logged ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = slot->base,
        .memory_size = slot->size,
        .userspace_addr = (uint64_t)(uintptr_t)(kvm->vm.machine->ram->host + slot->ram_offset),
    };
    return ioctl(kvm->vm.fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static void add(struct kvm_accel *kvm, unsigned index, struct kvm_slot slot)
{
    slot.logged = kvm_dirty_wants(kvm, &slot);
    int status = kvm_slot_set(kvm, index, &slot);
    if (status)
        kvm_vm_fail(&kvm->vm, "%llu KiB of guest memory at 0x%llx cannot be mapped: %s", (unsigned long long)(slot.size >> 10),
                    (unsigned long long)slot.base, strerror(-status));
    kvm->slots[index] = slot;
}

static void drop(struct kvm_accel *kvm, unsigned index)
{
    struct kvm_slot gone = kvm->slots[index];
    gone.size = 0;
    gone.logged = false;
    kvm_slot_set(kvm, index, &gone);
    kvm_dirty_lost(kvm, &kvm->slots[index]);
    kvm->slots[index] = gone;
}

// Makes room in the list; false when the kernel has no more slots.
static bool free_slot(struct kvm_accel *kvm, unsigned *index)
{
    for (*index = 0; *index < kvm->slot_count; ++*index)
        if (!kvm->slots[*index].size)
            return true;
    if (kvm->slot_count == kvm->slot_most)
        return false;
    kvm->slots = alloc_resize(kvm->slots, kvm->slot_count + 1, sizeof(*kvm->slots));
    kvm->slots[kvm->slot_count++] = (struct kvm_slot){0};
    return true;
}

static bool is_in_map(const struct kvm_accel *kvm, const struct kvm_slot *slot)
{
    struct kvm_slot now;
    const struct mem_range *range = memory_map_find(kvm->vm.machine->map, slot->base);
    return range && wanted(kvm, range, &now) && same(&now, slot);
}

static bool has(const struct kvm_accel *kvm, const struct kvm_slot *slot)
{
    for (unsigned i = 0; i < kvm->slot_count; i++)
        if (same(&kvm->slots[i], slot))
            return true;
    return false;
}

// A slot cannot change its place, so those that are not as the map has them go first.
static void changed(void *opaque, uint64_t base, uint64_t size)
{
    struct kvm_accel *kvm = opaque;
    struct memory_map *map = kvm->vm.machine->map;
    (void)base;
    (void)size;
    for (unsigned i = 0; i < kvm->slot_count; i++)
        if (kvm->slots[i].size && !is_in_map(kvm, &kvm->slots[i]))
            drop(kvm, i);
    const struct mem_range *range = memory_map_next(map, 0);
    for (; range; range = range->base + range->size ? memory_map_next(map, range->base + range->size) : NULL) {
        struct kvm_slot slot;
        unsigned index;
        if (wanted(kvm, range, &slot) && !has(kvm, &slot) && free_slot(kvm, &index))
            add(kvm, index, slot);
    }
}

void kvm_memory_init(struct kvm_accel *kvm)
{
    int most = kvm_capability(&kvm->vm, KVM_CAP_NR_MEMSLOTS);
    kvm->slot_most = most > 0 ? (unsigned)most : 32;
    kvm_dirty_init(kvm);
    kvm->map_listener = (struct memory_map_listener){.changed = changed, .opaque = kvm};
    memory_map_listen(kvm->vm.machine->map, &kvm->map_listener);
    changed(kvm, 0, 0);
}
