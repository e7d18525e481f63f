// SPDX-License-Identifier: MIT
// Every rectangle that comes from libvterm is cut to the screen.
#include "ui/vc-screen.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

enum { HISTORY_LINES = 1000, SCREENS = 2 };

struct history_line {
    int columns;
    struct vc_cell *cells;
};

struct vc_screen {
    VTermState *state;
    int columns, rows;
    struct vc_cell *cells[SCREENS]; // the usual one, and the other
    unsigned active;
    VTermPos cursor;
    bool cursor_visible, reverse;
    struct vc_cell pen; // its code is a blank
    bool dirty[DISPLAY_TEXT_ROWS];
    struct history_line history[HISTORY_LINES]; // a ring
    unsigned history_first, history_count, looking_back;
};

static struct vc_cell *at(const struct vc_screen *screen, int row, int column)
{
    return &screen->cells[screen->active][row * screen->columns + column];
}

static void mark(struct vc_screen *screen, int first, int end)
{
    // The picture is further down while it looks back.
    first += (int)screen->looking_back;
    end += (int)screen->looking_back;
    for (int row = first < 0 ? 0 : first; row < end && row < DISPLAY_TEXT_ROWS; row++)
        screen->dirty[row] = true;
}

void vc_screen_mark_all(struct vc_screen *screen)
{
    memset(screen->dirty, true, sizeof(screen->dirty));
}

static VTermRect clip(const struct vc_screen *screen, VTermRect rect)
{
    rect.start_row = rect.start_row < 0 ? 0 : rect.start_row;
    rect.start_col = rect.start_col < 0 ? 0 : rect.start_col;
    rect.end_row = rect.end_row > screen->rows ? screen->rows : rect.end_row;
    rect.end_col = rect.end_col > screen->columns ? screen->columns : rect.end_col;
    return rect;
}

static struct vc_cell pen_cell(const struct vc_screen *screen, uint32_t code)
{
    struct vc_cell cell = screen->pen;
    cell.code = code;
    if (screen->reverse) {
        cell.foreground = screen->pen.background;
        cell.background = screen->pen.foreground;
    }
    return cell;
}

// --- what libvterm tells -------------------------------------------------------------------------------------------

static int put_glyph(VTermGlyphInfo *info, VTermPos pos, void *opaque)
{
    struct vc_screen *screen = opaque;
    for (int i = 0; i < info->width; i++) {
        int column = pos.col + i;
        if (pos.row >= 0 && pos.row < screen->rows && column >= 0 && column < screen->columns)
            *at(screen, pos.row, column) = pen_cell(screen, i == 0 ? info->chars[0] : 0);
    }
    mark(screen, pos.row, pos.row + 1);
    return 1;
}

static int move_cursor(VTermPos pos, VTermPos old, int visible, void *opaque)
{
    struct vc_screen *screen = opaque;
    mark(screen, old.row, old.row + 1);
    mark(screen, pos.row, pos.row + 1);
    screen->cursor = pos;
    screen->cursor_visible = visible;
    return 1;
}

static void keep_line(struct vc_screen *screen, int row)
{
    if (screen->history_count == HISTORY_LINES) {
        free(screen->history[screen->history_first].cells);
        screen->history_first = (screen->history_first + 1) % HISTORY_LINES;
        screen->history_count--;
    }
    struct history_line *line = &screen->history[(screen->history_first + screen->history_count++) % HISTORY_LINES];
    *line = (struct history_line){screen->columns, ALLOC_ARRAY(struct vc_cell, (size_t)screen->columns)};
    memcpy(line->cells, at(screen, row, 0), (size_t)screen->columns * sizeof(struct vc_cell));
    // Who looks back goes on seeing the same lines, as long as they are there.
    if (screen->looking_back && screen->looking_back < screen->history_count)
        screen->looking_back++;
}

// Keeps what leaves at the top; that things move is told by moverect and erase, as 0 asks for.
static int scroll_rect(VTermRect rect, int downward, int rightward, void *opaque)
{
    struct vc_screen *screen = opaque;
    bool whole = rect.start_row == 0 && rect.start_col == 0 && rect.end_col == screen->columns && !rightward;
    for (int row = 0; whole && !screen->active && row < downward && row < screen->rows; row++)
        keep_line(screen, row);
    return 0;
}

static int move_rect(VTermRect to, VTermRect from, void *opaque)
{
    struct vc_screen *screen = opaque;
    to = clip(screen, to);
    from = clip(screen, from);
    int rows = to.end_row - to.start_row, columns = to.end_col - to.start_col;
    rows = rows < from.end_row - from.start_row ? rows : from.end_row - from.start_row;
    columns = columns < from.end_col - from.start_col ? columns : from.end_col - from.start_col;
    for (int i = 0; i < rows && columns > 0; i++) {
        int row = to.start_row <= from.start_row ? i : rows - 1 - i;
        memmove(at(screen, to.start_row + row, to.start_col), at(screen, from.start_row + row, from.start_col),
                (size_t)columns * sizeof(struct vc_cell));
    }
    mark(screen, to.start_row, to.end_row);
    return 1;
}

static int erase(VTermRect rect, int selective, void *opaque)
{
    struct vc_screen *screen = opaque;
    struct vc_cell blank = pen_cell(screen, ' ');
    (void)selective;
    blank.bold = blank.underline = false;
    rect = clip(screen, rect);
    for (int row = rect.start_row; row < rect.end_row; row++)
        for (int column = rect.start_col; column < rect.end_col; column++)
            *at(screen, row, column) = blank;
    mark(screen, rect.start_row, rect.end_row);
    return 1;
}

