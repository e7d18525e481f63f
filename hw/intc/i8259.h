// SPDX-License-Identifier: MIT
// The two 8259A interrupt controllers of a PC (Intel 231468), the second cascaded into input 2 of the first,
// with the edge/level control registers that PCI chipsets added (ports 0x4d0 and 0x4d1, in place of
// ICW1.LTIM).
//
// An edge stays latched when its line falls before the acknowledge, as in the chipsets that took the 8259A's
// place. Left out: 8080 mode, buffered mode, cascades other than the PC's (ICW3 is taken and ignored).
//
// The pair has a lock of its own: inputs may be driven and acknowledged from any thread.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct memory_map;

extern const struct device_type i8259_type; // "isa-i8259"

// `intr` is the first chip's INT output. Before realize.
void i8259_wire(struct device *device, struct memory_map *io, struct irq_line intr);
// Input 0 to 15 (2 is the cascade and cannot be used).
struct irq_line i8259_input(struct device *device, unsigned irq);
// An interrupt acknowledge cycle: the vector, that of IRQ 7 or 15 when the request has gone. No lock needed;
// not from an output's handler.
int i8259_acknowledge(struct device *device);
