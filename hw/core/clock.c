// SPDX-License-Identifier: MIT
// The event clock: a binary heap of events under a lock of its own, and machine time as an offset to a
// source.
#include "hw/core/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "tcg/base/alloc.h"

struct heap_entry {
    uint64_t at_ns, order; // order of setting, so that equal deadlines fire first come first served
    struct event *event;
};

struct event_clock {
    struct clock_source source;
    _Atomic uint64_t base_ns;   // source time at machine time 0, modulo 2^64; valid while running
    _Atomic uint64_t frozen_ns; // machine time while stopped, RUNNING otherwise
    pthread_mutex_t mutex;      // guards what follows
    struct heap_entry *heap;
    uint32_t count, capacity;
    uint64_t next_order;
    void (*notify)(void *opaque);
    void *notify_opaque;
};

#define RUNNING UINT64_MAX

static uint64_t host_now_ns(void *opaque)
{
    (void)opaque;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

struct event_clock *event_clock_create(const struct clock_source *source)
{
    struct event_clock *clock = ALLOC(struct event_clock);
    clock->source = source ? *source : (struct clock_source){host_now_ns, NULL};
    pthread_mutex_init(&clock->mutex, NULL);
    return clock;
}

void event_clock_destroy(struct event_clock *clock)
{
    if (!clock)
        return;
    pthread_mutex_destroy(&clock->mutex);
    free(clock->heap);
    free(clock);
}

void event_clock_set_notify(struct event_clock *clock, void (*notify)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&clock->mutex);
    clock->notify = notify;
    clock->notify_opaque = opaque;
    pthread_mutex_unlock(&clock->mutex);
}

uint64_t clock_now_ns(struct event_clock *clock)
{
    uint64_t frozen = atomic_load_explicit(&clock->frozen_ns, memory_order_acquire);
    if (frozen != RUNNING)
        return frozen;
    return clock->source.now_ns(clock->source.opaque) -
           atomic_load_explicit(&clock->base_ns, memory_order_relaxed);
}

// Called with the mutex held, released in here: the thread that runs events may take it at once.
static void unlock_and_notify(struct event_clock *clock)
{
    void (*notify)(void *opaque) = clock->notify;
    void *opaque = clock->notify_opaque;
    pthread_mutex_unlock(&clock->mutex);
    if (notify)
        notify(opaque);
}

void event_clock_start(struct event_clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    uint64_t frozen = atomic_load(&clock->frozen_ns);
    if (frozen != RUNNING) {
        atomic_store(&clock->base_ns, clock->source.now_ns(clock->source.opaque) - frozen);
        atomic_store_explicit(&clock->frozen_ns, RUNNING, memory_order_release);
    }
    unlock_and_notify(clock);
}

void event_clock_stop(struct event_clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    atomic_store_explicit(&clock->frozen_ns, clock_now_ns(clock), memory_order_release);
    pthread_mutex_unlock(&clock->mutex);
}

void event_clock_set_now(struct event_clock *clock, uint64_t now_ns)
{
    assert(atomic_load(&clock->frozen_ns) != RUNNING);
    atomic_store(&clock->frozen_ns, now_ns);
}

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void place(struct event_clock *clock, uint32_t slot, struct heap_entry entry)
{
    clock->heap[slot] = entry;
    entry.event->slot = slot + 1;
}

// Moves `entry` from the hole at `slot` to where the heap order holds.
static void settle(struct event_clock *clock, uint32_t slot, struct heap_entry entry)
{
    while (slot && before(&entry, &clock->heap[(slot - 1) / 2])) {
        place(clock, slot, clock->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * slot + 1;
        if (child + 1 < clock->count && before(&clock->heap[child + 1], &clock->heap[child]))
            child++;
        if (child >= clock->count || !before(&clock->heap[child], &entry))
            break;
        place(clock, slot, clock->heap[child]);
        slot = child;
    }
    place(clock, slot, entry);
}

static void remove_locked(struct event_clock *clock, struct event *event)
{
    if (!event->slot)
        return;
    uint32_t slot = event->slot - 1;
    event->slot = 0;
    struct heap_entry last = clock->heap[--clock->count];
    if (slot < clock->count)
        settle(clock, slot, last);
}

void event_init(struct event *event, struct event_clock *clock, event_fn *fire, void *opaque)
{
    *event = (struct event){.fire = fire, .opaque = opaque, .clock = clock};
}

void event_set(struct event *event, uint64_t at_ns)
{
    struct event_clock *clock = event->clock;
    pthread_mutex_lock(&clock->mutex);
    remove_locked(clock, event);
    if (at_ns == CLOCK_NEVER) {
        pthread_mutex_unlock(&clock->mutex);
        return;
    }
    if (clock->count == clock->capacity) {
        clock->capacity = clock->capacity ? clock->capacity * 2 : 16;
        clock->heap = alloc_resize(clock->heap, clock->capacity, sizeof(*clock->heap));
    }
    event->at_ns = at_ns;
    settle(clock, clock->count++, (struct heap_entry){at_ns, clock->next_order++, event});
    if (event->slot == 1)
        unlock_and_notify(clock);
    else
        pthread_mutex_unlock(&clock->mutex);
}

void event_cancel(struct event *event)
{
    if (!event->clock)
        return;
    pthread_mutex_lock(&event->clock->mutex);
    remove_locked(event->clock, event);
    pthread_mutex_unlock(&event->clock->mutex);
}

bool event_pending(const struct event *event)
{
    return __atomic_load_n(&event->slot, __ATOMIC_RELAXED) != 0;
}

uint64_t event_clock_next_ns(struct event_clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    bool running = atomic_load(&clock->frozen_ns) == RUNNING;
    uint64_t next = running && clock->count ? clock->heap[0].at_ns : CLOCK_NEVER;
    pthread_mutex_unlock(&clock->mutex);
    return next;
}

void event_clock_run(struct event_clock *clock)
{
    if (atomic_load(&clock->frozen_ns) != RUNNING)
        return;
    uint64_t now = clock_now_ns(clock);
    pthread_mutex_lock(&clock->mutex);
    // Events set from now on wait for the next call, so a guest that keeps asking for the past cannot hold us
    // here.
    uint64_t newest = clock->next_order;
    while (clock->count && clock->heap[0].at_ns <= now && clock->heap[0].order < newest) {
        struct event *event = clock->heap[0].event;
        uint64_t late = now - clock->heap[0].at_ns;
        remove_locked(clock, event);
        pthread_mutex_unlock(&clock->mutex);
        event->fire(event->opaque, late);
        pthread_mutex_lock(&clock->mutex);
    }
    pthread_mutex_unlock(&clock->mutex);
}
