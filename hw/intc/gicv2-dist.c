// SPDX-License-Identifier: MIT
// GICv2 distributor registers (IHI 0048 section 4.3). The registers of INTIDs 0-31 are each CPU's own.
#include "hw/intc/gicv2-internal.h"
#include "tcg/base/bits.h"

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_ITARGETSR = 0x800,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_SGI_END = 0xf30,
    GICD_IDREGS = 0xfd0,
};

static uint32_t read_byte_registers(const struct gicv2 *gic, unsigned cpu, uint64_t offset)
{
    if (offset >= GICD_CPENDSGIR && offset < GICD_SGI_END)
        return gic->cpus[cpu].sgi_sources[offset % 16];
    if (offset < GICD_ITARGETSR || offset >= GICD_ITARGETSR + GICV2_INTERNAL + gic->spi_count ||
        gic->config.cpu_count == 1)
        return 0;
    unsigned intid = (unsigned)(offset - GICD_ITARGETSR);
    return intid < GICV2_INTERNAL ? BIT32(cpu) : gic->targets[intid - GICV2_INTERNAL];
}

static uint32_t dist_read_locked(const struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size)
{
    // PIDR4-7, PIDR0-3, CIDR0-3; PIDR2 holds the architecture version.
    static const uint8_t ids[] = {0x04, 0x00, 0x00, 0x00, 0x90, 0xb4, 0x2b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (offset >= GICD_IDREGS)
        return ids[(offset - GICD_IDREGS) / 4];
    if ((offset >= GICD_ITARGETSR && offset < GIC_ICFGR) ||
        (offset >= GICD_CPENDSGIR && offset < GICD_SGI_END)) {
        uint32_t value = 0;
        for (unsigned i = 0; i < size; i++)
            value |= read_byte_registers(gic, cpu, offset + i) << (8 * i);
        return value;
    }
    struct gic_bank_place place = gic_bank_decode(offset);
    if (place.reg != GIC_BANK_NONE) {
        if (place.bank == 0)
            return gic_bank_read(&gic->cpus[cpu].bank, place, size);
        return place.bank <= gic->spi_bank_count ? gic_bank_read(&gic->spis[place.bank - 1], place, size) : 0;
    }
    switch (offset) {
    case GICD_CTLR:
        return gic->dist_ctlr;
    case GICD_TYPER:
        return gic->spi_bank_count | (gic->config.cpu_count - 1) << 5;
    case GICD_IIDR:
        return 0x43b;
    }
    return 0;
}

static void set_sgi_source(struct gicv2 *gic, unsigned cpu, unsigned sgi, uint8_t sources, bool pending)
{
    struct gicv2_cpu *target = &gic->cpus[cpu];
    uint8_t *now = &target->sgi_sources[sgi];
    *now = pending ? *now | sources : *now & (uint8_t)~sources;
    target->bank.latch = deposit32(target->bank.latch, sgi, 1, *now != 0);
}

static void generate_sgi(struct gicv2 *gic, unsigned self, uint32_t value)
{
    uint32_t targets = extract32(value, 16, 8), all = BIT32(gic->config.cpu_count) - 1;
    switch (extract32(value, 24, 2)) {
    case 1: // all others
        targets = all & ~BIT32(self);
        break;
    case 2: // the sender
        targets = BIT32(self);
        break;
    case 3: // reserved
        return;
    }
    for (targets &= all; targets; targets &= targets - 1)
        set_sgi_source(gic, ctz32(targets), value & 0xf, (uint8_t)BIT32(self), true);
}

static void write_byte_registers(struct gicv2 *gic, unsigned cpu, uint64_t offset, uint8_t value)
{
    if (offset >= GICD_SPENDSGIR && offset < GICD_SGI_END)
        set_sgi_source(gic, cpu, offset % 16, value & (uint8_t)(BIT32(gic->config.cpu_count) - 1), true);
    else if (offset >= GICD_CPENDSGIR && offset < GICD_SPENDSGIR)
        set_sgi_source(gic, cpu, offset % 16, value, false);
    else if (offset >= GICD_ITARGETSR + GICV2_INTERNAL &&
             offset < GICD_ITARGETSR + GICV2_INTERNAL + gic->spi_count && gic->config.cpu_count > 1)
        gic->targets[offset - GICD_ITARGETSR - GICV2_INTERNAL] =
            value & (uint8_t)(BIT32(gic->config.cpu_count) - 1);
}

// SGIs: pending bits follow their sources and cannot be written, and enable bits are fixed.
static void write_private(struct gicv2_cpu *cpu, struct gic_bank_place place, unsigned size, uint32_t value)
{
    if (place.reg == GIC_ISPENDR || place.reg == GIC_ICPENDR || place.reg == GIC_ICENABLER)
        value &= 0xffff0000;
    gic_bank_write(&cpu->bank, place, size, value, 0xffff, GICV2_PRIORITY_BITS);
}

static void dist_write_locked(struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size, uint32_t value)
{
    struct gic_bank_place place = gic_bank_decode(offset);
    if ((offset >= GICD_ITARGETSR && offset < GIC_ICFGR) ||
        (offset >= GICD_CPENDSGIR && offset < GICD_SGI_END)) {
        for (unsigned i = 0; i < size; i++)
            write_byte_registers(gic, cpu, offset + i, (uint8_t)(value >> (8 * i)));
    } else if (place.reg != GIC_BANK_NONE && place.bank == 0) {
        write_private(&gic->cpus[cpu], place, size, value);
    } else if (place.reg != GIC_BANK_NONE && place.bank <= gic->spi_bank_count) {
        gic_bank_write(&gic->spis[place.bank - 1], place, size, value, 0, GICV2_PRIORITY_BITS);
    } else if (offset == GICD_CTLR) {
        gic->dist_ctlr = value & 3;
    } else if (offset == GICD_SGIR && size == 4) {
        generate_sgi(gic, cpu, value);
    }
    gicv2_update(gic);
}

static uint64_t dist_read(void *opaque, struct mmio_access access)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    uint32_t value = dist_read_locked(gic, access.cpu % gic->config.cpu_count, access.offset, access.size);
    pthread_mutex_unlock(&gic->lock);
    return value;
}

static void dist_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    dist_write_locked(gic, access.cpu % gic->config.cpu_count, access.offset, access.size, (uint32_t)value);
    pthread_mutex_unlock(&gic->lock);
}

const struct mmio_ops gicv2_dist_ops = {dist_read, dist_write, 1, 4, true};
