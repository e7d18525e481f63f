// SPDX-License-Identifier: MIT
// Arm PrimeCell Real Time Clock (PL031), DDI 0224: seconds since 1970 as the host knows them, and an alarm.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type pl031_type; // "pl031"

void pl031_wire(struct device *device, uint64_t base, struct irq_line irq);
