// SPDX-License-Identifier: MIT
// What a machine offers to devices of the ISA kind that a user adds: ports and interrupts 0 to 15. Boards
// wire the devices they make themselves.
#pragma once

#include "hw/core/irq.h"
#include "hw/core/machine.h"

enum { ISA_IRQS = 16 };

// A DMA controller as a device sees it.
struct isa_dma {
    // Moves up to `length` bytes between `data` and the memory that the channel is set up for, and says how
    // many. Fewer when the channel comes to its end, which *terminal_count tells, or is not ready. Device
    // lock held.
    size_t (*transfer)(void *opaque, unsigned channel, bool to_memory, void *data, size_t length,
                       bool *terminal_count);
    void *opaque;
};

struct isa_host {
    struct memory_map *io;
    struct irq_line irqs[ISA_IRQS];
};

// The port space for a device that was wired to `wired`, or to nothing. NULL: the machine has none.
static inline struct memory_map *isa_io(const struct device *device, struct memory_map *wired)
{
    const struct isa_host *isa = device->machine->isa;
    return wired || !isa ? wired : isa->io;
}
