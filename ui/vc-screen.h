// SPDX-License-Identifier: MIT
// The cells of a terminal, as libvterm's state machine writes them: the screen, the other one that full-screen programs use,
// and the lines that have scrolled off the top. (libvterm's own screen layer writes through NULL for some sequences that a
// guest can send.)
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <vterm.h>

#include "hw/core/display.h"

struct vc_screen;

struct vc_cell {
    uint32_t code; // 0: the right half of a wide one
    uint32_t foreground, background;
    bool bold, underline;
};

// Takes over the terminal's state callbacks. At least one row and column.
struct vc_screen *vc_screen_create(VTerm *terminal);
void vc_screen_destroy(struct vc_screen *screen);
// What is at a place of the picture, which may look back.
struct vc_cell vc_screen_cell(const struct vc_screen *screen, unsigned row, unsigned column);
// Where the cursor is in the picture; false: it is not shown.
bool vc_screen_cursor(const struct vc_screen *screen, unsigned *row, unsigned *column);
// Whether a row has changed since this was last asked.
bool vc_screen_take_dirty(struct vc_screen *screen, unsigned row);
void vc_screen_mark_all(struct vc_screen *screen);
// Looks back so many lines further, or less far, as far as there are some.
void vc_screen_look_back(struct vc_screen *screen, int lines);
