// SPDX-License-Identifier: MIT
// Character devices on sockets, TCP or in the file system: one peer at a time, who has connected to us or to
// whom we have.
#pragma once

#include <stdbool.h>

#include "hw/core/chardev.h"
#include "tcg/base/error.h"

struct io_loop;

struct chardev_socket_options {
    const char *path;       // of a socket in the file system; NULL: TCP
    const char *host;       // name or address; NULL or "": this machine alone
    const char *port;       // number or name of a service
    bool server;            // peers connect to us; else we connect now
    bool wait;              // a server: returns when the first peer is there
    // A server: what further peers are told before they are turned away; NULL: they wait until the one before has gone.
    const char *refusal;
};

// -EADDRINUSE, -ECONNREFUSED or what else the host says, with a message. An old socket at `path` that nobody
// listens at is replaced.
int chardev_socket_create(const char *id, struct io_loop *loop, const struct chardev_socket_options *options,
                          struct chardev **chardev, struct error *error);
