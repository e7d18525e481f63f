// SPDX-License-Identifier: MIT
// The virtio device types, for the list of what -device offers. All but ports plug into any "virtio-bus".
#pragma once

#include "hw/core/device.h"

extern const struct device_type virtio_rng_type;     // "virtio-rng-device"
extern const struct device_type virtio_serial_type;  // "virtio-serial-device"; its ports are
extern const struct device_type virtconsole_type;    // "virtconsole"
extern const struct device_type virtserialport_type; // "virtserialport"
extern const struct device_type virtio_blk_type;     // "virtio-blk-device"
extern const struct device_type virtio_gpu_type;     // "virtio-gpu-device"
extern const struct device_type virtio_keyboard_type; // "virtio-keyboard-device", and so on
extern const struct device_type virtio_mouse_type;
extern const struct device_type virtio_multitouch_type;
extern const struct device_type virtio_tablet_type;
