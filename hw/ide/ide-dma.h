// SPDX-License-Identifier: MIT
// Guest memory gathered from a table of regions for one transfer, as pieces that can be read and written
// directly. Every address may be hostile: what is not memory ends the list.
#pragma once

#include <stdbool.h>
#include <sys/uio.h>

#include "hw/pci/pci.h"

struct ide_memory {
    struct iovec *pieces;
    unsigned count, capacity;
    uint64_t bytes;
    bool to_guest;
};

void ide_memory_begin(struct ide_memory *memory, bool to_guest);
// False: not all of it is memory, or there are too many pieces.
bool ide_memory_add(struct ide_memory *memory, struct pci_device *device, uint64_t address, uint64_t bytes);
// Tells who must know that memory was written, and forgets it.
void ide_memory_end(struct ide_memory *memory, struct pci_device *device);
