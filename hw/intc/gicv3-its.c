// SPDX-License-Identifier: MIT
// ITS registers: the control frame, and the translation frame in which messages arrive. Work done by one
// register write is bounded; the rest of a long command queue is left to the I/O loop.
#include "hw/intc/gicv3-its.h"

#include <errno.h>

#include "hw/core/machine.h"
#include "hw/intc/gicv3-its-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum {
    GITS_CTLR = 0x0000,
    GITS_IIDR = 0x0004,
    GITS_TYPER = 0x0008,
    GITS_CBASER = 0x0080,
    GITS_CWRITER = 0x0088,
    GITS_CREADR = 0x0090,
    GITS_BASER = 0x0100,
    GITS_BASER_END = 0x0140,
    GITS_IDREGS = 0xffd0,
    GITS_TRANSLATER = 0x10040,
};

#define CTLR_QUIESCENT BIT64(31)
#define CBASER_MASK UINT64_C(0xf8fffffffffffcff)
#define CWRITER_MASK UINT64_C(0xfffe0)
// Type and entry size are fixed.
#define BASER_FIXED (UINT64_C(0x7) << 56 | UINT64_C(0x1f) << 48)

static uint64_t baser_fixed(unsigned table)
{
    uint64_t type = table == ITS_DEVICE_TABLE ? 1 : 4;
    return type << 56 | (uint64_t)(ITS_ENTRY_BYTES - 1) << 48;
}

static uint64_t typer(void)
{
    return 1                                                        // physical LPIs
           | (uint64_t)(ITS_ENTRY_BYTES - 1) << 4                   // ITT_entry_size
           | (uint64_t)(ITS_EVENT_BITS - 1) << 8                    // ID_bits
           | (uint64_t)(ITS_DEVICE_BITS - 1) << 13                  // Devbits
           | (uint64_t)(ITS_COLLECTION_BITS - 1) << 32 | BIT64(36); // CIDbits, CIL
}

// 64-bit registers as a whole; `offset` is aligned to 8 for them.
static uint64_t read_register(const struct gicv3_its *its, uint64_t offset)
{
    static const uint8_t ids[] = {0x44, 0x00, 0x00, 0x00, 0x94, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (offset >= GITS_BASER && offset < GITS_BASER_END) {
        uint64_t table = (offset - GITS_BASER) / 8;
        return table < ITS_TABLES ? its->baser[table] : 0;
    }
    switch (offset) {
    case GITS_CTLR:
        return its->ctlr | (its->creadr == its->cwriter ? CTLR_QUIESCENT : 0) | UINT64_C(0x43b) << 32;
    case GITS_TYPER:
        return typer();
    case GITS_CBASER:
        return its->cbaser;
    case GITS_CWRITER:
        return its->cwriter;
    case GITS_CREADR:
        return its->creadr;
    }
    if (offset >= GITS_IDREGS && offset < GITS_IDREGS + 4 * sizeof(ids)) {
        uint64_t n = (offset - GITS_IDREGS) / 4;
        return ids[n] | (uint64_t)ids[n + 1] << 32;
    }
    return 0;
}

static void run(struct gicv3_its *its)
{
    if (its_run_commands(its))
        io_loop_post(its->device.machine->loop, &its->task);
}

static void run_later(void *opaque)
{
    struct gicv3_its *its = opaque;
    gicv3_lock(its->gic);
    run(its);
    gicv3_unlock(its->gic);
}

// `mask`: the bits of the 64-bit register that are written.
static void write_register(struct gicv3_its *its, uint64_t offset, uint64_t value, uint64_t mask)
{
    bool enabled = its->ctlr & GITS_CTLR_ENABLED;
    if (offset >= GITS_BASER && offset < GITS_BASER_END) {
        uint64_t table = (offset - GITS_BASER) / 8;
        if (table >= ITS_TABLES || enabled)
            return;
        uint64_t *baser = &its->baser[table];
        *baser = (((*baser & ~mask) | (value & mask)) & ~BASER_FIXED) | baser_fixed((unsigned)table);
        return;
    }
    switch (offset) {
    case GITS_CTLR:
        if (!(mask & 1))
            return;
        its->ctlr = value & GITS_CTLR_ENABLED;
        run(its);
        break;
    case GITS_CBASER:
        if (enabled)
            return;
        its->cbaser = ((its->cbaser & ~mask) | (value & mask)) & CBASER_MASK;
        its->creadr = 0;
        break;
    case GITS_CWRITER:
        its->cwriter = ((its->cwriter & ~mask) | (value & mask)) & CWRITER_MASK;
        if (value & mask & 1) // Retry
            its->creadr &= ~(uint64_t)GITS_CREADR_STALLED;
        run(its);
        break;
    }
}

static void translate(struct gicv3_its *its, uint32_t device_id, uint32_t event)
{
    struct its_translation found;
    if (!(its->ctlr & GITS_CTLR_ENABLED))
        return;
    if (its_translate(its, device_id, event, &found) && found.cpu)
        gicv3_lpi_set(found.cpu, found.intid, true);
    else
        log_printf(LOG_GUEST_ERRORS, "its: event %u of device %u is not mapped\n", event, device_id);
}

static void take_message(struct gicv3_its *its, const struct message *message)
{
    gicv3_lock(its->gic);
    translate(its, message->requester, message->data);
    gicv3_unlock(its->gic);
}

static const struct its_engine engine = {take_message, its_entry_device, its_entry_event, its_entry_collection};

static void its_init(struct device *device)
{
    ((struct gicv3_its *)device)->engine = &engine;
}

void gicv3_its_message(struct device *device, const struct message *message)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    its->engine->message(its, message);
}

