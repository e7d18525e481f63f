// SPDX-License-Identifier: MIT
// How a PC reports x87 errors when CR0.NE is clear (Intel 82371AB, "Coprocessor error"): the rise of FERR# raises IRQ 13, a
// write to port F0 takes it back and, while FERR# is still up, asserts IGNNE#, until FERR# goes down.
#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "hw/misc/pc-misc.h"

enum { PORT = 0xf0 };

struct port_f0 {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    struct irq_line irq, ignne;
    bool error, pending, ignored;
};

static void drive(struct port_f0 *port)
{
    irq_set(&port->irq, port->pending);
    irq_set(&port->ignne, port->ignored);
}

static uint64_t port_f0_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    (void)access;
    return 0xff;
}

static void port_f0_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    (void)value;
    struct port_f0 *port = opaque;
    port->pending = false;
    port->ignored = port->error;
    drive(port);
}

static void set_error(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct port_f0 *port = opaque;
    port->pending |= level && !port->error;
    port->ignored &= level;
    port->error = level;
    drive(port);
}

static const struct mmio_ops port_f0_ops = {port_f0_read, port_f0_write, 1, 1, false};
static const struct port_range port_f0_ports[] = {{PORT, 1, &port_f0_ops}};

void port_f0_wire(struct device *device, struct memory_map *io, struct irq_line irq, struct irq_line ignne)
{
    struct port_f0 *port = (struct port_f0 *)device;
    port->io = io;
    port->irq = irq;
    port->ignne = ignne;
}

struct irq_line port_f0_error(struct device *device)
{
    return (struct irq_line){set_error, device, 0};
}

static int port_f0_realize(struct device *device, struct error *error)
{
    struct port_f0 *port = (struct port_f0 *)device;
    return port_set_map(&port->ports, port->io, "port-f0", port_f0_ports, 1, port, error);
}

static void port_f0_unrealize(struct device *device)
{
    port_set_unmap(&((struct port_f0 *)device)->ports);
}

static void port_f0_state_loaded(struct device *device)
{
    drive((struct port_f0 *)device);
}

static void port_f0_reset(struct device *device)
{
    struct port_f0 *port = (struct port_f0 *)device;
    port->error = port->pending = port->ignored = false;
    drive(port);
}

static const struct state_field port_f0_state[] = {STATE_FIELD(port_f0, BOOL, error), STATE_FIELD(port_f0, BOOL, pending),
                                                   STATE_FIELD(port_f0, BOOL, ignored), STATE_END};

const struct device_type port_f0_type = {
    .name = "port-f0",
    .help = "x87 error latch",
    .instance_size = sizeof(struct port_f0),
    .state = port_f0_state,
    .realize = port_f0_realize,
    .unrealize = port_f0_unrealize,
    .reset = port_f0_reset,
    .state_loaded = port_f0_state_loaded,
};
