// SPDX-License-Identifier: MIT
// Updates of a client's framebuffer (RFC 6143, 7.6.1), and those encodings that take but a few lines.
#include <stdlib.h>

#include "hw/core/surface.h"
#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

enum { ALPHA_SHIFT = 24, OPAQUE = 128, UPDATE_BYTES = 4, UPDATE_RECTS_AT = 2, RECT_BYTES = 12 };

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
    uint8_t *at = vnc_bytes_add(out, UPDATE_BYTES);
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

// --- parts of a surface ---

void vnc_read_pixels(const struct surface *surface, const struct display_rect *rect, uint32_t *pixels)
{
    for (unsigned y = 0; y < rect->height; y++)
        memcpy(pixels + (size_t)y * rect->width, surface_line(surface, rect->y + y) + rect->x,
               rect->width * sizeof(uint32_t));
}

static unsigned encode_raw(struct vnc_frame *frame, const struct display_rect *rect)
{
    uint32_t line[SURFACE_SIDE_MAX];
    vnc_encode_rect(&frame->out, *rect, VNC_RAW);
    for (unsigned y = rect->y; y < rect->y + rect->height; y++) {
        uint8_t *at = vnc_bytes_add(&frame->out, (size_t)rect->width * frame->format.bytes);
        if (!at)
            return 0;
        vnc_read_pixels(frame->surface, &(struct display_rect){rect->x, y, rect->width, 1}, line);
        for (unsigned x = 0; x < rect->width; x++)
            at = put_pixel(&frame->format, at, line[x]);
    }
    return 1;
}

void vnc_encode_frame(struct vnc_frame *frame)
{
    struct vnc_bytes *out = &frame->out;
    size_t head = out->length;
    unsigned rects = 0;
    vnc_encode_update(out, 0);
    for (unsigned i = 0; i < frame->damage.count; i++) {
        const struct display_rect *rect = &frame->damage.rects[i];
        rects += frame->encoding == VNC_TIGHT  ? vnc_encode_tight(frame, rect)
                 : frame->encoding == VNC_ZRLE ? vnc_encode_zrle(frame, rect)
                                               : encode_raw(frame, rect);
    }
    if (!out->failed)
        store_be16(out->data + head + UPDATE_RECTS_AT, (uint16_t)rects);
}

void vnc_frame_end(struct vnc_frame *frame)
{
    vnc_deflater_end(&frame->zrle);
    for (unsigned i = 0; i < VNC_TIGHT_STREAMS; i++)
        vnc_deflater_end(&frame->tight[i]);
    vnc_bytes_free(&frame->out);
}
