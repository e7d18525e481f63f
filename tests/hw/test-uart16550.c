// SPDX-License-Identifier: MIT
// A PC serial port as drivers see it.
#include <criterion/criterion.h>
#include <string.h>

#include "fake-chardev.h"
#include "hw/char/isa-serial.h"
#include "pc-bench.h"

enum {
    COM = 0x3f8,
    DATA = COM,
    IER = COM + 1,
    IIR = COM + 2,
    FCR = COM + 2,
    LCR = COM + 3,
    MCR = COM + 4,
    LSR = COM + 5,
    MSR = COM + 6,
    SCR = COM + 7
};

static struct pc_bench bench;
static struct fake_chardev *line;
static struct irq_sink irq;

static void setup(void)
{
    pc_bench_create(&bench);
    line = fake_chardev_create(bench.machine, "line");
    struct device *serial = device_create(bench.machine, &isa_serial_type, NULL);
    isa_serial_wire(serial, bench.io, isa_serial_ports[0].iobase, irq_sink_line(&irq));
    isa_serial_connect(serial, &line->chardev);
    pc_bench_realize(&bench, serial);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(uart16550, .init = setup, .fini = teardown);

Test(uart16550, is_found_as_a_16550a)
{
    outb(&bench, SCR, 0x5a);
    cr_assert_eq(inb(&bench, SCR), 0x5a);
    outb(&bench, FCR, 0x01);
    cr_assert_eq(inb(&bench, IIR), 0xc1);
    outb(&bench, FCR, 0x00);
    cr_assert_eq(inb(&bench, IIR), 0x01);
    outb(&bench, IER, 0xff);
    cr_assert_eq(inb(&bench, IER), 0x0f);
    outb(&bench, IER, 0);
    cr_assert_eq(inb(&bench, LSR), 0x60);
    cr_assert_eq(inb(&bench, MSR), 0xb0);
    outb(&bench, LCR, 0x83);
    outb(&bench, DATA, 0x01);
    outb(&bench, IER, 0x02);
    cr_assert_eq(inb(&bench, DATA), 0x01);
    cr_assert_eq(inb(&bench, IER), 0x02);
    outb(&bench, LCR, 0x03);
    cr_assert_eq(inb(&bench, IER), 0);
    cr_assert_eq(line->length, 0);
}

Test(uart16550, transmit_interrupt)
{
    outb(&bench, IER, 2);
    cr_assert(irq.level, "enabling it with an empty register raises it");
    cr_assert_eq(inb(&bench, IIR), 0x02);
    cr_assert_not(irq.level, "reading it ends it");
    cr_assert_eq(inb(&bench, IIR), 0x01);
    outb(&bench, DATA, 'x');
    cr_assert(irq.level);
    cr_assert_str_eq(line->out, "x");
    outb(&bench, IER, 0);
    cr_assert_not(irq.level);
    outb(&bench, IER, 2);
    cr_assert(irq.level);
}

Test(uart16550, a_blocked_line_holds_the_fifo)
{
    outb(&bench, FCR, 1);
    outb(&bench, IER, 2);
    inb(&bench, IIR);
    line->limit = 0;
    for (unsigned i = 0; i < 16; i++)
        outb(&bench, DATA, (uint8_t)('a' + i));
    cr_assert_eq(inb(&bench, LSR), 0);
    cr_assert_not(irq.level);
    line->limit = 1000;
    chardev_writable(&line->chardev);
    cr_assert_str_eq(line->out, "abcdefghijklmnop");
    cr_assert_eq(inb(&bench, LSR), 0x60);
    cr_assert(irq.level);
    line->limit = line->length;
    outb(&bench, DATA, 'q');
    outb(&bench, FCR, 5); // cleared: never sent
    line->limit = 1000;
    chardev_writable(&line->chardev);
    cr_assert_eq(line->length, 16);
}

Test(uart16550, receives_one_at_a_time_without_fifo)
{
    outb(&bench, IER, 1);
    cr_assert_eq(fake_chardev_type(line, "ab"), 1);
    cr_assert(irq.level);
    cr_assert_eq(inb(&bench, IIR), 0x04);
    cr_assert_eq(inb(&bench, LSR), 0x61);
    cr_assert_eq(inb(&bench, DATA), 'a');
    cr_assert_not(irq.level);
    cr_assert_gt(line->resumed, 0);
    cr_assert_eq(inb(&bench, LSR), 0x60);
}

Test(uart16550, trigger_level_and_timeout)
{
    outb(&bench, LCR, 0x83);
    outb(&bench, DATA, 1); // 115200 baud, 8n1: a character takes 86.8 us
    outb(&bench, IER, 0);
    outb(&bench, LCR, 0x03);
    outb(&bench, FCR, 0x81); // trigger at 8
    outb(&bench, IER, 1);
    cr_assert_eq(fake_chardev_type(line, "1234567"), 7);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, 340000);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, 10000);
    cr_assert(irq.level);
    cr_assert_eq(inb(&bench, IIR), 0xcc);
    cr_assert_eq(inb(&bench, DATA), '1');
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, 350000);
    cr_assert_eq(inb(&bench, IIR), 0xcc, "and again for those left");
    cr_assert_eq(fake_chardev_type(line, "8901234567890"), 10);
    cr_assert_eq(inb(&bench, IIR), 0xc4);
    for (const char *p = "2345678901234567"; *p; p++)
        cr_assert_eq(inb(&bench, DATA), (uint8_t)*p);
    cr_assert_not(irq.level);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_eq(inb(&bench, IIR), 0xc1);
    fake_chardev_type(line, "zz");
    outb(&bench, FCR, 0x83);
    cr_assert_eq(inb(&bench, LSR) & 1, 0, "cleared");
}

