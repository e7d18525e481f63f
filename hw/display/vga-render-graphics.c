// SPDX-License-Identifier: MIT
// A line of pixels out of the four planes: eight pixels of 16 colors, or four of 256, for each count of the address
// counter.
#include "hw/display/vga-internal.h"

static uint16_t rotate_left(uint16_t value, unsigned n)
{
    return n ? (uint16_t)(value << n | value >> (16 - n)) : value;
}

// The place in the planes that a count of the address counter shows.
static unsigned place_of(const struct vga_picture *picture, uint16_t count, unsigned row_scan)
{
    enum { BIT13 = 1 << 13, BIT14 = 1 << 14 };
    unsigned mode = picture->address_mode;
    uint16_t address = rotate_left(count, picture->counter_shift);
    if (picture->counter_shift == 1 && !(mode & CRTC_MODE_WRAP_64K))
        address = (uint16_t)((address & ~1u) | (count >> 13 & 1));
    if (!(mode & CRTC_MODE_NO_MAP13))
        address = (uint16_t)((address & ~BIT13) | (row_scan & 1 ? BIT13 : 0));
    if (!(mode & CRTC_MODE_NO_MAP14))
        address = (uint16_t)((address & ~BIT14) | (row_scan & 2 ? BIT14 : 0));
    return picture->memory_shift ? rotate_left(address, 16u - picture->memory_shift) : address;
}

static uint32_t *put(uint32_t *out, uint32_t color, unsigned count)
{
    while (count--)
        *out++ = color;
    return out;
}

// Bit 7 of each plane makes the first pixel.
static uint32_t *put_planes(uint32_t *out, uint32_t planes, const uint32_t *colors, unsigned repeat)
{
    for (unsigned bit = 8; bit-- > 0;) {
        uint32_t bits = planes >> bit & 0x01010101;
        out = put(out, colors[(bits | bits >> 7 | bits >> 14 | bits >> 21) & 0xf], repeat);
    }
    return out;
}

// The upper two bits of planes 0 and 2 make the first one, four pixels on planes 1 and 3 follow.
static uint32_t *put_pairs(uint32_t *out, uint32_t planes, const uint32_t *colors, unsigned repeat)
{
    for (unsigned half = 0; half < 2; half++)
        for (unsigned bit = 8; bit > 0;) {
            bit -= 2;
            uint32_t low = planes >> (8 * half + bit) & 3, high = planes >> (16 + 8 * half + bit) & 3;
            out = put(out, colors[low | high << 2], repeat);
        }
    return out;
}

static uint32_t *put_bytes(uint32_t *out, uint32_t planes, const uint32_t *colors, unsigned repeat)
{
    for (unsigned i = 0; i < 4; i++)
        out = put(out, colors[planes >> (8 * i) & 0xff], 2 * repeat);
    return out;
}

void vga_render_graphics(const struct vga *vga, unsigned address, unsigned row_scan, uint32_t *out)
{
    const struct vga_picture *picture = &vga->screen.picture;
    const uint32_t *colors = vga->screen.colors;
    for (unsigned i = 0; i <= picture->columns; i++) {
        uint32_t planes = vga_load_planes(vga, place_of(picture, (uint16_t)(address + i), row_scan));
        if (picture->format == VGA_PLANES)
            out = put_planes(out, planes, colors, picture->repeat);
        else if (picture->format == VGA_PAIRS)
            out = put_pairs(out, planes, colors, picture->repeat);
        else
            out = put_bytes(out, planes, colors, picture->repeat);
    }
}
