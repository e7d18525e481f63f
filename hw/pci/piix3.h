// SPDX-License-Identifier: MIT
// The PIIX3's ISA bridge (Intel 82371SB datasheet, chapter 4; 8086:7000): which ISA interrupt each PCI
// interrupt is routed to. Reset control is with the configuration ports, ELCR with the interrupt controller.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type piix3_type; // "PIIX3"

enum { PIIX3_PIRQS = 4, PIIX3_ISA_IRQS = 16 };

// Before realize: the inputs of the interrupt controllers that PIRQs can reach (3 to 7, 9 to 12, 14, 15).
void piix3_wire(struct device *device, const struct irq_line isa_irqs[PIIX3_ISA_IRQS]);
// From creation on.
struct irq_line piix3_pirq(struct device *device, unsigned number);
