// SPDX-License-Identifier: MIT
// Shows the VGA's picture. Pixels of 32 bits are shown where they lie in the guest's memory; everything else is drawn
// into a surface, line by line, and what differs from the line there is damage. That is done for the lines whose memory
// was stored to, or for all of them after registers changed what there is to see; IBM's modes, whose memory is small,
// are drawn as a whole.
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/display/scanout.h"
#include "hw/display/vga-internal.h"
#include "tcg/base/alloc.h"

// --- IBM's modes ---

// Follows the counters down the screen.
static void draw_scanned(struct vga *vga, struct scanout_band *band)
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
            scanout_show_line(band, y * factor + i, line + pan);
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

// All of the planes, where which line shows what is not simple.
static struct scanout_lines lines_of(const struct vga_picture *picture)
{
    if (picture->format != VGA_LINEAR)
        return (struct scanout_lines){.bytes = 4 * VGA_PLANE_BYTES, .count = 1};
    struct scanout_lines lines = {picture->first, picture->line_bytes, 0, picture->height};
    lines.bytes = picture->bits == 4 ? (picture->skip_pixels + picture->width) / 8 + 1u
                                     : (uint64_t)picture->width * ((picture->bits + 7) / 8);
    if (picture->bits == 4) {
        lines.first *= 4;
        lines.step *= 4;
        lines.bytes *= 4;
    }
    return lines;
}

static void draw_linear(struct vga *vga, struct scanout_band *band, bool all, const struct scanout_lines *lines)
{
    struct vga_screen *screen = &vga->screen;
    const struct vga_picture *picture = &screen->picture;
    uint32_t *line = is_wrapped(picture) ? NULL : ALLOC_ARRAY(uint32_t, picture->width);
    for (unsigned y = 0; y < picture->height; y++) {
        if (!all && !scanout_is_dirty(lines, screen->dirty_pages, y))
            continue;
        if (!line) {
            scanout_damage_line(band, y);
            continue;
        }
        vga_render_linear(vga, y, line);
        scanout_show_line(band, y, line);
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
    struct scanout_lines lines = lines_of(&picture);
    if (!scanout_collect(&lines, &screen->watch, screen->dirty_pages) && !changed)
        return;
    struct scanout_band band = {.display = &screen->display};
    if (picture.format == VGA_LINEAR)
        draw_linear(vga, &band, changed, &lines);
    else
        draw_scanned(vga, &band);
    scanout_end(&band);
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

void vga_display_init(struct vga *vga)
{
    struct vga_screen *screen = &vga->screen;
    screen->display = (struct display){.ops = &vga_display_ops, .opaque = vga};
    screen->dirty_pages = ALLOC_ARRAY(uint64_t, (vga->memory_bytes / GUEST_PAGE_SIZE + 63) / 64);
    screen->redraw = screen->recolor = true;
}

void vga_display_end(struct vga *vga)
{
    display_set_surface(&vga->screen.display, NULL);
    free(vga->screen.dirty_pages);
}
