// SPDX-License-Identifier: MIT
// Updates of a client's framebuffer (RFC 6143, 7.6.1): raw and ZRLE, whose tiles are solid, of a palette, in
// runs or plain, whichever is short. Pixels can change while they are read, so each is read once.
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
    RUN_PART = 255
};
enum { COLORS = 0xffffff, ALPHA_SHIFT = 24, OPAQUE = 128, RECT_BYTES = 12 };

// --- bytes ---

uint8_t *vnc_bytes_add(struct vnc_bytes *bytes, size_t count)
{
    if (bytes->failed)
        return NULL;
    if (count > bytes->room - bytes->length) {
        size_t room = bytes->length + count + bytes->room / 2;
        uint8_t *data = realloc(bytes->data, room);
        bytes->failed = !data;
        if (!data)
            return NULL;
        bytes->data = data;
        bytes->room = room;
    }
    bytes->length += count;
    return bytes->data + bytes->length - count;
}

void vnc_bytes_free(struct vnc_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct vnc_bytes){0};
}

void vnc_encode_update(struct vnc_bytes *out, unsigned rects)
{
    uint8_t *at = vnc_bytes_add(out, 4);
    if (at)
        store_be32(at, rects); // message 0 and a byte of padding before them
}

void vnc_encode_rect(struct vnc_bytes *out, struct display_rect rect, enum vnc_encoding encoding)
{
    uint8_t *at = vnc_bytes_add(out, RECT_BYTES);
    if (!at)
        return;
    store_be16(at, (uint16_t)rect.x);
    store_be16(at + 2, (uint16_t)rect.y);
    store_be16(at + 4, (uint16_t)rect.width);
    store_be16(at + 6, (uint16_t)rect.height);
    store_be32(at + 8, (uint32_t)encoding);
}

static uint8_t *put_pixel(const struct vnc_format *format, uint8_t *at, uint32_t pixel)
{
    uint32_t value = vnc_pixel(format, pixel);
    for (unsigned i = 0; i < format->bytes; i++)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

void vnc_encode_cursor(struct vnc_bytes *out, const struct vnc_format *format,
                       const struct display_cursor *cursor)
{
    struct display_rect rect = {0, 0, 0, 0};
    if (cursor)
        rect = (struct display_rect){cursor->hot_x, cursor->hot_y, cursor->width, cursor->height};
    size_t pixels = (size_t)rect.width * rect.height, mask_stride = (rect.width + 7) / 8;
    vnc_encode_rect(out, rect, VNC_CURSOR);
    uint8_t *at = vnc_bytes_add(out, pixels * format->bytes + mask_stride * rect.height);
    if (!at || !cursor)
        return;
    for (size_t i = 0; i < pixels; i++)
        at = put_pixel(format, at, cursor->pixels[i]);
    memset(at, 0, mask_stride * rect.height);
    for (size_t i = 0; i < pixels; i++)
        if (cursor->pixels[i] >> ALPHA_SHIFT >= OPAQUE)
            at[i / rect.width * mask_stride + i % rect.width / 8] |= (uint8_t)(0x80 >> i % rect.width % 8);
}

// --- raw ---

static void encode_raw(struct vnc_frame *frame, const struct display_rect *rect)
{
    for (unsigned y = rect->y; y < rect->y + rect->height; y++) {
        const uint32_t *line = surface_line(frame->surface, y) + rect->x;
        uint8_t *at = vnc_bytes_add(&frame->out, (size_t)rect->width * frame->format.bytes);
        if (!at)
            return;
        for (unsigned x = 0; x < rect->width; x++)
            at = put_pixel(&frame->format, at, line[x]);
    }
}

// --- ZRLE ---

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
    for (unsigned row = 0; row < tile->height; row++)
        memcpy(tile->pixels + row * tile->width, surface_line(surface, y + row) + x,
               tile->width * sizeof(uint32_t));
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

// Compresses what is in `tiles`, after its length.
static void deflate_tiles(struct vnc_frame *frame, const struct vnc_bytes *tiles)
{
    struct vnc_bytes *out = &frame->out;
    z_stream *deflater = &frame->deflater;
    size_t head = out->length, bound = deflateBound(deflater, tiles->length) + 64;
    uint8_t *length = vnc_bytes_add(out, 4);
    deflater->next_in = tiles->data;
    deflater->avail_in = (unsigned)tiles->length;
    do {
        deflater->next_out = length ? vnc_bytes_add(out, bound) : NULL;
        if (!deflater->next_out)
            return;
        deflater->avail_out = (unsigned)bound;
        deflate(deflater, Z_SYNC_FLUSH);
        out->length -= deflater->avail_out;
    } while (!deflater->avail_out);
    store_be32(out->data + head, (uint32_t)(out->length - head - 4));
}

static void encode_zrle(struct vnc_frame *frame, const struct display_rect *rect)
{
    struct tile *tile = malloc(sizeof(*tile));
    struct vnc_bytes tiles = {.failed = !tile};
    for (unsigned y = 0; y < rect->height; y += TILE_SIDE)
        for (unsigned x = 0; x < rect->width && !tiles.failed; x += TILE_SIDE) {
            tile->width = rect->width - x < TILE_SIDE ? rect->width - x : TILE_SIDE;
            tile->height = rect->height - y < TILE_SIDE ? rect->height - y : TILE_SIDE;
            read_tile(tile, frame->surface, rect->x + x, rect->y + y);
            count_colors(tile);
            size_t most = 1 + (size_t)(PALETTE_MAX + tile->count) * frame->format.short_bytes,
                   before = tiles.length;
            uint8_t *at = vnc_bytes_add(&tiles, most);
            if (at)
                tiles.length = before + (size_t)(put_tile(&frame->format, tile, at) - at);
        }
    frame->out.failed |= tiles.failed;
    if (!tiles.failed)
        deflate_tiles(frame, &tiles);
    vnc_bytes_free(&tiles);
    free(tile);
}

void vnc_encode_frame(struct vnc_frame *frame)
{
    vnc_encode_update(&frame->out, frame->damage.count);
    for (unsigned i = 0; i < frame->damage.count; i++) {
        vnc_encode_rect(&frame->out, frame->damage.rects[i], frame->encoding);
        if (frame->encoding == VNC_ZRLE)
            encode_zrle(frame, &frame->damage.rects[i]);
        else
            encode_raw(frame, &frame->damage.rects[i]);
    }
}
