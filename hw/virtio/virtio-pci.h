// SPDX-License-Identifier: MIT
// Virtio over PCI (VIRTIO 1.2 section 4.1): a function with the virtio device inside. Transitional ones offer
// the interface from before 1.0 in BAR 0 besides; "disable-legacy" and "disable-modern" take one away, as do
// the types that end in -non-transitional. BAR 1 has the MSI-X table, BAR 4 the registers of 1.0.
#pragma once

#include "hw/core/device.h"

extern const struct device_type virtio_blk_pci_type; // "virtio-blk-pci", and so on
extern const struct device_type virtio_blk_pci_transitional_type;
extern const struct device_type virtio_blk_pci_non_transitional_type;
extern const struct device_type virtio_rng_pci_type;
extern const struct device_type virtio_rng_pci_transitional_type;
extern const struct device_type virtio_rng_pci_non_transitional_type;
extern const struct device_type virtio_serial_pci_type;
extern const struct device_type virtio_serial_pci_transitional_type;
extern const struct device_type virtio_serial_pci_non_transitional_type;
// Those that have no interface from before virtio 1.0.
extern const struct device_type virtio_gpu_pci_type;
extern const struct device_type virtio_keyboard_pci_type;
extern const struct device_type virtio_mouse_pci_type;
extern const struct device_type virtio_multitouch_pci_type;
extern const struct device_type virtio_tablet_pci_type;
extern const struct device_type virtio_vga_type; // "virtio-vga"
