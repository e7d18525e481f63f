// SPDX-License-Identifier: MIT
// Shows the VGA's picture. Pixels of 32 bits are shown where they lie in the guest's memory; everything else is drawn
// into a surface, line by line, and what differs from the line there is damage. That is done for the lines whose memory
// was stored to, or for all of them after registers changed what there is to see; IBM's modes, whose memory is small,
// are drawn as a whole.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/display/vga-internal.h"
#include "tcg/base/alloc.h"

enum { PAGES_OF_PLANES = 4 * VGA_PLANE_BYTES / GUEST_PAGE_SIZE, BAND_GAP = 4 };

// Damaged lines that lie together.
struct band {
    struct vga_screen *screen;
    unsigned left, right, top, bottom; // the ends are not part of it; empty: top == bottom
};

static void end_band(struct band *band)
{
    if (band->top < band->bottom)
        display_damage(&band->screen->display, band->left, band->top, band->right - band->left,
                       band->bottom - band->top);
    band->top = band->bottom = 0;
}

static void add_to_band(struct band *band, unsigned y, unsigned left, unsigned right)
{
    if (y > band->bottom + BAND_GAP)
        end_band(band);
    if (band->top == band->bottom) {
        band->top = y;
        band->left = left;
        band->right = right;
    }
    band->left = left < band->left ? left : band->left;
    band->right = right > band->right ? right : band->right;
    band->bottom = y + 1;
}

static void show_line(struct band *band, unsigned y, const uint32_t *line)
{
    const struct surface *surface = band->screen->display.surface;
    uint32_t *shown = surface_line(surface, y);
    unsigned left = 0, right = surface->width;
    if (!memcmp(shown, line, right * sizeof(*line)))
        return;
    while (shown[left] == line[left])
        left++;
    while (shown[right - 1] == line[right - 1])
        right--;
    memcpy(shown + left, line + left, (right - left) * sizeof(*line));
    add_to_band(band, y, left, right);
}

// --- IBM's modes ---

// Follows the counters down the screen.
static void draw_scanned(struct vga *vga, struct band *band)
{
    const struct vga_picture *picture = &vga->screen.picture;
    uint32_t line[VGA_LINE_PIXELS];
    unsigned count = picture->start + picture->byte_pan, scan = picture->preset_scan, pan = picture->pan;
    unsigned shown = 0, factor = picture->half_lines ? 2 : 1;
    for (unsigned y = 0; y < picture->height / factor; y++) {
        if (!shown && picture->format == VGA_TEXT)
            vga_render_text(vga, count, scan, line);
        else if (!shown)
            vga_render_graphics(vga, count, scan, line);
        for (unsigned i = 0; i < factor; i++)
            show_line(band, y * factor + i, line + pan);
        if (y == picture->line_compare) {
            bool upper_only = vga->attribute[ATTR_MODE] & ATTR_PAN_UPPER_ONLY;
            count = upper_only ? 0 : picture->byte_pan;
            pan = picture->lower_pan;
            shown = scan = 0;
        } else if (++shown == picture->line_repeat) {
            count += scan == picture->max_scan ? picture->row_step : 0;
            scan = scan == picture->max_scan ? 0 : (scan + 1) & 0x1f;
            shown = 0;
        }
    }
}

// --- the Bochs interface ---

static bool is_wrapped(const struct vga_picture *picture)
{
    return picture->format == VGA_LINEAR && picture->bits == 32;
}

// The memory of `count` lines, in whole pages.
static void pages_of_lines(const struct vga_picture *picture, unsigned y, unsigned count, uint64_t *first,
                           uint64_t *end)
{
    uint64_t start = picture->first + (uint64_t)y * picture->line_bytes;
    uint64_t bytes = (count - 1) * (uint64_t)picture->line_bytes;
    if (picture->bits == 4) {
        start *= 4;
        bytes = 4 * (bytes + (picture->skip_pixels + picture->width) / 8 + 1);
    } else {
        bytes += (uint64_t)picture->width * ((picture->bits + 7) / 8);
    }
    *first = start >> GUEST_PAGE_BITS;
    *end = ((start + bytes - 1) >> GUEST_PAGE_BITS) + 1;
}