static uint32_t rgb_of(const struct vc_screen *screen, VTermColor color)
{
    vterm_state_convert_color_to_rgb(screen->state, &color);
    return (uint32_t)color.rgb.red << 16 | (uint32_t)color.rgb.green << 8 | color.rgb.blue;
}

static int set_pen(VTermAttr attribute, VTermValue *value, void *opaque)
{
    struct vc_screen *screen = opaque;
    switch (attribute) {
    case VTERM_ATTR_BOLD:
        screen->pen.bold = value->boolean;
        break;
    case VTERM_ATTR_UNDERLINE:
        screen->pen.underline = value->number;
        break;
    case VTERM_ATTR_REVERSE:
        screen->reverse = value->boolean;
        break;
    case VTERM_ATTR_FOREGROUND:
        screen->pen.foreground = rgb_of(screen, value->color);
        break;
    case VTERM_ATTR_BACKGROUND:
        screen->pen.background = rgb_of(screen, value->color);
        break;
    default:
        break;
    }
    return 1;
}

static int set_property(VTermProp property, VTermValue *value, void *opaque)
{
    struct vc_screen *screen = opaque;
    if (property == VTERM_PROP_CURSORVISIBLE) {
        screen->cursor_visible = value->boolean;
        mark(screen, screen->cursor.row, screen->cursor.row + 1);
    } else if (property == VTERM_PROP_ALTSCREEN) {
        screen->active = value->boolean ? 1 : 0;
        vc_screen_mark_all(screen);
        if (screen->active)
            erase((VTermRect){0, screen->rows, 0, screen->columns}, 0, screen);
    }
    return 1;
}

// A screen of another size, with what fits of the old one: from `first` of its rows on.
static struct vc_cell *resized(const struct vc_screen *screen, unsigned which, int rows, int columns, int first)
{
    struct vc_cell *cells = ALLOC_ARRAY(struct vc_cell, (size_t)rows * (size_t)columns);
    struct vc_cell blank = {.code = ' ', .foreground = screen->pen.foreground, .background = screen->pen.background};
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            bool old = screen->cells[which] && row + first < screen->rows && column < screen->columns;
            cells[row * columns + column] = old ? screen->cells[which][(row + first) * screen->columns + column] : blank;
        }
    return cells;
}

static int resize(int rows, int columns, VTermPos *delta, void *opaque)
{
    struct vc_screen *screen = opaque;
    // The row of the cursor stays.
    int first = screen->cursor.row >= rows ? screen->cursor.row - rows + 1 : 0;
    for (int row = 0; row < first && row < screen->rows && !screen->active; row++)
        keep_line(screen, row);
    for (unsigned i = 0; i < SCREENS; i++) {
        struct vc_cell *cells = resized(screen, i, rows, columns, first);
        free(screen->cells[i]);
        screen->cells[i] = cells;
    }
    screen->rows = rows;
    screen->columns = columns;
    screen->looking_back = 0;
    delta->row = -first;
    vc_screen_mark_all(screen);
    return 1;
}

static const VTermStateCallbacks callbacks = {.putglyph = put_glyph,
                                              .movecursor = move_cursor,
                                              .scrollrect = scroll_rect,
                                              .moverect = move_rect,
                                              .erase = erase,
                                              .setpenattr = set_pen,
                                              .settermprop = set_property,
                                              .resize = resize};

// --- for the terminal ----------------------------------------------------------------------------------------------

struct vc_screen *vc_screen_create(VTerm *terminal)
{
    struct vc_screen *screen = ALLOC(struct vc_screen);
    VTermPos delta;
    int rows, columns;
    VTermColor foreground, background;
    screen->state = vterm_obtain_state(terminal);
    screen->cursor_visible = true;
    vterm_state_get_default_colors(screen->state, &foreground, &background);
    screen->pen = (struct vc_cell){' ', rgb_of(screen, foreground), rgb_of(screen, background), false, false};
    vterm_get_size(terminal, &rows, &columns);
    resize(rows, columns, &delta, screen);
    vterm_state_set_callbacks(screen->state, &callbacks, screen);
    vterm_state_reset(screen->state, 1);
    return screen;
}

void vc_screen_destroy(struct vc_screen *screen)
{
    for (unsigned i = 0; i < HISTORY_LINES; i++)
        free(screen->history[i].cells);
    for (unsigned i = 0; i < SCREENS; i++)
        free(screen->cells[i]);
    free(screen);
}

struct vc_cell vc_screen_cell(const struct vc_screen *screen, unsigned row, unsigned column)
{
    if (row >= screen->looking_back)
        return *at(screen, (int)(row - screen->looking_back), (int)column);
    unsigned line = screen->history_first + screen->history_count - screen->looking_back + row;
    const struct history_line *old = &screen->history[line % HISTORY_LINES];
    return (int)column < old->columns ? old->cells[column] : (struct vc_cell){.code = ' '};
}

bool vc_screen_cursor(const struct vc_screen *screen, unsigned *row, unsigned *column)
{
    *row = (unsigned)screen->cursor.row;
    *column = (unsigned)screen->cursor.col;
    return screen->cursor_visible && !screen->looking_back;
}

bool vc_screen_take_dirty(struct vc_screen *screen, unsigned row)
{
    bool dirty = screen->dirty[row];
    screen->dirty[row] = false;
    return dirty;
}

void vc_screen_look_back(struct vc_screen *screen, int lines)
{
    int64_t wanted = (int64_t)screen->looking_back + lines, most = screen->history_count;
    unsigned before = screen->looking_back;
    screen->looking_back = wanted < 0 ? 0 : (unsigned)(wanted > most ? most : wanted);
    if (screen->looking_back != before)
        vc_screen_mark_all(screen);
}
