// SPDX-License-Identifier: MIT
// The `virt` Arm board: addresses, interrupts, device tree and properties as in QEMU's machine of that name.
#pragma once

#include "hw/core/machine.h"

extern const struct machine_type virt_arm_type;
