// SPDX-License-Identifier: MIT
// A port that firmware and test guests write characters to.
#pragma once

#include "hw/core/device.h"

struct memory_map;

// "isa-debugcon"; properties "chardev", "iobase" (0xe9), "readback" (what a read gives, 0xe9: that it is
// there).
extern const struct device_type isa_debugcon_type;

void isa_debugcon_wire(struct device *device, struct memory_map *io);
