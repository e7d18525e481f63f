// SPDX-License-Identifier: MIT
// A virtual console: a terminal in a window (or wherever displays are shown) at the host's end of a character device. It
// understands what xterm does, by libvterm, and keeps what has scrolled away.
#pragma once

#include "hw/core/chardev.h"

struct machine;

// Usual, and least: libvterm does not stand screens of one row or column.
enum { VC_COLUMNS = 80, VC_ROWS = 25, VC_COLUMNS_MIN = 20, VC_ROWS_MIN = 4 };

// A terminal of that size in characters (at most DISPLAY_TEXT_COLUMNS by DISPLAY_TEXT_ROWS) with its display, called `id`, added to the machine's.
struct chardev *vc_create(const char *id, struct machine *machine, unsigned columns, unsigned rows);
