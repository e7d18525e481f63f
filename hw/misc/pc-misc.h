// SPDX-License-Identifier: MIT
// Small I/O-port devices of a PC and its virtual kin. Each has a wire function for what the board gives it;
// those that a user may add find the machine's ports without.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct memory_map;

// "port92": system control port A. Bit 1 is the A20 gate's second input, bit 0 resets the processors when it
// rises.
extern const struct device_type port92_type;
// `a20` is up while the port lets address bit 20 through; `reset` is pulsed.
void port92_wire(struct device *device, struct memory_map *io, struct irq_line a20, struct irq_line reset);

// "port-f0": where an error of the x87 becomes IRQ 13, and IGNNE# lets the handler use the x87.
extern const struct device_type port_f0_type;
void port_f0_wire(struct device *device, struct memory_map *io, struct irq_line irq, struct irq_line ignne);
// FERR# of the boot processor.
struct irq_line port_f0_error(struct device *device);

// "isa-debug-exit"; properties "iobase" (0x501), "iosize" (2). A write of V ends the program with status 2V
// + 1.
extern const struct device_type isa_debug_exit_type;
void isa_debug_exit_wire(struct device *device, struct memory_map *io);

// "pvpanic"; properties "ioport" (0x505), "events" (3). The guest says that it has died (bit 0: shut down),
// or that a crash kernel takes over (bit 1: go on).
extern const struct device_type pvpanic_type;
void pvpanic_wire(struct device *device, struct memory_map *io);
