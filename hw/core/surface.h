// SPDX-License-Identifier: MIT
// A picture that a display shows, in the one format of all of them: 32 bits a pixel, 0x00RRGGBB as a number of the host, the
// top byte of no meaning.
//
// Surfaces are counted references, so that a view can read one without a lock while its device goes on to another. What it
// reads may change under its eyes (it can be memory of the guest): the device tells of that afterwards, as damage.
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { SURFACE_SIDE_MAX = 16384, SURFACE_PIXELS_MAX = 64 << 20 };

struct surface {
    atomic_uint references;
    unsigned width, height; // 1 to SURFACE_SIDE_MAX
    unsigned stride;        // bytes from line to line, a multiple of 4
    uint8_t *pixels;
    void *owned; // what is freed with it, or NULL
    struct surface *whole; // what it is a part of, a reference, or NULL
};

// With pixels of its own, black. NULL when a side or the whole is too large, or memory is out. One reference is the caller's.
struct surface *surface_create(unsigned width, unsigned height);
// Shows pixels that outlive all references. NULL when a side is out of range or something is not aligned to 4 bytes.
struct surface *surface_wrap(unsigned width, unsigned height, unsigned stride, void *pixels);
// Shows part of another, to which it holds a reference. NULL when that part is empty or reaches outside.
struct surface *surface_part(struct surface *whole, unsigned x, unsigned y, unsigned width, unsigned height);
// Any thread. Both take NULL.
struct surface *surface_take(struct surface *surface);
void surface_drop(struct surface *surface);

static inline uint32_t *surface_line(const struct surface *surface, unsigned y)
{
    return (uint32_t *)(void *)(surface->pixels + (uint64_t)y * surface->stride);
}
