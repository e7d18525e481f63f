// SPDX-License-Identifier: MIT
// The I/O ports of one device: mapped together, removed together. Ports are a memory map of their own, 64 KiB
// large, which the board makes and gives to its devices.
#pragma once

#include <stdint.h>

#include "hw/core/memory-map.h"

enum { PORT_SET_MAX = 6, PORT_SPACE_SIZE = 0x10000 };

struct port_range {
    uint32_t base, count;
    const struct mmio_ops *ops;
};

struct port_set {
    struct memory_map *map; // NULL: nothing is mapped
    struct mem_region *regions[PORT_SET_MAX];
    unsigned count;
};

// Maps all `count` ranges or, on failure, none; handlers get `opaque`. `name` must outlive the set. -EINVAL
// with a message.
int port_set_map(struct port_set *set, struct memory_map *map, const char *name,
                 const struct port_range *ranges, unsigned count, void *opaque, struct error *error);
void port_set_unmap(struct port_set *set);
