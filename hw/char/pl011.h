// SPDX-License-Identifier: MIT
// Arm PrimeCell UART (PL011), as in the Technical Reference Manual DDI 0183. Bytes move at once, whatever the
// baud rate says. Left out: modem control lines, IrDA and DMA, which have no one at the other end.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct chardev;

// "pl011"; property "chardev". The board sets base and irq before realize.
extern const struct device_type pl011_type;

void pl011_wire(struct device *device, uint64_t base, struct irq_line irq);
// For boards: what the property sets; NULL leaves the line open.
void pl011_connect(struct device *device, struct chardev *chardev);
