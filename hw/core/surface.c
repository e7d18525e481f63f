// SPDX-License-Identifier: MIT
#include "hw/core/surface.h"

#include <stdlib.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

static struct surface *make(unsigned width, unsigned height, unsigned stride, void *pixels)
{
    struct surface *surface = ALLOC(struct surface);
    surface->references = 1;
    surface->width = width;
    surface->height = height;
    surface->stride = stride;
    surface->pixels = pixels;
    return surface;
}

static int sides_fit(unsigned width, unsigned height)
{
    return width && height && width <= SURFACE_SIDE_MAX && height <= SURFACE_SIDE_MAX;
}

struct surface *surface_create(unsigned width, unsigned height)
{
    if (!sides_fit(width, height) || (uint64_t)width * height > SURFACE_PIXELS_MAX)
        return NULL;
    void *pixels = calloc((size_t)width * height, sizeof(uint32_t));
    if (!pixels)
        return NULL;
    struct surface *surface = make(width, height, width * (unsigned)sizeof(uint32_t), pixels);
    surface->owned = pixels;
    return surface;
}

struct surface *surface_wrap(unsigned width, unsigned height, unsigned stride, void *pixels)
{
    if (!sides_fit(width, height) || stride % sizeof(uint32_t) || (uintptr_t)pixels % sizeof(uint32_t))
        return NULL;
    return make(width, height, stride, pixels);
}

struct surface *surface_part(struct surface *whole, unsigned x, unsigned y, unsigned width, unsigned height)
{
    if (!width || !height || !range_inside(x, width, whole->width) || !range_inside(y, height, whole->height))
        return NULL;
    struct surface *part = make(width, height, whole->stride, surface_line(whole, y) + x);
    part->whole = surface_take(whole);
    return part;
}

struct surface *surface_take(struct surface *surface)
{
    if (surface)
        atomic_fetch_add(&surface->references, 1);
    return surface;
}

void surface_drop(struct surface *surface)
{
    if (!surface || atomic_fetch_sub(&surface->references, 1) > 1)
        return;
    surface_drop(surface->whole);
    free(surface->owned);
    free(surface);
}
