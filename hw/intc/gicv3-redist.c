// SPDX-License-Identifier: MIT
// GICv3 redistributor registers (IHI 0069 sections 12.10 and 12.11): for each CPU a frame for control and
// LPIs and a frame with the registers of its SGIs and PPIs.
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum {
    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_WAKER = 0x0014,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_INVLPIR = 0x00a0,
    GICR_INVALLR = 0x00b0,
    GICR_IDREGS = 0xffd0,
    GICR_SGI_FRAME = 0x10000,
};

#define PROPBASER_MASK UINT64_C(0x070fffffffffff9f)
#define PENDBASER_MASK UINT64_C(0x470fffffffff0f80)

static uint64_t typer(const struct gicv3_cpu *cpu, bool last)
{
    unsigned number = (unsigned)(cpu - cpu->gic->cpus);
    return (uint64_t)cpu->affinity << 32 | number << 8 | (last ? BIT32(4) : 0) | (cpu->lpi_pending ? 1 : 0);
}

static uint32_t id_register(unsigned n)
{
    static const uint8_t ids[] = {0x44, 0x00, 0x00, 0x00, 0x93, 0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    return n < sizeof(ids) ? ids[n] : 0;
}

static uint64_t read_word(struct gicv3_cpu *cpu, uint64_t offset, unsigned size, bool last)
{
    if (offset >= GICR_SGI_FRAME) {
        struct gic_bank_place place = gic_bank_decode(offset - GICR_SGI_FRAME);
        return place.reg != GIC_BANK_NONE && place.bank == 0 ? gic_bank_read(&cpu->bank, place, size) : 0;
    }
    if (offset >= GICR_IDREGS)
        return id_register((unsigned)(offset - GICR_IDREGS) / 4);
    switch (offset) {
    case GICR_CTLR:
        return cpu->redist_ctlr;
    case GICR_IIDR:
        return 0x43b;
    case GICR_TYPER:
        return typer(cpu, last) & UINT32_MAX;
    case GICR_TYPER + 4:
        return typer(cpu, last) >> 32;
    case GICR_WAKER:
        return cpu->waker;
    case GICR_PROPBASER:
        return cpu->propbaser & UINT32_MAX;
    case GICR_PROPBASER + 4:
        return cpu->propbaser >> 32;
    case GICR_PENDBASER:
        return cpu->pendbaser & UINT32_MAX;
    case GICR_PENDBASER + 4:
        return cpu->pendbaser >> 32 & ~(uint64_t)BIT32(30); // PTZ reads as 0
    }
    return 0;
}

static void write_ctlr(struct gicv3_cpu *cpu, uint32_t value)
{
    uint32_t before = cpu->redist_ctlr;
    if (!cpu->lpi_pending)
        return;
    cpu->redist_ctlr = value & GICR_CTLR_ENABLE_LPIS;
    if (cpu->redist_ctlr & ~before)
        gicv3_lpis_enable(cpu);
    else if (before & ~cpu->redist_ctlr)
        gicv3_lpis_disable(cpu);
    gicv3_update_cpu(cpu);
}

// The table registers are fixed while LPIs are enabled.
static void write_base(struct gicv3_cpu *cpu, uint64_t *reg, uint64_t mask, unsigned shift, uint32_t value)
{
    if (cpu->lpi_pending && !(cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS))
        *reg = deposit64(*reg, shift, 32, value) & mask;
}

static void write_word(struct gicv3_cpu *cpu, uint64_t offset, unsigned size, uint32_t value)
{
    if (offset >= GICR_SGI_FRAME) {
        struct gic_bank_place place = gic_bank_decode(offset - GICR_SGI_FRAME);
        if (place.reg != GIC_BANK_NONE && place.bank == 0 &&
            gic_bank_write(&cpu->bank, place, size, value, 0xffff, GIC_PRIORITY_BITS))
            gicv3_update_cpu(cpu);
        return;
    }
    switch (offset) {
    case GICR_CTLR:
        write_ctlr(cpu, value);
        break;
    case GICR_WAKER:
        // ChildrenAsleep follows ProcessorSleep at once.
        cpu->waker = value & 2 ? 6 : 0;
        break;
    case GICR_PROPBASER:
    case GICR_PROPBASER + 4:
        write_base(cpu, &cpu->propbaser, PROPBASER_MASK, offset & 4 ? 32 : 0, value);
        break;
    case GICR_PENDBASER:
    case GICR_PENDBASER + 4:
        write_base(cpu, &cpu->pendbaser, PENDBASER_MASK, offset & 4 ? 32 : 0, value);
        break;
    case GICR_INVLPIR:
    case GICR_INVALLR:
        gicv3_lpi_reconsider(cpu);
        gicv3_update_cpu(cpu);
        break;
    }
}

// The frames of a region follow one another; the last one in it says so in GICR_TYPER.
static struct gicv3_cpu *frame_cpu(const struct gicv3_redist_frames *frames, uint64_t offset, bool *last)
{
    struct gicv3 *gic = frames->gic;
    unsigned n = frames->first_cpu + (unsigned)(offset / GICV3_REDIST_SIZE);
    *last = n + 1 == gic->cpu_count || n + 1 == gic->config.redists[0].count;
    return &gic->cpus[n];
}

static uint64_t redist_read(void *opaque, struct mmio_access access)
{
    bool last;
    struct gicv3_cpu *cpu = frame_cpu(opaque, access.offset, &last);
    uint64_t offset = access.offset % GICV3_REDIST_SIZE;
    gicv3_lock(cpu->gic);
    uint64_t value = read_word(cpu, offset, access.size > 4 ? 4 : access.size, last);
    if (access.size == 8)
        value |= read_word(cpu, offset + 4, 4, last) << 32;
    gicv3_unlock(cpu->gic);
    return value;
}

static void redist_write(void *opaque, struct mmio_access access, uint64_t value)
{
    bool last;
    struct gicv3_cpu *cpu = frame_cpu(opaque, access.offset, &last);
    uint64_t offset = access.offset % GICV3_REDIST_SIZE;
    gicv3_lock(cpu->gic);
    write_word(cpu, offset, access.size > 4 ? 4 : access.size, (uint32_t)value);
    if (access.size == 8)
        write_word(cpu, offset + 4, 4, (uint32_t)(value >> 32));
    gicv3_unlock(cpu->gic);
}

const struct mmio_ops gicv3_redist_ops = {redist_read, redist_write, 1, 8, true};
