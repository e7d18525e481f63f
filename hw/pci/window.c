// SPDX-License-Identifier: MIT
#include "hw/pci/window.h"

#include "tcg/base/bits.h"

uint64_t mem_nobody_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    return mask64(access.size * 8);
}

static void nobody_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)opaque;
    (void)access;
    (void)value;
}

const struct mmio_ops mem_nobody_ops = {mem_nobody_read, nobody_write, 1, 8, false};

void mem_window_hide(struct mem_window *window)
{
    if (window->region)
        memory_map_remove(window->map, window->region);
    window->region = NULL;
}

void mem_window_show(struct mem_window *window, bool shown, uint64_t base)
{
    if (shown && window->region && window->desc.base == base)
        return;
    mem_window_hide(window);
    struct error error;
    window->desc.base = base;
    if (shown)
        window->region = memory_map_add(window->map, window->desc, &error);
}
