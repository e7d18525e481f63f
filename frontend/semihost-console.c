// SPDX-License-Identifier: MIT
// Semihosting's console on a chardev, or on this program's standard output and standard error.
//
// vCPU threads wait here: for room, a second at most, after which output is dropped; for input, some milliseconds, so that they
// can be paused.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontend/semihost-private.h"
#include "hw/core/chardev.h"
#include "hw/core/device-lock.h"
#include "tcg/base/error.h"
#include "tcg/base/log.h"

enum { WAIT_MS = 10, OUTPUT_TRIES = 100 };

static size_t front_room(void *opaque)
{
    struct semihost_console *console = opaque;
    pthread_mutex_lock(&console->lock);
    size_t room = sizeof(console->input) - console->input_count;
    pthread_mutex_unlock(&console->lock);
    return room;
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct semihost_console *console = opaque;
    pthread_mutex_lock(&console->lock);
    size_t room = sizeof(console->input) - console->input_count, n = length < room ? length : room;
    memcpy(console->input + console->input_count, data, n);
    console->input_count += n;
    pthread_cond_broadcast(&console->changed);
    pthread_mutex_unlock(&console->lock);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct semihost_console *console = opaque;
    pthread_mutex_lock(&console->lock);
    if (event == CHARDEV_OPENED || event == CHARDEV_CLOSED)
        console->ended = event == CHARDEV_CLOSED;
    pthread_cond_broadcast(&console->changed);
    pthread_mutex_unlock(&console->lock);
}

static void front_writable(void *opaque)
{
    struct semihost_console *console = opaque;
    pthread_mutex_lock(&console->lock);
    pthread_cond_broadcast(&console->changed);
    pthread_mutex_unlock(&console->lock);
}

static const struct chardev_front front = {front_room, front_receive, front_event, front_writable};

int semihost_console_init(struct semihost_console *console, struct chardev *chardev, struct device_lock *device_lock,
                          struct error *error)
{
    *console = (struct semihost_console){.device_lock = device_lock};
    pthread_mutex_init(&console->lock, NULL);
    pthread_cond_init(&console->changed, NULL);
    device_lock_acquire(device_lock);
    int status = chardev_attach(chardev, &front, console);
    device_lock_release(device_lock);
    if (status)
        return error_set(error, EBUSY, "chardev '%s' is used by another device", chardev->id);
    console->chardev = chardev;
    return 0;
}

void semihost_console_destroy(struct semihost_console *console)
{
    device_lock_acquire(console->device_lock);
    chardev_attach(console->chardev, NULL, NULL);
    device_lock_release(console->device_lock);
    pthread_cond_destroy(&console->changed);
    pthread_mutex_destroy(&console->lock);
}

// Until something changes, or a moment has passed. The caller holds the lock.
static void wait_a_moment(struct semihost_console *console)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&console->changed, &console->lock, &until);
}

static size_t write_descriptor(int fd, const void *data, size_t length)
{
    ssize_t n = write(fd, data, length);
    if (n < 0 && errno == EAGAIN)
        poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, WAIT_MS);
    return n > 0 ? (size_t)n : 0;
}

static size_t write_chardev(struct semihost_console *console, const void *data, size_t length)
{
    device_lock_acquire(console->device_lock);
    size_t n = chardev_write(console->chardev, data, length);
    device_lock_release(console->device_lock);
    if (!n) {
        pthread_mutex_lock(&console->lock);
        wait_a_moment(console);
        pthread_mutex_unlock(&console->lock);
    }
    return n;
}

void semihost_console_write(struct semihost_console *console, int fd, const void *data, size_t length)
{
    for (unsigned tries = 0; length && tries < OUTPUT_TRIES;) {
        size_t n = console->chardev ? write_chardev(console, data, length) : write_descriptor(fd, data, length);
        data = (const char *)data + n;
        length -= n;
        tries = n ? 0 : tries + 1;
    }
    if (length)
        log_printf(LOG_GUEST_ERRORS, "semihosting: %zu bytes of output found no room\n", length);
}

int64_t semihost_console_read(struct semihost_console *console, void *data, size_t length)
{
    if (!console->chardev || !length)
        return 0;
    pthread_mutex_lock(&console->lock);
    if (!console->input_count && !console->ended)
        wait_a_moment(console);
    size_t n = length < console->input_count ? length : console->input_count;
    bool ended = console->ended;
    memcpy(data, console->input, n);
    console->input_count -= n;
    memmove(console->input, console->input + n, console->input_count);
    pthread_mutex_unlock(&console->lock);
    if (!n)
        return ended ? 0 : -EAGAIN;
    device_lock_acquire(console->device_lock);
    chardev_resume_input(console->chardev);
    device_lock_release(console->device_lock);
    return (int64_t)n;
}
