// SPDX-License-Identifier: MIT
// A line of dots through characters: the character is in plane 0, its attribute in plane 1, its shape in plane 2.
#include "hw/display/vga-internal.h"

enum { FONT_CHARACTER_BYTES = 32, LINE_GRAPHICS_FIRST = 0xc0, LINE_GRAPHICS_LAST = 0xdf };

// The dots of a character on one line, the left one in bit 8.
static unsigned dots_of(const struct vga *vga, const struct vga_picture *picture, uint8_t code, unsigned font,
                        unsigned row_scan)
{
    unsigned dots = (vga_load_planes(vga, font + code * FONT_CHARACTER_BYTES + row_scan) >> 16 & 0xff) << 1;
    // The ninth is the eighth where lines are to meet.
    if (picture->line_graphics && code >= LINE_GRAPHICS_FIRST && code <= LINE_GRAPHICS_LAST)
        dots |= dots >> 1 & 1;
    return dots;
}

static uint32_t *put_dots(uint32_t *out, const struct vga_picture *picture, unsigned dots, uint32_t on, uint32_t off)
{
    for (unsigned i = 0; i < picture->dots; i++) {
        uint32_t color = dots >> (8 - i) & 1 ? on : off;
        *out++ = color;
        if (picture->repeat == 2)
            *out++ = color;
    }
    return out;
}

void vga_render_text(const struct vga *vga, unsigned address, unsigned row_scan, uint32_t *out)
{
    const struct vga_picture *picture = &vga->screen.picture;
    const uint32_t *colors = vga->screen.colors;
    bool cursor_line = row_scan >= picture->cursor_first && row_scan <= picture->cursor_last;
    for (unsigned i = 0; i <= picture->columns; i++) {
        unsigned at = (address + i) & 0xffff;
        uint32_t cell = vga_load_planes(vga, at);
        uint8_t code = (uint8_t)cell, attribute = (uint8_t)(cell >> 8);
        unsigned front = attribute & 0xf, back = attribute >> 4;
        unsigned dots = dots_of(vga, picture, code, picture->fonts[attribute >> 3 & 1], row_scan);
        if (row_scan == picture->underline && (attribute & 7) == 1)
            dots = 0x1ff;
        if (picture->blink_attribute) {
            dots = (attribute & 0x80) && picture->blink_off ? 0 : dots;
            back &= 7;
        }
        if (cursor_line && (int)at == picture->cursor)
            dots = 0x1ff;
        out = put_dots(out, picture, dots, colors[front], colors[back]);
    }
}
