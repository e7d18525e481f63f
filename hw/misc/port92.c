// SPDX-License-Identifier: MIT
// System control port A, as the PS/2 brought it.
#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "hw/misc/pc-misc.h"

enum { PORT = 0x92, FAST_RESET = 0x01, A20 = 0x02 };

struct port92 {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    struct irq_line a20, reset;
    uint8_t value;
};

static uint64_t port92_read(void *opaque, struct mmio_access access)
{
    (void)access;
    return ((struct port92 *)opaque)->value;
}

static void port92_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct port92 *port = opaque;
    bool reset = value & ~port->value & FAST_RESET;
    port->value = (uint8_t)value;
    irq_set(&port->a20, value & A20);
    if (reset)
        irq_pulse(&port->reset);
}

static const struct mmio_ops port92_ops = {port92_read, port92_write, 1, 1, false};
static const struct port_range port92_ports[] = {{PORT, 1, &port92_ops}};

void port92_wire(struct device *device, struct memory_map *io, struct irq_line a20, struct irq_line reset)
{
    struct port92 *port = (struct port92 *)device;
    port->io = io;
    port->a20 = a20;
    port->reset = reset;
}

static int port92_realize(struct device *device, struct error *error)
{
    struct port92 *port = (struct port92 *)device;
    return port_set_map(&port->ports, port->io, "port92", port92_ports, 1, port, error);
}

static void port92_unrealize(struct device *device)
{
    port_set_unmap(&((struct port92 *)device)->ports);
}

static void port92_state_loaded(struct device *device)
{
    struct port92 *port = (struct port92 *)device;
    irq_set(&port->a20, port->value & A20);
}

static void port92_reset(struct device *device)
{
    ((struct port92 *)device)->value = 0;
    port92_state_loaded(device);
}

static const struct state_field port92_state[] = {STATE_FIELD(port92, U8, value), STATE_END};

const struct device_type port92_type = {
    .name = "port92",
    .help = "system control port A",
    .instance_size = sizeof(struct port92),
    .state = port92_state,
    .realize = port92_realize,
    .unrealize = port92_unrealize,
    .reset = port92_reset,
    .state_loaded = port92_state_loaded,
};
