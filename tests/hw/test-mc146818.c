// SPDX-License-Identifier: MIT
// The PC's clock: what it shows in each form, and its three interrupts.
#include <criterion/criterion.h>
#include <time.h>

#include "hw/rtc/mc146818.h"
#include "pc-bench.h"

enum { A = 10, B = 11, C = 12, D = 13, UIE = 0x10, AIE = 0x20, PIE = 0x40, SET = 0x80 };

static struct pc_bench bench;
static struct device *rtc;
static struct irq_sink irq;

static uint8_t get(uint8_t index)
{
    outb(&bench, 0x70, index);
    return inb(&bench, 0x71);
}

static void put(uint8_t index, uint8_t value)
{
    outb(&bench, 0x70, index);
    outb(&bench, 0x71, value);
}

static void setup(void)
{
    pc_bench_create(&bench);
    rtc = device_create(bench.machine, &mc146818_type, NULL);
    mc146818_wire(rtc, bench.io, irq_sink_line(&irq));
    pc_bench_realize(&bench, rtc);
    mc146818_set_time(rtc, 951827695); // Tuesday, 29 February 2000, 12:34:55
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(mc146818, .init = setup, .fini = teardown);

Test(mc146818, starts_at_host_time)
{
    struct device *other = device_create(bench.machine, &mc146818_type, NULL);
    struct memory_map *io = memory_map_create(bench.machine->ram, &bench.machine->lock);
    mc146818_wire(other, io, (struct irq_line){0});
    pc_bench_realize(&bench, other);
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    uint64_t year;
    memory_map_write(io, (struct mem_requester){0}, 0x70, 1, 9);
    memory_map_read(io, (struct mem_requester){0}, 0x71, 1, &year);
    cr_assert_eq(year, (unsigned)(tm.tm_year % 100 / 10 * 16 + tm.tm_year % 10));
    device_destroy(other);
    memory_map_destroy(io);
}

Test(mc146818, forms_of_time)
{
    cr_assert_eq(get(D), 0x80);
    cr_assert_eq(get(0), 0x55);
    cr_assert_eq(get(2), 0x34);
    cr_assert_eq(get(4), 0x12);
    cr_assert_eq(get(6), 0x03);
    cr_assert_eq(get(7), 0x29);
    cr_assert_eq(get(8), 0x02);
    cr_assert_eq(get(9), 0x00);
    cr_assert_eq(get(0x32), 0x20);
    cr_assert_eq(get(0x37), 0x20);
    put(B, 0x06);
    cr_assert_eq(get(0), 55);
    cr_assert_eq(get(7), 29);
    cr_assert_eq(get(0x32), 20);
    put(B, 0x00);
    cr_assert_eq(get(4), 0x92, "12 pm");
    pc_bench_advance(&bench, 12 * 3600 * NS_PER_SECOND);
    cr_assert_eq(get(4), 0x12, "12 am");
    cr_assert_eq(get(7), 0x01);
    cr_assert_eq(get(8), 0x03);
}

Test(mc146818, setting_the_clock)
{
    put(B, SET | 2);
    static const uint8_t values[][2] = {{0, 0x58}, {2, 0x59}, {4, 0x23},   {7, 0x31},
                                        {8, 0x12}, {9, 0x99}, {0x32, 0x19}};
    for (unsigned i = 0; i < 7; i++)
        put(values[i][0], values[i][1]);
    pc_bench_advance(&bench, 10 * NS_PER_SECOND);
    cr_assert_eq(get(0), 0x58, "stands still");
    put(B, 2);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(get(0), 0x59);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(get(0), 0x00);
    cr_assert_eq(get(9), 0x00);
    cr_assert_eq(get(0x32), 0x20, "a new century");
    cr_assert_eq(get(6), 0x07, "Saturday");
    // Nonsense carries over somewhere, quietly.
    put(B, SET | 2);
    for (uint8_t i = 0; i < 10; i++)
        put(i, 0xff);
    put(B, 2);
    get(0);
    // Leaving the divider's reset, the first update comes after half a second.
    put(A, 0x76);
    uint8_t before = get(0);
    pc_bench_advance(&bench, 3 * NS_PER_SECOND);
    cr_assert_eq(get(0), before);
    put(A, 0x26);
    pc_bench_advance(&bench, NS_PER_SECOND / 2 - 1000);
    cr_assert_eq(get(0), before);
    pc_bench_advance(&bench, 2000);
    cr_assert_neq(get(0), before);
}

Test(mc146818, update_in_progress)
{
    cr_assert_eq(get(A), 0x26);
    pc_bench_advance(&bench, NS_PER_SECOND - 200000);
    cr_assert_eq(get(A), 0xa6);
    cr_assert_eq(get(0), 0x55);
    pc_bench_advance(&bench, 200000);
    cr_assert_eq(get(A), 0x26);
    cr_assert_eq(get(0), 0x56);
}

Test(mc146818, periodic_interrupt)
{
    put(A, 0x2f); // 2 Hz
    put(B, PIE | 2);
    pc_bench_advance(&bench, NS_PER_SECOND * 499 / 1000);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, NS_PER_SECOND / 500);
    cr_assert(irq.level);
    cr_assert_eq(get(C), 0xc0);
    cr_assert_not(irq.level);
    cr_assert_eq(get(C), 0);
    // Served at once, 1024 times a second; not served, once.
    put(A, 0x26);
    get(C);
    unsigned edges = irq.edges;
    for (unsigned i = 0; i < 1024; i++) {
        pc_bench_advance(&bench, NS_PER_SECOND / 1024 + 1);
        get(C);
    }
    cr_assert_eq(irq.edges - edges, 1024);
    put(A, 0x23);
    unsigned events = bench.events;
    pc_bench_advance(&bench, 10 * NS_PER_SECOND);
    cr_assert_leq(bench.events - events, 1);
}

Test(mc146818, update_ended_interrupt)
{
    put(B, UIE | 2);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert(irq.level);
    cr_assert_eq(get(C) & 0xb0, 0x90);
    put(B, 2);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_not(irq.level);
    cr_assert_eq(get(C) & 0x90, 0x10, "the flag rises all the same");
}

Test(mc146818, alarm)
{
    put(5, 0x12);
    put(3, 0x35);
    put(1, 0x05);
    put(B, AIE | 2);
    pc_bench_advance(&bench, 9 * NS_PER_SECOND);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert(irq.level);
    cr_assert_eq(get(C) & 0xa0, 0xa0);
    pc_bench_advance(&bench, 86399 * NS_PER_SECOND);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert(irq.level, "again the next day");
    get(C);
    put(5, 0xff);
    put(3, 0xc0);
    pc_bench_advance(&bench, 60 * NS_PER_SECOND);
    cr_assert(irq.level, "each minute");
    get(C);
    put(5, 0x66);
    pc_bench_advance(&bench, 200000 * NS_PER_SECOND);
    cr_assert_not(irq.level, "an hour that never comes");
}

Test(mc146818, cmos_memory_survives_a_reset)
{
    mc146818_set_cmos(rtc, 0x34, 0xa5);
    mc146818_set_cmos(rtc, B, 0xff);
    put(0x7f, 0x77);
    put(B, PIE | UIE | AIE | 6);
    device_reset(rtc);
    cr_assert_eq(get(0x34), 0xa5);
    cr_assert_eq(get(0x7f), 0x77);
    cr_assert_eq(get(0xff), 0x77, "bit 7 masks NMI");
    cr_assert_eq(get(B), 6);
    cr_assert_eq(mc146818_get_cmos(rtc, 0x7f), 0x77);
    cr_assert_eq(inb(&bench, 0x70), 0xff);
}
