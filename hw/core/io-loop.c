// SPDX-License-Identifier: MIT
// The I/O loop, on ppoll. Watches removed while callbacks run are freed after the round, so that no callback
// sees freed memory.
#include "hw/core/io-loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

struct io_watch {
    int fd; // -1: removed
    unsigned events;
    io_watch_fn *fn;
    void *opaque;
    struct io_loop *loop;
    struct io_watch *next;
};

struct io_loop {
    struct device_lock *lock;
    struct event_clock *clock;
    int wake_fd;
    atomic_bool woken;               // wake_fd has been written since the last round
    _Atomic uint64_t sleep_until_ns; // machine time the loop sleeps to; 0 while it works
    struct io_watch *watches;
    struct pollfd *polls;
    size_t poll_capacity;
    pthread_mutex_t task_mutex;
    struct io_task *tasks, **tasks_tail;
};

void io_loop_wake(struct io_loop *loop)
{
    if (atomic_exchange(&loop->woken, true))
        return;
    uint64_t one = 1;
    ssize_t n = write(loop->wake_fd, &one, sizeof(one));
    (void)n; // full means that it is awake
}

// The earliest deadline moved. Only worth a system call when the loop would sleep past it.
static void deadline_moved(void *opaque)
{
    struct io_loop *loop = opaque;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&loop->sleep_until_ns) > event_clock_next_ns(loop->clock))
        io_loop_wake(loop);
}

struct io_loop *io_loop_create(struct device_lock *lock, struct event_clock *clock)
{
    struct io_loop *loop = ALLOC(struct io_loop);
    loop->lock = lock;
    loop->clock = clock;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(loop->wake_fd >= 0);
    loop->tasks_tail = &loop->tasks;
    pthread_mutex_init(&loop->task_mutex, NULL);
    event_clock_set_notify(clock, deadline_moved, loop);
    return loop;
}

void io_loop_destroy(struct io_loop *loop)
{
    if (!loop)
        return;
    event_clock_set_notify(loop->clock, NULL, NULL);
    while (loop->watches) {
        struct io_watch *watch = loop->watches;
        loop->watches = watch->next;
        free(watch);
    }
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->task_mutex);
    free(loop->polls);
    free(loop);
}

struct io_watch *io_watch_add(struct io_loop *loop, int fd, unsigned events, io_watch_fn *fn, void *opaque)
{
    struct io_watch *watch = ALLOC(struct io_watch);
    *watch = (struct io_watch){.fd = fd, .events = events, .fn = fn, .opaque = opaque, .loop = loop};
    watch->next = loop->watches;
    loop->watches = watch;
    io_loop_wake(loop);
    return watch;
}

void io_watch_set_events(struct io_watch *watch, unsigned events)
{
    if (watch->events == events)
        return;
    watch->events = events;
    io_loop_wake(watch->loop);
}

void io_watch_remove(struct io_watch *watch)
{
    if (!watch)
        return;
    watch->fd = -1;
    io_loop_wake(watch->loop);
}

void io_task_init(struct io_task *task, io_task_fn *run, void *opaque)
{
    *task = (struct io_task){.run = run, .opaque = opaque};
}

void io_loop_post(struct io_loop *loop, struct io_task *task)
{
    pthread_mutex_lock(&loop->task_mutex);
    if (!task->posted) {
        task->posted = true;
        task->next = NULL;
        *loop->tasks_tail = task;
        loop->tasks_tail = &task->next;
    }
    pthread_mutex_unlock(&loop->task_mutex);
    io_loop_wake(loop);
}

void io_loop_unpost(struct io_loop *loop, struct io_task *task)
{
    pthread_mutex_lock(&loop->task_mutex);
    for (struct io_task **link = &loop->tasks; *link; link = &(*link)->next) {
        if (*link != task)
            continue;
        *link = task->next;
        if (!*link)
            loop->tasks_tail = link;
        task->posted = false;
        break;
    }
    pthread_mutex_unlock(&loop->task_mutex);
}

