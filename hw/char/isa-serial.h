// SPDX-License-Identifier: MIT
// A PC serial port: a 16550A at eight I/O ports.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct chardev;
struct memory_map;

// "isa-serial"; properties "chardev", "index", "iobase", "irq". COM1 to COM4 are at 0x3f8, 0x2f8, 0x3e8 and
// 0x2e8, on interrupts 4, 3, 4 and 3.
extern const struct device_type isa_serial_type;

enum { ISA_SERIAL_PORTS = 4 };

extern const struct isa_serial_port {
    uint16_t iobase;
    uint8_t irq;
} isa_serial_ports[ISA_SERIAL_PORTS];

// Before realize.
void isa_serial_wire(struct device *device, struct memory_map *io, uint16_t iobase, struct irq_line irq);
// For boards: what the property sets; NULL leaves the line open.
void isa_serial_connect(struct device *device, struct chardev *chardev);
