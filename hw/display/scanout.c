// SPDX-License-Identifier: MIT
#include "hw/display/scanout.h"

#include <string.h>

#include "hw/core/display.h"
#include "hw/core/guest-ram.h"
#include "hw/core/ram-watch.h"
#include "tcg/base/endian.h"

// --- pixels ---

unsigned pixel_bytes(enum pixel_format format)
{
    static const uint8_t bytes[] = {1, 2, 2, 3, 3, 4, 4};
    return bytes[format];
}

// The upper bits once more below, so that the brightest stays that.
static uint32_t widen(unsigned value, unsigned bits)
{
    value &= (1u << bits) - 1;
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static uint32_t rgb(uint32_t red, uint32_t green, uint32_t blue)
{
    return red << 16 | green << 8 | blue;
}

static void convert_16(const uint8_t *in, unsigned count, unsigned green_bits, uint32_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned pixel = load_le16(in + 2 * i);
        out[i] = rgb(widen(pixel >> (5 + green_bits), 5), widen(pixel >> 5, green_bits), widen(pixel, 5));
    }
}

static void convert_bytes(const uint8_t *in, unsigned count, unsigned bytes, bool red_first, uint32_t *out)
{
    unsigned red = red_first ? 0 : 2;
    for (unsigned i = 0; i < count; i++, in += bytes)
        out[i] = rgb(in[red], in[1], in[2 - red]);
}

void pixels_convert(enum pixel_format format, const uint8_t *in, unsigned count, const uint32_t *colors, uint32_t *out)
{
    switch (format) {
    case PIXEL_INDEX8:
        for (unsigned i = 0; i < count; i++)
            out[i] = colors[in[i]];
        break;
    case PIXEL_XRGB1555:
    case PIXEL_RGB565:
        convert_16(in, count, format == PIXEL_RGB565 ? 6 : 5, out);
        break;
    case PIXEL_RGB888:
    case PIXEL_BGR888:
        convert_bytes(in, count, 3, format == PIXEL_BGR888, out);
        break;
    case PIXEL_XRGB8888:
    case PIXEL_XBGR8888:
        convert_bytes(in, count, 4, format == PIXEL_XBGR8888, out);
        break;
    }
}

// --- lines that were stored to ---

static uint64_t first_page(const struct scanout_lines *lines)
{
    return lines->first >> GUEST_PAGE_BITS;
}

static uint64_t last_page_of(const struct scanout_lines *lines, unsigned y)
{
    return (lines->first + y * lines->step + lines->bytes - 1) >> GUEST_PAGE_BITS;
}

uint64_t scanout_pages(const struct scanout_lines *lines)
{
    return last_page_of(lines, lines->count - 1) - first_page(lines) + 1;
}

bool scanout_collect(const struct scanout_lines *lines, struct ram_watch *watch, uint64_t *dirty)
{
    return ram_watch_collect(watch, first_page(lines), scanout_pages(lines), dirty);
}

bool scanout_is_dirty(const struct scanout_lines *lines, const uint64_t *dirty, unsigned y)
{
    uint64_t page = ((lines->first + y * lines->step) >> GUEST_PAGE_BITS) - first_page(lines);
    uint64_t last = last_page_of(lines, y) - first_page(lines);
    for (; page <= last; page++)
        if (dirty[page / 64] >> (page % 64) & 1)
            return true;
    return false;
}

// --- damage ---

void scanout_end(struct scanout_band *band)
{
    if (band->top < band->bottom)
        display_damage(band->display, band->left, band->top, band->right - band->left, band->bottom - band->top);
    band->top = band->bottom = 0;
}

static void add(struct scanout_band *band, unsigned y, unsigned left, unsigned right)
{
    enum { GAP = 4 }; // lines within a character that stay as they are
    if (y > band->bottom + GAP)
        scanout_end(band);
    if (band->top == band->bottom) {
        band->top = y;
        band->left = left;
        band->right = right;
    }
    band->left = left < band->left ? left : band->left;
    band->right = right > band->right ? right : band->right;
    band->bottom = y + 1;
}

void scanout_damage_line(struct scanout_band *band, unsigned y)
{
    add(band, y, 0, band->display->surface->width);
}

void scanout_show_line(struct scanout_band *band, unsigned y, const uint32_t *line)
{
    const struct surface *surface = band->display->surface;
    uint32_t *shown = surface_line(surface, y);
    unsigned left = 0, right = surface->width;
    if (!memcmp(shown, line, right * sizeof(*line)))
        return;
    while (shown[left] == line[left])
        left++;
    while (shown[right - 1] == line[right - 1])
        right--;
    memcpy(shown + left, line + left, (right - left) * sizeof(*line));
    add(band, y, left, right);
}
