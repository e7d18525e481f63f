// SPDX-License-Identifier: MIT
// ZRLE (RFC 6143, 7.7.6): tiles that are solid, of a palette, in runs or plain, whichever is short.
#include <stdlib.h>

#include "hw/core/surface.h"
#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

enum {
    TILE_SIDE = 64,
    TILE_PIXELS = TILE_SIDE * TILE_SIDE,
    PALETTE_MAX = 16,
    PLAIN = 0,
    SOLID = 1,
    PLAIN_RUNS = 128,
    RUN_PART = 255,
    COLORS = 0xffffff
};

struct tile {
    unsigned width, height, count;
    uint32_t pixels[TILE_PIXELS];
    unsigned colors; // PALETTE_MAX + 1: more than that
    uint32_t palette[PALETTE_MAX];
    uint8_t indices[TILE_PIXELS]; // into the palette
    unsigned runs;
};

static void read_tile(struct tile *tile, const struct surface *surface, unsigned x, unsigned y)
{
    tile->count = tile->width * tile->height;
    vnc_read_pixels(surface, &(struct display_rect){x, y, tile->width, tile->height}, tile->pixels);
    for (unsigned i = 0; i < tile->count; i++)
        tile->pixels[i] &= COLORS;
}

static void count_colors(struct tile *tile)
{
    unsigned color = 0;
    tile->colors = tile->runs = 0;
    for (unsigned i = 0; i < tile->count; i++) {
        uint32_t pixel = tile->pixels[i];
        if (!i || pixel != tile->pixels[i - 1]) {
            tile->runs++;
            for (color = 0; color < tile->colors && color < PALETTE_MAX && tile->palette[color] != pixel;)
                color++;
            if (color == tile->colors && color < PALETTE_MAX)
                tile->palette[tile->colors++] = pixel;
            else if (color == PALETTE_MAX)
                tile->colors = PALETTE_MAX + 1;
        }
        tile->indices[i] = (uint8_t)color;
    }
}

static uint8_t *put_short(const struct vnc_format *format, uint8_t *at, uint32_t pixel)
{
    uint32_t value = vnc_pixel(format, pixel) >> 8 * format->offset;
    for (unsigned i = 0; i < format->short_bytes; i++)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

static uint8_t *put_packed(const struct tile *tile, uint8_t *at)
{
    unsigned bits = tile->colors == 2 ? 1 : tile->colors <= 4 ? 2 : 4;
    for (unsigned y = 0; y < tile->height; y++) {
        unsigned byte = 0, free = 8;
        for (unsigned x = 0; x < tile->width; x++) {
            free -= bits;
            byte |= (unsigned)tile->indices[y * tile->width + x] << free;
            if (free && x + 1 < tile->width)
                continue;
            *at++ = (uint8_t)byte;
            byte = 0;
            free = 8;
        }
    }
    return at;
}

static uint8_t *put_runs(const struct vnc_format *format, const struct tile *tile, uint8_t *at)
{
    for (unsigned i = 0, length; i < tile->count; i += length) {
        for (length = 1; i + length < tile->count && tile->pixels[i + length] == tile->pixels[i];)
            length++;
        at = put_short(format, at, tile->pixels[i]);
        unsigned rest = length - 1;
        for (; rest >= RUN_PART; rest -= RUN_PART)
            *at++ = RUN_PART;
        *at++ = (uint8_t)rest;
    }
    return at;
}

static uint8_t *put_tile(const struct vnc_format *format, const struct tile *tile, uint8_t *at)
{
    unsigned size = format->short_bytes;
    if (tile->colors <= PALETTE_MAX) {
        *at++ = (uint8_t)(tile->colors == 1 ? SOLID : tile->colors);
        for (unsigned i = 0; i < tile->colors; i++)
            at = put_short(format, at, tile->palette[i]);
        return tile->colors == 1 ? at : put_packed(tile, at);
    }
    if (tile->runs * (size + 1) + tile->count / RUN_PART < tile->count * size) {
        *at++ = PLAIN_RUNS;
        return put_runs(format, tile, at);
    }
    *at++ = PLAIN;
    for (unsigned i = 0; i < tile->count; i++)
        at = put_short(format, at, tile->pixels[i]);
    return at;
}

// All of them, one after the other.
static void put_tiles(struct vnc_frame *frame, const struct display_rect *rect, struct vnc_bytes *tiles)
{
    struct tile *tile = malloc(sizeof(*tile));
    tiles->failed = !tile;
    for (unsigned y = 0; y < rect->height; y += TILE_SIDE)
        for (unsigned x = 0; x < rect->width && !tiles->failed; x += TILE_SIDE) {
            tile->width = rect->width - x < TILE_SIDE ? rect->width - x : TILE_SIDE;
            tile->height = rect->height - y < TILE_SIDE ? rect->height - y : TILE_SIDE;
            read_tile(tile, frame->surface, rect->x + x, rect->y + y);
            count_colors(tile);
            size_t most = 1 + (size_t)(PALETTE_MAX + tile->count) * frame->format.short_bytes,
                   before = tiles->length;
            uint8_t *at = vnc_bytes_add(tiles, most);
            if (at)
                tiles->length = before + (size_t)(put_tile(&frame->format, tile, at) - at);
        }
    free(tile);
}

unsigned vnc_encode_zrle(struct vnc_frame *frame, const struct display_rect *rect)
{
    struct vnc_bytes tiles = {0}, *out = &frame->out;
    vnc_encode_rect(out, *rect, VNC_ZRLE);
    put_tiles(frame, rect, &tiles);
    size_t head = out->length;
    vnc_bytes_add(out, 4); // for the length
    vnc_deflate(&frame->zrle, frame->level, &tiles, out);
    if (!out->failed)
        store_be32(out->data + head, (uint32_t)(out->length - head - 4));
    vnc_bytes_free(&tiles);
    return 1;
}
