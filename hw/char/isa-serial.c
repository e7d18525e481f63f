// SPDX-License-Identifier: MIT
#include "hw/char/isa-serial.h"

#include <errno.h>

#include "hw/char/uart16550.h"
#include "hw/core/isa.h"
#include "hw/core/port-set.h"

const struct isa_serial_port isa_serial_ports[ISA_SERIAL_PORTS] = {
    {0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

struct isa_serial {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    bool wired;
    uint32_t index, iobase, irq; // iobase and irq: 0 for those of COM1 and so on
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
    serial->wired = true;
    serial->iobase = iobase;
    serial->uart.irq = irq;
}

void isa_serial_connect(struct device *device, struct chardev *chardev)
{
    ((struct isa_serial *)device)->uart.chardev = chardev;
}

static int use_properties(struct isa_serial *serial, struct error *error)
{
    const struct isa_host *isa = serial->device.machine->isa;
    if (serial->index >= ISA_SERIAL_PORTS || serial->irq >= ISA_IRQS)
        return error_set(error, EINVAL, "device 'isa-serial': index is at most %u and irq at most %u",
                         ISA_SERIAL_PORTS - 1, ISA_IRQS - 1);
    if (!serial->iobase)
        serial->iobase = isa_serial_ports[serial->index].iobase;
    if (!serial->irq)
        serial->irq = isa_serial_ports[serial->index].irq;
    if (isa)
        serial->uart.irq = isa->irqs[serial->irq];
    return 0;
}

static int isa_serial_realize(struct device *device, struct error *error)
{
    struct isa_serial *serial = (struct isa_serial *)device;
    if (!serial->wired) {
        int wrong = use_properties(serial, error);
        if (wrong)
            return wrong;
    }
    struct port_range range = {serial->iobase, UART16550_REGISTERS, &serial_ops};
    struct memory_map *io = isa_io(device, serial->io);
    int result = port_set_map(&serial->ports, io, "isa-serial", &range, 1, &serial->uart, error);
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
    {"index", PROPERTY_UINT32, offsetof(struct isa_serial, index), "0", "0 for COM1, to 3", NULL},
    {"iobase", PROPERTY_UINT32, offsetof(struct isa_serial, iobase), "0", "first I/O port, 0: by index",
     NULL},
    {"irq", PROPERTY_UINT32, offsetof(struct isa_serial, irq), "0", "interrupt, 0: by index", NULL},
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
    .user_creatable = true,
    .realize = isa_serial_realize,
    .unrealize = isa_serial_unrealize,
    .reset = isa_serial_reset,
    .state_loaded = isa_serial_state_loaded,
};
