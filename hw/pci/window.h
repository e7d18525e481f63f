// SPDX-License-Identifier: MIT
// A region that software shows, hides and moves, such as the register blocks of a chipset.
#pragma once

#include "hw/core/memory-map.h"

struct mem_window {
    struct memory_map *map;
    struct mem_region_desc desc; // the base is where it was last shown
    struct mem_region *region;   // NULL while hidden
};

// Handlers of a place where nobody answers: all ones are read.
extern const struct mmio_ops mem_nobody_ops;
uint64_t mem_nobody_read(void *opaque, struct mmio_access access);

// Device lock held. Does nothing when that is how it is already. A place that cannot be hides it.
void mem_window_show(struct mem_window *window, bool shown, uint64_t base);
void mem_window_hide(struct mem_window *window);
