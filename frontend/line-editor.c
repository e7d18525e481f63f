// SPDX-License-Identifier: MIT
// Line editing at the end of the line only; the cursor does not move inside it.
#include "frontend/line-editor.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

static void show(struct line_editor *editor, const char *text)
{
    editor->show(editor->opaque, text, strlen(text));
}

// Puts another line in place of the present one.
static void replace(struct line_editor *editor, const char *text)
{
    editor->length = strlen(text);
    memmove(editor->text, text, editor->length + 1);
    show(editor, "\r\033[K");
    show(editor, editor->prompt);
    show(editor, editor->text);
}

static void recall(struct line_editor *editor, bool older)
{
    if (older && editor->history_at)
        editor->history_at--;
    else if (!older && editor->history_at < editor->history_count)
        editor->history_at++;
    replace(editor, editor->history_at < editor->history_count ? editor->history[editor->history_at] : "");
}

static void remember(struct line_editor *editor)
{
    unsigned count = editor->history_count;
    if (editor->length && !(count && !strcmp(editor->history[count - 1], editor->text))) {
        if (count == LINE_HISTORY) {
            free(editor->history[0]);
            memmove(editor->history, editor->history + 1, --count * sizeof(editor->history[0]));
        }
        editor->history[count++] = alloc_string(editor->text);
    }
    editor->history_count = editor->history_at = count;
}

// Arrow keys: ESC [ A and ESC [ B; other sequences are swallowed.
static bool take_escape(struct line_editor *editor, uint8_t c)
{
    if (c == 27) {
        editor->escape = 1;
        return true;
    }
    if (!editor->escape)
        return false;
    if (editor->escape == 1 && (c == '[' || c == 'O')) {
        editor->escape = 2;
        return true;
    }
    if (editor->escape == 2 && (c == 'A' || c == 'B'))
        recall(editor, c == 'A');
    if (editor->escape == 1 || c >= '@')
        editor->escape = 0;
    return true;
}

bool line_editor_take(struct line_editor *editor, uint8_t c)
{
    enum { CTRL_C = 3, CTRL_H = 8, CTRL_N = 14, CTRL_P = 16, CTRL_U = 21, CTRL_W = 23, DELETE = 127 };
    if (take_escape(editor, c))
        return false;
    switch (c) {
    case '\r':
    case '\n':
        show(editor, "\r\n");
        remember(editor);
        return true;
    case CTRL_H:
    case DELETE:
        if (editor->length) {
            editor->text[--editor->length] = 0;
            show(editor, "\b \b");
        }
        break;
    case CTRL_C:
    case CTRL_U:
        replace(editor, "");
        break;
    case CTRL_W:
        while (editor->length && editor->text[editor->length - 1] == ' ')
            editor->length--;
        while (editor->length && editor->text[editor->length - 1] != ' ')
            editor->length--;
        editor->text[editor->length] = 0;
        replace(editor, editor->text);
        break;
    case CTRL_P:
    case CTRL_N:
        recall(editor, c == CTRL_P);
        break;
    default:
        if (c < 32 || editor->length == LINE_BYTES - 1)
            break;
        editor->text[editor->length++] = (char)c;
        editor->text[editor->length] = 0;
        editor->show(editor->opaque, (const char *)&c, 1);
    }
    return false;
}

void line_editor_start(struct line_editor *editor)
{
    editor->length = 0;
    editor->text[0] = 0;
    editor->escape = 0;
    show(editor, editor->prompt);
}

void line_editor_free(struct line_editor *editor)
{
    for (unsigned i = 0; i < editor->history_count; i++)
        free(editor->history[i]);
}
