// SPDX-License-Identifier: MIT
// Everything the guest can execute from (RAM, ROM, flash contents) lives in one memory object, a memfd mapped
// once without reserving host memory. A page is known by its offset in the object ("ram offset") whatever
// guest physical addresses show it, so translated code is found by ram offset.
//
// Each 4 KiB page has one byte of flags. The protocol that keeps translated code and stores in step:
//   translator: set PAGE_CODE, then read the guest's instructions;
//   storer:     store, then test PAGE_CODE, and when set report the bytes (guest_ram_wrote).
// Both sides are sequentially consistent, so one of them sees the other.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tcg/base/error.h"

enum { GUEST_PAGE_BITS = 12, GUEST_PAGE_SIZE = 1 << GUEST_PAGE_BITS };

enum guest_page_flag {
    PAGE_CODE = 1 << 0,   // translated code was made from this page
    PAGE_STORED = 1 << 1, // there may be soft-TLB entries through which stores go there unseen; set before PAGE_CODE is read
    PAGE_SHOWN = 1 << 2,  // somebody wants to know of stores (hw/core/ram-watch.h)
    PAGE_DIRTY = 1 << 3,  // of those: there has been one, and more go unseen
};

typedef void guest_ram_code_write_fn(void *opaque, uint64_t ram_offset, uint64_t length);

// What an accelerator does for hw/core/ram-watch.h. Any thread; the device lock is held.
struct guest_ram_watch_ops {
    // Pages of [ram_offset, +length) have become PAGE_SHOWN, or no longer are. NULL: the flag is enough.
    void (*watch)(void *opaque, uint64_t ram_offset, uint64_t length, bool on);
    // Makes those of them PAGE_DIRTY that processors have stored to since the last time: where stores are noted elsewhere. What
    // they have stored is in memory then, and what they store later is told of the next time. NULL: the flags are right.
    void (*harvest)(void *opaque, uint64_t ram_offset, uint64_t length);
    // Stores by processors to pages of [ram_offset, +length) that are not PAGE_DIRTY are seen from now on, but for those that
    // are under way. NULL: all are.
    void (*protect)(void *opaque, uint64_t ram_offset, uint64_t length);
    // Whether all that were under way at the last `protect` have been made. NULL: there never are any.
    bool (*settled)(void *opaque);
};

struct guest_ram {
    uint8_t *host;               // base of the one mapping
    uint64_t size;               // capacity in bytes, in whole pages of any host's
    uint64_t used;               // carved so far
    _Atomic uint8_t *page_flags; // one byte a page
    int fd;                      // the memory object; may be mapped again (vhost, a second view)
    guest_ram_code_write_fn *code_write;
    void *code_write_opaque;
    const struct guest_ram_watch_ops *watch_ops; // NULL: no processor stores unseen
    void *watch_opaque;
};

// Reserves an object of `capacity` bytes, all zero. -EINVAL, -ENOMEM or what the host said, with a message.
int guest_ram_create(uint64_t capacity, struct guest_ram **ram, struct error *error);
void guest_ram_destroy(struct guest_ram *ram);
// Takes the next `bytes` of the object, from the first byte of a page of any host's; *ram_offset says where. -ENOMEM when it is
// full.
int guest_ram_carve(struct guest_ram *ram, uint64_t bytes, uint64_t *ram_offset, struct error *error);
// Zeroes [ram_offset, +length) by giving the pages back to the host where that is whole pages.
void guest_ram_zero(struct guest_ram *ram, uint64_t ram_offset, uint64_t length);

// `fn` is called, from whichever thread stored, when host-side code wrote to pages with PAGE_CODE.
void guest_ram_set_code_write(struct guest_ram *ram, guest_ram_code_write_fn *fn, void *opaque);
void guest_ram_set_watch_ops(struct guest_ram *ram, const struct guest_ram_watch_ops *ops, void *opaque);
// To be called after host code wrote [ram_offset, +length) by any other way than dma_write.
void guest_ram_wrote(struct guest_ram *ram, uint64_t ram_offset, uint64_t length);
