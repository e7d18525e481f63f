// SPDX-License-Identifier: MIT
// ITS commands (IHI 0069 section 5.3). A command with a wrong operand does nothing, is logged, and the queue
// goes on; a queue that is not in memory stalls.
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/intc/gicv3-its-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum {
    COMMAND_BYTES = 32,
    WORK_BUDGET = 256,
    WORK_HEAVY = 64, // of a command that looks at every LPI of a CPU
};

enum its_command {
    CMD_MOVI = 0x01,
    CMD_INT = 0x03,
    CMD_CLEAR = 0x04,
    CMD_SYNC = 0x05,
    CMD_MAPD = 0x08,
    CMD_MAPC = 0x09,
    CMD_MAPTI = 0x0a,
    CMD_MAPI = 0x0b,
    CMD_INV = 0x0c,
    CMD_INVALL = 0x0d,
    CMD_MOVALL = 0x0e,
    CMD_DISCARD = 0x0f,
};

struct command {
    uint64_t words[4];
};

static uint32_t device_id(const struct command *c)
{
    return (uint32_t)extract64(c->words[0], 32, 32);
}

static uint32_t event_id(const struct command *c)
{
    return (uint32_t)extract64(c->words[1], 0, 32);
}

static uint32_t collection_id(const struct command *c)
{
    return (uint32_t)extract64(c->words[2], 0, 16);
}

static struct gicv3_cpu *target_cpu(const struct gicv3_its *its, uint64_t word)
{
    uint64_t number = extract64(word, 16, 36);
    return number < its->gic->cpu_count ? &its->gic->cpus[number] : NULL;
}

static bool map_device(struct gicv3_its *its, const struct command *c)
{
    uint64_t size = extract64(c->words[1], 0, 5), itt = extract64(c->words[2], 8, 44), entry = 0;
    if (device_id(c) >= BIT32(ITS_DEVICE_BITS) || size >= ITS_EVENT_BITS)
        return false;
    if (c->words[2] >> 63)
        entry = 1 | size << 1 | itt << 6;
    return its_table_write(its, ITS_DEVICE_TABLE, device_id(c), entry);
}

static bool map_collection(struct gicv3_its *its, const struct command *c)
{
    uint64_t entry = 0;
    if (c->words[2] >> 63) {
        struct gicv3_cpu *cpu = target_cpu(its, c->words[2]);
        if (!cpu)
            return false;
        entry = 1 | (uint64_t)(cpu - its->gic->cpus) << 1;
    }
    return its_table_write(its, ITS_COLLECTION_TABLE, collection_id(c), entry);
}

static bool map_event(struct gicv3_its *its, const struct command *c, uint32_t intid)
{
    uint64_t address;
    if (intid < GIC_FIRST_LPI || intid >= BIT32(GIC_LPI_ID_BITS) ||
        !its_event_address(its, device_id(c), event_id(c), &address))
        return false;
    uint64_t entry = 1 | (uint64_t)intid << 1 | (uint64_t)collection_id(c) << 25;
    return dma_write_le64(its->device.machine->map, address, entry);
}

static bool move_event(struct gicv3_its *its, const struct command *c)
{
    struct its_translation from;
    struct gicv3_cpu *to = its_collection_cpu(its, collection_id(c));
    if (!to || !its_translate(its, device_id(c), event_id(c), &from) || !from.cpu)
        return false;
    uint64_t entry = 1 | (uint64_t)from.intid << 1 | (uint64_t)collection_id(c) << 25;
    if (!dma_write_le64(its->device.machine->map, from.entry_address, entry))
        return false;
    if (to != from.cpu && gicv3_lpi_pending(from.cpu, from.intid)) {
        gicv3_lpi_set(from.cpu, from.intid, false);
        gicv3_lpi_set(to, from.intid, true);
    }
    return true;
}

