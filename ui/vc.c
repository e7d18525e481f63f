// SPDX-License-Identifier: MIT
// The rows whose cells have changed are drawn when a view asks.
#include "ui/vc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "hw/core/display.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"
#include "ui/vc-keys.h"
#include "ui/vc-screen.h"

enum { INPUT_BYTES_MAX = 1 << 20, WRITE_BYTES = 512 };

struct vc {
    struct chardev base;
    struct display display;
    struct font *font;
    VTerm *terminal;
    struct vc_screen *screen;
    unsigned columns, rows;
    // Typed, and not taken by the other side yet.
    char *input;
    size_t input_length;
};

static struct vc *of(struct chardev *chardev)
{
    return (struct vc *)chardev;
}

// --- drawing ---

static bool has_cursor(const struct vc *vc, unsigned row, unsigned column)
{
    unsigned cursor_row, cursor_column;
    return vc_screen_cursor(vc->screen, &cursor_row, &cursor_column) && cursor_row == row && cursor_column == column;
}

static void draw_row(struct vc *vc, unsigned row)
{
    struct surface *surface = vc->display.surface;
    for (unsigned column = 0; column < vc->columns; column++) {
        struct vc_cell cell = vc_screen_cell(vc->screen, row, column);
        bool cursor = has_cursor(vc, row, column);
        uint32_t foreground = cursor ? cell.background : cell.foreground;
        uint32_t background = cursor ? cell.foreground : cell.background;
        unsigned x = column * FONT_WIDTH, y = row * FONT_HEIGHT;
        font_draw(vc->font, surface, x, y, cell.code ? cell.code : ' ', foreground, background);
        for (unsigned i = 0; cell.underline && i < FONT_WIDTH; i++)
            surface_line(surface, y + FONT_HEIGHT - 2)[x + i] = foreground;
    }
}

static void refresh(void *opaque)
{
    struct vc *vc = opaque;
    if (!vc->display.surface)
        return;
    for (unsigned row = 0; row < vc->rows; row++) {
        if (!vc_screen_take_dirty(vc->screen, row))
            continue;
        draw_row(vc, row);
        display_damage(&vc->display, 0, row * FONT_HEIGHT, vc->columns * FONT_WIDTH, FONT_HEIGHT);
    }
}

static void make_surface(struct vc *vc)
{
    display_set_surface(&vc->display, surface_create(vc->columns * FONT_WIDTH, vc->rows * FONT_HEIGHT));
    vc_screen_mark_all(vc->screen);
}

static void resize(void *opaque, unsigned width, unsigned height)
{
    struct vc *vc = opaque;
    unsigned columns = width / FONT_WIDTH, rows = height / FONT_HEIGHT;
    columns = columns < VC_COLUMNS_MIN ? VC_COLUMNS_MIN : columns > DISPLAY_TEXT_COLUMNS ? DISPLAY_TEXT_COLUMNS : columns;
    rows = rows < VC_ROWS_MIN ? VC_ROWS_MIN : rows > DISPLAY_TEXT_ROWS ? DISPLAY_TEXT_ROWS : rows;
    if (columns == vc->columns && rows == vc->rows)
        return;
    vc->columns = columns;
    vc->rows = rows;
    vterm_set_size(vc->terminal, (int)rows, (int)columns);
    make_surface(vc);
}

// The nearest of the sixteen colors of text screens.
static uint8_t plain_color(uint32_t rgb)
{
    uint8_t red = (uint8_t)(rgb >> 16), green = (uint8_t)(rgb >> 8), blue = (uint8_t)rgb;
    uint8_t top = red > green ? red : green;
    top = top > blue ? top : blue;
    if (top < 64)
        return 0;
    unsigned bits = (red > top / 2) | (green > top / 2) << 1 | (blue > top / 2) << 2;
    if (bits == 7)
        return top < 160 ? 8 : top < 232 ? 7 : 15;
    return (uint8_t)(bits | (top > 232 ? 8 : 0));
}

static bool get_text(void *opaque, struct display_text *text)
{
    struct vc *vc = opaque;
    text->columns = vc->columns;
    text->rows = vc->rows;
    unsigned row_of_cursor, column_of_cursor;
    bool cursor = vc_screen_cursor(vc->screen, &row_of_cursor, &column_of_cursor);
    text->cursor_column = cursor ? (int)column_of_cursor : -1;
    text->cursor_row = cursor ? (int)row_of_cursor : -1;
    struct display_cell *out = text->cells;
    for (unsigned row = 0; row < vc->rows; row++)
        for (unsigned column = 0; column < vc->columns; column++) {
            struct vc_cell cell = vc_screen_cell(vc->screen, row, column);
            *out++ = (struct display_cell){.code = cell.code,
                                           .foreground = plain_color(cell.foreground),
                                           .background = plain_color(cell.background),
                                           .bold = cell.bold,
                                           .underline = cell.underline};
        }
    return true;
}

