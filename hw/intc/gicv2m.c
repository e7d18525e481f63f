// SPDX-License-Identifier: MIT
// GICv2m frame. It has no state: a write to MSI_SETSPI_NS is passed on at once.
#include "hw/intc/gicv2m.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/log.h"

enum { MSI_TYPER = 0x008, MSI_SETSPI_NS = 0x040, MSI_IIDR = 0xfcc, FIRST_SHARED = 32 };

struct gicv2m {
    struct device device;
    uint64_t base;
    unsigned first_intid, count;
    struct irq_line spis[GICV2M_MAX_SPIS];
    struct mem_region *region;
};

static uint64_t gicv2m_read(void *opaque, struct mmio_access access)
{
    const struct gicv2m *frame = opaque;
    if (access.offset == MSI_TYPER)
        return frame->first_intid << 16 | frame->count;
    if (access.offset == MSI_IIDR)
        return 0x53 << 20 | 'Q';
    return 0;
}

void gicv2m_message(struct device *device, uint32_t intid)
{
    struct gicv2m *frame = (struct gicv2m *)device;
    intid &= 0x3ff;
    if (intid >= frame->first_intid && intid - frame->first_intid < frame->count)
        irq_pulse(&frame->spis[intid - frame->first_intid]);
    else
        log_printf(LOG_GUEST_ERRORS, "gicv2m: message for INTID %u\n", (unsigned)intid);
}

uint64_t gicv2m_setspi(const struct device *device)
{
    return ((const struct gicv2m *)device)->base + MSI_SETSPI_NS;
}

static void gicv2m_write(void *opaque, struct mmio_access access, uint64_t value)
{
    if (access.offset == MSI_SETSPI_NS)
        gicv2m_message(opaque, (uint32_t)value);
}

static const struct mmio_ops gicv2m_ops = {gicv2m_read, gicv2m_write, 4, 4, true};

void gicv2m_wire(struct device *device, uint64_t base, unsigned first_spi, unsigned count,
                 const struct irq_line *spis)
{
    struct gicv2m *frame = (struct gicv2m *)device;
    assert(count <= GICV2M_MAX_SPIS);
    frame->base = base;
    frame->first_intid = FIRST_SHARED + first_spi;
    frame->count = count;
    memcpy(frame->spis, spis, count * sizeof(*spis));
}

static int gicv2m_realize(struct device *device, struct error *error)
{
    struct gicv2m *frame = (struct gicv2m *)device;
    struct mem_region_desc desc = {.name = "gicv2m",
                                   .base = frame->base,
                                   .size = GICV2M_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &gicv2m_ops,
                                   .opaque = frame};
    frame->region = memory_map_add(device->machine->map, desc, error);
    return frame->region ? 0 : -EINVAL;
}

static void gicv2m_unrealize(struct device *device)
{
    memory_map_remove(device->machine->map, ((struct gicv2m *)device)->region);
}

const struct device_type gicv2m_type = {
    .name = "arm-gicv2m",
    .help = "message-signalled interrupts for a GICv2",
    .instance_size = sizeof(struct gicv2m),
    .realize = gicv2m_realize,
    .unrealize = gicv2m_unrealize,
};
