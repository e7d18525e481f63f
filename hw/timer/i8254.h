// SPDX-License-Identifier: MIT
// The 8254 interval timer of a PC (Intel 231164) at ports 0x40 to 0x43, and system control port B at 0x61, by
// which channel 2 gets its gate and drives the speaker (which is silent here). Counts follow machine time at
// 1193182 Hz; a count is loaded at the moment it is written rather than at the next clock pulse.
//
// A channel 0 that is set to interrupt faster than the I/O thread can follow loses interrupts, as with
// hardware that nobody serves in time.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct memory_map;

enum { I8254_HZ = 1193182 };

extern const struct device_type i8254_type; // "isa-pit"

// `irq` is channel 0's output. Before realize.
void i8254_wire(struct device *device, struct memory_map *io, struct irq_line irq);
