// SPDX-License-Identifier: MIT
// What the registers make of the screen: which mode, how large, where it begins, how addresses are counted.
//
// A picture has the pixels that a monitor would show: where the hardware doubles dots or lines, so does the picture,
// and 320 by 200 pixels become 640 by 400.
#include <string.h>

#include "hw/display/vga-internal.h"
#include "tcg/base/bits.h"

// --- the Bochs interface ---

static void linear_picture(const struct vga *vga, struct vga_picture *picture)
{
    const uint16_t *vbe = vga->vbe;
    unsigned bits = vbe[VBE_BPP] == 15 ? 16 : vbe[VBE_BPP], plane_bits = bits == 4 ? 1 : bits;
    picture->width = vbe[VBE_XRES];
    picture->height = vbe[VBE_YRES];
    picture->bits = vbe[VBE_BPP];
    picture->line_bytes = vbe[VBE_VIRT_WIDTH] * plane_bits / 8;
    picture->first = vbe[VBE_Y_OFFSET] * (uint64_t)picture->line_bytes;
    if (bits == 4)
        picture->skip_pixels = vbe[VBE_X_OFFSET];
    else
        picture->first += vbe[VBE_X_OFFSET] * (bits / 8);
    // The last pixel must be in memory, whatever the registers say.
    uint64_t lines = picture->height ? (picture->height - 1) * (uint64_t)picture->line_bytes : 0;
    uint64_t bytes = lines + ((uint64_t)picture->skip_pixels + picture->width) * plane_bits / 8 + (bits == 4);
    uint64_t limit = bits == 4 ? vga->memory_bytes / 4 : vga->memory_bytes;
    if (vbe_is_depth(picture->bits) && picture->width && picture->height && range_inside(picture->first, bytes, limit))
        picture->format = VGA_LINEAR;
}

// --- IBM's registers ---

static enum vga_format format_of(const struct vga *vga)
{
    if ((vga->sequencer[SEQ_CLOCKING] & SEQ_SCREEN_OFF) || !(vga->attribute_index & ATTR_INDEX_SCREEN_ON) ||
        !vga->crtc[CRTC_DISPLAY_END])
        return VGA_NOTHING;
    if (!(vga->graphics[GR_MISC] & GR_MISC_GRAPHICS))
        return VGA_TEXT;
    if (vga->graphics[GR_MODE] & GR_MODE_256)
        return VGA_BYTES;
    return vga->graphics[GR_MODE] & GR_MODE_PAIRS ? VGA_PAIRS : VGA_PLANES;
}

static void set_geometry(const struct vga *vga, struct vga_picture *picture)
{
    const uint8_t *crtc = vga->crtc;
    bool half_clock = vga->sequencer[SEQ_CLOCKING] & SEQ_HALF_CLOCK;
    picture->columns = crtc[CRTC_DISPLAY_END] + 1u;
    picture->dots = picture->format == VGA_TEXT && !(vga->sequencer[SEQ_CLOCKING] & SEQ_EIGHT_DOTS) ? 9 : 8;
    picture->repeat = half_clock ? 2 : 1;
    picture->width = picture->columns * picture->dots * picture->repeat;
    picture->height = vga_display_lines(vga);
    picture->half_lines = crtc[CRTC_MODE] & CRTC_MODE_HALF_LINES;
    picture->max_scan = crtc[CRTC_MAX_SCAN_LINE] & 0x1f;
    picture->line_repeat = crtc[CRTC_MAX_SCAN_LINE] & CRTC_MAX_SCAN_DOUBLE ? 2 : 1;
    picture->line_compare =
        crtc[CRTC_LINE_COMPARE] | (crtc[CRTC_OVERFLOW] >> 4 & 1u) << 8 | (crtc[CRTC_MAX_SCAN_LINE] >> 6 & 1u) << 9;
}

// Dots that the picture is moved to the left by. Characters of nine dots count from 8, which is none; pixels of 256
// colors are two dots wide.
static unsigned pan_of(const struct vga_picture *picture, unsigned pan)
{
    pan &= 0xf;
    if (picture->format == VGA_BYTES)
        pan &= 6;
    else if (picture->dots == 9)
        pan = pan >= 8 ? 0 : pan + 1;
    else
        pan &= 7;
    return pan * picture->repeat;
}

