// SPDX-License-Identifier: MIT
// Which pages of guest memory have been stored to since somebody last asked: what a display needs to draw only what has
// changed. Pages that nobody stores to cost nothing, and neither does the second store to a page between two questions.
//
// The protocol, with two of the flags of a page (hw/core/guest-ram.h):
//   storer:  store, then set PAGE_DIRTY if the page is PAGE_SHOWN. Stores go unseen from then on, until they are protected.
//   asker:   clear PAGE_DIRTY, protect the page, then read it.
// A processor may be between its check and its store while the page is protected. So pages that were dirty are told of
// again until every processor has left translated code once. Engines that find out about stores in other ways have none of
// these under way, and pages are told of once (struct guest_ram_watch_ops).
//
// Device lock held in all calls. A page can be in one watch only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_ram;

struct ram_watch {
    struct guest_ram *ram; // NULL: off
    uint64_t first_page, page_count;
    uint64_t *settling; // bit set of the pages to tell of again
};

// Watches the pages of [ram_offset, +bytes), which all count as stored to.
void ram_watch_begin(struct ram_watch *watch, struct guest_ram *ram, uint64_t ram_offset, uint64_t bytes);
// Nothing when it is off.
void ram_watch_end(struct ram_watch *watch);
// Sets bits of `dirty` (bit 0 is the page at `first` of the watch) for those of `count` pages that may have been stored to
// since the last time, and clears the others. Pages beyond the watch are never dirty. Whether there are any.
bool ram_watch_collect(struct ram_watch *watch, uint64_t first, uint64_t count, uint64_t *dirty);
