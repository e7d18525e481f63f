// SPDX-License-Identifier: MIT
#include "hw/ide/ide-dma.h"

#include <stdlib.h>

#include "tcg/base/alloc.h"

enum { PIECES_MAX = 65536 };

void ide_memory_begin(struct ide_memory *memory, bool to_guest)
{
    memory->count = 0;
    memory->bytes = 0;
    memory->to_guest = to_guest;
}

bool ide_memory_add(struct ide_memory *memory, struct pci_device *device, uint64_t address, uint64_t bytes)
{
    while (bytes) {
        uint64_t run = bytes;
        void *host = pci_dma_map(device, address, &run, memory->to_guest);
        if (!host || !run || memory->count == PIECES_MAX)
            return false;
        if (memory->count == memory->capacity) {
            memory->capacity = memory->capacity ? 2 * memory->capacity : 64;
            memory->pieces = alloc_resize(memory->pieces, memory->capacity, sizeof(*memory->pieces));
        }
        memory->pieces[memory->count++] = (struct iovec){host, run};
        memory->bytes += run;
        address += run;
        bytes -= run;
    }
    return true;
}

void ide_memory_end(struct ide_memory *memory, struct pci_device *device)
{
    for (unsigned i = 0; memory->to_guest && i < memory->count; i++)
        pci_dma_wrote(device, memory->pieces[i].iov_base, memory->pieces[i].iov_len);
    free(memory->pieces);
    *memory = (struct ide_memory){0};
}