// --- the user's side ---

static void deliver(struct vc *vc)
{
    size_t done = 0, room;
    while (done < vc->input_length && (room = chardev_room(&vc->base))) {
        size_t n = vc->input_length - done < room ? vc->input_length - done : room;
        chardev_receive(&vc->base, (const uint8_t *)vc->input + done, n);
        done += n;
    }
    if (!done)
        return;
    vc->input_length -= done;
    memmove(vc->input, vc->input + done, vc->input_length);
}

static void typed(const char *bytes, size_t length, void *opaque)
{
    struct vc *vc = opaque;
    if (length > INPUT_BYTES_MAX - vc->input_length)
        return;
    vc->input = alloc_resize(vc->input, vc->input_length + length, 1);
    memcpy(vc->input + vc->input_length, bytes, length);
    vc->input_length += length;
}

static void scroll(void *opaque, int lines)
{
    vc_screen_look_back(((struct vc *)opaque)->screen, lines);
}

static void type_text(void *opaque, const char *text, unsigned modifiers)
{
    struct vc *vc = opaque;
    vc_screen_look_back(vc->screen, INT_MIN);
    vc_keys_text(vc->terminal, text, modifiers);
    deliver(vc);
}

static void type_key(void *opaque, enum input_key key, unsigned modifiers)
{
    struct vc *vc = opaque;
    int page = (int)vc->rows - 1;
    if ((modifiers & DISPLAY_SHIFT) && (key == INPUT_KEY_PAGE_UP || key == INPUT_KEY_PAGE_DOWN)) {
        vc_screen_look_back(vc->screen, key == INPUT_KEY_PAGE_UP ? page : -page);
        return;
    }
    vc_keys_key(vc->terminal, key, modifiers);
    deliver(vc);
}

static const struct display_ops display_ops = {.refresh = refresh,
                                               .text = get_text,
                                               .resize = resize,
                                               .type_text = type_text,
                                               .type_key = type_key,
                                               .scroll = scroll};

// --- the device's side ---

static size_t vc_write(struct chardev *chardev, const void *data, size_t length)
{
    struct vc *vc = of(chardev);
    // When a sequence of escape and backslash is cut in two, libvterm 0.1 goes on reading to the next zero: there is one.
    char part[WRITE_BYTES + 1];
    for (size_t done = 0, n; done < length; done += n) {
        n = length - done < WRITE_BYTES ? length - done : WRITE_BYTES;
        memcpy(part, (const char *)data + done, n);
        part[n] = 0;
        vterm_input_write(vc->terminal, part, n);
    }
    deliver(vc); // what the terminal answers
    return length;
}

static void vc_resume_input(struct chardev *chardev)
{
    deliver(of(chardev));
}

static void vc_close(struct chardev *chardev)
{
    struct vc *vc = of(chardev);
    display_remove(&vc->display);
    vc_screen_destroy(vc->screen);
    vterm_free(vc->terminal);
    font_destroy(vc->font);
    free(vc->input);
    free(vc->base.id);
    free(vc);
}

static const struct chardev_ops vc_ops = {"vc", vc_write, vc_resume_input, vc_close};

struct chardev *vc_create(const char *id, struct machine *machine, unsigned columns, unsigned rows)
{
    struct vc *vc = ALLOC(struct vc);
    vc->base = (struct chardev){.ops = &vc_ops, .id = alloc_string(id), .open = true};
    vc->font = font_create();
    vc->columns = columns;
    vc->rows = rows;
    vc->terminal = vterm_new((int)rows, (int)columns);
    vterm_set_utf8(vc->terminal, 1);
    vterm_output_set_callback(vc->terminal, typed, vc);
    vc->screen = vc_screen_create(vc->terminal);
    vc->display = (struct display){.ops = &display_ops, .opaque = vc, .is_terminal = true};
    strncpy(vc->display.name, id, sizeof(vc->display.name) - 1);
    display_add(machine, &vc->display);
    make_surface(vc);
    return &vc->base;
}
