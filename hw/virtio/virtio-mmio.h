// SPDX-License-Identifier: MIT
// Virtio over MMIO (VIRTIO 1.2 section 4.2): one register window with room for one device. Version 2, or the
// legacy interface of version 1 with the property "force-legacy".
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type virtio_mmio_type; // "virtio-mmio"

enum { VIRTIO_MMIO_SIZE = 0x200 };

// Before realize. The socket it offers is called `bus_name`.
void virtio_mmio_wire(struct device *device, uint64_t base, struct irq_line irq, const char *bus_name);
