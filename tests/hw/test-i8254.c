// SPDX-License-Identifier: MIT
// The 8254 and port 0x61: counts, modes and interrupts at exact times.
#include <criterion/criterion.h>

#include "hw/timer/i8254.h"
#include "pc-bench.h"

static struct pc_bench bench;
static struct irq_sink irq;

static void setup(void)
{
    pc_bench_create(&bench);
    struct device *pit = device_create(bench.machine, &i8254_type, NULL);
    i8254_wire(pit, bench.io, irq_sink_line(&irq));
    pc_bench_realize(&bench, pit);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(i8254, .init = setup, .fini = teardown);

static uint64_t ticks_passed;

// To the first nanosecond of the tick that many later.
static void tick(uint64_t ticks)
{
    ticks_passed += ticks;
    uint64_t ns = (uint64_t)(((unsigned __int128)ticks_passed * NS_PER_SECOND + I8254_HZ - 1) / I8254_HZ);
    pc_bench_advance(&bench, ns - bench.now_ns);
}

static void program(unsigned channel, unsigned mode, unsigned count)
{
    outb(&bench, 0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1));
    outb(&bench, (uint16_t)(0x40 + channel), count & 0xff);
    outb(&bench, (uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static unsigned count_of(unsigned channel)
{
    outb(&bench, 0x43, (uint8_t)(channel << 6));
    unsigned low = inb(&bench, (uint16_t)(0x40 + channel));
    return low | (unsigned)inb(&bench, (uint16_t)(0x40 + channel)) << 8;
}

static bool output2(void)
{
    return inb(&bench, 0x61) & 0x20;
}

static uint8_t status_of(unsigned channel)
{
    outb(&bench, 0x43, (uint8_t)(0xe0 | 2 << channel));
    return inb(&bench, (uint16_t)(0x40 + channel));
}

Test(i8254, rate_generator_interrupts)
{
    program(0, 2, 11932);
    cr_assert_eq(count_of(0), 11932);
    tick(1);
    cr_assert_eq(count_of(0), 11931);
    unsigned before = irq.edges;
    tick(11930);
    cr_assert_eq(irq.edges, before);
    tick(1);
    cr_assert_eq(irq.edges, before + 1);
    cr_assert_eq(count_of(0), 11932);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(irq.edges, before + 1 + I8254_HZ / 11932);
}

Test(i8254, square_wave)
{
    outb(&bench, 0x61, 1);
    program(2, 3, 10);
    static const unsigned even[] = {10, 8, 6, 4, 2, 10, 8, 6, 4, 2, 10};
    for (unsigned i = 0; i < 11; i++, tick(1)) {
        cr_assert_eq(count_of(2), even[i]);
        cr_assert_eq(output2(), i < 5 || i == 10);
    }
    program(2, 3, 5);
    static const unsigned odd[] = {4, 2, 0, 4, 2, 4};
    for (unsigned i = 0; i < 6; i++, tick(1)) {
        cr_assert_eq(count_of(2), odd[i], "at %u", i);
        cr_assert_eq(output2(), i < 3 || i == 5);
    }
}

Test(i8254, interrupt_on_terminal_count)
{
    program(0, 0, 100);
    cr_assert_not(irq.level);
    tick(99);
    cr_assert_not(irq.level);
    tick(1);
    cr_assert(irq.level);
    cr_assert_eq(count_of(0), 0);
    tick(1);
    cr_assert_eq(count_of(0), 0xffff);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(irq.edges, 2, "once, and once at the mode change after reset");
    outb(&bench, 0x40, 50);
    cr_assert_not(irq.level, "half a count stops it");
    outb(&bench, 0x40, 0);
    pc_bench_advance(&bench, 50000);
    cr_assert(irq.level);
}

Test(i8254, gate_of_channel_2)
{
    program(2, 0, 1000);
    tick(10);
    cr_assert_eq(count_of(2), 1000, "the gate is closed");
    outb(&bench, 0x61, 1);
    tick(400);
    outb(&bench, 0x61, 0);
    tick(5000);
    cr_assert_eq(count_of(2), 600);
    cr_assert_not(output2());
    outb(&bench, 0x61, 1);
    tick(599);
    cr_assert_not(output2());
    tick(1);
    cr_assert(output2());
    cr_assert_eq(inb(&bench, 0x61) & 0xf, 1);
    // Mode 1: the gate's rise starts it, again and again.
    program(2, 1, 20);
    cr_assert(output2());
    outb(&bench, 0x61, 0);
    outb(&bench, 0x61, 1);
    cr_assert_not(output2());
    tick(10);
    outb(&bench, 0x61, 0);
    outb(&bench, 0x61, 1);
    tick(19);
    cr_assert_not(output2());
    tick(1);
    cr_assert(output2());
}

Test(i8254, strobes)
{
    outb(&bench, 0x61, 1);
    program(2, 4, 6);
    tick(5);
    cr_assert(output2());
    tick(1);
    cr_assert_not(output2());
    tick(1);
    cr_assert(output2());
    program(2, 5, 6);
    tick(6);
    cr_assert(output2());
    outb(&bench, 0x61, 0);
    outb(&bench, 0x61, 1);
    tick(6);
    cr_assert_not(output2());
}

Test(i8254, bcd_and_byte_access)
{
    outb(&bench, 0x43, 0xb1 | 0x04); // channel 2, both bytes, mode 2, BCD
    outb(&bench, 0x61, 1);
    outb(&bench, 0x42, 0x00);
    outb(&bench, 0x42, 0x10);
    tick(1);
    cr_assert_eq(count_of(2), 0x0999);
    outb(&bench, 0x43, 0xa4); // high byte only
    outb(&bench, 0x42, 0x12);
    tick(1);
    cr_assert_eq(inb(&bench, 0x42), 0x11);
    outb(&bench, 0x43, 0x94); // low byte only
    outb(&bench, 0x42, 0x12);
    tick(2);
    cr_assert_eq(inb(&bench, 0x42), 0x10);
    cr_assert_eq(inb(&bench, 0x42), 0x10);
}

Test(i8254, latches_and_read_back)
{
    program(0, 2, 0x1234);
    outb(&bench, 0x43, 0xc2); // status and count of channel 0
    tick(0x100);
    outb(&bench, 0x43, 0x00); // a second latch changes nothing
    cr_assert_eq(inb(&bench, 0x40), 0xb4);
    cr_assert_eq(inb(&bench, 0x40), 0x34);
    cr_assert_eq(inb(&bench, 0x40), 0x12);
    cr_assert_eq(inb(&bench, 0x40), 0x34, "live again");
    cr_assert_eq(inb(&bench, 0x40), 0x11);
    outb(&bench, 0x43, 0x34);
    cr_assert_eq(status_of(0) & 0x40, 0x40, "no count yet");
    cr_assert_eq(inb(&bench, 0x43), 0xff);
}

Test(i8254, a_new_rate_waits_for_the_end_of_the_old)
{
    program(0, 2, 1000);
    tick(300);
    outb(&bench, 0x40, 50);
    outb(&bench, 0x40, 0);
    cr_assert_eq(status_of(0) & 0x40, 0x40);
    cr_assert_eq(count_of(0), 700);
    unsigned before = irq.edges;
    tick(700);
    cr_assert_eq(irq.edges, before + 1);
    cr_assert_eq(count_of(0), 50);
    cr_assert_eq(status_of(0) & 0x40, 0);
    tick(50);
    cr_assert_eq(irq.edges, before + 2);
}

Test(i8254, a_hostile_rate_does_not_flood)
{
    program(0, 2, 1);
    unsigned before = bench.events;
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_leq(bench.events - before, 40001);
    cr_assert_gt(irq.edges, 1000);
    program(0, 3, 1);
    before = bench.events;
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_leq(bench.events - before, 40001);
}

Test(i8254, refresh_toggles)
{
    unsigned changes = 0, last = inb(&bench, 0x61) & 0x10;
    for (unsigned i = 0; i < 1000; i++) {
        pc_bench_advance(&bench, 1000);
        unsigned now = inb(&bench, 0x61) & 0x10;
        changes += now != last;
        last = now;
    }
    cr_assert(changes >= 65 && changes <= 67);
}
