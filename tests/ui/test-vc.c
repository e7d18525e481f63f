// SPDX-License-Identifier: MIT
// A terminal in a window: what a guest writes is seen, what is typed reaches it.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hw/bare-machine.h"
#include "hw/core/display.h"
#include "ui/font.h"
#include "ui/vc.h"

static struct machine *machine;
static struct chardev *vc;
static struct display *display;
static struct display_text *text;
static char received[4096];
static size_t received_length, room;

static size_t front_room(void *opaque)
{
    (void)opaque;
    return room;
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    (void)opaque;
    memcpy(received + received_length, data, length);
    received_length += length;
    received[received_length] = 0;
    room -= length;
}

static const struct chardev_front front = {.room = front_room, .receive = front_receive};

static void setup(void)
{
    machine = bare_machine_create();
    vc = vc_create("serial0", machine, 20, 4);
    display = display_at(machine, 0);
    chardev_attach(vc, &front, NULL);
    text = malloc(sizeof(*text));
    received_length = 0;
    received[0] = 0;
    room = sizeof(received) - 1;
}

static void teardown(void)
{
    chardev_close(vc);
    cr_assert_null(display_at(machine, 0));
    free(text);
    bare_machine_destroy(machine);
}

TestSuite(vc, .init = setup, .fini = teardown);

static void write_text(const char *bytes)
{
    cr_assert_eq(chardev_write(vc, bytes, strlen(bytes)), strlen(bytes));
}

static const char *line(unsigned row)
{
    static char out[DISPLAY_TEXT_COLUMNS + 1];
    cr_assert(display_get_text(display, text));
    for (unsigned i = 0; i < text->columns; i++)
        out[i] = (char)text->cells[row * text->columns + i].code;
    unsigned length = text->columns;
    while (length && out[length - 1] == ' ')
        length--;
    out[length] = 0;
    return out;
}

static void type(const char *bytes, unsigned modifiers)
{
    display->ops->type_text(display->opaque, bytes, modifiers);
}

Test(vc, what_is_written_is_shown)
{
    cr_assert_str_eq(display->name, "serial0");
    cr_assert(display->is_terminal);
    write_text("hello\r\n\033[1;31mred\033[0m\033[4;3Hlast");
    cr_assert_str_eq(line(0), "hello");
    cr_assert_str_eq(line(1), "red");
    cr_assert_str_eq(line(3), "  last");
    cr_assert(text->cells[20].bold && (text->cells[20].foreground & 7) == 1);
    cr_assert(text->cursor_column == 6 && text->cursor_row == 3);
    write_text("\033[?25l");
    line(0);
    cr_assert_eq(text->cursor_column, -1);
}

Test(vc, only_changed_lines_are_drawn)
{
    struct display_view view = {0};
    struct display_update update;
    display_attach(display, &view);
    display_take(&view, &update);
    cr_assert(update.surface->width == 20 * FONT_WIDTH && update.surface->height == 4 * FONT_HEIGHT);
    display_update_release(&update);
    cr_assert_not(display_take(&view, &update));
    display_update_release(&update);
    write_text("\033[3;1H\xe2\x96\x88"); // a full block
    cr_assert(display_take(&view, &update));
    for (unsigned i = 0; i < update.damage.count; i++) {
        unsigned y = update.damage.rects[i].y;
        cr_assert(y == 0 || y == 2 * FONT_HEIGHT, "where the cursor was and is, not %u", y);
    }
    uint32_t color = surface_line(update.surface, 2 * FONT_HEIGHT)[0];
    cr_assert_neq(color & 0xffffff, 0);
    for (unsigned y = 0; y < FONT_HEIGHT; y++)
        for (unsigned x = 0; x < FONT_WIDTH; x++)
            cr_assert_eq(surface_line(update.surface, 2 * FONT_HEIGHT + y)[x], color);
    display_update_release(&update);
    display_detach(&view);
}

