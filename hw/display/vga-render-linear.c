// SPDX-License-Identifier: MIT
// A line of a mode of the Bochs interface. Pixels are little-endian; those of 4 bits lie in planes, those of 8 have a
// palette.
#include "hw/display/vga-internal.h"
#include "tcg/base/endian.h"

static uint32_t stretch5(unsigned value)
{
    return (value & 31) << 3 | (value & 31) >> 2;
}

static uint32_t stretch6(unsigned value)
{
    return (value & 63) << 2 | (value & 63) >> 4;
}

static void put_planes(const struct vga *vga, uint32_t address, unsigned skip, uint32_t *out)
{
    const struct vga_picture *picture = &vga->screen.picture;
    for (unsigned x = skip; x < skip + picture->width; x++) {
        uint32_t bits = vga_load_planes(vga, address + x / 8) >> (7 - x % 8) & 0x01010101;
        *out++ = vga->screen.colors[(bits | bits >> 7 | bits >> 14 | bits >> 21) & 0xf];
    }
}

void vga_render_linear(const struct vga *vga, unsigned y, uint32_t *out)
{
    const struct vga_picture *picture = &vga->screen.picture;
    uint64_t first = picture->first + (uint64_t)y * picture->line_bytes;
    const uint8_t *in = vga_memory(vga) + first;
    unsigned width = picture->width;
    switch (picture->bits) {
    case 4:
        put_planes(vga, (uint32_t)first, picture->skip_pixels, out);
        break;
    case 8:
        for (unsigned x = 0; x < width; x++)
            out[x] = vga->screen.colors[in[x]];
        break;
    case 15:
        for (unsigned x = 0; x < width; x++) {
            unsigned pixel = load_le16(in + 2 * x);
            out[x] = stretch5(pixel >> 10) << 16 | stretch5(pixel >> 5) << 8 | stretch5(pixel);
        }
        break;
    case 16:
        for (unsigned x = 0; x < width; x++) {
            unsigned pixel = load_le16(in + 2 * x);
            out[x] = stretch5(pixel >> 11) << 16 | stretch6(pixel >> 5) << 8 | stretch5(pixel);
        }
        break;
    case 24:
        for (unsigned x = 0; x < width; x++)
            out[x] = in[3 * x] | (uint32_t)in[3 * x + 1] << 8 | (uint32_t)in[3 * x + 2] << 16;
        break;
    }
}
