// SPDX-License-Identifier: MIT
#include "hw/core/port-set.h"

#include <assert.h>
#include <errno.h>

#include "tcg/base/bits.h"

int port_set_map(struct port_set *set, struct memory_map *map, const char *name,
                 const struct port_range *ranges, unsigned count, void *opaque, struct error *error)
{
    assert(count <= PORT_SET_MAX);
    *set = (struct port_set){.map = map};
    if (!map)
        return error_set(error, ENODEV, "device '%s': this machine has no I/O ports", name);
    for (unsigned i = 0; i < count; i++) {
        const struct port_range *range = &ranges[i];
        struct mem_region_desc desc = {.name = name,
                                       .base = range->base,
                                       .size = range->count,
                                       .kind = MEM_MMIO,
                                       .ops = range->ops,
                                       .opaque = opaque};
        struct mem_region *region = NULL;
        if (!range_inside(range->base, range->count, PORT_SPACE_SIZE))
            error_set(error, EINVAL, "device '%s': there is no port 0x%x", name, range->base);
        else
            region = memory_map_add(map, desc, error);
        if (!region) {
            port_set_unmap(set);
            return -EINVAL;
        }
        set->regions[set->count++] = region;
    }
    return 0;
}

void port_set_unmap(struct port_set *set)
{
    while (set->count)
        memory_map_remove(set->map, set->regions[--set->count]);
    set->map = NULL;
}
