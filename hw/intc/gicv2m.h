// SPDX-License-Identifier: MIT
// GICv2m frame: turns message-signalled interrupts into pulses on shared interrupts (Server Base System
// Architecture, appendix E).
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type gicv2m_type; // "arm-gicv2m"

enum { GICV2M_SIZE = 0x1000, GICV2M_MAX_SPIS = 64 };

// Messages for INTIDs 32 + first_spi and up; spis[i] is shared interrupt first_spi + i.
void gicv2m_wire(struct device *device, uint64_t base, unsigned first_spi, unsigned count,
                 const struct irq_line *spis);
// A message: what a write of `intid` to MSI_SETSPI_NS means.
void gicv2m_message(struct device *device, uint32_t intid);
// The address that messages are sent to.
uint64_t gicv2m_setspi(const struct device *device);
