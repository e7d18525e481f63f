// SPDX-License-Identifier: MIT
// Input and room for output of file descriptors.
#include "ui/chardev-watches.h"

#include <errno.h>
#include <unistd.h>

#include "hw/core/io-loop.h"

enum { READ_CHUNK = 65536 };

static void end_watch(struct io_watch **watch)
{
    io_watch_remove(*watch);
    *watch = NULL;
}

static void input_ready(void *opaque, unsigned events)
{
    struct chardev_watches *w = opaque;
    uint8_t buffer[READ_CHUNK];
    size_t room = chardev_room(w->chardev);
    (void)events;
    if (!room) {
        end_watch(&w->in); // else a ready descriptor would spin the loop
        return;
    }
    ssize_t n = read(w->in_fd, buffer, room < sizeof(buffer) ? room : sizeof(buffer));
    if (n > 0) {
        chardev_receive(w->chardev, buffer, (size_t)n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        end_watch(&w->in);
        w->ended(w->chardev);
    }
}

void chardev_watch_input(struct chardev_watches *w, int fd)
{
    if (w->in)
        return;
    w->in_fd = fd;
    w->in = io_watch_add(w->loop, fd, IO_READ, input_ready, w);
}

static void output_ready(void *opaque, unsigned events)
{
    struct chardev_watches *w = opaque;
    (void)events;
    end_watch(&w->out);
    chardev_writable(w->chardev);
}

void chardev_watch_output(struct chardev_watches *w, int fd)
{
    if (!w->out)
        w->out = io_watch_add(w->loop, fd, IO_WRITE, output_ready, w);
}

void chardev_end_watches(struct chardev_watches *w)
{
    end_watch(&w->in);
    end_watch(&w->out);
}
