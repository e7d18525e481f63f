// SPDX-License-Identifier: MIT
// From the value of a pixel to its color: the attribute controller's palette (for 16 colors), the mask, the converter's
// table.
#include "hw/display/vga-internal.h"

// 18-bit colors fill all of eight bits.
static uint32_t eight_bits(uint8_t part, bool wide)
{
    return wide ? part : (uint32_t)((part & 0x3f) << 2 | (part & 0x3f) >> 4);
}

static uint32_t table_color(const struct vga *vga, unsigned index, bool wide)
{
    const uint8_t *rgb = &vga->palette[3 * (index & vga->dac_mask)];
    return eight_bits(rgb[0], wide) << 16 | eight_bits(rgb[1], wide) << 8 | eight_bits(rgb[2], wide);
}

// The index into the table that a value of four bits becomes.
static unsigned attribute_index(const struct vga *vga, unsigned value)
{
    const uint8_t *attribute = vga->attribute;
    unsigned color = attribute[value & attribute[ATTR_PLANE_ENABLE] & 0xf] & 0x3f;
    unsigned select = attribute[ATTR_COLOR_SELECT];
    if (attribute[ATTR_MODE] & ATTR_P54S)
        color = (color & 0x0f) | (select & 3) << 4;
    return color | (select & 0xc) << 4;
}

void vga_get_colors(const struct vga *vga, uint32_t colors[256])
{
    bool linear = vbe_on(vga), bytes = linear ? vga->vbe[VBE_BPP] > 4 : vga->graphics[GR_MODE] & GR_MODE_256;
    bool wide = linear && (vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC);
    for (unsigned i = 0; i < 256; i++)
        colors[i] = table_color(vga, bytes ? i : attribute_index(vga, i), wide);
}
