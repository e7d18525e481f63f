// SPDX-License-Identifier: MIT
// The PC's keyboard controller at ports 0x60 and 0x64 (Intel 8042 with the IBM PS/2 firmware), with a PS/2
// keyboard and mouse on it. Bytes pass without delay.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct memory_map;

extern const struct device_type i8042_type; // "i8042"

struct i8042_wiring {
    struct memory_map *io;
    struct irq_line keyboard, mouse; // interrupts 1 and 12
    struct irq_line a20;             // up while address bit 20 is let through
    struct irq_line reset;           // pulsed to reset the processors
};

// Before realize.
void i8042_wire(struct device *device, const struct i8042_wiring *wiring);
