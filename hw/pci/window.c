// SPDX-License-Identifier: MIT
#include "hw/pci/window.h"

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
