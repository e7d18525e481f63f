// SPDX-License-Identifier: MIT
// Character devices on file descriptors. Descriptors stay in blocking mode; poll() is asked before each short write.
// That is safe: a terminal or pipe that is ready takes WRITE_CHUNK bytes without blocking.
#include "ui/chardev-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tcg/base/alloc.h"
#include "ui/chardev-watches.h"
#include "ui/terminal.h"

enum { WRITE_CHUNK = 256 };

struct fd_chardev {
    struct chardev base;
    struct chardev_watches watches;
    int in, out; // -1: none
    bool drop_when_full;
    bool raw_terminal; // to be restored
    int slave;         // pty: kept open so that the master never hangs up
    char *pty_path;
};

static struct fd_chardev *of(struct chardev *chardev)
{
    return (struct fd_chardev *)chardev;
}

static void input_ended(struct chardev *chardev)
{
    of(chardev)->in = -1; // not closed: standard input is not ours
    chardev_event(chardev, CHARDEV_CLOSED);
}

static void fd_resume_input(struct chardev *chardev)
{
    struct fd_chardev *self = of(chardev);
    if (self->in >= 0)
        chardev_watch_input(&self->watches, self->in);
}

static size_t fd_write(struct chardev *chardev, const void *data, size_t length)
{
    struct fd_chardev *self = of(chardev);
    const char *bytes = data;
    size_t done = 0;
    while (self->out >= 0 && done < length) {
        struct pollfd ready = {.fd = self->out, .events = POLLOUT};
        if (poll(&ready, 1, 0) <= 0) {
            if (self->drop_when_full)
                break;
            chardev_watch_output(&self->watches, self->out);
            return done;
        }
        size_t chunk = length - done < WRITE_CHUNK ? length - done : WRITE_CHUNK;
        ssize_t n = write(self->out, bytes + done, chunk);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            break; // a full disk or a reader that has gone: the guest must not notice
        if (n > 0)
            done += (size_t)n;
    }
    return length;
}

static void fd_close(struct chardev *chardev)
{
    struct fd_chardev *self = of(chardev);
    chardev_end_watches(&self->watches);
    if (self->raw_terminal)
        terminal_restore();
    if (self->out > STDERR_FILENO)
        close(self->out);
    if (self->slave >= 0)
        close(self->slave);
    free(self->pty_path);
    free(self->base.id);
    free(self);
}

static const struct chardev_ops stdio_ops = {"stdio", fd_write, fd_resume_input, fd_close};
static const struct chardev_ops file_ops = {"file", fd_write, NULL, fd_close};
static const struct chardev_ops pty_ops = {"pty", fd_write, fd_resume_input, fd_close};
static const struct chardev_ops null_ops = {"null", fd_write, NULL, fd_close};

static struct fd_chardev *create(const struct chardev_ops *ops, const char *id, struct io_loop *loop, int in, int out)
{
    struct fd_chardev *self = ALLOC(struct fd_chardev);
    self->base = (struct chardev){.ops = ops, .id = alloc_string(id), .open = true};
    self->watches = (struct chardev_watches){.chardev = &self->base, .loop = loop, .ended = input_ended};
    self->in = in;
    self->out = out;
    self->slave = -1;
    return self;
}

int chardev_stdio_create(const char *id, struct io_loop *loop, bool signals, struct chardev **chardev,
                         struct error *error)
{
    bool raw = isatty(STDIN_FILENO);
    if (raw) {
        int status = terminal_make_raw(STDIN_FILENO, signals, error);
        if (status)
            return status;
    }
    struct fd_chardev *self = create(&stdio_ops, id, loop, STDIN_FILENO, STDOUT_FILENO);
    self->raw_terminal = raw;
    *chardev = &self->base;
    return 0;
}

int chardev_file_create(const char *id, struct io_loop *loop, const char *path, struct chardev **chardev,
                        struct error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0)
        return error_set(error, errno, "cannot write file '%s': %s", path, strerror(errno));
    *chardev = &create(&file_ops, id, loop, -1, fd)->base;
    return 0;
}

int chardev_pty_create(const char *id, struct io_loop *loop, struct chardev **chardev, struct error *error)
{
    int master, slave;
    struct termios raw;
    if (openpty(&master, &slave, NULL, NULL, NULL))
        return error_set(error, errno, "cannot make a pseudo-terminal: %s", strerror(errno));
    if (!tcgetattr(slave, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(slave, TCSANOW, &raw);
    }
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(slave, F_SETFD, FD_CLOEXEC);
    struct fd_chardev *self = create(&pty_ops, id, loop, master, master);
    self->slave = slave;
    self->drop_when_full = true;
    char path[64];
    self->pty_path = alloc_string(ttyname_r(slave, path, sizeof(path)) ? "?" : path);
    *chardev = &self->base;
    return 0;
}

const char *chardev_pty_path(const struct chardev *chardev)
{
    return chardev->ops == &pty_ops ? of((struct chardev *)chardev)->pty_path : NULL;
}

struct chardev *chardev_null_create(const char *id)
{
    return &create(&null_ops, id, NULL, -1, -1)->base;
}
