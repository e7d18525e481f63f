// SPDX-License-Identifier: MIT
// The HPET through its registers, at exact times.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/timer/hpet.h"
#include "pc-bench.h"

#define HPET UINT64_C(0xfed00000)
enum { CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0, T0 = 0x100, T1 = 0x120, T2 = 0x140, CMP = 8 };

static struct pc_bench bench;
static struct device *hpet;
static struct irq_sink gsi2, gsi20, timer, clock_line;

static uint64_t get(uint64_t offset)
{
    return guest_read(bench.machine, HPET + offset, 8);
}

static void put(uint64_t offset, uint64_t value)
{
    guest_write(bench.machine, HPET + offset, 8, value);
}

static void setup(void)
{
    memset(&gsi2, 0, sizeof(gsi2));
    pc_bench_create(&bench);
    hpet = device_create(bench.machine, &hpet_type, NULL);
    struct hpet_config config = {.base = HPET, .routes = 1 << 2 | 1 << 20};
    config.gsi[2] = irq_sink_line(&gsi2);
    config.gsi[20] = irq_sink_line(&gsi20);
    config.legacy[HPET_LEGACY_TIMER] = irq_sink_line(&timer);
    config.legacy[HPET_LEGACY_CLOCK] = irq_sink_line(&clock_line);
    hpet_configure(hpet, &config);
    pc_bench_realize(&bench, hpet);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(hpet, .init = setup, .fini = teardown);

Test(hpet, identification_and_counter)
{
    cr_assert_eq(get(0), UINT64_C(0x009896808086a201));
    cr_assert_eq(guest_read(bench.machine, HPET + 4, 4), 10000000);
    cr_assert_eq(get(T0), UINT64_C(0x0010000400000030));
    pc_bench_advance(&bench, 1000);
    cr_assert_eq(get(COUNTER), 0, "stands still");
    put(COUNTER, UINT64_C(0x100000000));
    put(CONFIG, 1);
    pc_bench_advance(&bench, 12345);
    cr_assert_eq(get(COUNTER), UINT64_C(0x100000000) + 1234);
    cr_assert_eq(guest_read(bench.machine, HPET + COUNTER + 4, 4), 1);
    put(COUNTER, 0);
    cr_assert_gt(get(COUNTER), 1234, "cannot be written while it runs");
    put(CONFIG, 0);
    uint64_t stopped = get(COUNTER);
    pc_bench_advance(&bench, 1000);
    cr_assert_eq(get(COUNTER), stopped);
    put(T0, 5 << 9);
    cr_assert_eq(get(T0) >> 9 & 31, 0, "no such route");
    put(T0, 20 << 9);
    cr_assert_eq(get(T0) >> 9 & 31, 20);
}

Test(hpet, one_shot_by_edge)
{
    put(CONFIG, 1);
    put(T2, 2 << 9 | 4);
    put(T2 + CMP, 1000);
    pc_bench_advance(&bench, 9999);
    cr_assert_eq(gsi2.edges, 0);
    pc_bench_advance(&bench, 1);
    cr_assert_eq(gsi2.edges, 1);
    cr_assert_not(gsi2.level);
    cr_assert_eq(get(STATUS), 0);
    pc_bench_advance(&bench, 100 * NS_PER_SECOND);
    cr_assert_eq(gsi2.edges, 1, "once");
    put(T2 + CMP, get(COUNTER) - 1);
    pc_bench_advance(&bench, 1000);
    cr_assert_eq(gsi2.edges, 2, "passed already");
    put(T2 + CMP, UINT64_MAX);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(gsi2.edges, 2, "far away");
}

Test(hpet, level_until_cleared)
{
    put(CONFIG, 1);
    put(T1, 20 << 9 | 4 | 2);
    put(T1 + CMP, 100);
    pc_bench_advance(&bench, 1000);
    cr_assert(gsi20.level);
    cr_assert_eq(get(STATUS), 2);
    put(STATUS, 1);
    cr_assert(gsi20.level);
    put(STATUS, 2);
    cr_assert_not(gsi20.level);
    cr_assert_eq(get(STATUS), 0);
}

Test(hpet, periodic_as_linux_sets_it)
{
    put(CONFIG, 1);
    pc_bench_advance(&bench, 5000);
    put(T0, 2 << 9 | 0x100 | 0x40 | 8 | 4); // 32 bits, accumulator next
    guest_write(bench.machine, HPET + T0 + CMP, 4, 10000);
    guest_write(bench.machine, HPET + T0 + CMP, 4, 4000);
    cr_assert_eq(get(T0 + CMP), 10000);
    pc_bench_advance(&bench, 95000);
    cr_assert_eq(gsi2.edges, 1);
    cr_assert_eq(get(T0 + CMP), 14000);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(gsi2.edges, 1 + 25000);
    // Switched off it does not interrupt, yet keeps step.
    put(T0, 2 << 9 | 0x100 | 8);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(gsi2.edges, 25001);
    uint64_t ahead = get(T0 + CMP) - (get(COUNTER) & 0xffffffff);
    cr_assert(ahead > 0 && ahead <= 4000);
}

Test(hpet, survives_the_wrap_of_32_bits)
{
    put(COUNTER, UINT64_C(0xffffff00));
    put(T0, 2 << 9 | 0x100 | 0x40 | 8 | 4);
    put(T0 + CMP, 0xffffff80);
    put(T0 + CMP, 0x100000);
    put(CONFIG, 1);
    pc_bench_advance(&bench, 0x80 * 10);
    cr_assert_eq(gsi2.edges, 1);
    cr_assert_eq(get(T0 + CMP), 0x000fff80);
    pc_bench_advance(&bench, 0x100000 * 10);
    cr_assert_eq(gsi2.edges, 2);
}

Test(hpet, takes_the_place_of_timer_and_clock)
{
    struct irq_line pit = hpet_legacy_input(hpet, HPET_LEGACY_TIMER);
    struct irq_line rtc = hpet_legacy_input(hpet, HPET_LEGACY_CLOCK);
    irq_pulse(&pit);
    irq_set(&rtc, true);
    cr_assert_eq(timer.edges, 1);
    cr_assert(clock_line.level);
    put(CONFIG, 3);
    cr_assert_not(clock_line.level);
    irq_pulse(&pit);
    cr_assert_eq(timer.edges, 1, "cut off");
    put(T0, 2 << 9 | 4);
    put(T0 + CMP, get(COUNTER) + 10);
    pc_bench_advance(&bench, 1000);
    cr_assert_eq(timer.edges, 2);
    cr_assert_eq(gsi2.edges, 0, "the route does not count");
    put(CONFIG, 1);
    cr_assert(clock_line.level, "back to the clock");
}

Test(hpet, a_hostile_period_does_not_flood)
{
    put(CONFIG, 1);
    put(T0, 2 << 9 | 0x40 | 8 | 4);
    put(T0 + CMP, 1);
    unsigned before = bench.events;
    pc_bench_advance(&bench, NS_PER_SECOND / 10);
    cr_assert_leq(bench.events - before, 5002);
    put(T0, 2 << 9 | 0x40 | 8 | 4);
    put(T0 + CMP, 0);
    before = bench.events;
    pc_bench_advance(&bench, NS_PER_SECOND / 10);
    cr_assert_leq(bench.events - before, 10);
    put(T0, 2 << 9 | 4);
    put(T0 + CMP, UINT64_MAX / 2 + get(COUNTER) - 100);
    put(T0 + 0x10, UINT64_MAX);
    put(0x3f8, 1);
    cr_assert_eq(get(0x3f8), 0);
    pc_bench_advance(&bench, NS_PER_SECOND);
}
