// SPDX-License-Identifier: MIT
// When a character device on a file descriptor looks for input and for room: what all kinds of them share. With the device lock.
#pragma once

#include <stdbool.h>

#include "hw/core/chardev.h"

struct io_loop;
struct io_watch;

struct chardev_watches {
    struct chardev *chardev;
    struct io_loop *loop;
    void (*ended)(struct chardev *chardev); // there is no more input
    int in_fd;
    struct io_watch *in, *out;
};

// Passes on what can be read as long as the front has room; once it has none, input waits for the next call of this.
void chardev_watch_input(struct chardev_watches *watches, int fd);
// Tells the front once that it can write again.
void chardev_watch_output(struct chardev_watches *watches, int fd);
void chardev_end_watches(struct chardev_watches *watches);
