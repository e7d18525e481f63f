// SPDX-License-Identifier: MIT
// The bitmap font of terminals and messages: Spleen 8x16, which the build takes from Debian's package fonts-spleen.
#pragma once

#include <stdint.h>

struct font;
struct surface;

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

struct font *font_create(void);
void font_destroy(struct font *font);
// FONT_HEIGHT rows of the character, bit 7 leftmost. One that the font does not have looks like a question mark.
const uint8_t *font_glyph(const struct font *font, uint32_t code);
// Draws one character into its cell, cut off where the surface ends. Colors are 0x00RRGGBB.
void font_draw(const struct font *font, struct surface *surface, unsigned x, unsigned y, uint32_t code,
               uint32_t foreground, uint32_t background);
