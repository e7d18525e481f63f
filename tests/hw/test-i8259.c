// SPDX-License-Identifier: MIT
// The pair of 8259A through its ports and acknowledge cycles.
#include <criterion/criterion.h>

#include "hw/intc/i8259.h"
#include "pc-bench.h"

enum { MASTER = 0x20, SLAVE = 0xa0, ELCR = 0x4d0, BASE1 = 0x30, BASE2 = 0x70 };

static struct pc_bench bench;
static struct device *pic;
static struct irq_sink intr;

static void initialise(uint16_t port, uint8_t base, uint8_t icw3, uint8_t icw4)
{
    outb(&bench, port, 0x11);
    outb(&bench, port + 1, base);
    outb(&bench, port + 1, icw3);
    outb(&bench, port + 1, icw4);
}

static void setup(void)
{
    pc_bench_create(&bench);
    pic = device_create(bench.machine, &i8259_type, NULL);
    i8259_wire(pic, bench.io, irq_sink_line(&intr));
    pc_bench_realize(&bench, pic);
    initialise(MASTER, BASE1, 4, 1);
    initialise(SLAVE, BASE2, 2, 1);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(i8259, .init = setup, .fini = teardown);

static void line(unsigned irq, bool level)
{
    struct irq_line input = i8259_input(pic, irq);
    irq_set(&input, level);
}

static void pulse(unsigned irq)
{
    line(irq, true);
    line(irq, false);
}

static uint8_t in_service(uint16_t port)
{
    outb(&bench, port, 0x0b);
    uint8_t value = inb(&bench, port);
    outb(&bench, port, 0x0a);
    return value;
}

Test(i8259, priorities_and_end_of_interrupt)
{
    pulse(5);
    pulse(3);
    cr_assert(intr.level);
    cr_assert_eq(inb(&bench, MASTER), 0x28);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    cr_assert_not(intr.level, "5 waits for the end of 3");
    cr_assert_eq(in_service(MASTER), 0x08);
    pulse(0);
    cr_assert_eq(i8259_acknowledge(pic), BASE1);
    cr_assert_eq(in_service(MASTER), 0x09);
    outb(&bench, MASTER, 0x20);
    cr_assert_eq(in_service(MASTER), 0x08, "the highest ends first");
    outb(&bench, MASTER, 0x63);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 5);
}

Test(i8259, cascade)
{
    pulse(8);
    pulse(12);
    cr_assert_eq(inb(&bench, MASTER), 0x04);
    cr_assert_eq(i8259_acknowledge(pic), BASE2);
    cr_assert_eq(in_service(MASTER), 0x04);
    cr_assert_eq(in_service(SLAVE), 0x01);
    outb(&bench, SLAVE, 0x20);
    outb(&bench, MASTER, 0x20);
    cr_assert(intr.level);
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 4);
    // Without the special fully nested mode a higher one of the second chip has to wait.
    pulse(9);
    cr_assert_not(intr.level);
    initialise(MASTER, BASE1, 4, 0x11);
    pulse(10);
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 1);
}

Test(i8259, mask_keeps_requests)
{
    outb(&bench, MASTER + 1, 0xfb);
    cr_assert_eq(inb(&bench, MASTER + 1), 0xfb);
    pulse(4);
    cr_assert_not(intr.level);
    outb(&bench, MASTER + 1, 0x00);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 4);
}

Test(i8259, edges_count_once_and_levels_repeat)
{
    line(4, true);
    line(4, true);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 4);
    outb(&bench, MASTER, 0x20);
    cr_assert_not(intr.level, "an edge is served once");
    line(4, false);
    outb(&bench, ELCR, 0xff);
    outb(&bench, ELCR + 1, 0xff);
    cr_assert_eq(inb(&bench, ELCR), 0xf8);
    cr_assert_eq(inb(&bench, ELCR + 1), 0xde);
    line(11, true);
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 3);
    outb(&bench, SLAVE, 0x20);
    outb(&bench, MASTER, 0x20);
    cr_assert(intr.level, "the line is still up");
    line(11, false);
    cr_assert_not(intr.level);
}

Test(i8259, requests_that_go_away_are_spurious)
{
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 7);
    cr_assert_eq(in_service(MASTER), 0);
    // Gone between the first chip's acknowledge and the second's: its own number 7, and 2 in service.
    pulse(9);
    pulse(1);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 1);
    outb(&bench, SLAVE + 1, 0xff);
    cr_assert_not(intr.level);
    outb(&bench, MASTER, 0x20);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 7);
}

