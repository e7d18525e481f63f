// SPDX-License-Identifier: MIT
// Editing of one line of input on a terminal that does not edit itself: backspace, Ctrl-U, Ctrl-W, Ctrl-C, and the
// lines before by the arrow keys or Ctrl-P and Ctrl-N.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_BYTES = 1024, LINE_HISTORY = 32 };

struct line_editor {
    char text[LINE_BYTES];
    size_t length;
    unsigned escape; // characters of an escape sequence seen
    char *history[LINE_HISTORY]; // the newest last
    unsigned history_count, history_at;
    const char *prompt;
    // Shows text on the terminal.
    void (*show)(void *opaque, const char *text, size_t length);
    void *opaque;
};

void line_editor_free(struct line_editor *editor);
// True when `c` ended the line, which is in `text` until line_editor_start.
bool line_editor_take(struct line_editor *editor, uint8_t c);
// Shows the prompt for a new, empty line.
void line_editor_start(struct line_editor *editor);