// Runs what was posted before the call; tasks that post themselves again wait for the next round.
static void run_tasks(struct io_loop *loop)
{
    pthread_mutex_lock(&loop->task_mutex);
    struct io_task *last = loop->tasks ? CONTAINER_OF(loop->tasks_tail, struct io_task, next) : NULL;
    while (loop->tasks) {
        struct io_task *task = loop->tasks;
        loop->tasks = task->next;
        if (!loop->tasks)
            loop->tasks_tail = &loop->tasks;
        task->posted = false;
        pthread_mutex_unlock(&loop->task_mutex);
        task->run(task->opaque);
        pthread_mutex_lock(&loop->task_mutex);
        if (task == last)
            break;
    }
    pthread_mutex_unlock(&loop->task_mutex);
}

static size_t prepare_polls(struct io_loop *loop)
{
    size_t count = 1;
    for (struct io_watch *watch = loop->watches; watch; watch = watch->next)
        count++;
    if (count > loop->poll_capacity) {
        loop->poll_capacity = count * 2;
        loop->polls = alloc_resize(loop->polls, loop->poll_capacity, sizeof(*loop->polls));
    }
    loop->polls[0] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    size_t i = 1;
    for (struct io_watch *watch = loop->watches; watch; watch = watch->next, i++) {
        short events =
            (short)((watch->events & IO_READ ? POLLIN : 0) | (watch->events & IO_WRITE ? POLLOUT : 0));
        loop->polls[i] = (struct pollfd){.fd = watch->fd, .events = events};
    }
    return count;
}

static void wait_for_something(struct io_loop *loop, size_t count, int timeout_ms)
{
    uint64_t limit_ns = timeout_ms < 0 ? CLOCK_NEVER : (uint64_t)timeout_ms * 1000000;
    // Published before the queue is read: an event set after that sees the value and wakes us.
    atomic_store(&loop->sleep_until_ns, CLOCK_NEVER);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t deadline = event_clock_next_ns(loop->clock);
    atomic_store(&loop->sleep_until_ns, deadline);
    if (deadline != CLOCK_NEVER) {
        uint64_t now = clock_now_ns(loop->clock);
        uint64_t left = deadline > now ? deadline - now : 0;
        limit_ns = left < limit_ns ? left : limit_ns;
    }
    struct timespec timeout = {.tv_sec = (time_t)(limit_ns / NS_PER_SECOND),
                               .tv_nsec = (long)(limit_ns % NS_PER_SECOND)};
    if (ppoll(loop->polls, count, limit_ns == CLOCK_NEVER ? NULL : &timeout, NULL) < 0)
        for (size_t i = 0; i < count; i++)
            loop->polls[i].revents = 0;
    atomic_store(&loop->sleep_until_ns, 0);
}

static unsigned events_from_poll(short revents)
{
    unsigned events = 0;
    if (revents & POLLIN)
        events |= IO_READ;
    if (revents & POLLOUT)
        events |= IO_WRITE;
    if (revents & (POLLHUP | POLLERR | POLLNVAL))
        events |= IO_HANGUP;
    return events;
}

static void run_watches(struct io_loop *loop, size_t polled)
{
    // Watches are added at the head, so those that were polled are the last `polled` ones, in the same order.
    size_t total = 0;
    for (struct io_watch *watch = loop->watches; watch; watch = watch->next)
        total++;
    struct io_watch *watch = loop->watches;
    for (size_t skip = total - polled; skip; skip--)
        watch = watch->next;
    for (size_t i = 1; watch; watch = watch->next, i++) {
        unsigned events = events_from_poll(loop->polls[i].revents) & (watch->events | IO_HANGUP);
        if (events && watch->fd >= 0)
            watch->fn(watch->opaque, events);
    }
    for (struct io_watch **link = &loop->watches; *link;) {
        struct io_watch *gone = *link;
        if (gone->fd >= 0) {
            link = &gone->next;
            continue;
        }
        *link = gone->next;
        free(gone);
    }
}

void io_loop_iterate(struct io_loop *loop, int timeout_ms)
{
    device_lock_acquire(loop->lock);
    size_t count = prepare_polls(loop);
    device_lock_release(loop->lock);

    wait_for_something(loop, count, timeout_ms);

    if (loop->polls[0].revents & POLLIN) {
        // In this order: whoever finds `woken` still set has posted before we look.
        uint64_t value;
        ssize_t n = read(loop->wake_fd, &value, sizeof(value));
        (void)n;
        atomic_store(&loop->woken, false);
    }
    device_lock_acquire(loop->lock);
    run_watches(loop, count - 1);
    run_tasks(loop);
    event_clock_run(loop->clock);
    device_lock_release(loop->lock);
}
