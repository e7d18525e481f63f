// SPDX-License-Identifier: MIT
// The terminal the program was started from, in raw mode while a guest or the monitor uses it. It is restored however
// the program ends: on return from main, exit() or a crash. (SIGTERM and its like are for main to turn into an
// orderly end; SIGKILL nobody can help.)
#pragma once

#include <stdbool.h>

#include "tcg/base/error.h"

// Keys go through one by one and unchanged; output is not changed either, except that '\n' returns the carriage.
// `signals`: Ctrl-C, Ctrl-\ and Ctrl-Z keep their meaning for the program. -EBUSY when it is raw already.
int terminal_make_raw(int fd, bool signals, struct error *error);
// Back to how it was. Nothing when it is not raw. Async-signal-safe.
void terminal_restore(void);
// After the program was stopped and continued: raw mode again, if it was.
void terminal_continue(void);
