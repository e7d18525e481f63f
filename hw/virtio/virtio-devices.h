// SPDX-License-Identifier: MIT
// The virtio device types, for the list of what -device offers. They plug into any "virtio-bus".
#pragma once

#include "hw/core/device.h"

extern const struct device_type virtio_rng_type;     // "virtio-rng-device"
extern const struct device_type virtio_console_type; // "virtio-serial-device": one port, a console
extern const struct device_type virtio_blk_type;     // "virtio-blk-device"
