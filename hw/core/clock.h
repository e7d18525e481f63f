// SPDX-License-Identifier: MIT
// The event clock: the machine's time in nanoseconds, and the queue of what devices want to do at a later
// time. Each device embeds its own `struct event`, so setting a timer allocates nothing.
//
// Time comes from a source. The host source follows the host's monotonic clock and stands still while the
// machine is paused; a deterministic source can count executed instructions instead, without any device
// noticing.
//
// Events may be set and cancelled from any thread. They fire on the I/O thread with the device lock held and
// are told how late they are, so that periodic ones need not drift. Whoever holds the device lock and cancels
// an event knows that it will not fire; without the lock it may be firing at that moment.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER UINT64_MAX
#define NS_PER_SECOND UINT64_C(1000000000)

struct event_clock;

typedef void event_fn(void *opaque, uint64_t late_ns);

struct event {
    uint64_t at_ns;
    event_fn *fire;
    void *opaque;
    struct event_clock *clock;
    uint32_t slot; // place in the queue plus one; 0 when not queued
};

// Where time comes from. `now_ns` must be cheap and callable from any thread.
struct clock_source {
    uint64_t (*now_ns)(void *opaque);
    void *opaque;
};

// NULL: the host's monotonic clock. The clock starts stopped at 0.
struct event_clock *event_clock_create(const struct clock_source *source);
void event_clock_destroy(struct event_clock *clock);
// Called (from any thread) when the earliest deadline moved forward, to wake the thread that runs events.
void event_clock_set_notify(struct event_clock *clock, void (*notify)(void *opaque), void *opaque);

// Machine time. Any thread, no lock.
uint64_t clock_now_ns(struct event_clock *clock);
void event_clock_start(struct event_clock *clock);
void event_clock_stop(struct event_clock *clock);
// Sets the time, as a snapshot does; only while stopped.
void event_clock_set_now(struct event_clock *clock, uint64_t now_ns);

void event_init(struct event *event, struct event_clock *clock, event_fn *fire, void *opaque);
// Queues the event for `at_ns`, in place of an earlier setting. CLOCK_NEVER cancels.
void event_set(struct event *event, uint64_t at_ns);
void event_cancel(struct event *event);
bool event_pending(const struct event *event);

// The earliest deadline, CLOCK_NEVER when there is none or time stands still.
uint64_t event_clock_next_ns(struct event_clock *clock);
// Fires what is due, in order of deadline, then of setting. The caller holds the device lock. An event that
// sets itself for a time that has passed fires again at the next call, so this always returns.
void event_clock_run(struct event_clock *clock);
