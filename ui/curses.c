// SPDX-License-Identifier: MIT
// Text screens on this terminal, by ncurses, on the I/O thread. Alt with a digit chooses the display. What a terminal cannot
// tell (keys going up, most keys with modifiers) is made up: each key is pressed and let go at once.
#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "hw/core/display.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/terminal.h"
#include "ui/ticker.h"
#include "ui/ui.h"

enum { FRAME_NS = 33333333, BASIC_COLORS = 8, ESCAPE = 0x1b, DELETE = 0x7f };

struct curses {
    struct ui ui;
    const struct ui_host *host;
    struct machine *machine;
    struct display_view view;
    struct display_text *text;
    struct ticker ticker;
    struct io_watch *watch;
    struct keymap *keymap;
    struct held_keys held;
    bool started, redraw;
};

// --- drawing -------------------------------------------------------------------------------------------------------

static void put_cell(int row, int column, const struct display_cell *cell)
{
    cchar_t out;
    wchar_t code[2] = {(wchar_t)(cell->code < ' ' ? ' ' : cell->code), 0};
    short pair = (short)(1 + (cell->foreground & 7) + BASIC_COLORS * (cell->background & 7));
    bool bright = cell->bold || cell->foreground >= BASIC_COLORS;
    attr_t attributes = (bright ? A_BOLD : A_NORMAL) | (cell->underline ? A_UNDERLINE : A_NORMAL) |
                        (cell->blink ? A_BLINK : A_NORMAL);
    if (!cell->code) // drawn with the character before it
        return;
    setcchar(&out, code, attributes, has_colors() ? pair : 0, NULL);
    mvadd_wch(row, column, &out);
}

static void put_message(const struct surface *surface)
{
    char text[64];
    int length = surface ? snprintf(text, sizeof(text), "graphics, %ux%u", surface->width, surface->height)
                         : snprintf(text, sizeof(text), "the guest shows nothing");
    mvaddstr(LINES / 2, COLS > length ? (COLS - length) / 2 : 0, text);
    curs_set(0);
}

// Where the picture begins, so that it is in the middle, or else its cursor can be seen.
static int offset_of(int room, unsigned size, int cursor)
{
    if ((int)size <= room)
        return (room - (int)size) / 2;
    return cursor >= room ? room - 1 - cursor : 0;
}

static void draw(struct curses *curses, const struct surface *surface)
{
    struct display_text *text = curses->text;
    erase();
    if (!curses->view.display || !display_get_text(curses->view.display, text)) {
        put_message(surface);
        refresh();
        return;
    }
    int top = offset_of(LINES, text->rows, text->cursor_row), left = offset_of(COLS, text->columns, text->cursor_column);
    for (unsigned row = 0; row < text->rows; row++)
        for (unsigned column = 0; column < text->columns; column++)
            put_cell(top + (int)row, left + (int)column, &text->cells[row * text->columns + column]);
    curs_set(text->cursor_row >= 0);
    if (text->cursor_row >= 0)
        move(top + text->cursor_row, left + text->cursor_column);
    refresh();
}

static void tick(void *opaque)
{
    struct curses *curses = opaque;
    struct display_update update;
    struct winsize size;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col &&
        is_term_resized(size.ws_row, size.ws_col)) {
        resizeterm(size.ws_row, size.ws_col);
        curses->redraw = true;
    }
    if (display_take(&curses->view, &update) || curses->redraw) {
        curses->redraw = false;
        draw(curses, update.surface);
    }
    display_update_release(&update);
}

static void show_console(struct curses *curses, unsigned index)
{
    struct display *display = display_at(curses->machine, index);
    if (!display || display == curses->view.display)
        return;
    display_detach(&curses->view);
    display_attach(display, &curses->view);
    curses->redraw = true;
}

// --- keys ----------------------------------------------------------------------------------------------------------

static int key_of_code(int code)
{
    static const struct {
        int code;
        enum input_key key;
    } keys[] = {{KEY_UP, INPUT_KEY_UP},       {KEY_DOWN, INPUT_KEY_DOWN},   {KEY_LEFT, INPUT_KEY_LEFT},
                {KEY_RIGHT, INPUT_KEY_RIGHT}, {KEY_HOME, INPUT_KEY_HOME},   {KEY_END, INPUT_KEY_END},
                {KEY_IC, INPUT_KEY_INSERT},   {KEY_DC, INPUT_KEY_DELETE},   {KEY_BACKSPACE, INPUT_KEY_BACKSPACE},
                {KEY_ENTER, INPUT_KEY_RETURN}, {KEY_NPAGE, INPUT_KEY_PAGE_DOWN}, {KEY_PPAGE, INPUT_KEY_PAGE_UP}};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].code == code)
            return keys[i].key;
    return code >= KEY_F(1) && code <= KEY_F(12) ? INPUT_KEY_F1 + code - KEY_F(1) : -1;
}

static int key_of_control(wint_t code)
{
    switch (code) {
    case '\r':
    case '\n':
        return INPUT_KEY_RETURN;
    case '\t':
        return INPUT_KEY_TAB;
    case '\b':
    case DELETE:
        return INPUT_KEY_BACKSPACE;
    case ESCAPE:
        return INPUT_KEY_ESCAPE;
    }
    return -1;
}

