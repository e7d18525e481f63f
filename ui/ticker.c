// SPDX-License-Identifier: MIT
#include "ui/ticker.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void expired(void *opaque, unsigned events)
{
    struct ticker *ticker = opaque;
    uint64_t count;
    (void)events;
    if (read(ticker->fd, &count, sizeof(count)) == sizeof(count) && ticker->period_ns)
        ticker->tick(ticker->opaque);
}

int ticker_init(struct ticker *ticker, struct io_loop *loop, void (*tick)(void *opaque), void *opaque)
{
    *ticker = (struct ticker){.tick = tick, .opaque = opaque};
    ticker->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (ticker->fd < 0)
        return -errno;
    ticker->watch = io_watch_add(loop, ticker->fd, IO_READ, expired, ticker);
    return 0;
}

void ticker_set(struct ticker *ticker, uint64_t period_ns)
{
    enum { SECOND_NS = 1000000000 };
    struct timespec period = {(time_t)(period_ns / SECOND_NS), (long)(period_ns % SECOND_NS)};
    struct itimerspec setting = {period, period};
    if (period_ns == ticker->period_ns)
        return;
    ticker->period_ns = period_ns;
    timerfd_settime(ticker->fd, 0, &setting, NULL);
}

void ticker_release(struct ticker *ticker)
{
    if (!ticker->watch)
        return;
    io_watch_remove(ticker->watch);
    close(ticker->fd);
    ticker->watch = NULL;
}
