// SPDX-License-Identifier: MIT
// PL011 as a driver sees it.
#include <criterion/criterion.h>

#include "bare-machine.h"
#include "fake-chardev.h"
#include "hw/char/pl011.h"

enum {
    UART = 0x09000000,
    DR = UART,
    FR = UART + 0x18,
    LCR = UART + 0x2c,
    CR = UART + 0x30,
    IFLS = UART + 0x34,
    IMSC = UART + 0x38,
    RIS = UART + 0x3c,
    MIS = UART + 0x40,
    ICR = UART + 0x44
};

static struct machine *machine;
static struct fake_chardev *line;
static struct irq_sink irq;

static void setup(void)
{
    machine = bare_machine_create();
    line = fake_chardev_create(machine, "line");
    struct device *uart = device_create(machine, &pl011_type, NULL);
    struct error error;
    cr_assert_eq(device_set(uart, "chardev", "line", &error), 0);
    pl011_wire(uart, UART, irq_sink_line(&irq));
    cr_assert_eq(device_realize(uart, &error), 0);
    device_reset(uart);
}

static void teardown(void)
{
    bare_machine_destroy(machine);
}

TestSuite(pl011, .init = setup, .fini = teardown);

Test(pl011, identification_as_a_primecell)
{
    uint32_t id = 0;
    for (int i = 0; i < 4; i++)
        id |= (uint32_t)guest_read(machine, UART + 0xfe0 + 4u * (unsigned)i, 4) << (8 * i);
    cr_assert_eq(id & 0xfffff, 0x41011);
    cr_assert_eq(guest_read(machine, UART + 0xff0, 4), 0x0d);
}

Test(pl011, transmits_by_any_width)
{
    guest_write(machine, DR, 4, 'a');
    guest_write(machine, DR, 2, 'b');
    guest_write(machine, DR, 1, 'c');
    cr_assert_str_eq(line->out, "abc");
    cr_assert_eq(guest_read(machine, FR, 2) & 0xb8, 0x90, "both FIFOs empty, not busy");
    cr_assert_eq(guest_read(machine, RIS, 4) & 0x20, 0x20);
}

Test(pl011, a_blocked_line_fills_the_fifo)
{
    guest_write(machine, LCR, 4, 0x70);
    guest_write(machine, IMSC, 4, 0x20);
    line->limit = 0;
    for (int i = 0; i < 16; i++)
        guest_write(machine, DR, 4, 'A' + (unsigned)i);
    cr_assert_eq(guest_read(machine, FR, 4) & 0xa8, 0x28);
    cr_assert_not(irq.level);
    line->limit = 100;
    chardev_writable(&line->chardev);
    cr_assert_str_eq(line->out, "ABCDEFGHIJKLMNOP");
    cr_assert(irq.level);
    guest_write(machine, ICR, 4, 0x20);
    cr_assert_not(irq.level);
}

Test(pl011, receives_with_timeout_and_level_interrupts)
{
    guest_write(machine, LCR, 4, 0x70);
    guest_write(machine, IMSC, 4, 0x10);
    cr_assert_eq(fake_chardev_type(line, "1234567"), 7);
    cr_assert_not(irq.level, "below half of the FIFO");
    guest_write(machine, IMSC, 4, 0x50);
    cr_assert(irq.level, "but characters are waiting");
    cr_assert_eq(guest_read(machine, MIS, 4), 0x40);
    cr_assert_eq(fake_chardev_type(line, "89abcdefghijkl"), 9);
    cr_assert_eq(guest_read(machine, MIS, 4), 0x50);
    cr_assert_eq(guest_read(machine, FR, 4) & 0x40, 0x40);
    for (const char *p = "123456789abcdefg"; *p; p++)
        cr_assert_eq(guest_read(machine, DR, 4), (uint64_t)*p);
    cr_assert_not(irq.level);
    cr_assert_eq(guest_read(machine, FR, 4) & 0x10, 0x10);
    cr_assert_gt(line->resumed, 0);
}

Test(pl011, break_and_loopback)
{
    chardev_event(&line->chardev, CHARDEV_BREAK);
    cr_assert_eq(guest_read(machine, DR, 4), 0x400);
    guest_write(machine, CR, 4, 0x381);
    guest_write(machine, DR, 4, 'x');
    cr_assert_eq(guest_read(machine, DR, 4), 'x');
    cr_assert_eq(line->length, 0);
}
