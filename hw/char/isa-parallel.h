// SPDX-License-Identifier: MIT
// A PC parallel port in the standard mode, with a printer that is always ready and prints to a chardev.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct chardev;
struct memory_map;

// "isa-parallel"; properties "chardev", "iobase" (0x378), "irq" (7).
extern const struct device_type isa_parallel_type;

// Before realize.
void isa_parallel_wire(struct device *device, struct memory_map *io, uint16_t iobase, struct irq_line irq);
// For boards: what the property sets.
void isa_parallel_connect(struct device *device, struct chardev *chardev);
