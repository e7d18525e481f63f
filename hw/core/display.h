// SPDX-License-Identifier: MIT
// Displays and who looks at them. A device has a `struct display` for each of its heads, a terminal in a window is one too; a
// view (a window, a VNC server, a screenshot) follows one display at a time.
//
// Devices tell: another surface, damage to it, the cursor. Each view has its own note of what it has not seen, which it takes
// when it draws: so a slow view misses nothing and holds nobody up. Devices whose pixels change without their knowledge
// (memory that the guest stores to) find out in `refresh`, which is called when a view is about to take.
//
// Device lock held in all calls and operations.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/core/input.h"
#include "hw/core/surface.h"

struct display;
struct machine;

enum { DISPLAY_DAMAGE_RECTS = 16, DISPLAY_TEXT_COLUMNS = 256, DISPLAY_TEXT_ROWS = 128, DISPLAY_CURSOR_SIDE_MAX = 256 };

struct display_rect {
    unsigned x, y, width, height;
};

// Places that have changed, no more than DISPLAY_DAMAGE_RECTS rectangles: where there would be more, some grow together.
struct display_damage {
    unsigned count;
    struct display_rect rects[DISPLAY_DAMAGE_RECTS];
};

// A cursor that the guest lets the display draw: ARGB pixels, each line after the other, colors premultiplied by alpha.
struct display_cursor {
    atomic_uint references;
    unsigned width, height, hot_x, hot_y;
    uint32_t pixels[];
};

struct display_cell {
    uint32_t code;                  // Unicode, 0: the right half of the character before it
    uint8_t foreground, background; // 0 to 15: black red green yellow blue magenta cyan white, then bright ones
    bool bold, underline, blink;
};

// A display's characters.
struct display_text {
    unsigned columns, rows;
    int cursor_column, cursor_row; // -1: none
    struct display_cell cells[DISPLAY_TEXT_COLUMNS * DISPLAY_TEXT_ROWS]; // line by line, `columns` each
};

enum display_modifier { DISPLAY_SHIFT = 1 << 0, DISPLAY_CTRL = 1 << 1, DISPLAY_ALT = 1 << 2 };

// Implemented by devices and terminals. Any may be NULL.
struct display_ops {
    // Tells of what has changed.
    void (*refresh)(void *opaque);
    // Fills in what characters are shown; false in graphics modes. NULL: it has no others.
    bool (*text)(void *opaque, struct display_text *text);
    // The first view has come, or the last one has gone: nobody takes, so nothing need be noted.
    void (*watched)(void *opaque, bool on);
    // A view's window has another size, in pixels: the guest may follow. NULL: it cannot.
    void (*resize)(void *opaque, unsigned width, unsigned height);
    // Terminals: the keyboard goes here and not to the machine. Text is UTF-8, a character when there are modifiers (but for
    // shift, which is in it); keys are those that make no text.
    void (*type_text)(void *opaque, const char *text, unsigned modifiers);
    void (*type_key)(void *opaque, enum input_key key, unsigned modifiers);
    // Shows what has scrolled away, that many lines further up.
    void (*scroll)(void *opaque, int lines);
};

// A follower's record of what it has to draw.
struct display_view {
    // Set by the view before it is attached. `wake` is called when there is something to take for a view that has nothing yet;
    // NULL: it looks by itself.
    void (*wake)(struct display_view *view);
    // The rest is the display's.
    struct display *display; // NULL: it is gone, or there never was one
    bool surface_changed, cursor_changed, cursor_moved, woken;
    struct display_damage damage;
    struct display_view *next;
};

struct display {
    const struct display_ops *ops;
    void *opaque;
    char name[32];           // "VGA", "serial0": what a user calls it
    bool is_terminal;        // has type_text, and comes after those that have not
    struct surface *surface; // NULL: it shows nothing
    struct display_cursor *cursor; // NULL: none; one reference is held
    int cursor_x, cursor_y;        // of its hot spot, in pixels of the surface
    struct display_view *views;
    struct machine *machine;
    struct display *next; // the machine's
};

// What a view takes.
struct display_update {
    struct surface *surface; // a reference, to be dropped; NULL: nothing is shown
    struct display_cursor *cursor; // a reference, to be dropped
    int cursor_x, cursor_y;
    bool surface_changed, cursor_changed, cursor_moved;
    struct display_damage damage; // within the surface; all of it after a change
};

// For devices. `display` has ops, opaque, name and is_terminal set; it stays the caller's.
void display_add(struct machine *machine, struct display *display);
void display_remove(struct display *display);
// Shows another surface, NULL for none; takes over the caller's reference.
void display_set_surface(struct display *display, struct surface *surface);
// Part of the surface has changed. What lies outside is cut off.
void display_damage(struct display *display, unsigned x, unsigned y, unsigned width, unsigned height);
// An image of a cursor, all transparent. NULL when a side is 0 or more than DISPLAY_CURSOR_SIDE_MAX.
struct display_cursor *display_cursor_create(unsigned width, unsigned height, unsigned hot_x, unsigned hot_y);
void display_cursor_drop(struct display_cursor *cursor); // any thread; NULL is fine
// Shows another cursor, NULL for none; takes over the caller's reference.
void display_set_cursor(struct display *display, struct display_cursor *cursor);
void display_move_cursor(struct display *display, int x, int y);

// For views.
void display_attach(struct display *display, struct display_view *view);
void display_detach(struct display_view *view); // nothing when it is not attached
// Has the display refresh, and hands over what it shows and what the view has not seen of that; whether there is anything. To be
// released in any case.
bool display_take(struct display_view *view, struct display_update *update);
void display_update_release(struct display_update *update);
// The characters shown; false when there are none to show.
bool display_get_text(struct display *display, struct display_text *text);
// Display `index` of the machine, those of devices first, NULL beyond the last.
struct display *display_at(struct machine *machine, unsigned index);
// Whether keys go to the display and not to the machine. NULL: they do not.
static inline bool display_is_terminal(const struct display *display)
{
    return display && display->is_terminal;
}

// Adds a rectangle to the others, which may grow.
void display_damage_add(struct display_damage *damage, struct display_rect rect);
