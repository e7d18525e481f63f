// SPDX-License-Identifier: MIT
// Between the files of the VGA. Memory holds the four planes byte by byte: plane p of address a is at 4 * a +
// p, so that chained modes and the linear framebuffer are plain memory.
#pragma once

#include "hw/display/vga.h"
#include "hw/pci/pci.h"

enum {
    VGA_SEQUENCER_COUNT = 8,
    VGA_CRTC_COUNT = 256, // the index register is a byte; 25 of them mean something
    VGA_GRAPHICS_COUNT = 16,
    VGA_ATTRIBUTE_COUNT = 32,
    VGA_PALETTE_BYTES = 768,
    VGA_PLANE_BYTES = 64 << 10,
    VBE_REGISTERS = 11,
};

enum vbe_register {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
};

enum vbe_enable {
    VBE_ENABLED = 1 << 0,
    VBE_GET_CAPS = 1 << 1,
    VBE_8BIT_DAC = 1 << 5,
    VBE_LFB = 1 << 6,
    VBE_NO_CLEAR = 1 << 7
};

enum { GR_MODE = 5, GR_MISC = 6, SEQ_MAP_MASK = 2, SEQ_MEMORY_MODE = 4 };
enum { SEQ_NO_ODD_EVEN = 1 << 2, SEQ_CHAIN_4 = 1 << 3, GR_MISC_GRAPHICS = 1 << 0, GR_MODE_ODD_EVEN = 1 << 4 };

struct vga {
    struct guest_ram *ram;
    uint64_t ram_offset; // of the memory in guest RAM
    uint32_t memory_bytes;

    uint8_t misc, feature, sequencer_index, crtc_index, graphics_index, attribute_index, status;
    bool attribute_data; // the next write to the attribute port is data
    uint8_t sequencer[VGA_SEQUENCER_COUNT], crtc[VGA_CRTC_COUNT], graphics[VGA_GRAPHICS_COUNT];
    uint8_t attribute[VGA_ATTRIBUTE_COUNT], palette[VGA_PALETTE_BYTES];
    uint8_t dac_mask, dac_read, dac_write, dac_part;
    bool dac_reading;
    uint32_t latch;
    uint8_t vbe_low; // half of a write to the data register
    uint16_t vbe_index, vbe[VBE_REGISTERS];
};

extern const struct state_field vga_state[];

static inline uint8_t *vga_memory(const struct vga *vga)
{
    return vga->ram->host + vga->ram_offset;
}

// vga-registers.c: ports 0x3b0 to 0x3df, one byte at a time.
void vga_reset(struct vga *vga);
uint8_t vga_port_read(struct vga *vga, uint16_t port);
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value);
// vga-vbe.c
uint16_t vbe_read(const struct vga *vga, unsigned number);
void vbe_write(struct vga *vga, unsigned number, uint16_t value);
static inline bool vbe_on(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_ENABLED;
}
// vga-memory.c: the window at 0xa0000.
extern const struct mmio_ops vga_window_ops; // opaque: struct vga
// vga-text.c
size_t vga_render_text(const struct vga *vga, char *out, size_t size);
