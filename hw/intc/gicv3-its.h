// SPDX-License-Identifier: MIT
// GICv3 Interrupt Translation Service (IHI 0069 chapter 5 and section 12.12): maps (device, event) pairs of
// message-signalled interrupts to LPIs of a CPU, by tables that the guest fills through a command queue.
// Physical interrupts only.
#pragma once

#include "hw/core/device.h"
#include "hw/core/message.h"

extern const struct device_type gicv3_its_type; // "arm-gicv3-its"

enum { GICV3_ITS_SIZE = 0x20000 };

// Before realize; `gic` is a realized GICv3 with LPIs.
void gicv3_its_wire(struct device *device, uint64_t base, struct device *gic);
// A message to GITS_TRANSLATER: the requester is the device ID, the data the event.
void gicv3_its_message(struct device *device, const struct message *message);
// The address that messages are sent to.
uint64_t gicv3_its_translater(const struct device *device);
