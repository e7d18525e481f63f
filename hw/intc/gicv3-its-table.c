// SPDX-License-Identifier: MIT
// The ITS's tables in guest memory. Addresses, sizes and contents are the guest's, so everything is checked.
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/intc/gicv3-its-internal.h"
#include "tcg/base/bits.h"

static struct memory_map *map_of(const struct gicv3_its *its)
{
    return its->device.machine->map;
}

static bool entry_address(const struct gicv3_its *its, unsigned table, uint32_t index, uint64_t *address)
{
    static const unsigned page_log2s[] = {12, 14, 16, 16};
    uint64_t baser = its->baser[table];
    if (!(baser & GITS_BASER_VALID))
        return false;
    unsigned page_log2 = page_log2s[extract64(baser, 8, 2)];
    uint64_t pages = extract64(baser, 0, 8) + 1, per_page = BIT64(page_log2) / ITS_ENTRY_BYTES;
    uint64_t base = baser & UINT64_C(0x0000fffffffff000);
    if (page_log2 == 16) // bits 15:12 stand for address bits 51:48
        base = (baser & UINT64_C(0x0000ffffffff0000)) | extract64(baser, 12, 4) << 48;
    if (!(baser & GITS_BASER_INDIRECT)) {
        *address = base + (uint64_t)index * ITS_ENTRY_BYTES;
        return index < pages * per_page;
    }
    uint64_t first = index / per_page, level1;
    if (first >= pages * per_page || !dma_read_le64(map_of(its), base + first * 8, &level1) ||
        !(level1 & GITS_BASER_VALID))
        return false;
    uint64_t page = level1 & UINT64_C(0x000ffffffffff000) & ~(BIT64(page_log2) - 1);
    *address = page + index % per_page * ITS_ENTRY_BYTES;
    return true;
}

bool its_table_read(const struct gicv3_its *its, unsigned table, uint32_t index, uint64_t *entry)
{
    uint64_t address;
    return entry_address(its, table, index, &address) && dma_read_le64(map_of(its), address, entry);
}

bool its_table_write(const struct gicv3_its *its, unsigned table, uint32_t index, uint64_t entry)
{
    uint64_t address;
    return entry_address(its, table, index, &address) && dma_write_le64(map_of(its), address, entry);
}

bool its_entry_device(uint64_t entry, uint64_t *table, unsigned *event_bits)
{
    *table = extract64(entry, 6, 44) << 8;
    *event_bits = (unsigned)extract64(entry, 1, 5) + 1;
    return entry & 1;
}

bool its_entry_event(uint64_t entry, uint32_t *intid, uint16_t *collection)
{
    *intid = (uint32_t)extract64(entry, 1, 24);
    *collection = (uint16_t)extract64(entry, 25, 16);
    return entry & 1;
}

bool its_entry_collection(const struct gicv3_its *its, uint32_t collection, uint64_t *cpu)
{
    uint64_t entry;
    if (!its_table_read(its, ITS_COLLECTION_TABLE, collection, &entry))
        return false;
    *cpu = extract64(entry, 1, 16);
    return entry & 1;
}

bool its_event_address(const struct gicv3_its *its, uint32_t device_id, uint32_t event, uint64_t *address)
{
    uint64_t device, table;
    unsigned bits;
    if (device_id >= BIT32(ITS_DEVICE_BITS) || !its_table_read(its, ITS_DEVICE_TABLE, device_id, &device) ||
        !its->engine->device(device, &table, &bits) || (uint64_t)event >> bits)
        return false;
    *address = table + (uint64_t)event * ITS_ENTRY_BYTES;
    return true;
}

struct gicv3_cpu *its_collection_cpu(const struct gicv3_its *its, uint32_t collection)
{
    uint64_t cpu;
    if (!its->engine->collection(its, collection, &cpu))
        return NULL;
    return cpu < its->gic->cpu_count ? &its->gic->cpus[cpu] : NULL;
}

bool its_translate(const struct gicv3_its *its, uint32_t device_id, uint32_t event,
                   struct its_translation *out)
{
    uint64_t entry;
    if (!its_event_address(its, device_id, event, &out->entry_address) ||
        !dma_read_le64(map_of(its), out->entry_address, &entry) ||
        !its->engine->event(entry, &out->intid, &out->collection))
        return false;
    out->cpu = its_collection_cpu(its, out->collection);
    return true;
}
