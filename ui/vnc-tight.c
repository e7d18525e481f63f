// SPDX-License-Identifier: MIT
// Tight, encoding 7 of the protocol's registry, without losses: no JPEG, and no gradients.
//
// A rectangle is cut into bands and these into cells, and cells side by side that are alike go together: of
// one color, of two (a bit each), of a palette (a byte each), or of many. Each kind but the first has a
// stream of zlib of its own. Pixels are copied first, and made what goes over the wire.
#include <stdlib.h>
#include <string.h>

#include "ui/vnc-private.h"

enum {
    BAND_HEIGHT = 16,      // a line of text, so that each has a palette of its own
    BAND_WIDTH_MAX = 2048, // of the protocol
    CELL_WIDTH = 64,
    COLORS_MAX = 256,
    SLOTS_LOG2 = 10,
    SLOTS = 1 << SLOTS_LOG2,
    PLAIN_BYTES_MAX = 11 // so much is not worth a stream
};
enum { CONTROL_FILL = 0x80, CONTROL_FILTER = 0x40, CONTROL_STREAM_SHIFT = 4, FILTER_PALETTE = 1 };

enum kind { MANY_COLORS, TWO_COLORS, PALETTE, ONE_COLOR }; // the numbers of streams but for the last one

struct palette {
    unsigned count, most; // most + 1: there are more
    uint32_t colors[COLORS_MAX + 1];
    uint16_t slots[SLOTS]; // a color's index + 1, or 0
};

struct band {
    struct vnc_frame *frame;
    struct display_rect rect; // on the surface
    unsigned rects;           // that were put
    struct palette run, cell;
    struct vnc_bytes data;
    uint32_t pixels[BAND_HEIGHT * BAND_WIDTH_MAX];
};

// --- palettes ---

static uint16_t *find_slot(struct palette *palette, uint32_t color)
{
    unsigned at = color * 0x9e3779b1u >> (32 - SLOTS_LOG2);
    while (palette->slots[at] && palette->colors[palette->slots[at] - 1] != color)
        at = (at + 1) % SLOTS;
    return &palette->slots[at];
}

static bool has_color(struct palette *palette, uint32_t color)
{
    return *find_slot(palette, color);
}

static void add_color(struct palette *palette, uint32_t color)
{
    uint16_t *slot = find_slot(palette, color);
    if (*slot)
        return;
    palette->colors[palette->count++] = color;
    *slot = (uint16_t)palette->count;
}

static enum kind kind_of(const struct palette *palette)
{
    return palette->count == 1              ? ONE_COLOR
           : palette->count > palette->most ? MANY_COLORS
           : palette->count == 2            ? TWO_COLORS
                                            : PALETTE;
}

// The colors of so many columns of a band.
static void count_colors(struct band *band, struct palette *palette, unsigned x, unsigned width)
{
    unsigned size = band->frame->format.tight_bytes, pixels = width * band->rect.height;
    palette->count = 0;
    palette->most = size == 1 ? 2 : COLORS_MAX;
    if (palette->most > pixels / 2) // else it would be longer than what it stands for
        palette->most = pixels / 2;
    memset(palette->slots, 0, sizeof(palette->slots));
    add_color(palette, band->pixels[x]);
    uint32_t last = band->pixels[x];
    for (unsigned y = 0; y < band->rect.height; y++) {
        const uint32_t *line = band->pixels + (size_t)y * band->rect.width + x;
        for (unsigned i = 0; i < width && palette->count <= palette->most; i++) {
            if (line[i] != last)
                add_color(palette, line[i]);
            last = line[i];
        }
    }
}

// Takes a cell's colors into those of the cells left of it, if it is of their kind with them.
static bool join(struct palette *run, const struct palette *cell)
{
    enum kind kind = kind_of(run), other = kind_of(cell);
    unsigned missing = 0;
    if (kind == MANY_COLORS || other == MANY_COLORS)
        return kind == other;
    for (unsigned i = 0; i < cell->count; i++)
        missing += !has_color(run, cell->colors[i]);
    bool grows = kind == PALETTE && other == PALETTE && run->count + missing <= run->most;
    if (missing ? !grows : other != kind && other != ONE_COLOR)
        return false;
    for (unsigned i = 0; i < cell->count; i++)
        add_color(run, cell->colors[i]);
    return true;
}

// --- writing ---

static void put_byte(struct vnc_bytes *out, unsigned value)
{
    uint8_t *at = vnc_bytes_add(out, 1);
    if (at)
        *at = (uint8_t)value;
}

static void put_pixels(struct vnc_bytes *out, const uint32_t *pixels, size_t count, unsigned size)
{
    uint8_t *at = vnc_bytes_add(out, count * size);
    for (size_t i = 0; i < count && at; i++)
        for (unsigned byte = 0; byte < size; byte++)
            *at++ = (uint8_t)(pixels[i] >> 8 * byte);
}

// Seven bits at a time, the lowest first, and eight in the third byte.
static void put_length(struct vnc_bytes *out, size_t length)
{
    for (unsigned i = 0; i < 2 && length > 0x7f; i++) {
        put_byte(out, 0x80 | (length & 0x7f));
        length >>= 7;
    }
    put_byte(out, (unsigned)length);
}

