// SPDX-License-Identifier: MIT
// Arm PrimeCell GPIO (PL061), DDI 0190: eight lines that are inputs or outputs, inputs with interrupts.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type pl061_type; // "pl061"

enum { PL061_LINES = 8 };

void pl061_wire(struct device *device, uint64_t base, struct irq_line irq);
// What drives input `line` from outside.
struct irq_line pl061_input(struct device *device, unsigned line);
// Whom output `line` drives.
void pl061_connect_output(struct device *device, unsigned line, struct irq_line to);
