// SPDX-License-Identifier: MIT
// A socket that others connect to. With the device lock.
#pragma once

#include <stdbool.h>

#include "tcg/base/error.h"
#include "ui/ticker.h"

struct listener {
    int fd;
    bool on;
    struct io_watch *watch;
    struct ticker pause;
    void (*connected)(void *opaque,
                      int fd); // takes the descriptor over: it does not block, and is closed on exec
    void *opaque;
};

// Takes over a socket that is bound, and closes it if that fails. -errno with a message.
int listener_init(struct listener *listener, struct io_loop *loop, int fd,
                  void (*connected)(void *opaque, int fd), void *opaque, struct error *error);
// Whether peers are let in; else they wait. At first they are.
void listener_set(struct listener *listener, bool on);
// Waits for one, without the loop.
void listener_wait(struct listener *listener);
// Nothing when it was never one: all zero, or failed.
void listener_release(struct listener *listener);