// One bit a pixel, each line in bytes of its own.
static void put_bits(struct vnc_bytes *out, const uint32_t *line, unsigned width, uint32_t first)
{
    uint8_t *at = vnc_bytes_add(out, (width + 7) / 8);
    if (!at)
        return;
    memset(at, 0, (width + 7) / 8);
    for (unsigned x = 0; x < width; x++)
        at[x / 8] |= (uint8_t)((line[x] != first) << (7 - x % 8));
}

static void put_indices(struct vnc_bytes *out, const uint32_t *line, unsigned width, struct palette *palette)
{
    uint8_t *at = vnc_bytes_add(out, width);
    for (unsigned x = 0; x < width && at; x++)
        at[x] = x && line[x] == line[x - 1] ? at[x - 1] : (uint8_t)(*find_slot(palette, line[x]) - 1);
}

static void put_data(struct vnc_frame *frame, enum kind kind, const struct vnc_bytes *data)
{
    struct vnc_bytes packed = {0}, *out = &frame->out;
    bool plain = data->length <= PLAIN_BYTES_MAX;
    if (!plain)
        vnc_deflate(&frame->tight[kind], frame->level, data, &packed);
    const struct vnc_bytes *from = plain ? data : &packed;
    if (!plain)
        put_length(out, packed.length);
    uint8_t *at = vnc_bytes_add(out, from->length);
    out->failed |= from->failed;
    if (at && !from->failed)
        memcpy(at, from->data, from->length);
    vnc_bytes_free(&packed);
}

static void put_filtered(struct band *band, enum kind kind, unsigned x, unsigned width)
{
    struct vnc_bytes *out = &band->frame->out, *data = &band->data;
    unsigned size = band->frame->format.tight_bytes;
    put_byte(out, (unsigned)kind << CONTROL_STREAM_SHIFT | (kind == MANY_COLORS ? 0 : CONTROL_FILTER));
    if (kind != MANY_COLORS) {
        put_byte(out, FILTER_PALETTE);
        put_byte(out, band->run.count - 1);
        put_pixels(out, band->run.colors, band->run.count, size);
    }
    data->length = 0;
    for (unsigned y = 0; y < band->rect.height; y++) {
        const uint32_t *line = band->pixels + (size_t)y * band->rect.width + x;
        if (kind == TWO_COLORS)
            put_bits(data, line, width, band->run.colors[0]);
        else if (kind == PALETTE)
            put_indices(data, line, width, &band->run);
        else
            put_pixels(data, line, width, size);
    }
    put_data(band->frame, kind, data);
}

// A rectangle of the colors of `run`.
static void put_rect(struct band *band, unsigned x, unsigned width)
{
    struct vnc_bytes *out = &band->frame->out;
    enum kind kind = kind_of(&band->run);
    struct display_rect rect = {band->rect.x + x, band->rect.y, width, band->rect.height};
    vnc_encode_rect(out, rect, VNC_TIGHT);
    band->rects++;
    if (kind == ONE_COLOR) {
        put_byte(out, CONTROL_FILL);
        put_pixels(out, band->run.colors, 1, band->frame->format.tight_bytes);
    } else {
        put_filtered(band, kind, x, width);
    }
}

static void put_band(struct band *band)
{
    const struct vnc_format *format = &band->frame->format;
    unsigned start = 0, width;
    vnc_read_pixels(band->frame->surface, &band->rect, band->pixels);
    for (size_t i = 0; i < (size_t)band->rect.width * band->rect.height; i++)
        band->pixels[i] = vnc_tight_pixel(format, band->pixels[i]);
    for (unsigned x = 0; x < band->rect.width; x += width) {
        width = band->rect.width - x < CELL_WIDTH ? band->rect.width - x : CELL_WIDTH;
        count_colors(band, &band->cell, x, width);
        if (x && join(&band->run, &band->cell))
            continue;
        if (x)
            put_rect(band, start, x - start);
        band->run = band->cell;
        start = x;
    }
    put_rect(band, start, band->rect.width - start);
}

unsigned vnc_encode_tight(struct vnc_frame *frame, const struct display_rect *rect)
{
    struct band *band = malloc(sizeof(*band));
    frame->out.failed |= !band;
    if (!band)
        return 0;
    band->frame = frame;
    band->rects = 0;
    band->data = (struct vnc_bytes){0};
    for (unsigned y = 0; y < rect->height; y += BAND_HEIGHT)
        for (unsigned x = 0; x < rect->width && !frame->out.failed; x += BAND_WIDTH_MAX) {
            unsigned width = rect->width - x, height = rect->height - y;
            band->rect = (struct display_rect){rect->x + x, rect->y + y,
                                               width < BAND_WIDTH_MAX ? width : BAND_WIDTH_MAX,
                                               height < BAND_HEIGHT ? height : BAND_HEIGHT};
            put_band(band);
        }
    unsigned rects = band->rects;
    vnc_bytes_free(&band->data);
    free(band);
    return rects;
}
