// SPDX-License-Identifier: MIT
#include "hw/core/display.h"

#include <stdlib.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

// --- damage ---

static struct display_rect hull(struct display_rect a, struct display_rect b)
{
    struct display_rect r = {least(a.x, b.x), least(a.y, b.y), 0, 0};
    r.width = most(a.x + a.width, b.x + b.width) - r.x;
    r.height = most(a.y + a.height, b.y + b.height) - r.y;
    return r;
}

static uint64_t area(struct display_rect r)
{
    return (uint64_t)r.width * r.height;
}

// What two rectangles would cost more as one.
static int64_t waste(struct display_rect a, struct display_rect b)
{
    return (int64_t)(area(hull(a, b)) - area(a) - area(b));
}

void display_damage_add(struct display_damage *damage, struct display_rect rect)
{
    if (!rect.width || !rect.height)
        return;
    for (;;) {
        unsigned best = damage->count;
        for (unsigned i = 0; i < damage->count; i++)
            if (best == damage->count || waste(rect, damage->rects[i]) < waste(rect, damage->rects[best]))
                best = i;
        bool grow = best < damage->count &&
                    (damage->count == DISPLAY_DAMAGE_RECTS || waste(rect, damage->rects[best]) <= 0);
        if (!grow) {
            damage->rects[damage->count++] = rect;
            return;
        }
        // What has grown may now touch others.
        rect = hull(rect, damage->rects[best]);
        damage->rects[best] = damage->rects[--damage->count];
    }
}

// --- views ---

static void wake(struct display_view *view)
{
    if (view->woken || !view->wake)
        return;
    view->woken = true;
    view->wake(view);
}

static void see_all(struct display_view *view)
{
    const struct surface *surface = view->display->surface;
    view->surface_changed = view->cursor_changed = view->cursor_moved = true;
    view->damage.count = 0;
    if (surface)
        display_damage_add(&view->damage, (struct display_rect){0, 0, surface->width, surface->height});
    wake(view);
}

void display_attach(struct display *display, struct display_view *view)
{
    bool first = !display->views;
    view->display = display;
    view->next = display->views;
    view->woken = false;
    display->views = view;
    if (first && display->ops->watched)
        display->ops->watched(display->opaque, true);
    see_all(view);
}

void display_detach(struct display_view *view)
{
    struct display *display = view->display;
    if (!display)
        return;
    struct display_view **link = &display->views;
    while (*link != view)
        link = &(*link)->next;
    *link = view->next;
    view->display = NULL;
    if (!display->views && display->ops->watched)
        display->ops->watched(display->opaque, false);
}

static struct display_cursor *cursor_take(struct display_cursor *cursor)
{
    if (cursor)
        atomic_fetch_add(&cursor->references, 1);
    return cursor;
}

// A display behind another one is none of the machine's, and the other one is asked first.
static void flush(const struct display *display)
{
    if (display->machine)
        machine_flush(display->machine);
}

bool display_take(struct display_view *view, struct display_update *update)
{
    struct display *display = view->display;
    *update = (struct display_update){.surface_changed = !display};
    if (!display)
        return true;
    view->woken = true; // it is looking: what refresh finds is in what it takes
    flush(display);
    if (display->ops->refresh)
        display->ops->refresh(display->opaque);
    view->woken = false;
    bool any = view->surface_changed || view->cursor_changed || view->cursor_moved || view->damage.count;
    update->surface = surface_take(display->surface);
    update->cursor = cursor_take(display->cursor);
    update->cursor_x = display->cursor_x;
    update->cursor_y = display->cursor_y;
    update->surface_changed = view->surface_changed;
    update->cursor_changed = view->cursor_changed;
    update->cursor_moved = view->cursor_moved;
    update->damage = view->damage;
    view->surface_changed = view->cursor_changed = view->cursor_moved = false;
    view->damage.count = 0;
    return any;
}

void display_update_release(struct display_update *update)
{
    surface_drop(update->surface);
    display_cursor_drop(update->cursor);
    update->surface = NULL;
    update->cursor = NULL;
}

bool display_get_text(struct display *display, struct display_text *text)
{
    flush(display);
    return display->ops->text && display->ops->text(display->opaque, text);
}

// --- devices ---

struct display *display_at(struct machine *machine, unsigned index)
{
    struct display *display = machine->displays;
    while (display && index--)
        display = display->next;
    return display;
}

void display_add(struct machine *machine, struct display *display)
{
    struct display **link = &machine->displays;
    while (*link && (display->is_terminal || !(*link)->is_terminal))
        link = &(*link)->next;
    display->machine = machine;
    display->next = *link;
    *link = display;
}

void display_remove(struct display *display)
{
    struct display **link = &display->machine->displays;
    while (display->views)
        display_detach(display->views);
    while (*link && *link != display)
        link = &(*link)->next;
    if (*link)
        *link = display->next;
    surface_drop(display->surface);
    display_cursor_drop(display->cursor);
    display->surface = NULL;
    display->cursor = NULL;
}

void display_set_surface(struct display *display, struct surface *surface)
{
    surface_drop(display->surface);
    display->surface = surface;
    for (struct display_view *view = display->views; view; view = view->next)
        see_all(view);
}

void display_damage(struct display *display, unsigned x, unsigned y, unsigned width, unsigned height)
{
    const struct surface *surface = display->surface;
    if (!surface || x >= surface->width || y >= surface->height)
        return;
    struct display_rect rect = {x, y, least(width, surface->width - x), least(height, surface->height - y)};
    for (struct display_view *view = display->views; view; view = view->next) {
        display_damage_add(&view->damage, rect);
        wake(view);
    }
}

struct display_cursor *display_cursor_create(unsigned width, unsigned height, unsigned hot_x, unsigned hot_y)
{
    if (!width || !height || width > DISPLAY_CURSOR_SIDE_MAX || height > DISPLAY_CURSOR_SIDE_MAX)
        return NULL;
    struct display_cursor *cursor =
        alloc_zeroed(1, sizeof(*cursor) + (size_t)width * height * sizeof(cursor->pixels[0]));
    cursor->references = 1;
    cursor->width = width;
    cursor->height = height;
    cursor->hot_x = least(hot_x, width - 1);
    cursor->hot_y = least(hot_y, height - 1);
    return cursor;
}

void display_cursor_drop(struct display_cursor *cursor)
{
    if (cursor && atomic_fetch_sub(&cursor->references, 1) == 1)
        free(cursor);
}

void display_set_cursor(struct display *display, struct display_cursor *cursor)
{
    display_cursor_drop(display->cursor);
    display->cursor = cursor;
    for (struct display_view *view = display->views; view; view = view->next) {
        view->cursor_changed = true;
        wake(view);
    }
}

void display_move_cursor(struct display *display, int x, int y)
{
    if (x == display->cursor_x && y == display->cursor_y)
        return;
    display->cursor_x = x;
    display->cursor_y = y;
    for (struct display_view *view = display->views; view; view = view->next) {
        view->cursor_moved = true;
        wake(view);
    }
}
