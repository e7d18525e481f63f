// SPDX-License-Identifier: MIT
// Signals that end or continue the program, handled on the I/O thread like any other input.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct signals;

// Before any thread is made: SIGINT, SIGTERM and SIGHUP are held back until a machine listens, and SIGPIPE is ignored.
void signals_block(void);
// From now on they end the machine in order; SIGCONT puts the terminal back into raw mode.
struct signals *signals_listen(struct machine *machine, struct error *error);
void signals_close(struct signals *signals);
