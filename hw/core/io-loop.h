// SPDX-License-Identifier: MIT
// The I/O thread's loop: waits for file descriptors, the event clock and work posted by other threads, and
// runs their callbacks with the device lock held.
#pragma once

#include <stdbool.h>

#include "hw/core/clock.h"
#include "hw/core/device-lock.h"

enum io_event { IO_READ = 1 << 0, IO_WRITE = 1 << 1, IO_HANGUP = 1 << 2 };

struct io_loop;
struct io_watch;

typedef void io_watch_fn(void *opaque, unsigned events);
typedef void io_task_fn(void *opaque);

// A piece of work that another thread hands to the loop; embedded by its owner.
struct io_task {
    io_task_fn *run;
    void *opaque;
    struct io_task *next;
    bool posted;
};

struct io_loop *io_loop_create(struct device_lock *lock, struct event_clock *clock);
void io_loop_destroy(struct io_loop *loop);

// Watches `fd` for `events` (IO_HANGUP is always reported). These three need the device lock, or a loop that
// is not running yet.
struct io_watch *io_watch_add(struct io_loop *loop, int fd, unsigned events, io_watch_fn *fn, void *opaque);
void io_watch_set_events(struct io_watch *watch, unsigned events);
void io_watch_remove(struct io_watch *watch);

void io_task_init(struct io_task *task, io_task_fn *run, void *opaque);
// Has the loop run the task once, soon. Any thread, no lock needed; posting a posted task does nothing.
void io_loop_post(struct io_loop *loop, struct io_task *task);
// Takes a posted task back. Device lock held.
void io_loop_unpost(struct io_loop *loop, struct io_task *task);
// Makes a waiting loop come round. Any thread; async-signal-safe.
void io_loop_wake(struct io_loop *loop);

// Waits for something to do, at most `timeout_ms` (-1: no limit), and does it. Takes the device lock itself.
void io_loop_iterate(struct io_loop *loop, int timeout_ms);