Test(uart16550, break_is_a_line_status_interrupt)
{
    outb(&bench, FCR, 1);
    outb(&bench, IER, 5);
    fake_chardev_type(line, "a");
    chardev_event(&line->chardev, CHARDEV_BREAK);
    cr_assert_eq(inb(&bench, LSR), 0xe1, "an error is further back");
    cr_assert_eq(inb(&bench, DATA), 'a');
    cr_assert_eq(inb(&bench, IIR), 0xc6);
    cr_assert_eq(inb(&bench, LSR), 0x71);
    cr_assert_eq(inb(&bench, IIR), 0xc4, "reading it ends it");
    cr_assert_eq(inb(&bench, DATA), 0);
}

Test(uart16550, loopback)
{
    outb(&bench, MCR, 0x1f);
    cr_assert_eq(inb(&bench, MSR) & 0xf0, 0xf0);
    outb(&bench, IER, 8);
    cr_assert_not(irq.level);
    outb(&bench, MCR, 0x10);
    cr_assert_eq(inb(&bench, IIR), 0x00);
    cr_assert_eq(inb(&bench, MSR), 0x0f);
    cr_assert_not(irq.level);
    outb(&bench, MCR, 0x1a);
    cr_assert_eq(inb(&bench, MSR), 0x99);
    outb(&bench, MCR, 0xf4);
    cr_assert_eq(inb(&bench, MSR), 0x49, "the ring indicator tells of its end only");
    cr_assert_eq(inb(&bench, MCR), 0x14);
    outb(&bench, DATA, 'q');
    outb(&bench, DATA, 'r');
    cr_assert_eq(inb(&bench, LSR) & 3, 3, "overrun");
    cr_assert_eq(inb(&bench, DATA), 'r');
    cr_assert_eq(line->length, 0);
    cr_assert_eq(fake_chardev_type(line, "no"), 0);
}

Test(uart16550, priorities)
{
    outb(&bench, IER, 0x0f);
    outb(&bench, MCR, 0x10);
    outb(&bench, DATA, 'a');
    outb(&bench, DATA, 'b');
    cr_assert_eq(inb(&bench, IIR), 0x06);
    inb(&bench, LSR);
    cr_assert_eq(inb(&bench, IIR), 0x04);
    inb(&bench, DATA);
    cr_assert_eq(inb(&bench, IIR), 0x02);
    cr_assert_eq(inb(&bench, IIR), 0x00);
    inb(&bench, MSR);
    cr_assert_eq(inb(&bench, IIR), 0x01);
}

Test(uart16550, one_chardev_one_port)
{
    struct error error = {""};
    struct device *second = device_create(bench.machine, &isa_serial_type, NULL);
    isa_serial_wire(second, bench.io, isa_serial_ports[1].iobase, (struct irq_line){0});
    cr_assert_eq(device_set(second, "chardev", "line", &error), 0);
    cr_assert_neq(device_realize(second, &error), 0);
    cr_assert(strstr(error.text, "another device"));
    device_destroy(second);
}
