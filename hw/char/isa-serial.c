// SPDX-License-Identifier: MIT
#include "hw/char/isa-serial.h"

#include "hw/char/uart16550.h"
#include "hw/core/machine.h"
#include "hw/core/port-set.h"

const struct isa_serial_port isa_serial_ports[ISA_SERIAL_PORTS] = {
    {0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

struct isa_serial {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    uint32_t iobase;
    struct uart16550 uart;
};

static uint64_t serial_read(void *opaque, struct mmio_access access)
{
    return uart16550_read(opaque, (unsigned)access.offset);
}

static void serial_write(void *opaque, struct mmio_access access, uint64_t value)
{
    uart16550_write(opaque, (unsigned)access.offset, (uint8_t)value);
}

static const struct mmio_ops serial_ops = {serial_read, serial_write, 1, 1, false};

void isa_serial_wire(struct device *device, struct memory_map *io, uint16_t iobase, struct irq_line irq)
{
    struct isa_serial *serial = (struct isa_serial *)device;
    serial->io = io;
    serial->iobase = iobase;
    serial->uart.irq = irq;
}

void isa_serial_connect(struct device *device, struct chardev *chardev)
{
    ((struct isa_serial *)device)->uart.chardev = chardev;
}

static int isa_serial_realize(struct device *device, struct error *error)
{
    struct isa_serial *serial = (struct isa_serial *)device;
    struct port_range range = {(uint16_t)serial->iobase, UART16550_REGISTERS, &serial_ops};
    int result = port_set_map(&serial->ports, serial->io, "serial", &range, 1, &serial->uart, error);
    if (!result)
        result = uart16550_start(&serial->uart, device->machine, error);
    if (result)
        port_set_unmap(&serial->ports);
    return result;
}

static void isa_serial_unrealize(struct device *device)
{
    struct isa_serial *serial = (struct isa_serial *)device;
    uart16550_stop(&serial->uart);
    port_set_unmap(&serial->ports);
}

static void isa_serial_reset(struct device *device)
{
    uart16550_reset(&((struct isa_serial *)device)->uart);
}

static void isa_serial_state_loaded(struct device *device)
{
    uart16550_state_loaded(&((struct isa_serial *)device)->uart);
}

static const struct property isa_serial_properties[] = {
    {"chardev", PROPERTY_CHARDEV, offsetof(struct isa_serial, uart.chardev), NULL,
     "the other end of the line", NULL},
    {"iobase", PROPERTY_UINT32, offsetof(struct isa_serial, iobase), "0x3f8", "first I/O port", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field isa_serial_state[] = {STATE_STRUCT_FIELD(isa_serial, uart, uart16550_state),
                                                      STATE_END};

const struct device_type isa_serial_type = {
    .name = "isa-serial",
    .help = "serial port (16550A)",
    .instance_size = sizeof(struct isa_serial),
    .properties = isa_serial_properties,
    .state = isa_serial_state,
    .realize = isa_serial_realize,
    .unrealize = isa_serial_unrealize,
    .reset = isa_serial_reset,
    .state_loaded = isa_serial_state_loaded,
};