Test(vc, keys_are_what_terminals_send)
{
    type("a\xc3\xa9", 0);
    type("c", DISPLAY_CTRL);
    type("x", DISPLAY_ALT);
    display->ops->type_key(display->opaque, INPUT_KEY_UP, 0);
    display->ops->type_key(display->opaque, INPUT_KEY_RETURN, 0);
    display->ops->type_key(display->opaque, INPUT_KEY_F5, 0);
    display->ops->type_key(display->opaque, INPUT_KEY_BACKSPACE, 0);
    display->ops->type_key(display->opaque, INPUT_KEY_CAPS_LOCK, 0); // nothing
    cr_assert_str_eq(received, "a\xc3\xa9\003\033x\033[A\r\033[15~\177");
}

Test(vc, a_device_without_room_gets_it_later)
{
    room = 2;
    type("12345", 0);
    cr_assert_str_eq(received, "12");
    room = 100;
    chardev_resume_input(vc);
    cr_assert_str_eq(received, "12345");
}

Test(vc, questions_of_the_guest_are_answered)
{
    write_text("\033[2;5H\033[6n");
    cr_assert_str_eq(received, "\033[2;5R");
}

Test(vc, what_scrolled_away_can_be_seen_again)
{
    char number[16];
    for (int i = 1; i <= 2000; i++) {
        snprintf(number, sizeof(number), "%sline %d", i > 1 ? "\r\n" : "", i);
        write_text(number);
    }
    cr_assert_str_eq(line(3), "line 2000");
    display->ops->scroll(display->opaque, 2);
    cr_assert_str_eq(line(0), "line 1995");
    cr_assert_str_eq(line(3), "line 1998");
    write_text("\r\nmore"); // the view stays
    cr_assert_str_eq(line(0), "line 1995");
    display->ops->scroll(display->opaque, 1000000);
    cr_assert_str_eq(line(0), "line 998");
    display->ops->type_key(display->opaque, INPUT_KEY_PAGE_DOWN, DISPLAY_SHIFT);
    cr_assert_str_eq(line(0), "line 1001");
    type("x", 0); // typing goes to the end
    cr_assert_str_eq(line(3), "more");
}

Test(vc, sizes_are_bounded)
{
    write_text("wide");
    display->ops->resize(display->opaque, 30 * FONT_WIDTH + 3, 6 * FONT_HEIGHT);
    cr_assert_str_eq(line(0), "wide");
    cr_assert(text->columns == 30 && text->rows == 6);
    display->ops->resize(display->opaque, 0, 0);
    line(0);
    cr_assert(text->columns == VC_COLUMNS_MIN && text->rows == VC_ROWS_MIN);
    display->ops->resize(display->opaque, 100000, 100000);
    line(0);
    cr_assert(text->columns == DISPLAY_TEXT_COLUMNS && text->rows == DISPLAY_TEXT_ROWS);
}

// Whatever bytes come, the terminal lives.
Test(vc, hostile_output)
{
    static const char *const parts[] = {"\033[", "\033]0;", "\033P", "999999999", ";", "H", "J", "L", "@", "r", "\033[?1049h",
                                        "\033[?1049l", "\xff\xfe", "\xf0\x9f\x98\x80", "\t", "\b", "\033c", "\033#8", "S", "T", "\033[?7l", "\033[999C", "\033[?5h", "\033#6"};
    uint64_t seed = 42;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        const char *part = parts[(seed >> 33) % (sizeof(parts) / sizeof(parts[0]))];
        chardev_write(vc, part, strlen(part));
        char noise[4] = {(char)(seed >> 24), (char)(seed >> 32), (char)(seed >> 40), (char)(seed >> 48)};
        chardev_write(vc, noise, seed >> 56 & 3);
        received_length = 0;
        room = sizeof(received) - 1;
        if (i % 1000 == 0)
            display->ops->resize(display->opaque, (unsigned)(seed >> 40) % 900, (unsigned)(seed >> 50) % 900);
        if (i % 100 == 0) {
            display->ops->refresh(display->opaque);
            line(0);
        }
    }
}