static bool discard_event(struct gicv3_its *its, const struct command *c)
{
    struct its_translation event;
    if (!its_translate(its, device_id(c), event_id(c), &event))
        return false;
    if (event.cpu)
        gicv3_lpi_set(event.cpu, event.intid, false);
    return dma_write_le64(its->device.machine->map, event.entry_address, 0);
}

static bool set_event(struct gicv3_its *its, const struct command *c, bool pending)
{
    struct its_translation event;
    if (!its_translate(its, device_id(c), event_id(c), &event) || !event.cpu)
        return false;
    gicv3_lpi_set(event.cpu, event.intid, pending);
    return true;
}

static bool invalidate(struct gicv3_cpu *cpu)
{
    if (!cpu)
        return false;
    gicv3_lpi_reconsider(cpu);
    gicv3_update_cpu(cpu);
    return true;
}

static bool invalidate_event(struct gicv3_its *its, const struct command *c)
{
    struct its_translation event;
    return its_translate(its, device_id(c), event_id(c), &event) && invalidate(event.cpu);
}

static bool move_all(struct gicv3_its *its, const struct command *c)
{
    struct gicv3_cpu *from = target_cpu(its, c->words[2]), *to = target_cpu(its, c->words[3]);
    if (!from || !to)
        return false;
    gicv3_lpi_move_all(from, to);
    return true;
}

// Returns the work done, for the budget.
static unsigned run_command(struct gicv3_its *its, const struct command *c)
{
    bool ok = false;
    unsigned work = 1;
    switch (extract64(c->words[0], 0, 8)) {
    case CMD_MAPD:
        ok = map_device(its, c);
        break;
    case CMD_MAPC:
        ok = map_collection(its, c);
        break;
    case CMD_MAPTI:
        ok = map_event(its, c, (uint32_t)extract64(c->words[1], 32, 32));
        break;
    case CMD_MAPI:
        ok = map_event(its, c, event_id(c));
        break;
    case CMD_MOVI:
        ok = move_event(its, c);
        break;
    case CMD_DISCARD:
        ok = discard_event(its, c);
        break;
    case CMD_INT:
    case CMD_CLEAR:
        ok = set_event(its, c, extract64(c->words[0], 0, 8) == CMD_INT);
        break;
    case CMD_INV:
        ok = invalidate_event(its, c);
        work = WORK_HEAVY;
        break;
    case CMD_INVALL:
        ok = invalidate(its_collection_cpu(its, collection_id(c)));
        work = WORK_HEAVY;
        break;
    case CMD_MOVALL:
        ok = move_all(its, c);
        work = WORK_HEAVY;
        break;
    case CMD_SYNC: // everything has been done already
        ok = true;
        break;
    }
    if (!ok)
        log_printf(LOG_GUEST_ERRORS, "its: command 0x%llx 0x%llx 0x%llx ignored\n",
                   (unsigned long long)c->words[0], (unsigned long long)c->words[1],
                   (unsigned long long)c->words[2]);
    return work;
}

bool its_run_commands(struct gicv3_its *its)
{
    uint64_t base = its->cbaser & UINT64_C(0x000ffffffffff000),
             bytes = (extract64(its->cbaser, 0, 8) + 1) * 4096;
    unsigned work = 0;
    while (its->creadr != its->cwriter) {
        if (!(its->ctlr & GITS_CTLR_ENABLED) || !(its->cbaser >> 63) || its->cwriter >= bytes ||
            (its->creadr & GITS_CREADR_STALLED))
            return false;
        if (work >= WORK_BUDGET)
            return true;
        uint8_t raw[COMMAND_BYTES];
        if (!dma_read(its->device.machine->map, base + its->creadr, raw, sizeof(raw))) {
            log_printf(LOG_GUEST_ERRORS, "its: command queue is not in memory\n");
            its->creadr |= GITS_CREADR_STALLED;
            return false;
        }
        struct command c;
        for (unsigned i = 0; i < 4; i++)
            c.words[i] = load_le64(raw + 8 * i);
        work += run_command(its, &c);
        its->creadr = (its->creadr + COMMAND_BYTES) % bytes;
    }
    return false;
}
