// SPDX-License-Identifier: MIT
// The characters on the screen. What they look like is up to the font in memory, but nearly always that of code page
// 437.
#include "hw/display/vga-internal.h"

static uint32_t unicode_of(uint8_t code)
{
    static const uint16_t low[32] = {
        ' ',    0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9,
        0x2642, 0x2640, 0x266a, 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0xb6,   0xa7,
        0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221f, 0x2194, 0x25b2, 0x25bc,
    };
    static const uint16_t high[128] = {
        0xc7,   0xfc,   0xe9,   0xe2,   0xe4,   0xe0,   0xe5,   0xe7,   0xea,   0xeb,   0xe8,   0xef,   0xee,
        0xec,   0xc4,   0xc5,   0xc9,   0xe6,   0xc6,   0xf4,   0xf6,   0xf2,   0xfb,   0xf9,   0xff,   0xd6,
        0xdc,   0xa2,   0xa3,   0xa5,   0x20a7, 0x192,  0xe1,   0xed,   0xf3,   0xfa,   0xf1,   0xd1,   0xaa,
        0xba,   0xbf,   0x2310, 0xac,   0xbd,   0xbc,   0xa1,   0xab,   0xbb,   0x2591, 0x2592, 0x2593, 0x2502,
        0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514,
        0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
        0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c,
        0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x3b1,  0xdf,   0x393,  0x3c0,  0x3a3,  0x3c3,  0xb5,   0x3c4,
        0x3a6,  0x398,  0x3a9,  0x3b4,  0x221e, 0x3c6,  0x3b5,  0x2229, 0x2261, 0xb1,   0x2265, 0x2264, 0x2320,
        0x2321, 0xf7,   0x2248, 0xb0,   0x2219, 0xb7,   0x221a, 0x207f, 0xb2,   0x25a0, ' ',
    };
    return code < 32 ? low[code] : code == 0x7f ? 0x2302 : code >= 0x80 ? high[code - 0x80] : code;
}

// Blue is the low bit here, red in `struct display_cell`.
static uint8_t ansi_color(unsigned color)
{
    return (uint8_t)((color & 0xa) | (color & 1) << 2 | (color >> 2 & 1));
}

static struct display_cell cell_of(const struct vga *vga, uint32_t cell)
{
    uint8_t code = (uint8_t)cell, attribute = (uint8_t)(cell >> 8), mode = vga->attribute[ATTR_MODE];
    bool blinks = mode & ATTR_BLINK;
    return (struct display_cell){.code = unicode_of(code),
                                 .foreground = ansi_color(attribute & 0xf),
                                 .background = ansi_color(attribute >> 4 & (blinks ? 7 : 0xf)),
                                 .underline = (mode & ATTR_MONO) && (attribute & 7) == 1,
                                 .blink = blinks && (attribute & 0x80)};
}

static void find_cursor(const uint8_t *crtc, struct display_text *text, unsigned start, unsigned step)
{
    unsigned at = ((unsigned)(crtc[CRTC_CURSOR_HIGH] << 8 | crtc[CRTC_CURSOR_LOW]) - start) & 0xffff;
    text->cursor_column = text->cursor_row = -1;
    if ((crtc[CRTC_CURSOR_START] & CRTC_CURSOR_OFF) || !step || at % step >= text->columns || at / step >= text->rows)
        return;
    text->cursor_column = (int)(at % step);
    text->cursor_row = (int)(at / step);
}

// From the registers as they are now, without what only a retrace takes over; also while the screen is off.
bool vga_get_text(void *opaque, struct display_text *text)
{
    const struct vga *vga = opaque;
    const uint8_t *crtc = vga->crtc;
    if ((vga->graphics[GR_MISC] & GR_MISC_GRAPHICS) || vbe_on(vga) || !crtc[CRTC_DISPLAY_END])
        return false;
    unsigned step = crtc[CRTC_OFFSET] * 2u, start = (unsigned)(crtc[CRTC_START_HIGH] << 8 | crtc[CRTC_START_LOW]);
    unsigned lines = (crtc[CRTC_MAX_SCAN_LINE] & 31u) + 1;
    lines *= crtc[CRTC_MAX_SCAN_LINE] & CRTC_MAX_SCAN_DOUBLE ? 2 : 1;
    text->columns = crtc[CRTC_DISPLAY_END] + 1u;
    text->rows = vga_display_lines(vga) / lines;
    text->rows = text->rows < DISPLAY_TEXT_ROWS ? text->rows : DISPLAY_TEXT_ROWS;
    for (unsigned row = 0; row < text->rows; row++)
        for (unsigned column = 0; column < text->columns; column++)
            text->cells[row * text->columns + column] =
                cell_of(vga, vga_load_planes(vga, (start + row * step + column) & (VGA_PLANE_BYTES - 1)));
    find_cursor(crtc, text, start, step);
    return true;
}
