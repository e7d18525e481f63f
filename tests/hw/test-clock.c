// SPDX-License-Identifier: MIT
// The event clock: order, lateness, stopping.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/core/clock.h"
#include "hw/core/rng.h"

static uint64_t test_time;

static uint64_t read_test_time(void *opaque)
{
    (void)opaque;
    return test_time;
}

struct log {
    struct event event;
    struct event_clock *clock;
    char *out;
    char letter;
    uint64_t late, period;
};

static void log_fire(void *opaque, uint64_t late)
{
    struct log *log = opaque;
    size_t n = strlen(log->out);
    log->out[n] = log->letter;
    log->late = late;
    if (log->period)
        event_set(&log->event, log->event.at_ns + log->period);
}

Test(clock, fires_in_order_and_tells_lateness)
{
    struct clock_source source = {read_test_time, NULL};
    test_time = 1000;
    struct event_clock *clock = event_clock_create(&source);
    char out[64] = "";
    struct log logs[4];
    for (int i = 0; i < 4; i++) {
        logs[i] = (struct log){.clock = clock, .out = out, .letter = (char)('a' + i)};
        event_init(&logs[i].event, clock, log_fire, &logs[i]);
    }
    event_set(&logs[0].event, 30);
    event_set(&logs[1].event, 10);
    event_set(&logs[2].event, 20);
    event_set(&logs[3].event, 10);
    test_time = 5000;
    cr_assert_eq(clock_now_ns(clock), 0, "the clock starts stopped");
    event_clock_run(clock);
    cr_assert_str_eq(out, "");
    event_clock_start(clock);
    cr_assert_eq(event_clock_next_ns(clock), 10);
    test_time += 25;
    event_clock_run(clock);
    cr_assert_str_eq(out, "bdc");
    cr_assert_eq(logs[1].late, 15);
    cr_assert_eq(logs[2].late, 5);
    event_cancel(&logs[0].event);
    cr_assert_not(event_pending(&logs[0].event));
    event_clock_stop(clock);
    test_time += 1000000;
    cr_assert_eq(clock_now_ns(clock), 25);
    event_clock_start(clock);
    test_time += 5;
    event_clock_run(clock);
    cr_assert_str_eq(out, "bdc");
    event_clock_destroy(clock);
}

Test(clock, an_event_in_the_past_does_not_hold_the_loop)
{
    struct clock_source source = {read_test_time, NULL};
    struct event_clock *clock = event_clock_create(&source);
    char out[64] = "";
    struct log log = {.clock = clock, .out = out, .letter = 'x', .period = 1};
    event_init(&log.event, clock, log_fire, &log);
    event_clock_start(clock);
    test_time += 1000;
    event_set(&log.event, 1);
    event_clock_run(clock);
    cr_assert_str_eq(out, "x");
    event_clock_run(clock);
    cr_assert_str_eq(out, "xx");
    event_clock_destroy(clock);
}

Test(clock, random_sets_and_cancels_keep_order)
{
    struct clock_source source = {read_test_time, NULL};
    test_time = 0;
    struct event_clock *clock = event_clock_create(&source);
    enum { COUNT = 200 };
    static char out[COUNT * 20];
    static struct log logs[COUNT];
    struct rng rng = rng_from_seed(1);
    for (int i = 0; i < COUNT; i++) {
        logs[i] = (struct log){.clock = clock, .out = out, .letter = 'x'};
        event_init(&logs[i].event, clock, log_fire, &logs[i]);
    }
    event_clock_start(clock);
    for (int i = 0; i < 5000; i++) {
        uint16_t r[2];
        rng_fill(&rng, r, sizeof(r));
        if (r[0] & 1)
            event_set(&logs[r[1] % COUNT].event, r[0]);
        else
            event_cancel(&logs[r[1] % COUNT].event);
    }
    unsigned pending = 0, fired = 0;
    for (int i = 0; i < COUNT; i++)
        pending += event_pending(&logs[i].event);
    uint64_t before = 0;
    while (event_clock_next_ns(clock) != CLOCK_NEVER) {
        test_time = event_clock_next_ns(clock);
        cr_assert_geq(test_time, before);
        before = test_time;
        event_clock_run(clock);
    }
    fired = (unsigned)strlen(out);
    cr_assert_eq(fired, pending);
    event_clock_destroy(clock);
}
