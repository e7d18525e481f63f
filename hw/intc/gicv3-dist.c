// SPDX-License-Identifier: MIT
// GICv3 distributor registers (IHI 0069 section 12.9), as seen with one Security state and affinity routing.
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_IIDR = 0x0008,
    GICD_SETSPI_NSR = 0x0040,
    GICD_CLRSPI_NSR = 0x0048,
    GICD_IROUTER = 0x6000,
    GICD_IDREGS = 0xffd0,
};

#define GICD_CTLR_ALWAYS ((1u << 4) | (1u << 6)) // ARE, DS

static uint32_t typer(const struct gicv3 *gic)
{
    return gic->spi_bank_count                                                   // ITLinesNumber
           | (gic->config.has_lpis ? 1u << 17 : 0) | (GIC_LPI_ID_BITS - 1) << 19 // IDbits
           | 1u << 24                                                            // A3V
           | (gic->config.has_lpis ? 0 : 1u << 16);                              // MBIS: message-based SPIs
}

// PIDR4-7, PIDR0-3, CIDR0-3 of an Arm GICv3; PIDR2 holds the architecture revision.
static uint32_t id_register(unsigned n)
{
    static const uint8_t ids[] = {0x44, 0x00, 0x00, 0x00, 0x92, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return n < sizeof(ids) ? ids[n] : 0;
}

static uint64_t read_word(struct gicv3 *gic, uint64_t offset, unsigned size)
{
    switch (offset) {
    case GICD_CTLR:
        return gic->dist_ctlr | GICD_CTLR_ALWAYS;
    case GICD_TYPER:
        return typer(gic);
    case GICD_IIDR:
        return 0x43b;
    }
    struct gic_bank_place place = gic_bank_decode(offset);
    if (place.reg != GIC_BANK_NONE) // bank 0 belongs to the redistributors
        return place.bank >= 1 && place.bank <= gic->spi_bank_count
                   ? gic_bank_read(&gic->spis[place.bank - 1], place, size)
                   : 0;
    if (offset >= GICD_IROUTER + 8 * GIC_INTERNAL &&
        offset < GICD_IROUTER + 8 * (GIC_INTERNAL + gic->spi_count))
        return gic->irouter[(offset - GICD_IROUTER) / 8 - GIC_INTERNAL] >> (offset & 4 ? 32 : 0);
    if (offset >= GICD_IDREGS)
        return id_register((unsigned)(offset - GICD_IDREGS) / 4);
    return 0;
}

static void write_route(struct gicv3 *gic, unsigned spi, uint64_t value)
{
    uint32_t bit = BIT32(spi % 32);
    unsigned before = gic->target[spi];
    gic->irouter[spi] = value & UINT64_C(0xff80ffffff);
    gicv3_route_spi(gic, spi);
    if (gic->target[spi] == before)
        return;
    gicv3_update_spis(gic, spi / 32, bit);
    if (before != GIC_NO_CPU)
        gicv3_update_cpu(&gic->cpus[before]);
}

static void message_spi(struct gicv3 *gic, uint32_t intid, bool pending)
{
    if (intid < GIC_INTERNAL || intid >= GIC_INTERNAL + gic->spi_count)
        return;
    struct gic_bank *bank = &gic->spis[intid / 32 - 1];
    uint32_t bit = BIT32(intid % 32);
    bank->latch = pending ? bank->latch | bit : bank->latch & ~bit;
    gicv3_update_spis(gic, intid / 32 - 1, bit);
}

static void write_word(struct gicv3 *gic, uint64_t offset, unsigned size, uint32_t value)
{
    switch (offset) {
    case GICD_CTLR:
        gic->dist_ctlr = value & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1);
        gicv3_update_all(gic);
        return;
    case GICD_SETSPI_NSR:
    case GICD_CLRSPI_NSR:
        message_spi(gic, value & 0x3ff, offset == GICD_SETSPI_NSR);
        return;
    }
    struct gic_bank_place place = gic_bank_decode(offset);
    if (place.reg != GIC_BANK_NONE) {
        if (place.bank >= 1 && place.bank <= gic->spi_bank_count) {
            uint32_t changed =
                gic_bank_write(&gic->spis[place.bank - 1], place, size, value, 0, GIC_PRIORITY_BITS);
            gicv3_update_spis(gic, place.bank - 1, changed);
        }
    } else if (offset >= GICD_IROUTER + 8 * GIC_INTERNAL &&
               offset < GICD_IROUTER + 8 * (GIC_INTERNAL + gic->spi_count)) {
        unsigned spi = (unsigned)(offset - GICD_IROUTER) / 8 - GIC_INTERNAL;
        write_route(gic, spi, deposit64(gic->irouter[spi], offset & 4 ? 32 : 0, 32, value));
    }
}

static uint64_t dist_read(void *opaque, struct mmio_access access)
{
    struct gicv3 *gic = opaque;
    gicv3_lock(gic);
    uint64_t value = read_word(gic, access.offset, access.size > 4 ? 4 : access.size);
    if (access.size == 8)
        value = (value & UINT32_MAX) | read_word(gic, access.offset + 4, 4) << 32;
    gicv3_unlock(gic);
    return value;
}

static void dist_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct gicv3 *gic = opaque;
    gicv3_lock(gic);
    if (access.size == 8 && access.offset >= GICD_IROUTER + 8 * GIC_INTERNAL &&
        access.offset < GICD_IROUTER + 8 * (GIC_INTERNAL + gic->spi_count)) {
        write_route(gic, (unsigned)(access.offset - GICD_IROUTER) / 8 - GIC_INTERNAL, value);
    } else {
        write_word(gic, access.offset, access.size > 4 ? 4 : access.size, (uint32_t)value);
        if (access.size == 8)
            write_word(gic, access.offset + 4, 4, (uint32_t)(value >> 32));
    }
    gicv3_unlock(gic);
}

const struct mmio_ops gicv3_dist_ops = {dist_read, dist_write, 1, 8, true};
