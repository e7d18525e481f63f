// SPDX-License-Identifier: MIT
// Parallel port. A byte is printed when STROBE# falls, which is when its control bit rises; it is dropped
// while the chardev takes none.
#include "hw/char/isa-parallel.h"

#include <errno.h>

#include "hw/core/chardev.h"
#include "hw/core/isa.h"
#include "hw/core/port-set.h"
#include "tcg/base/bits.h"

enum { DATA, STATUS, CONTROL, REGISTERS };
enum { STATUS_READY = 0xd8 }; // not busy, no acknowledge now, selected, no error
enum {
    CONTROL_STROBE = 0x01,
    CONTROL_INIT = 0x04,
    CONTROL_SELECT = 0x08,
    CONTROL_IRQ = 0x10,
    CONTROL_INPUT = 0x20
};

struct isa_parallel {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    struct chardev *chardev;
    struct irq_line irq_line;
    bool wired;
    uint32_t iobase, irq;
    uint8_t data, control;
};

static uint64_t parallel_read(void *opaque, struct mmio_access access)
{
    struct isa_parallel *port = opaque;
    if (access.offset == DATA) // turned round, nobody drives the lines
        return port->control & CONTROL_INPUT ? 0xff : port->data;
    return access.offset == STATUS ? STATUS_READY : port->control | 0xc0;
}

static void parallel_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct isa_parallel *port = opaque;
    if (access.offset == DATA)
        port->data = (uint8_t)value;
    if (access.offset != CONTROL)
        return;
    bool strobe = value & ~port->control & CONTROL_STROBE;
    port->control = value & 0x3f;
    if (!strobe || (value & CONTROL_INPUT))
        return;
    chardev_write(port->chardev, &port->data, 1);
    if (port->control & CONTROL_IRQ)
        irq_pulse(&port->irq_line);
}

static const struct mmio_ops parallel_ops = {parallel_read, parallel_write, 1, 1, false};
static const struct chardev_front front = {NULL, NULL, NULL, NULL};

void isa_parallel_wire(struct device *device, struct memory_map *io, uint16_t iobase, struct irq_line irq)
{
    struct isa_parallel *port = (struct isa_parallel *)device;
    port->wired = true;
    port->io = io;
    port->iobase = iobase;
    port->irq_line = irq;
}

void isa_parallel_connect(struct device *device, struct chardev *chardev)
{
    ((struct isa_parallel *)device)->chardev = chardev;
}

static int parallel_realize(struct device *device, struct error *error)
{
    struct isa_parallel *port = (struct isa_parallel *)device;
    const struct isa_host *isa = device->machine->isa;
    if (port->irq >= ISA_IRQS)
        return error_set(error, EINVAL, "device 'isa-parallel': irq is at most %u, not %u", ISA_IRQS - 1,
                         port->irq);
    if (!port->wired && isa)
        port->irq_line = isa->irqs[port->irq];
    if (chardev_attach(port->chardev, &front, port))
        return error_set(error, EBUSY, "device 'isa-parallel': chardev '%s' is used by another device",
                         port->chardev->id);
    struct port_range range = {port->iobase, REGISTERS, &parallel_ops};
    struct memory_map *io = isa_io(device, port->io);
    int result = port_set_map(&port->ports, io, "isa-parallel", &range, 1, port, error);
    if (result)
        chardev_attach(port->chardev, NULL, NULL);
    return result;
}

static void parallel_unrealize(struct device *device)
{
    struct isa_parallel *port = (struct isa_parallel *)device;
    chardev_attach(port->chardev, NULL, NULL);
    port_set_unmap(&port->ports);
}

static void parallel_reset(struct device *device)
{
    struct isa_parallel *port = (struct isa_parallel *)device;
    port->data = 0;
    port->control = CONTROL_INIT | CONTROL_SELECT;
}

static const struct property parallel_properties[] = {
    {"chardev", PROPERTY_CHARDEV, offsetof(struct isa_parallel, chardev), NULL, "what is printed goes there",
     NULL},
    {"iobase", PROPERTY_UINT32, offsetof(struct isa_parallel, iobase), "0x378", "first I/O port", NULL},
    {"irq", PROPERTY_UINT32, offsetof(struct isa_parallel, irq), "7", "interrupt", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field parallel_state[] = {STATE_FIELD(isa_parallel, U8, data),
                                                    STATE_FIELD(isa_parallel, U8, control), STATE_END};

const struct device_type isa_parallel_type = {
    .name = "isa-parallel",
    .help = "parallel port with a printer",
    .instance_size = sizeof(struct isa_parallel),
    .properties = parallel_properties,
    .state = parallel_state,
    .user_creatable = true,
    .realize = parallel_realize,
    .unrealize = parallel_unrealize,
    .reset = parallel_reset,
};