static void set_position(const struct vga *vga, struct vga_picture *picture)
{
    const uint8_t *crtc = vga->crtc, *attribute = vga->attribute;
    uint8_t none = picture->dots == 9 ? 8 : 0;
    picture->start = vga_start_address(vga);
    picture->row_step = crtc[CRTC_OFFSET] * 2u;
    picture->preset_scan = crtc[CRTC_PRESET_ROW_SCAN] & 0x1f;
    picture->byte_pan = crtc[CRTC_PRESET_ROW_SCAN] >> 5 & 3;
    picture->pan = pan_of(picture, attribute[ATTR_PAN]);
    bool upper_only = attribute[ATTR_MODE] & ATTR_PAN_UPPER_ONLY;
    picture->lower_pan = upper_only ? pan_of(picture, none) : picture->pan;
}

// Byte, word and doubleword addressing; and the way the processor's addresses took into the planes (vga-memory.c),
// where in odd/even and chained modes it uses all of a plane, but IBM's every second or fourth byte.
static void set_addressing(const struct vga *vga, struct vga_picture *picture)
{
    const uint8_t *crtc = vga->crtc;
    uint8_t memory_mode = vga->sequencer[SEQ_MEMORY_MODE];
    picture->address_mode = crtc[CRTC_MODE];
    if (crtc[CRTC_UNDERLINE] & CRTC_UNDERLINE_DWORD)
        picture->counter_shift = 2;
    else
        picture->counter_shift = crtc[CRTC_MODE] & CRTC_MODE_BYTE ? 0 : 1;
    picture->memory_shift = memory_mode & SEQ_CHAIN_4 ? 2 : memory_mode & SEQ_NO_ODD_EVEN ? 0 : 1;
}

// Where in plane 2 a character map is.
static unsigned font_at(unsigned map)
{
    return (map & 3) << 14 | (map >> 2 & 1) << 13;
}

static void set_text(const struct vga *vga, struct vga_picture *picture)
{
    enum { CURSOR_FRAMES = 8, ATTRIBUTE_FRAMES = 16 }; // on, and as many off
    const uint8_t *crtc = vga->crtc;
    uint8_t maps = vga->sequencer[SEQ_CHARACTER_MAP], mode = vga->attribute[ATTR_MODE];
    uint64_t frames = vga_frames(vga);
    picture->fonts[0] = font_at((maps & 3u) | (maps >> 4 & 1u) << 2);
    picture->fonts[1] = font_at((maps >> 2 & 3u) | (maps >> 5 & 1u) << 2);
    picture->underline = mode & ATTR_MONO ? crtc[CRTC_UNDERLINE] & 0x1f : 0x20;
    picture->line_graphics = mode & ATTR_LINE_GRAPHICS;
    picture->blink_attribute = mode & ATTR_BLINK;
    picture->blink_off = picture->blink_attribute && (frames / ATTRIBUTE_FRAMES & 1);
    picture->cursor_first = crtc[CRTC_CURSOR_START] & 0x1f;
    picture->cursor_last = crtc[CRTC_CURSOR_END] & 0x1f;
    picture->cursor = crtc[CRTC_CURSOR_HIGH] << 8 | crtc[CRTC_CURSOR_LOW];
    if ((crtc[CRTC_CURSOR_START] & CRTC_CURSOR_OFF) || (frames / CURSOR_FRAMES & 1))
        picture->cursor = -1;
}

void vga_get_picture(const struct vga *vga, struct vga_picture *picture)
{
    memset(picture, 0, sizeof(*picture));
    if (vbe_on(vga)) {
        linear_picture(vga, picture);
        return;
    }
    picture->format = format_of(vga);
    if (picture->format == VGA_NOTHING)
        return;
    set_geometry(vga, picture);
    set_position(vga, picture);
    if (picture->format == VGA_TEXT)
        set_text(vga, picture);
    else
        set_addressing(vga, picture);
}
