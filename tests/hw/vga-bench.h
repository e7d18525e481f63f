// SPDX-License-Identifier: MIT
// A VGA on a PCI bus with a view on its display, and the register values of the modes that IBM's BIOS sets.
#pragma once

#include "hw/core/display.h"
#include "pci-machine.h"

enum { VGA_AT = PCI_DEVFN(2, 0) };
#define VGA_FRAMEBUFFER UINT64_C(0xe0000000)
#define VGA_REGISTERS UINT64_C(0xe1000000)

extern struct pci_machine vga_pci;
extern struct device *vga_device;
extern struct display *vga_display;
extern struct display_update vga_seen; // by the last vga_look

// "VGA" without a ROM, or another type; with its BARs mapped. The view is not attached yet.
void vga_bench_create(const struct device_type *type);
void vga_bench_destroy(void);
// The port of an index register, and both of its values.
void vga_indexed(uint16_t port, unsigned index, unsigned value);
void vga_attribute(unsigned index, unsigned value);
void vga_vbe(unsigned index, unsigned value);
unsigned vga_vbe_get(unsigned index);
// Bochs mode with the linear framebuffer.
void vga_set_large_mode(unsigned width, unsigned height, unsigned bits);
// A BIOS mode: 1, 3, 4, 6, 7, 0xd, 0x12 or 0x13; the palette's colors are of vga_color.
void vga_set_mode(unsigned mode);
// What the bench has put into the converter's table, as a pixel.
uint32_t vga_color(unsigned index);
// Moves the machine's time.
void vga_at_ns(uint64_t ns);
// Takes what the display shows; whether there was anything new.
bool vga_look(void);
// A pixel of that.
uint32_t vga_pixel(unsigned x, unsigned y);
// A byte of a plane.
void vga_put_plane(unsigned plane, unsigned address, unsigned byte);
// A character and its attribute in the cells of planes 0 and 1, and a line of a character's shape in plane 2.
void vga_put_cell(unsigned cell, unsigned code, unsigned attribute);
void vga_put_glyph(unsigned code, unsigned line, unsigned dots);
