// SPDX-License-Identifier: MIT
// ITS registers, tables and commands. Guarded by the lock of the GIC it belongs to.
//
// Tables are in guest memory; entries are ours to lay out, 8 bytes each:
//   device table (type 1):      [0] valid  [5:1] event ID bits minus 1  [49:6] address of the translation
//   table / 256 collection table (type 4):  [0] valid  [16:1] CPU number translation table (ITT):    [0]
//   valid  [24:1] INTID  [40:25] collection
#pragma once

#include "hw/core/io-loop.h"
#include "hw/intc/gicv3-internal.h"
#include "hw/intc/gicv3-its.h"

enum {
    ITS_DEVICE_BITS = 16,
    ITS_COLLECTION_BITS = 16,
    ITS_EVENT_BITS = 16,
    ITS_ENTRY_BYTES = 8,
    ITS_DEVICE_TABLE = 0,
    ITS_COLLECTION_TABLE = 1,
    ITS_TABLES = 2,
};

#define GITS_CTLR_ENABLED 1u
#define GITS_BASER_VALID (UINT64_C(1) << 63)
#define GITS_BASER_INDIRECT (UINT64_C(1) << 62)
#define GITS_CREADR_STALLED 1u

// What takes messages, and what its tables' entries look like: ours as above, or those of the host's kernel.
struct gicv3_its;
struct its_engine {
    void (*message)(struct gicv3_its *its, const struct message *message);
    // False: the entry is not valid.
    bool (*device)(uint64_t entry, uint64_t *table, unsigned *event_bits);
    bool (*event)(uint64_t entry, uint32_t *intid, uint16_t *collection);
    bool (*collection)(const struct gicv3_its *its, uint32_t collection, uint64_t *cpu);
};

struct gicv3_its {
    struct device device;
    const struct its_engine *engine;
    struct gicv3 *gic;
    uint64_t base;
    struct mem_region *region;
    struct io_task task; // goes on with a long command queue

    uint32_t ctlr;
    uint64_t cbaser, cwriter, creadr, baser[ITS_TABLES];
};

extern const struct state_field gicv3_its_state[];
void gicv3_its_reset_registers(struct gicv3_its *its);

// --- gicv3-its-table.c
bool its_entry_device(uint64_t entry, uint64_t *table, unsigned *event_bits);
bool its_entry_event(uint64_t entry, uint32_t *intid, uint16_t *collection);
bool its_entry_collection(const struct gicv3_its *its, uint32_t collection, uint64_t *cpu);
// --- gicv3-its-table.c: false when the table has no such entry or is not in memory
bool its_table_read(const struct gicv3_its *its, unsigned table, uint32_t index, uint64_t *entry);
bool its_table_write(const struct gicv3_its *its, unsigned table, uint32_t index, uint64_t entry);
// The translation of an event: address of its entry. False when the device is not mapped or the event too
// large.
bool its_event_address(const struct gicv3_its *its, uint32_t device_id, uint32_t event, uint64_t *address);
// What an event is mapped to. False when it is not.
struct its_translation {
    uint64_t entry_address;
    uint32_t intid;
    uint16_t collection;
    struct gicv3_cpu *cpu; // NULL: the collection is not mapped
};
bool its_translate(const struct gicv3_its *its, uint32_t device_id, uint32_t event,
                   struct its_translation *out);
struct gicv3_cpu *its_collection_cpu(const struct gicv3_its *its, uint32_t collection);

// --- gicv3-its-command.c
// Runs commands up to GITS_CWRITER, a bounded number of them. True: there are more.
bool its_run_commands(struct gicv3_its *its);

// --- gicv3-its-print.c
void its_print_irq(struct device *device, FILE *out);
