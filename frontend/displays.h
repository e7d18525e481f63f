// SPDX-License-Identifier: MIT
// Which user interfaces the settings ask for, and what they are told of the machine.
#pragma once

#include "tcg/base/error.h"

struct displays;
struct machine;
struct settings;

// What the user looks at.
enum screen_kind {
    SCREEN_TERMINAL, // this terminal, with the first serial port and the monitor
    SCREEN_WINDOW,   // displays; serial ports and the monitor are terminals among them
    SCREEN_NONE,
};

enum screen_kind displays_kind(const struct settings *settings);
// Whether what they ask for exists; before anything is made. -errno with a message.
int displays_check(const struct settings *settings, struct error *error);
// After the machine's devices are there. *displays is NULL where nothing is shown. `settings` outlive it.
// -errno with a message.
int displays_create(struct machine *machine, const struct settings *settings, struct displays **displays,
                    struct error *error);
// With vCPU threads ended. NULL is fine.
void displays_destroy(struct displays *displays);
