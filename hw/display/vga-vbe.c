// SPDX-License-Identifier: MIT
// The Bochs display interface: 16-bit registers that set a mode of any size with a linear framebuffer.
#include <string.h>

#include "hw/display/vga-internal.h"

enum { XRES_MAX = 16000, YRES_MAX = 12000, BPP_MAX = 32 };

static unsigned bits_per_pixel(const struct vga *vga)
{
    unsigned bpp = vga->vbe[VBE_BPP];
    return bpp == 15 ? 16 : bpp;
}

uint16_t vbe_read(const struct vga *vga, unsigned number)
{
    static const uint16_t most[] = {[VBE_XRES] = XRES_MAX, [VBE_YRES] = YRES_MAX, [VBE_BPP] = BPP_MAX};
    if (number >= VBE_REGISTERS)
        return 0;
    if ((vga->vbe[VBE_ENABLE] & VBE_GET_CAPS) && number >= VBE_XRES && number <= VBE_BPP)
        return most[number];
    return vga->vbe[number];
}

bool vbe_is_depth(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

// Makes the registers agree with each other and with the memory there is.
static void fit(struct vga *vga)
{
    uint16_t *vbe = vga->vbe;
    unsigned bpp = bits_per_pixel(vga);
    if (!vbe_is_depth(vbe[VBE_BPP]))
        bpp = vbe[VBE_BPP] = 8;
    if (vbe[VBE_XRES] > XRES_MAX)
        vbe[VBE_XRES] = XRES_MAX;
    vbe[VBE_XRES] &= (uint16_t)~7;
    if (!vbe[VBE_XRES])
        vbe[VBE_XRES] = 8;
    if (vbe[VBE_VIRT_WIDTH] < vbe[VBE_XRES])
        vbe[VBE_VIRT_WIDTH] = vbe[VBE_XRES];
    uint32_t line = bpp == 4 ? vbe[VBE_VIRT_WIDTH] / 2u : vbe[VBE_VIRT_WIDTH] * (bpp / 8);
    uint32_t lines = line ? vga->memory_bytes / line : 0;
    lines = lines > YRES_MAX ? YRES_MAX : lines;
    if (!vbe[VBE_YRES] || vbe[VBE_YRES] > lines)
        vbe[VBE_YRES] = (uint16_t)(lines ? lines : 1);
    vbe[VBE_VIRT_HEIGHT] = (uint16_t)lines;
    // The first pixel and the last must be in memory.
    if (vbe[VBE_X_OFFSET] > vbe[VBE_VIRT_WIDTH] - vbe[VBE_XRES])
        vbe[VBE_X_OFFSET] = 0;
    if (vbe[VBE_Y_OFFSET] > (lines > vbe[VBE_YRES] ? lines - vbe[VBE_YRES] : 0))
        vbe[VBE_Y_OFFSET] = 0;
}

static void enable(struct vga *vga, uint16_t value)
{
    bool was_on = vbe_on(vga);
    vga->screen.recolor = true; // 6 bits or 8
    vga->vbe[VBE_ENABLE] = value & (VBE_ENABLED | VBE_GET_CAPS | VBE_8BIT_DAC | VBE_LFB);
    if (!(value & VBE_ENABLED)) {
        vga->vbe[VBE_BANK] = 0;
        return;
    }
    if (was_on)
        return;
    vga->vbe[VBE_VIRT_WIDTH] = vga->vbe[VBE_X_OFFSET] = vga->vbe[VBE_Y_OFFSET] = 0;
    fit(vga);
    if (value & VBE_NO_CLEAR)
        return;
    uint64_t bytes = (uint64_t)vga->vbe[VBE_YRES] * vga->vbe[VBE_VIRT_WIDTH] * bits_per_pixel(vga) / 8;
    bytes = bytes < vga->memory_bytes ? bytes : vga->memory_bytes;
    memset(vga_memory(vga), 0, bytes);
    guest_ram_wrote(vga->ram, vga->ram_offset, bytes);
}

void vbe_write(struct vga *vga, unsigned number, uint16_t value)
{
    switch (number) {
    case VBE_ID:
        if (value >= 0xb0c0 && value <= 0xb0c5)
            vga->vbe[VBE_ID] = value;
        break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
        if (!vbe_on(vga))
            vga->vbe[number] = value;
        break;
    case VBE_ENABLE:
        enable(vga, value);
        break;
    case VBE_BANK:
        if (value < vga->memory_bytes >> 16)
            vga->vbe[VBE_BANK] = value;
        break;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        vga->vbe[number] = value;
        if (vbe_on(vga))
            fit(vga);
        break;
    }
}
