// SPDX-License-Identifier: MIT
// Keyboards and pointers: what a user interface tells, and which device of the machine hears it. All calls
// are made with the device lock held.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct input_handler;
struct machine;

enum input_key {
#define INPUT_KEY(name, usage, code, text) INPUT_KEY_##name = usage,
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

// Positions go from 0, the left or upper edge of the screen, to INPUT_POSITION_MAX, just before the other one.
enum { INPUT_POSITION_MAX = 0x7fff, INPUT_TOUCH_SLOTS = 10 };

// Wheels that were turned: `up` away from the user, `right` to the right, in notches.
struct input_wheel {
    int up, right;
};

// Any may be NULL: the device does not listen to such events.
struct input_ops {
    // A key goes down (again and again while it repeats) or up.
    void (*key)(void *opaque, enum input_key key, bool down);
    // Relative motion, y growing downwards; then the buttons that are down, a bit each.
    void (*motion)(void *opaque, int dx, int dy, struct input_wheel wheel, unsigned buttons);
    // The same with a position on the screen.
    void (*position)(void *opaque, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons);
    // Finger `slot`, below INPUT_TOUCH_SLOTS, touches the screen there, or has left it.
    void (*touch)(void *opaque, unsigned slot, unsigned x, unsigned y, bool down);
};

// Embedded by a device. Where several listen to one kind of event, the one added last gets it; but a key goes up where it
// went down.
struct input_handler {
    const struct input_ops *ops;
    void *opaque;
    struct input_handler *next;
};

// The machine's keyboards and pointers.
struct input_state {
    struct input_handler *handlers;
    struct input_handler *holders[INPUT_KEYS]; // who heard the key go down; NULL: it is up
};

void input_add(struct machine *machine, struct input_handler *handler);
void input_remove(struct machine *machine, struct input_handler *handler);

// For user interfaces. False: no device listens.
bool input_send_key(struct machine *machine, enum input_key key, bool down);
bool input_send_motion(struct machine *machine, int dx, int dy, struct input_wheel wheel, unsigned buttons);
bool input_send_position(struct machine *machine, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons);
bool input_send_touch(struct machine *machine, unsigned slot, unsigned x, unsigned y, bool down);
// Whether a device listens to positions, or to fingers.
bool input_has_position(const struct machine *machine);
bool input_has_touch(const struct machine *machine);
// The position of the middle of pixel `at` of `pixels` that there are: exact for guests that round down, and less than a pixel
// off for those that take the last position for the last pixel.
unsigned input_position_of(unsigned at, unsigned pixels);
// The key of that name ("ret", "ctrl"), -1: there is none.
int input_key_find(const char *name);
// Its name, NULL: there is no such key.
const char *input_key_name(enum input_key key);
// The code that Linux's input events have for it (KEY_*), 0: there is no such key.
uint16_t input_key_linux_code(enum input_key key);
