// SPDX-License-Identifier: MIT
// ITS: which events of which devices lead to which LPIs and CPUs. The tables are the guest's and may claim four thousand
// million events; after a number of entries that no real system has it ends.
#include <inttypes.h>

#include "hw/intc/gicv3-its-internal.h"
#include "tcg/base/bits.h"

enum { MOST_ENTRIES = 1 << 16, MOST_ROWS = 512, MOST_COLLECTIONS = 1 << 10 };

static void print_collections(const struct gicv3_its *its, FILE *out)
{
    fprintf(out, "  collections:");
    unsigned count = 0;
    for (uint32_t n = 0; n < MOST_COLLECTIONS; n++) {
        const struct gicv3_cpu *cpu = its_collection_cpu(its, n);
        if (cpu && count++ < MOST_ROWS)
            fprintf(out, " %" PRIu32 " to CPU #%u", n, (unsigned)(cpu - its->gic->cpus));
    }
    fputs(count ? "\n" : " none\n", out);
}

static void print_event(const struct gicv3_its *its, uint32_t event, const struct its_translation *found, FILE *out)
{
    fprintf(out, "    event %" PRIu32 ": INTID %" PRIu32, event, found->intid);
    if (!found->cpu) {
        fprintf(out, ", collection %u is not mapped\n", found->collection);
        return;
    }
    uint8_t priority = 0;
    bool enabled = found->intid >= GIC_FIRST_LPI && gicv3_lpi_priority(found->cpu, found->intid, &priority);
    fprintf(out, " to CPU #%u, ", (unsigned)(found->cpu - its->gic->cpus));
    if (enabled)
        fprintf(out, "priority 0x%02x", priority);
    else
        fputs("disabled", out);
    fprintf(out, "%s\n", gicv3_lpi_pending(found->cpu, found->intid) ? ", pending" : "");
}

void its_print_irq(struct device *device, FILE *out)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    uint32_t entries = 0, rows = 0;
    uint64_t entry, address;
    unsigned bits;
    gicv3_lock(its->gic);
    fprintf(out, "ITS: %s%s, commands read up to 0x%" PRIx64 " of 0x%" PRIx64 "\n",
            its->ctlr & GITS_CTLR_ENABLED ? "on" : "off", its->creadr & GITS_CREADR_STALLED ? ", stalled at a command" : "",
            its->creadr & ~(uint64_t)GITS_CREADR_STALLED, its->cwriter);
    print_collections(its, out);
    for (uint32_t id = 0; id < BIT32(ITS_DEVICE_BITS) && entries < MOST_ENTRIES && rows < MOST_ROWS; id++) {
        if (!its_table_read(its, ITS_DEVICE_TABLE, id, &entry) || !its->engine->device(entry, &address, &bits))
            continue;
        rows++;
        fprintf(out, "  device 0x%04" PRIx32 " (%02x:%02x.%u):\n", id, id >> 8, id >> 3 & 31, id & 7);
        for (uint32_t event = 0; its_event_address(its, id, event, &address) && entries < MOST_ENTRIES && rows < MOST_ROWS;
             event++) {
            struct its_translation found;
            entries++;
            if (!its_translate(its, id, event, &found))
                continue;
            print_event(its, event, &found, out);
            rows++;
        }
    }
    if (entries == MOST_ENTRIES || rows == MOST_ROWS)
        fprintf(out, "  and so on\n");
    gicv3_unlock(its->gic);
}
