// SPDX-License-Identifier: MIT
// A PC Screen Font, version 1: a header, glyphs of one byte a row, then for each glyph the 16-bit characters that it stands
// for, and sequences (after 0xfffe, of no use here) up to 0xffff.
#include "ui/font.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "hw/core/surface.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum { PSF_HEADER = 4, PSF_GLYPHS = 512, PSF_SEQUENCE = 0xfffe, PSF_END = 0xffff, CODES = 0x10000 };

// The file, which the build makes a C array of.
extern const uint8_t font_psf[];
extern const size_t font_psf_bytes;

struct font {
    uint16_t glyph_of[CODES]; // 1 more than the number; 0: none
};

struct font *font_create(void)
{
    struct font *font = ALLOC(struct font);
    unsigned glyph = 0;
    bool sequence = false;
    for (size_t at = PSF_HEADER + PSF_GLYPHS * FONT_HEIGHT; at + 2 <= font_psf_bytes && glyph < PSF_GLYPHS; at += 2) {
        uint16_t code = load_le16(font_psf + at);
        if (code == PSF_END) {
            glyph++;
            sequence = false;
        } else if (code == PSF_SEQUENCE) {
            sequence = true;
        } else if (!sequence) {
            font->glyph_of[code] = (uint16_t)(glyph + 1);
        }
    }
    return font;
}

void font_destroy(struct font *font)
{
    free(font);
}

const uint8_t *font_glyph(const struct font *font, uint32_t code)
{
    uint16_t glyph = code < CODES ? font->glyph_of[code] : 0;
    if (!glyph)
        glyph = font->glyph_of['?'];
    return font_psf + PSF_HEADER + (glyph ? glyph - 1u : 0) * FONT_HEIGHT;
}

void font_draw(const struct font *font, struct surface *surface, unsigned x, unsigned y, uint32_t code,
               uint32_t foreground, uint32_t background)
{
    const uint8_t *rows = font_glyph(font, code);
    for (unsigned row = 0; row < FONT_HEIGHT && y + row < surface->height; row++) {
        uint32_t *line = surface_line(surface, y + row);
        for (unsigned column = 0; column < FONT_WIDTH && x + column < surface->width; column++)
            line[x + column] = rows[row] << column & 0x80 ? foreground : background;
    }
}