Test(i8259, rotation)
{
    pulse(0);
    cr_assert_eq(i8259_acknowledge(pic), BASE1);
    outb(&bench, MASTER, 0xa0); // rotate on non-specific end: 0 is now the last
    pulse(0);
    pulse(1);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 1);
    outb(&bench, MASTER, 0x61);
    outb(&bench, MASTER, 0xc4); // 4 is the last: 5 is the first
    pulse(5);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 5);
    outb(&bench, MASTER, 0xe5);
    pulse(6);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 6);
}

Test(i8259, automatic_end_and_rotation)
{
    initialise(MASTER, BASE1, 4, 3);
    pulse(3);
    pulse(4);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    cr_assert_eq(in_service(MASTER), 0);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 4);
    outb(&bench, MASTER, 0x80);
    pulse(3);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    pulse(3);
    pulse(7);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 7, "3 went to the end");
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    // Two of the second chip that end by themselves.
    initialise(SLAVE, BASE2, 2, 3);
    pulse(9);
    pulse(10);
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 1);
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 2);
}

Test(i8259, special_mask_mode_lets_lower_ones_through)
{
    pulse(3);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    pulse(6);
    cr_assert_not(intr.level);
    outb(&bench, MASTER + 1, 0x08);
    outb(&bench, MASTER, 0x68);
    cr_assert(intr.level);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 6);
    outb(&bench, MASTER, 0x20);
    cr_assert_eq(in_service(MASTER), 0x08, "a masked one does not end by itself");
    outb(&bench, MASTER, 0x48);
    cr_assert_not(intr.level);
}

Test(i8259, poll)
{
    pulse(6);
    outb(&bench, MASTER, 0x0c);
    cr_assert_eq(inb(&bench, MASTER), 0x86);
    cr_assert_eq(in_service(MASTER), 0x40);
    cr_assert_not(intr.level);
    outb(&bench, MASTER, 0x0c);
    cr_assert_eq(inb(&bench, MASTER + 1) & 0x80, 0);
    cr_assert_eq(inb(&bench, MASTER + 1), 0, "the mask again");
}

Test(i8259, initialisation_forgets)
{
    pulse(3);
    line(5, true);
    i8259_acknowledge(pic);
    outb(&bench, MASTER + 1, 0x81);
    initialise(MASTER, 0x43, 4, 1);
    cr_assert_eq(inb(&bench, MASTER + 1), 0);
    cr_assert_eq(inb(&bench, MASTER), 0, "a line that was up needs an edge");
    line(5, false);
    line(5, true);
    cr_assert_eq(i8259_acknowledge(pic), 0x45, "the low bits of the base are the input's");
    // One chip alone that wants no ICW4.
    outb(&bench, MASTER, 0x12);
    outb(&bench, MASTER + 1, 0x50);
    outb(&bench, MASTER + 1, 0xf0);
    cr_assert_eq(inb(&bench, MASTER + 1), 0xf0);
}

Test(i8259, shows_what_holds_interrupts_back)
{
    expect_irq_line(pic, "8259 first: vectors from 0x30, IRR 0x00, ISR 0x00, IMR 0x00, ELCR 0x00, lowest priority: input 7, INT low");
    pulse(3);
    line(5, true);
    pulse(12);
    expect_irq_line(pic, "8259 second: vectors from 0x70, IRR 0x10, ISR 0x00, IMR 0x00, ELCR 0x00, lowest priority: input 7, INT high");
    expect_irq_line(pic, "  IRQ 2  cascade edge  line high  signalled as INT");
    expect_irq_line(pic, "  IRQ 3          edge  line low   behind one that comes first or is in service");
    cr_assert_eq(i8259_acknowledge(pic), BASE2 + 4);
    expect_irq_line(pic, "  IRQ 12         edge  line low   in service until EOI");
    outb(&bench, MASTER, 0x62); // ends the cascade
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 3);
    outb(&bench, MASTER, 0x63);
    cr_assert_eq(i8259_acknowledge(pic), BASE1 + 5);
    outb(&bench, MASTER, 0x65);
    expect_irq_line(pic, "  IRQ 5          edge  line high  idle, the edge has been taken");
    outb(&bench, MASTER + 1, 0x20);
    line(5, false);
    line(5, true);
    expect_irq_line(pic, "  IRQ 5          edge  line high  masked");
}
