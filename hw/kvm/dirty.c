// SPDX-License-Identifier: MIT
// The kernel's log of pages that processors have stored to (Documentation/virt/kvm/api.rst, 4.8 and 4.117), for displays. A slot
// has one while some of its pages are watched. Where the host can (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), only those pages are ever
// made read-only to see the next store, so that a framebuffer in the guest's main memory does not slow down all of it; other hosts
// clear a slot's log when they are asked for it.
//
// The log's pages are the host's, which may be larger than those of 4 KiB that watches count in: of one that has been stored to, all
// count as such.
//
// Device lock held in all calls.
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// The host's pages of the slot with a part in [ram_offset, +bytes); false: none.
static bool overlap(const struct kvm_accel *kvm, const struct kvm_slot *slot, uint64_t ram_offset, uint64_t bytes, uint64_t *first,
                    uint64_t *count)
{
    uint64_t start = slot->ram_offset > ram_offset ? slot->ram_offset : ram_offset;
    uint64_t end = least(slot->ram_offset + slot->size, ram_offset + bytes);
    if (!slot->size || slot->readonly || start >= end)
        return false;
    *first = (start - slot->ram_offset) / kvm->page_bytes;
    *count = (end - slot->ram_offset - 1) / kvm->page_bytes + 1 - *first;
    return true;
}

static void mark(struct kvm_accel *kvm, const struct kvm_slot *slot, uint64_t page)
{
    uint64_t start = slot->ram_offset + page * kvm->page_bytes;
    for (uint64_t at = start; at < start + kvm->page_bytes; at += GUEST_PAGE_SIZE) {
        _Atomic uint8_t *flags = &kvm->vm.machine->ram->page_flags[at >> GUEST_PAGE_BITS];
        if (atomic_load_explicit(flags, memory_order_relaxed) & PAGE_SHOWN)
            atomic_fetch_or(flags, PAGE_DIRTY);
    }
}

static void mark_all(struct kvm_accel *kvm, const struct kvm_slot *slot, uint64_t first, uint64_t count)
{
    for (uint64_t page = first; page < first + count; page++)
        mark(kvm, slot, page);
}

bool kvm_dirty_wants(const struct kvm_accel *kvm, const struct kvm_slot *slot)
{
    uint64_t first, count;
    for (unsigned i = 0; i < kvm->shown_count; i++)
        if (overlap(kvm, slot, kvm->shown[i].ram_offset, kvm->shown[i].bytes, &first, &count))
            return true;
    return false;
}

void kvm_dirty_lost(struct kvm_accel *kvm, const struct kvm_slot *slot)
{
    uint64_t first, count;
    for (unsigned i = 0; i < kvm->shown_count; i++)
        if (overlap(kvm, slot, kvm->shown[i].ram_offset, kvm->shown[i].bytes, &first, &count))
            mark_all(kvm, slot, first, count);
}

// Fills kvm->log in; false: the kernel does not tell.
static bool read_log(struct kvm_accel *kvm, uint32_t slot, uint64_t pages)
{
    size_t words = (pages + 63) / 64;
    if (words > kvm->log_words) {
        kvm->log = alloc_resize(kvm->log, words, sizeof(*kvm->log));
        kvm->log_words = words;
    }
    struct kvm_dirty_log log = {.slot = slot, .dirty_bitmap = kvm->log};
    return !ioctl(kvm->vm.fd, KVM_GET_DIRTY_LOG, &log);
}

// Takes the bits of some pages out of what was read, and has the kernel note stores to those pages anew.
static void clear_log(struct kvm_accel *kvm, uint32_t slot, uint64_t pages, uint64_t first, uint64_t count)
{
    uint64_t start = first & ~UINT64_C(63), end = first + count;
    kvm->log[start / 64] &= ~UINT64_C(0) << (first % 64);
    if (end % 64)
        kvm->log[end / 64] &= (UINT64_C(1) << (end % 64)) - 1;
    struct kvm_clear_dirty_log clear = {.slot = slot,
                                        .num_pages = (uint32_t)(least(round_up(end, 64), pages) - start),
                                        .first_page = start,
                                        .dirty_bitmap = kvm->log + start / 64};
    ioctl(kvm->vm.fd, KVM_CLEAR_DIRTY_LOG, &clear); // pages that it does not clear are told of again
}

static void harvest_slot(const struct kvm_space *space, unsigned index, uint64_t first, uint64_t count)
{
    struct kvm_accel *kvm = space->kvm;
    const struct kvm_slot *slot = &space->slots[index];
    uint32_t name = kvm_slot_name(space, index);
    uint64_t pages = slot->size / kvm->page_bytes;
    if (!slot->logged || !read_log(kvm, name, pages)) {
        mark_all(kvm, slot, first, count);
        return;
    }
    if (kvm->clears_log) {
        clear_log(kvm, name, pages, first, count);
    } else {
        first = 0; // the kernel has forgotten all of it
        count = pages;
    }
    for (uint64_t word = first / 64; word <= (first + count - 1) / 64; word++)
        for (uint64_t bits = kvm->log[word]; bits; bits &= bits - 1)
            mark(kvm, slot, word * 64 + ctz64(bits));
}

static void harvest(void *opaque, uint64_t ram_offset, uint64_t bytes)
{
    struct kvm_accel *kvm = opaque;
    uint64_t first, count;
    for (const struct kvm_space *space = kvm->spaces; space < kvm->spaces + kvm->space_count; space++)
        for (unsigned i = 0; i < space->slot_count; i++)
            if (overlap(kvm, &space->slots[i], ram_offset, bytes, &first, &count))
                harvest_slot(space, i, first, count);
}

static void note(struct kvm_accel *kvm, uint64_t ram_offset, uint64_t bytes, bool on)
{
    unsigned i = 0;
    if (on) {
        kvm->shown = alloc_resize(kvm->shown, kvm->shown_count + 1, sizeof(*kvm->shown));
        kvm->shown[kvm->shown_count++] = (struct kvm_shown){ram_offset, bytes};
        return;
    }
    while (i < kvm->shown_count && kvm->shown[i].ram_offset != ram_offset)
        i++;
    if (i < kvm->shown_count)
        kvm->shown[i] = kvm->shown[--kvm->shown_count];
}

static void log_wanted(const struct kvm_space *space)
{
    for (unsigned i = 0; i < space->slot_count; i++) {
        struct kvm_slot slot = space->slots[i];
        slot.logged = kvm_dirty_wants(space->kvm, &slot);
        if (slot.logged != space->slots[i].logged && !kvm_slot_set(space, i, &slot))
            space->slots[i] = slot;
    }
}

static void watch(void *opaque, uint64_t ram_offset, uint64_t bytes, bool on)
{
    struct kvm_accel *kvm = opaque;
    note(kvm, ram_offset, bytes, on);
    for (unsigned i = 0; i < kvm->space_count; i++)
        log_wanted(&kvm->spaces[i]);
}

static const struct guest_ram_watch_ops watch_ops = {.watch = watch, .harvest = harvest};

void kvm_dirty_init(struct kvm_accel *kvm)
{
    int can = kvm_capability(&kvm->vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
    struct kvm_enable_cap enable = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2};
    enable.args[0] = can > 0 ? (unsigned)can & (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET) : 0;
    kvm->clears_log = enable.args[0] && !ioctl(kvm->vm.fd, KVM_ENABLE_CAP, &enable);
    guest_ram_set_watch_ops(kvm->vm.machine->ram, &watch_ops, kvm);
}

void kvm_dirty_destroy(struct kvm_accel *kvm)
{
    free(kvm->shown);
    free(kvm->log);
}