uint64_t gicv3_its_translater(const struct device *device)
{
    return ((const struct gicv3_its *)device)->base + GITS_TRANSLATER;
}

static uint64_t its_read(void *opaque, struct mmio_access access)
{
    struct gicv3_its *its = opaque;
    gicv3_lock(its->gic);
    uint64_t value = read_register(its, access.offset & ~UINT64_C(7)) >> (access.offset & 4 ? 32 : 0);
    gicv3_unlock(its->gic);
    return access.size == 4 ? (uint32_t)value : value;
}

static void its_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct gicv3_its *its = opaque;
    unsigned shift = access.offset & 4 ? 32 : 0;
    gicv3_lock(its->gic);
    if (access.offset == GITS_TRANSLATER)
        translate(its, 0, (uint32_t)value); // CPUs have no requester ID of their own
    else if (access.offset < GITS_IDREGS)
        write_register(its, access.offset & ~UINT64_C(7), value << shift, mask64(access.size * 8) << shift);
    gicv3_unlock(its->gic);
}

static const struct mmio_ops its_ops = {its_read, its_write, 4, 8, true};

void gicv3_its_wire(struct device *device, uint64_t base, struct device *gic)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    its->base = base;
    its->gic = (struct gicv3 *)gic;
}

static int its_realize(struct device *device, struct error *error)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    struct mem_region_desc desc = {.name = "gicv3_its",
                                   .base = its->base,
                                   .size = GICV3_ITS_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &its_ops,
                                   .opaque = its};
    io_task_init(&its->task, run_later, its);
    its->region = memory_map_add(device->machine->map, desc, error);
    return its->region ? 0 : -EINVAL;
}

static void its_unrealize(struct device *device)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    io_loop_unpost(device->machine->loop, &its->task);
    memory_map_remove(device->machine->map, its->region);
}

void gicv3_its_reset_registers(struct gicv3_its *its)
{
    its->ctlr = 0;
    its->cbaser = its->cwriter = its->creadr = 0;
    for (unsigned i = 0; i < ITS_TABLES; i++)
        its->baser[i] = baser_fixed(i);
}

static void its_reset(struct device *device)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    gicv3_lock(its->gic);
    gicv3_its_reset_registers(its);
    gicv3_unlock(its->gic);
}

static void its_state_loaded(struct device *device)
{
    struct gicv3_its *its = (struct gicv3_its *)device;
    gicv3_lock(its->gic);
    run(its);
    gicv3_unlock(its->gic);
}

const struct state_field gicv3_its_state[] = {
    STATE_FIELD(gicv3_its, U32, ctlr),    STATE_FIELD(gicv3_its, U64, cbaser),
    STATE_FIELD(gicv3_its, U64, cwriter), STATE_FIELD(gicv3_its, U64, creadr),
    STATE_ARRAY(gicv3_its, U64, baser),   STATE_END,
};

const struct device_type gicv3_its_type = {
    .name = "arm-gicv3-its",
    .help = "GICv3 interrupt translation service",
    .instance_size = sizeof(struct gicv3_its),
    .state = gicv3_its_state,
    .init = its_init,
    .realize = its_realize,
    .unrealize = its_unrealize,
    .reset = its_reset,
    .state_loaded = its_state_loaded,
    .print_irq = its_print_irq,
};
