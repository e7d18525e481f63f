// SPDX-License-Identifier: MIT
// The VGA as a part of a PCI function: BAR 0 is the framebuffer, BAR 2 has the monitor's EDID at 0 and the registers
// once more (VGA ports from 0x400 on, the Bochs interface at 0x500, both little-endian). For the VGA's own functions,
// and for graphics of another kind that are a VGA until their driver takes over.
//
// Device lock held in all calls.
#pragma once

#include <stdint.h>

#include "hw/core/device.h"
#include "hw/display/edid.h"

struct display;
struct pci_device;
struct vga_function;

enum vga_function_kind {
    VGA_FUNCTION_LEGACY, // with the ports and the window at 0xa0000 where they have always been
    VGA_FUNCTION_SECONDARY,
    VGA_FUNCTION_BOCHS, // no more than the Bochs interface
};

extern const struct state_field vga_function_state[];
// The row of a structure whose member FIELD points to a VGA.
#define STATE_VGA_FUNCTION(TYPE, FIELD)                                                                                \
    {                                                                                                                  \
#FIELD, STATE_STRUCT, offsetof(struct TYPE, FIELD), 0, 1, 0, true, vga_function_state                                  \
    }

// After pci_realize. `rom` may be NULL. Negative errno with a message when memory or ROM cannot be had.
int vga_function_create(struct pci_device *pci, enum vga_function_kind kind, uint64_t memory_bytes, const char *rom,
                        struct vga_function **result, struct error *error);
void vga_function_destroy(struct vga_function *function); // before pci_unrealize
// What guests read as EDID; before that there is none.
void vga_function_set_edid(struct vga_function *function, const struct edid_info *info);
// To be called after the command register has changed, at reset, and after state was loaded; after the PCI function's.
void vga_function_update(struct vga_function *function);
void vga_function_reset(struct vga_function *function);
void vga_function_state_loaded(struct vga_function *function);
// What it shows. To be named and added to the machine, or looked at by the caller.
struct display *vga_function_display(struct vga_function *function);
