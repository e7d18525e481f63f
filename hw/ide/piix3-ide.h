// SPDX-License-Identifier: MIT
// The PIIX3's IDE function (Intel 82371SB datasheet, chapter 6; 8086:7010): two channels at the ports that
// PCs have always had them, and bus masters for them in BAR 4. Buses "ide.0" and "ide.1" take two drives
// each.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type piix3_ide_type; // "piix3-ide"

// Before realize: ISA interrupts 14 and 15.
void piix3_ide_wire(struct device *device, const struct irq_line irqs[2]);