static bool is_dirty(const struct vga_screen *screen, unsigned y, uint64_t first_page)
{
    uint64_t page, end;
    pages_of_lines(&screen->picture, y, 1, &page, &end);
    for (page -= first_page, end -= first_page; page < end; page++)
        if (screen->dirty_pages[page / 64] >> (page % 64) & 1)
            return true;
    return false;
}

static void draw_linear(struct vga *vga, struct band *band, bool all, uint64_t first_page)
{
    struct vga_screen *screen = &vga->screen;
    const struct vga_picture *picture = &screen->picture;
    uint32_t *line = is_wrapped(picture) ? NULL : ALLOC_ARRAY(uint32_t, picture->width);
    for (unsigned y = 0; y < picture->height; y++) {
        if (!all && !is_dirty(screen, y, first_page))
            continue;
        if (!line) {
            add_to_band(band, y, 0, picture->width);
            continue;
        }
        vga_render_linear(vga, y, line);
        show_line(band, y, line);
    }
    free(line);
}

// --- the display ---

// Whether what was drawn is of use for this picture.
static bool same_surface(const struct vga_picture *a, const struct vga_picture *b)
{
    if (is_wrapped(a) || is_wrapped(b))
        return !memcmp(a, b, sizeof(*a));
    return a->width == b->width && a->height == b->height && !a->format == !b->format;
}

static struct surface *make_surface(const struct vga *vga, const struct vga_picture *picture)
{
    if (picture->format == VGA_NOTHING)
        return NULL;
    if (is_wrapped(picture))
        return surface_wrap(picture->width, picture->height, picture->line_bytes, vga_memory(vga) + picture->first);
    return surface_create(picture->width, picture->height);
}

static void refresh(void *opaque)
{
    struct vga *vga = opaque;
    struct vga_screen *screen = &vga->screen;
    struct vga_picture picture;
    vga_get_picture(vga, &picture);
    bool changed = screen->redraw || memcmp(&picture, &screen->picture, sizeof(picture));
    if (screen->redraw || !same_surface(&picture, &screen->picture))
        display_set_surface(&screen->display, make_surface(vga, &picture));
    if (screen->recolor)
        vga_get_colors(vga, screen->colors);
    changed |= screen->recolor;
    screen->picture = picture;
    screen->redraw = screen->recolor = false;
    if (!screen->display.surface)
        return;
    uint64_t first_page = 0, end_page = PAGES_OF_PLANES;
    if (picture.format == VGA_LINEAR)
        pages_of_lines(&picture, 0, picture.height, &first_page, &end_page);
    if (!ram_watch_collect(&screen->watch, first_page, end_page - first_page, screen->dirty_pages) && !changed)
        return;
    struct band band = {.screen = screen};
    if (picture.format == VGA_LINEAR)
        draw_linear(vga, &band, changed, first_page);
    else
        draw_scanned(vga, &band);
    end_band(&band);
}

static void watched(void *opaque, bool on)
{
    struct vga *vga = opaque;
    vga->screen.redraw = true;
    if (on)
        ram_watch_begin(&vga->screen.watch, vga->ram, vga->ram_offset, vga->memory_bytes);
    else
        ram_watch_end(&vga->screen.watch);
}

static const struct display_ops vga_display_ops = {.refresh = refresh, .text = vga_get_text, .watched = watched};

void vga_display_add(struct vga *vga, struct machine *machine, const char *name)
{
    struct vga_screen *screen = &vga->screen;
    screen->display = (struct display){.ops = &vga_display_ops, .opaque = vga};
    snprintf(screen->display.name, sizeof(screen->display.name), "%s", name);
    screen->dirty_pages = ALLOC_ARRAY(uint64_t, (vga->memory_bytes / GUEST_PAGE_SIZE + 63) / 64);
    screen->redraw = screen->recolor = true;
    display_add(machine, &screen->display);
}

void vga_display_remove(struct vga *vga)
{
    display_remove(&vga->screen.display);
    free(vga->screen.dirty_pages);
}
