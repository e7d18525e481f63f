// SPDX-License-Identifier: MIT
// The two 8237A DMA controllers of a PC (Intel 231466) with their page registers: channels 0 to 3 move bytes
// within 64 KiB, channels 5 to 7 words within 128 KiB; 4 is the cascade. A transfer takes no time. Left out:
// memory to memory transfers, requests by software, and which of several requests goes first.
#pragma once

#include "hw/core/device.h"
#include "hw/core/isa.h"

extern const struct device_type i8237_type; // "i8237"

// Before realize.
void i8237_wire(struct device *device, struct memory_map *io);
// For the devices that use its channels.
struct isa_dma i8237_dma(struct device *device);
