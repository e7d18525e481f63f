// SPDX-License-Identifier: MIT
// How devices reach guest memory. Only memory: an address that decodes to a device's registers is an error,
// so a guest cannot make a device call itself or another one through a descriptor. Every address and length
// may be what a hostile guest wrote. Works from any thread and takes no lock.
//
// Writes report to the translated-code cache (see guest-ram.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/core/memory-map.h"

// Copies `length` bytes. False when any byte is not memory (or is read-only, for dma_write); then a part may
// have been copied.
bool dma_read(struct memory_map *map, uint64_t gpa, void *buffer, uint64_t length);
bool dma_write(struct memory_map *map, uint64_t gpa, const void *buffer, uint64_t length);
// Like dma_write but also reaches ROM and flash contents; for loaders, before the guest runs or from a
// debugger.
bool dma_write_rom(struct memory_map *map, uint64_t gpa, const void *buffer, uint64_t length);

// A direct pointer to the memory at `gpa`. *length is what is wanted and becomes the size of the run that is
// there, which may be less. NULL when there is no memory. The pointer stays usable for the machine's life,
// but what guest address it stands for may change with the map (memory_map_generation).
void *dma_map(struct memory_map *map, uint64_t gpa, uint64_t *length, bool write);
// After storing through a pointer from dma_map(write).
void dma_wrote(struct memory_map *map, const void *pointer, uint64_t length);

// Little-endian values; 0 and false when not memory. A naturally aligned one is loaded or stored as one unit.
bool dma_read_le16(struct memory_map *map, uint64_t gpa, uint16_t *value);
bool dma_read_le32(struct memory_map *map, uint64_t gpa, uint32_t *value);
bool dma_read_le64(struct memory_map *map, uint64_t gpa, uint64_t *value);
bool dma_write_le16(struct memory_map *map, uint64_t gpa, uint16_t value);
bool dma_write_le32(struct memory_map *map, uint64_t gpa, uint32_t value);
bool dma_write_le64(struct memory_map *map, uint64_t gpa, uint64_t value);
