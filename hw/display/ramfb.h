// SPDX-License-Identifier: MIT
// A framebuffer in guest RAM, for firmware: the guest writes where it is and what is in it to the fw_cfg file
// "etc/ramfb" (the protocol is in QEMU's documentation of fw_cfg and in EDK2's QemuRamfbDxe).
#pragma once

#include "hw/core/device.h"

extern const struct device_type ramfb_type; // "ramfb"; the machine must have a fw_cfg
