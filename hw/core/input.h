// SPDX-License-Identifier: MIT
// Keyboards and pointers: what a user interface tells, and which device of the machine hears it. All calls
// are made with the device lock held.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct machine;

enum input_key {
#define INPUT_KEY(name, usage, text) INPUT_KEY_##name = usage,
#include "hw/core/input-keys.inc"
#undef INPUT_KEY
    INPUT_KEYS = 0x100,
};

enum input_button {
    INPUT_BUTTON_LEFT,
    INPUT_BUTTON_RIGHT,
    INPUT_BUTTON_MIDDLE,
    INPUT_BUTTON_SIDE,
    INPUT_BUTTON_EXTRA
};

// Any may be NULL: the device does not listen to such events.
struct input_ops {
    // A key goes down (again and again while it repeats) or up.
    void (*key)(void *opaque, enum input_key key, bool down);
    // Relative motion, y growing downwards, wheel growing away from the user; then the buttons that are down,
    // a bit each.
    void (*pointer)(void *opaque, int dx, int dy, int wheel, unsigned buttons);
};

// Embedded by a device. Where several listen to one kind of event, the one added last gets it.
struct input_handler {
    const struct input_ops *ops;
    void *opaque;
    struct input_handler *next;
};

void input_add(struct machine *machine, struct input_handler *handler);
void input_remove(struct machine *machine, struct input_handler *handler);

// For user interfaces. False: no device listens.
bool input_send_key(struct machine *machine, enum input_key key, bool down);
bool input_send_pointer(struct machine *machine, int dx, int dy, int wheel, unsigned buttons);
// The key of that name ("ret", "ctrl"), -1: there is none.
int input_key_find(const char *name);
