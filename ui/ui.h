// SPDX-License-Identifier: MIT
// Ways to see and touch a machine: windows, servers, terminals. Each is a type with its properties, of which -display makes
// one. It runs on a thread of its own or on the I/O thread, and looks at displays through views (hw/core/display.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hw/core/property.h"
#include "tcg/base/error.h"

struct machine;
struct ui;

// What the program tells a user interface. Outlives it.
struct ui_host {
    struct machine *machine;
    const char *name;   // of the guest; NULL: none
    const char *layout; // of the keyboard, as -k has it; NULL: keys are told by their places
    bool full_screen;
    // Why the machine does not run, one line, empty while it does. Any thread, no locks.
    void (*describe_state)(void *opaque, char *text, size_t size);
    // What the guest is doing, a few lines. Any thread, no locks; stops the vCPUs for a moment.
    void (*describe_guest)(void *opaque, char *text, size_t size);
    // Types text into the guest, key by key, as its keyboard's layout has it. Any thread, no locks; does not wait.
    void (*type)(void *opaque, const char *text);
    void *opaque;
};

struct ui_type {
    const char *name, *help;
    const struct property *properties; // of an object of `options_size` bytes
    size_t options_size;
    // After the machine's devices are there, before it runs. `options` outlive it. Negative errno with a message.
    int (*create)(const struct ui_host *host, const void *options, struct ui **ui, struct error *error);
};

// Embedded by each.
struct ui {
    void (*destroy)(struct ui *ui); // with the machine stopped and without the device lock
};

// Which display to show first: the first with graphics, else the first serial port. Device lock held.
unsigned ui_first_display(struct machine *machine);

extern const struct ui_type ui_sdl_type;
extern const struct ui_type ui_vnc_type;
extern const struct ui_type ui_curses_type;
