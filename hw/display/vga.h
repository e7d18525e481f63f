// SPDX-License-Identifier: MIT
// The standard VGA of PC machines: IBM's registers and planar memory, the Bochs display interface for larger
// modes, a linear framebuffer (1234:1111, "VGA"). There is no window yet: the screen's text can be read, and
// its pixels as the linear framebuffer has them.
//
// The board's guest RAM object must have room for VGA_MEMORY_BYTES_DEFAULT (property vgamem_mb) and the ROM.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hw/core/device.h"

extern const struct device_type vga_pci_type; // "VGA"

enum { VGA_MEMORY_BYTES_DEFAULT = 16 << 20 };

// The text on the screen: a line for each row, without the blanks at its end, ended by '\n'; box drawing
// characters become plain ones. Returns what snprintf would; 0 in graphics modes, where there is none. Device
// lock held.
size_t vga_text(struct device *device, char *out, size_t size);

// What the display shows, for whoever draws it. `pixels` is NULL in text modes and in those of planes.
struct vga_screen {
    unsigned width, height, bits, bytes_per_line;
    const uint8_t *pixels;
};
void vga_get_screen(struct device *device, struct vga_screen *screen);
