// SPDX-License-Identifier: MIT
// Device access to guest memory.
#include "hw/core/dma.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum dma_kind { DMA_READ, DMA_WRITE, DMA_WRITE_ROM };

static uint8_t *find_memory(struct memory_map *map, uint64_t gpa, enum dma_kind kind, uint64_t *run)
{
    const struct mem_range *range = memory_map_find(map, gpa);
    if (!range || !range->host)
        return NULL;
    bool allowed = kind == DMA_READ ? mem_range_direct_read(range)
                                    : kind == DMA_WRITE_ROM || mem_range_direct_write(range);
    if (!allowed)
        return NULL;
    *run = range->size - (gpa - range->base);
    return range->host + (gpa - range->base);
}

static bool copy(struct memory_map *map, uint64_t gpa, void *buffer, uint64_t length, enum dma_kind kind)
{
    uint8_t *bytes = buffer;
    while (length) {
        uint64_t run;
        uint8_t *host = find_memory(map, gpa, kind, &run);
        if (!host)
            return false;
        if (run > length)
            run = length;
        if (kind == DMA_READ) {
            memcpy(bytes, host, run);
        } else {
            memcpy(host, bytes, run);
            dma_wrote(map, host, run);
            if (kind == DMA_WRITE_ROM) // it may be code that the host's processors are to execute
                __builtin___clear_cache((char *)host, (char *)host + run);
        }
        bytes += run;
        gpa += run;
        length -= run;
        if (length && !gpa)
            return false; // past the end of the address space
    }
    return true;
}

bool dma_read(struct memory_map *map, uint64_t gpa, void *buffer, uint64_t length)
{
    return copy(map, gpa, buffer, length, DMA_READ);
}

bool dma_write(struct memory_map *map, uint64_t gpa, const void *buffer, uint64_t length)
{
    return copy(map, gpa, (void *)buffer, length, DMA_WRITE);
}

bool dma_write_rom(struct memory_map *map, uint64_t gpa, const void *buffer, uint64_t length)
{
    return copy(map, gpa, (void *)buffer, length, DMA_WRITE_ROM);
}

void *dma_map(struct memory_map *map, uint64_t gpa, uint64_t *length, bool write)
{
    uint64_t run;
    uint8_t *host = find_memory(map, gpa, write ? DMA_WRITE : DMA_READ, &run);
    if (!host)
        return NULL;
    if (*length > run)
        *length = run;
    return host;
}

void dma_wrote(struct memory_map *map, const void *pointer, uint64_t length)
{
    struct guest_ram *ram = memory_map_ram(map);
    guest_ram_wrote(ram, (uint64_t)((const uint8_t *)pointer - ram->host), length);
}

// A run of `size` bytes that one host access may touch, or NULL when the slow path is needed.
static uint8_t *aligned_unit(struct memory_map *map, uint64_t gpa, unsigned size, enum dma_kind kind)
{
    uint64_t run;
    return gpa & (size - 1) ? NULL : find_memory(map, gpa, kind, &run);
}

bool dma_read_le16(struct memory_map *map, uint64_t gpa, uint16_t *value)
{
    uint16_t raw = 0;
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_READ);
    if (unit)
        raw = __atomic_load_n((uint16_t *)unit, __ATOMIC_ACQUIRE);
    bool ok = unit || dma_read(map, gpa, &raw, sizeof(raw));
    *value = ok ? le16toh(raw) : 0;
    return ok;
}

bool dma_read_le32(struct memory_map *map, uint64_t gpa, uint32_t *value)
{
    uint32_t raw = 0;
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_READ);
    if (unit)
        raw = __atomic_load_n((uint32_t *)unit, __ATOMIC_ACQUIRE);
    bool ok = unit || dma_read(map, gpa, &raw, sizeof(raw));
    *value = ok ? le32toh(raw) : 0;
    return ok;
}

bool dma_read_le64(struct memory_map *map, uint64_t gpa, uint64_t *value)
{
    uint64_t raw = 0;
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_READ);
    if (unit)
        raw = __atomic_load_n((uint64_t *)unit, __ATOMIC_ACQUIRE);
    bool ok = unit || dma_read(map, gpa, &raw, sizeof(raw));
    *value = ok ? le64toh(raw) : 0;
    return ok;
}

bool dma_write_le16(struct memory_map *map, uint64_t gpa, uint16_t value)
{
    uint16_t raw = htole16(value);
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_WRITE);
    if (!unit)
        return dma_write(map, gpa, &raw, sizeof(raw));
    __atomic_store_n((uint16_t *)unit, raw, __ATOMIC_RELEASE);
    dma_wrote(map, unit, sizeof(raw));
    return true;
}

bool dma_write_le32(struct memory_map *map, uint64_t gpa, uint32_t value)
{
    uint32_t raw = htole32(value);
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_WRITE);
    if (!unit)
        return dma_write(map, gpa, &raw, sizeof(raw));
    __atomic_store_n((uint32_t *)unit, raw, __ATOMIC_RELEASE);
    dma_wrote(map, unit, sizeof(raw));
    return true;
}

bool dma_write_le64(struct memory_map *map, uint64_t gpa, uint64_t value)
{
    uint64_t raw = htole64(value);
    uint8_t *unit = aligned_unit(map, gpa, sizeof(raw), DMA_WRITE);
    if (!unit)
        return dma_write(map, gpa, &raw, sizeof(raw));
    __atomic_store_n((uint64_t *)unit, raw, __ATOMIC_RELEASE);
    dma_wrote(map, unit, sizeof(raw));
    return true;
}