static void press(struct curses *curses, struct keymap_stroke stroke, unsigned modifiers)
{
    if (modifiers & DISPLAY_CTRL)
        held_keys_send(&curses->held, curses->machine, INPUT_KEY_CTRL, true);
    if (modifiers & DISPLAY_ALT)
        held_keys_send(&curses->held, curses->machine, INPUT_KEY_ALT, true);
    held_keys_press(&curses->held, curses->machine, stroke);
    held_keys_send(&curses->held, curses->machine, stroke.key, false);
    held_keys_release(&curses->held, curses->machine);
}

static void give_key(struct curses *curses, enum input_key key, unsigned modifiers)
{
    struct display *display = curses->view.display;
    if (display && display->ops->type_key)
        display->ops->type_key(display->opaque, key, modifiers);
    else
        press(curses, (struct keymap_stroke){key, false, false}, modifiers);
}

static void give_character(struct curses *curses, wint_t code, unsigned modifiers)
{
    struct display *display = curses->view.display;
    struct keymap_stroke stroke;
    char text[MB_LEN_MAX + 1] = "";
    if (code < ' ') { // Ctrl with a letter
        code |= 0x60;
        modifiers |= DISPLAY_CTRL;
    }
    if (display_is_terminal(display)) {
        mbstate_t state = {0};
        size_t length = wcrtomb(text, (wchar_t)code, &state);
        if (length != (size_t)-1) {
            text[length] = 0;
            display->ops->type_text(display->opaque, text, modifiers);
        }
    } else if (keymap_find_character(curses->keymap, code, &stroke)) {
        press(curses, stroke, modifiers);
    }
}

static void give(struct curses *curses, int kind, wint_t code, unsigned modifiers)
{
    int key = kind == KEY_CODE_YES ? key_of_code((int)code) : key_of_control(code);
    if (key >= 0)
        give_key(curses, (enum input_key)key, modifiers);
    else if (kind == OK)
        give_character(curses, code, modifiers);
}

static void typed(void *opaque, unsigned events)
{
    struct curses *curses = opaque;
    wint_t code, next;
    int kind;
    if (events & IO_HANGUP)
        machine_shutdown_request(curses->machine, SHUTDOWN_HOST);
    while ((kind = get_wch(&code)) != ERR) {
        int next_kind = kind == OK && code == ESCAPE ? get_wch(&next) : ERR;
        if (next_kind == OK && next >= '1' && next <= '9')
            show_console(curses, next - '1');
        else if (next_kind != ERR) // Alt comes as an escape before the key
            give(curses, next_kind, next, DISPLAY_ALT);
        else
            give(curses, kind, code, 0);
    }
}

// --- setting up ----------------------------------------------------------------------------------------------------

static void begin_screen(struct curses *curses)
{
    static const short order[BASIC_COLORS] = {COLOR_BLACK, COLOR_RED,     COLOR_GREEN, COLOR_YELLOW,
                                              COLOR_BLUE,  COLOR_MAGENTA, COLOR_CYAN,  COLOR_WHITE};
    setlocale(LC_CTYPE, "");
    initscr();
    curses->started = true;
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    if (!has_colors())
        return;
    start_color();
    for (short background = 0; background < BASIC_COLORS; background++)
        for (short foreground = 0; foreground < BASIC_COLORS; foreground++)
            init_pair((short)(1 + foreground + BASIC_COLORS * background), order[foreground], order[background]);
}

static int start(struct curses *curses, struct error *error)
{
    int status;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(error, ENOTTY, "curses needs a terminal; use -nographic, -vnc or -display none");
    if (!getenv("TERM"))
        return error_set(error, EINVAL, "the environment does not tell what kind of terminal this is (TERM)");
    if (!(curses->keymap = keymap_create(curses->host->layout ? curses->host->layout : "en-us", error)))
        return -EINVAL;
    // Keeps the terminal's settings for when the program dies.
    if ((status = terminal_make_raw(STDIN_FILENO, false, error)))
        return status;
    if ((status = ticker_init(&curses->ticker, curses->machine->loop, tick, curses)))
        return error_set(error, -status, "the host has no timer left: %s", strerror(-status));
    begin_screen(curses);
    curses->watch = io_watch_add(curses->machine->loop, STDIN_FILENO, IO_READ, typed, curses);
    show_console(curses, ui_first_display(curses->machine));
    ticker_set(&curses->ticker, FRAME_NS);
    return 0;
}

static void destroy(struct ui *ui)
{
    struct curses *curses = (struct curses *)ui;
    device_lock_acquire(&curses->machine->lock);
    if (curses->watch)
        io_watch_remove(curses->watch);
    ticker_release(&curses->ticker);
    display_detach(&curses->view);
    device_lock_release(&curses->machine->lock);
    if (curses->started)
        endwin();
    terminal_restore();
    keymap_destroy(curses->keymap);
    free(curses->text);
    free(curses);
}

static int create(const struct ui_host *host, const void *options, struct ui **ui, struct error *error)
{
    struct curses *curses = ALLOC(struct curses);
    (void)options;
    curses->ui.destroy = destroy;
    curses->host = host;
    curses->machine = host->machine;
    curses->text = ALLOC(struct display_text);
    device_lock_acquire(&curses->machine->lock);
    int status = start(curses, error);
    device_lock_release(&curses->machine->lock);
    if (status)
        destroy(&curses->ui);
    else
        *ui = &curses->ui;
    return status;
}

static const struct property properties[] = {{NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL}};

const struct ui_type ui_curses_type = {.name = "curses",
                                       .help = "text screens on this terminal",
                                       .properties = properties,
                                       .options_size = 1,
                                       .create = create};
