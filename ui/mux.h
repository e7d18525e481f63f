// SPDX-License-Identifier: MIT
// Several character devices (serial ports, the monitor) that share one terminal. Output of all goes through; input
// goes to the one in focus. An escape character (Ctrl-A unless changed) introduces commands:
//   h help, x quit, s write disk caches out, b send a break, c next in turn, the escape character: itself.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/chardev.h"

struct mux;

// What the keys of the program's own do. Called with the device lock held.
struct mux_actions {
    void (*quit)(void *opaque);
    void (*sync)(void *opaque);
};

// Takes over `lower`, which is closed with the last port. Ports belong to whoever asks for them.
struct mux *mux_create(struct chardev *lower, uint8_t escape, const struct mux_actions *actions, void *opaque);
// A new port, in the order of 'c'; the first has the focus. When one gets it by 'c', it sees CHARDEV_OPENED. Free it
// with chardev_close. NULL when there are too many.
struct chardev *mux_port(struct mux *mux, const char *id);
// Ends the maker's hold on the mux, which lives on while there are ports.
void mux_release(struct mux *mux);
