// SPDX-License-Identifier: MIT
// Character devices on sockets. The descriptors are ours alone and never block.
#include "ui/chardev-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/core/io-loop.h"
#include "tcg/base/alloc.h"
#include "ui/chardev-watches.h"
#include "ui/listener.h"
#include "ui/socket-open.h"

struct socket_chardev {
    struct chardev base;
    struct chardev_watches watches; // of the peer
    struct listener listener;       // of a server
    int peer;                       // -1: none
    char *path;                     // to be removed; NULL: none
    char *refusal;
};

static struct socket_chardev *of(struct chardev *chardev)
{
    return (struct socket_chardev *)chardev;
}

static void listen_for_peers(struct socket_chardev *self, bool on)
{
    if (self->listener.watch)
        listener_set(&self->listener, on);
}

static void drop_peer(struct chardev *chardev)
{
    struct socket_chardev *self = of(chardev);
    if (self->peer < 0)
        return;
    chardev_end_watches(&self->watches);
    close(self->peer);
    self->peer = -1;
    listen_for_peers(self, true);
    chardev_event(chardev, CHARDEV_CLOSED);
}

static void take_peer(struct socket_chardev *self, int fd)
{
    int on = 1;
    // Fails on sockets of other kinds, which have no delay.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    self->peer = fd;
    listen_for_peers(self, self->refusal != NULL);
    chardev_watch_input(&self->watches, fd);
    chardev_event(&self->base, CHARDEV_OPENED);
}

// What it has sent last may still be waiting to be read.
static bool has_hung_up(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};
    return poll(&state, 1, 0) > 0;
}

static void connected(void *opaque, int fd)
{
    struct socket_chardev *self = opaque;
    if (self->peer >= 0 && has_hung_up(self->peer))
        drop_peer(&self->base);
    if (self->peer < 0) {
        take_peer(self, fd);
        return;
    }
    (void)!send(fd, self->refusal, strlen(self->refusal), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
}

static void socket_resume_input(struct chardev *chardev)
{
    struct socket_chardev *self = of(chardev);
    if (self->peer >= 0)
        chardev_watch_input(&self->watches, self->peer);
}

// What nobody is there to read is lost, as on a line that is not connected. That a peer has gone is noticed
// when it is read from.
static size_t socket_write(struct chardev *chardev, const void *data, size_t length)
{
    struct socket_chardev *self = of(chardev);
    const char *bytes = data;
    size_t done = 0;
    while (self->peer >= 0 && done < length) {
        ssize_t n = send(self->peer, bytes + done, length - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            chardev_watch_output(&self->watches, self->peer);
            return done;
        } else if (errno != EINTR) {
            break;
        }
    }
    return length;
}

static void socket_close(struct chardev *chardev)
{
    struct socket_chardev *self = of(chardev);
    chardev_end_watches(&self->watches);
    listener_release(&self->listener);
    if (self->peer >= 0)
        close(self->peer);
    if (self->path)
        unlink(self->path);
    free(self->path);
    free(self->refusal);
    free(self->base.id);
    free(self);
}

static const struct chardev_ops socket_ops = {"socket", socket_write, socket_resume_input, socket_close};

// --- making ---

int chardev_socket_create(const char *id, struct io_loop *loop, const struct chardev_socket_options *options,
                          struct chardev **chardev, struct error *error)
{
    const char *host = options->host && *options->host ? options->host : "127.0.0.1";
    int fd, status = options->path ? socket_open_unix(options->path, options->server, &fd, error)
                                   : socket_open_tcp(host, options->port, options->server, &fd, error);
    if (status)
        return status;
    struct socket_chardev *self = ALLOC(struct socket_chardev);
    if (options->server && (status = listener_init(&self->listener, loop, fd, connected, self, error))) {
        free(self);
        return status;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    self->base = (struct chardev){.ops = &socket_ops, .id = alloc_string(id)};
    self->watches = (struct chardev_watches){.chardev = &self->base, .loop = loop, .ended = drop_peer};
    self->peer = -1;
    self->refusal = options->refusal ? alloc_string(options->refusal) : NULL;
    self->path = options->server && options->path ? alloc_string(options->path) : NULL;
    if (!options->server)
        take_peer(self, fd);
    while (options->server && options->wait && self->peer < 0)
        listener_wait(&self->listener);
    *chardev = &self->base;
    return 0;
}
