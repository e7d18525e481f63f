// SPDX-License-Identifier: MIT
// Text on the screen, from the cells in planes 0 (character) and 1 (attribute).
#include "hw/display/vga-internal.h"

enum {
    CRTC_END = 1,
    CRTC_OVERFLOW = 7,
    CRTC_HEIGHT = 9,
    CRTC_START_HIGH = 12,
    CRTC_START = 13,
    CRTC_LAST_LINE = 18,
    CRTC_OFFSET = 19
};
enum { COLUMNS_MAX = 256, ROWS_MAX = 256 };

struct text {
    char *out;
    size_t size, used;
};

static void put(struct text *text, char c)
{
    if (text->used + 1 < text->size)
        text->out[text->used] = c;
    text->used++;
}

// Code page 437 in ASCII: shades and lines become what looks most like them.
static char plain(uint8_t code)
{
    static const char upper[] = "CueaaaaceeeiiiAA" // 0x80
                                "EaAooouuyOUcLYPf"
                                "aiounNao?--24!<>"
                                "###||||++||+++++"
                                "++++-+||++--|-+-"
                                "---++++++++#####"
                                "abGpSsutFQWd8fen"
                                "=+><()/=o..Vn2# ";
    _Static_assert(sizeof(upper) == 128 + 1, "one for each");
    if (code >= 0x80)
        return upper[code - 0x80];
    return code == 0 ? ' ' : code < 0x20 || code == 0x7f ? '.' : (char)code;
}

size_t vga_render_text(const struct vga *vga, char *out, size_t size)
{
    struct text text = {out, size, 0};
    const uint8_t *crtc = vga->crtc, *memory = vga_memory(vga);
    if (size)
        out[0] = '\0';
    if ((vga->graphics[GR_MISC] & GR_MISC_GRAPHICS) || vbe_on(vga) || !crtc[CRTC_END])
        return 0;
    unsigned columns = crtc[CRTC_END] + 1u, step = crtc[CRTC_OFFSET] * 2u;
    unsigned lines = 1u + crtc[CRTC_LAST_LINE] + (crtc[CRTC_OVERFLOW] & 2 ? 256u : 0) +
                     (crtc[CRTC_OVERFLOW] & 64 ? 512u : 0);
    unsigned rows = lines / ((crtc[CRTC_HEIGHT] & 31u) + 1);
    uint32_t start = crtc[CRTC_START] | (uint32_t)crtc[CRTC_START_HIGH] << 8;
    for (unsigned row = 0; row < rows && row < ROWS_MAX; row++) {
        unsigned blanks = 0;
        for (unsigned column = 0; column < columns && column < COLUMNS_MAX; column++) {
            uint32_t at = (start + row * step + column) & (VGA_PLANE_BYTES - 1);
            char c = plain(memory[4 * at]);
            if (c == ' ') {
                blanks++;
                continue;
            }
            for (; blanks; blanks--)
                put(&text, ' ');
            put(&text, c);
        }
        put(&text, '\n');
    }
    if (size)
        out[text.used < size ? text.used : size - 1] = '\0';
    return text.used;
}
