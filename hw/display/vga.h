// SPDX-License-Identifier: MIT
// The standard VGA of PC machines: IBM's registers and planar memory, the Bochs display interface for larger
// modes, a linear framebuffer, a monitor's EDID (1234:1111). Each is a display (hw/core/display.h).
//
// The board's guest RAM object must have room for the video memory (property vgamem_mb or vgamem) and the ROM.
#pragma once

#include "hw/core/device.h"

extern const struct device_type vga_pci_type;       // "VGA"
extern const struct device_type secondary_vga_type; // "secondary-vga": no ports, no window, no ROM
extern const struct device_type bochs_display_type; // "bochs-display": nor IBM's registers
