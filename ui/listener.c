// SPDX-License-Identifier: MIT
// A peer that cannot be accepted, when descriptors or memory have run out, stays where it is, and the loop
// would be told of it again and again: so nobody looks for a while.
#include "ui/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 16, PAUSE_NS = 250000000, PAUSE_MS = PAUSE_NS / 1000000 };

static bool has_gone(int reason)
{
    return reason == EAGAIN || reason == EINTR || reason == ECONNABORTED || reason == EPROTO;
}

// False: not now.
static bool let_in(struct listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        listener->connected(listener->opaque, fd);
    return fd >= 0 || has_gone(errno);
}

static void knock(void *opaque, unsigned events)
{
    struct listener *listener = opaque;
    (void)events;
    if (let_in(listener))
        return;
    io_watch_set_events(listener->watch, 0);
    ticker_set(&listener->pause, PAUSE_NS);
}

static void look_again(void *opaque)
{
    struct listener *listener = opaque;
    ticker_set(&listener->pause, 0);
    io_watch_set_events(listener->watch, listener->on ? IO_READ : 0);
}

void listener_set(struct listener *listener, bool on)
{
    listener->on = on;
    ticker_set(&listener->pause, 0);
    io_watch_set_events(listener->watch, on ? IO_READ : 0);
}

void listener_wait(struct listener *listener)
{
    struct pollfd ready = {.fd = listener->fd, .events = POLLIN};
    while (poll(&ready, 1, -1) < 0 && errno == EINTR)
        ;
    if (!let_in(listener))
        poll(NULL, 0, PAUSE_MS);
}

int listener_init(struct listener *listener, struct io_loop *loop, int fd,
                  void (*connected)(void *opaque, int fd), void *opaque, struct error *error)
{
    int status = 0;
    *listener = (struct listener){.fd = fd, .on = true, .connected = connected, .opaque = opaque};
    // Else a peer that has gone would be waited for.
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (listen(fd, BACKLOG))
        status = error_set(error, errno, "cannot listen: %s", strerror(errno));
    else if ((status = ticker_init(&listener->pause, loop, look_again, listener)))
        status = error_set(error, -status, "the host has no timer left: %s", strerror(-status));
    if (status) {
        close(fd);
        return status;
    }
    listener->watch = io_watch_add(loop, fd, IO_READ, knock, listener);
    return 0;
}

void listener_release(struct listener *listener)
{
    if (!listener->watch)
        return;
    io_watch_remove(listener->watch);
    ticker_release(&listener->pause);
    close(listener->fd);
    listener->watch = NULL;
}
