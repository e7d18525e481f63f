// SPDX-License-Identifier: MIT
// From a framebuffer in guest memory to the surface of a display: formats of pixels, which lines were stored to, and
// damage that is no larger than what has changed. Device lock held in all calls.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct display;
struct ram_watch;

// Named from the upper bits of a little-endian number to its lower ones, as DRM's formats are.
enum pixel_format {
    PIXEL_INDEX8,
    PIXEL_XRGB1555,
    PIXEL_RGB565,
    PIXEL_RGB888,
    PIXEL_BGR888,
    PIXEL_XRGB8888,
    PIXEL_XBGR8888
};

unsigned pixel_bytes(enum pixel_format format);
// `colors` are those of PIXEL_INDEX8.
void pixels_convert(enum pixel_format format, const uint8_t *in, unsigned count, const uint32_t *colors, uint32_t *out);

// Where lines lie, as offsets in a watch. Neither lines nor their length are 0.
struct scanout_lines {
    uint64_t first, step, bytes; // of the first line, to the next one, of each
    unsigned count;
};

// For a set of pages that `dirty` must be able to hold: one bit each.
uint64_t scanout_pages(const struct scanout_lines *lines);
// Fills the set with the pages that were stored to since the last time; whether there are any.
bool scanout_collect(const struct scanout_lines *lines, struct ram_watch *watch, uint64_t *dirty);
bool scanout_is_dirty(const struct scanout_lines *lines, const uint64_t *dirty, unsigned y);

// Damaged lines that lie together. Starts as {.display = ...}; lines come in order, scanout_end is last.
struct scanout_band {
    struct display *display;
    unsigned left, right, top, bottom; // the ends are not part of it; empty: top == bottom
};

// Copies what is new of a line, as wide as the display's surface, into that, which is its owner's to write.
void scanout_show_line(struct scanout_band *band, unsigned y, const uint32_t *line);
// The line has changed where it is.
void scanout_damage_line(struct scanout_band *band, unsigned y);
void scanout_end(struct scanout_band *band);
