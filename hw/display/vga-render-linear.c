// SPDX-License-Identifier: MIT
// A line of a mode of the Bochs interface. Pixels are little-endian; those of 4 bits lie in planes, those of 8 have a
// palette.
#include "hw/display/scanout.h"
#include "hw/display/vga-internal.h"

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
    if (picture->bits == 4) {
        put_planes(vga, (uint32_t)first, picture->skip_pixels, out);
        return;
    }
    enum pixel_format format = picture->bits == 8    ? PIXEL_INDEX8
                               : picture->bits == 15 ? PIXEL_XRGB1555
                               : picture->bits == 16 ? PIXEL_RGB565
                                                     : PIXEL_RGB888;
    pixels_convert(format, vga_memory(vga) + first, picture->width, vga->screen.colors, out);
}
