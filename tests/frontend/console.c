// SPDX-License-Identifier: MIT
// The shared terminal: focus, escape character, flow control; and line editing.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/line-editor.h"
#include "ui/mux.h"

// The terminal below the mux.
static char written[65536];
static size_t written_length;
static int closed, resumed, quits, syncs;

static size_t lower_write(struct chardev *chardev, const void *data, size_t length)
{
    (void)chardev;
    memcpy(written + written_length, data, length);
    written_length += length;
    written[written_length] = 0;
    return length;
}

static void lower_resume(struct chardev *chardev)
{
    (void)chardev;
    resumed++;
}

static void lower_close(struct chardev *chardev)
{
    (void)chardev;
    closed++;
}

static const struct chardev_ops lower_ops = {"test", lower_write, lower_resume, lower_close};
static struct chardev lower = {.ops = &lower_ops, .open = true};

// What sits above a port.
struct reader {
    char text[8192];
    size_t length, room;
    int opened, breaks;
};

static size_t reader_room(void *opaque)
{
    return ((struct reader *)opaque)->room;
}

static void reader_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct reader *reader = opaque;
    cr_assert_leq(length, reader->room);
    memcpy(reader->text + reader->length, data, length);
    reader->length += length;
    reader->room -= length;
}

static void reader_event(void *opaque, enum chardev_event event)
{
    struct reader *reader = opaque;
    reader->opened += event == CHARDEV_OPENED;
    reader->breaks += event == CHARDEV_BREAK;
}

static const struct chardev_front reader_front = {reader_room, reader_receive, reader_event, NULL};

static void count_quit(void *opaque)
{
    ++*(int *)opaque;
}

static void count_sync(void *opaque)
{
    (void)opaque;
    syncs++;
}

static const struct mux_actions actions = {count_quit, count_sync};

static struct chardev *console, *monitor;
static struct reader console_reader, monitor_reader;

static void begin(void)
{
    struct mux *mux = mux_create(&lower, 1, &actions, &quits);
    console = mux_port(mux, "console");
    monitor = mux_port(mux, "monitor");
    mux_release(mux);
    console_reader.room = monitor_reader.room = 8000;
    chardev_attach(console, &reader_front, &console_reader);
    chardev_attach(monitor, &reader_front, &monitor_reader);
}

static void type(const char *text)
{
    chardev_receive(&lower, (const uint8_t *)text, strlen(text));
}

TestSuite(mux, .init = begin);

Test(mux, input_goes_to_the_focus)
{
    type("abc");
    type("\001c");
    type("def");
    cr_assert_str_eq(console_reader.text, "abc");
    cr_assert_str_eq(monitor_reader.text, "def");
    cr_assert_eq(monitor_reader.opened, 1);
    type("\001cghi");
    cr_assert_str_eq(console_reader.text, "abcghi");
}

Test(mux, escape_commands)
{
    type("\001x");
    cr_assert_eq(quits, 1);
    type("\001s");
    cr_assert_eq(syncs, 1);
    type("\001b");
    cr_assert_eq(console_reader.breaks, 1);
    type("\001\001");
    cr_assert_str_eq(console_reader.text, "\001", "twice is once");
    type("\001h");
    cr_assert_not_null(strstr(written, "Ctrl-A x"));
    cr_assert_eq(console_reader.length, 1);
}

Test(mux, output_of_both_arrives)
{
    chardev_write(console, "one", 3);
    chardev_write(monitor, "two", 3);
    cr_assert_str_eq(written, "onetwo");
}

Test(mux, escape_works_while_the_guest_does_not_read)
{
    console_reader.room = 0;
    type("lost in thought");
    type("\001x");
    cr_assert_eq(quits, 1);
    cr_assert_eq(console_reader.length, 0);
    console_reader.room = 100;
    chardev_resume_input(console);
    cr_assert_str_eq(console_reader.text, "lost in thought", "kept until there was room");
}

Test(mux, a_full_buffer_stops_the_terminal)
{
    console_reader.room = 0;
    size_t room;
    while ((room = chardev_room(&lower)))
        chardev_receive(&lower, (const uint8_t *)"x", 1);
    int before = resumed;
    console_reader.room = 10;
    chardev_resume_input(console);
    cr_assert_eq(console_reader.length, 10);
    cr_assert_gt(resumed, before);
    cr_assert_eq(chardev_room(&lower), 10);
}

Test(mux, closes_the_terminal_with_the_last_port)
{
    chardev_close(console);
    cr_assert_eq(closed, 0);
    type("x");
    cr_assert_str_eq(monitor_reader.text, "x", "focus moves on");
    chardev_close(monitor);
    cr_assert_eq(closed, 1);
}

static void show(void *opaque, const char *text, size_t length)
{
    (void)opaque;
    memcpy(written + written_length, text, length);
    written_length += length;
}

static bool take(struct line_editor *editor, const char *text)
{
    bool done = false;
    while (*text)
        done = line_editor_take(editor, (uint8_t)*text++);
    return done;
}

Test(line_editor, editing)
{
    struct line_editor editor = {.prompt = "> ", .show = show};
    line_editor_start(&editor);
    cr_assert_str_eq(written, "> ");
    cr_assert(take(&editor, "infq\177o cpus\r"));
    cr_assert_str_eq(editor.text, "info cpus");
    line_editor_start(&editor);
    cr_assert(take(&editor, "junk\025stop here\027\r"));
    cr_assert_str_eq(editor.text, "stop ");
    line_editor_start(&editor);
    cr_assert(take(&editor, "\177\177a\001\r"), "nothing left to delete; control characters are ignored");
    cr_assert_str_eq(editor.text, "a");
    line_editor_free(&editor);
}

Test(line_editor, history)
{
    struct line_editor editor = {.prompt = "> ", .show = show};
    const char *lines[] = {"one\r", "two\r", "\r"};
    for (int i = 0; i < 3; i++) {
        line_editor_start(&editor);
        take(&editor, lines[i]);
    }
    line_editor_start(&editor);
    cr_assert(take(&editor, "\033[A\r"));
    cr_assert_str_eq(editor.text, "two");
    line_editor_start(&editor);
    cr_assert(take(&editor, "\033[A\033[A\033[A\r"));
    cr_assert_str_eq(editor.text, "one", "no further than the first");
    line_editor_start(&editor);
    cr_assert(take(&editor, "\020\020\016\016\r"));
    cr_assert_str_eq(editor.text, "");
    line_editor_free(&editor);
}

Test(line_editor, a_line_longer_than_its_buffer_is_cut)
{
    struct line_editor editor = {.prompt = "", .show = show};
    line_editor_start(&editor);
    for (int i = 0; i < 3000; i++)
        cr_assert_not(line_editor_take(&editor, 'x'));
    cr_assert(line_editor_take(&editor, '\r'));
    cr_assert_eq(strlen(editor.text), LINE_BYTES - 1);
    line_editor_free(&editor);
}
