// SPDX-License-Identifier: MIT
// The small port devices: port 92, parallel port, debug console and exit, panic, and how a user adds them.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "fake-chardev.h"
#include "hw/char/isa-debugcon.h"
#include "hw/char/isa-parallel.h"
#include "hw/char/isa-serial.h"
#include "hw/core/isa.h"
#include "hw/misc/pc-misc.h"
#include "pc-bench.h"

static struct pc_bench bench;
static struct isa_host isa;
static struct irq_sink irq, a20, reset, ignne;

static void setup(void)
{
    pc_bench_create(&bench);
    memset(&isa, 0, sizeof(isa));
    isa.io = bench.io;
    isa.irqs[5] = irq_sink_line(&irq);
    bench.machine->isa = &isa;
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(pc_misc, .init = setup, .fini = teardown);

Test(pc_misc, port92)
{
    struct device *port = device_create(bench.machine, &port92_type, NULL);
    port92_wire(port, bench.io, irq_sink_line(&a20), irq_sink_line(&reset));
    pc_bench_realize(&bench, port);
    cr_assert_not(a20.level);
    outb(&bench, 0x92, 0x02);
    cr_assert(a20.level);
    cr_assert_eq(reset.edges, 0);
    outb(&bench, 0x92, 0x03);
    outb(&bench, 0x92, 0x03);
    cr_assert_eq(reset.edges, 1, "when the bit rises");
    cr_assert_eq(inb(&bench, 0x92), 0x03);
    device_reset(port);
    cr_assert_eq(inb(&bench, 0x92), 0);
    cr_assert_not(a20.level);
}

Test(pc_misc, x87_errors)
{
    struct device *port = device_create(bench.machine, &port_f0_type, NULL);
    port_f0_wire(port, bench.io, irq_sink_line(&irq), irq_sink_line(&ignne));
    pc_bench_realize(&bench, port);
    struct irq_line ferr = port_f0_error(port);
    outb(&bench, 0xf0, 0);
    cr_assert_not(ignne.level, "there is no error to ignore");
    irq_set(&ferr, true);
    cr_assert(irq.level);
    cr_assert_not(ignne.level);
    outb(&bench, 0xf0, 0);
    cr_assert_not(irq.level);
    cr_assert(ignne.level);
    irq_set(&ferr, true);
    cr_assert_not(irq.level, "the error is the same still");
    irq_set(&ferr, false);
    cr_assert_not(ignne.level);
    irq_set(&ferr, true);
    cr_assert(irq.level);
    device_reset(port);
    cr_assert_not(irq.level);
    irq_set(&ferr, true);
    cr_assert(irq.level);
}

Test(pc_misc, debug_exit)
{
    bare_device(bench.machine, &isa_debug_exit_type, (const char *const[]){"iobase=0xf4", "iosize=4", NULL});
    cr_assert_eq(port_in(&bench, 0xf4, 4), 0);
    port_out(&bench, 0xf4, 4, 0x10);
    cr_assert_eq(bench.machine->exit_status, 0x21);
    cr_assert_eq(bench.machine->shutdown_reason, SHUTDOWN_GUEST);
    bare_device(bench.machine, &isa_debug_exit_type, NULL);
    outb(&bench, 0x501, 0);
    cr_assert_eq(bench.machine->exit_status, 1);
}

Test(pc_misc, panic)
{
    bare_device(bench.machine, &pvpanic_type, NULL);
    cr_assert_eq(inb(&bench, 0x505), 3);
    outb(&bench, 0x505, 2);
    cr_assert_eq(bench.machine->shutdown_reason, SHUTDOWN_NONE);
    outb(&bench, 0x505, 1);
    cr_assert_eq(bench.machine->shutdown_reason, SHUTDOWN_PANIC);
}

Test(pc_misc, debug_console)
{
    struct fake_chardev *out = fake_chardev_create(bench.machine, "out");
    bare_device(bench.machine, &isa_debugcon_type,
                (const char *const[]){"iobase=0x402", "chardev=out", NULL});
    cr_assert_eq(inb(&bench, 0x402), 0xe9);
    outb(&bench, 0x402, 'h');
    outb(&bench, 0x402, 'i');
    cr_assert_str_eq(out->out, "hi");
}

Test(pc_misc, parallel_port)
{
    struct fake_chardev *out = fake_chardev_create(bench.machine, "printer");
    bare_device(bench.machine, &isa_parallel_type, (const char *const[]){"chardev=printer", "irq=5", NULL});
    outb(&bench, 0x378, 'P');
    cr_assert_eq(inb(&bench, 0x378), 'P');
    cr_assert_eq(inb(&bench, 0x379) & 0xf8, 0xd8);
    cr_assert_eq(inb(&bench, 0x37a), 0xcc);
    outb(&bench, 0x37a, 0x0d);
    outb(&bench, 0x37a, 0x0d);
    outb(&bench, 0x37a, 0x0c);
    cr_assert_str_eq(out->out, "P");
    cr_assert_eq(irq.edges, 0);
    outb(&bench, 0x37a, 0x1d);
    cr_assert_str_eq(out->out, "PP");
    cr_assert_eq(irq.edges, 1);
    outb(&bench, 0x37a, 0x2c);
    cr_assert_eq(inb(&bench, 0x378), 0xff);
}

static void refused(const struct device_type *type, const char *name, const char *value, int code,
                    const char *text)
{
    struct error error = {""};
    struct device *device = device_create(bench.machine, type, NULL);
    if (name)
        cr_assert_eq(device_set(device, name, value, &error), 0);
    cr_assert_eq(device_realize(device, &error), -code);
    cr_assert(strstr(error.text, text), "%s", error.text);
    device_destroy(device);
}

Test(pc_misc, what_a_user_adds)
{
    fake_chardev_create(bench.machine, "line");
    bare_device(bench.machine, &isa_serial_type,
                (const char *const[]){"index=1", "irq=5", "chardev=line", NULL});
    outb(&bench, 0x2f9, 2);
    cr_assert(irq.level);
    refused(&isa_serial_type, "index", "4", EINVAL, "index");
    refused(&isa_serial_type, "iobase", "0xfffc", EINVAL, "0xfffc");
    refused(&isa_parallel_type, "irq", "16", EINVAL, "16");
    refused(&isa_debug_exit_type, "iosize", "3", EINVAL, "iosize");
    refused(&pvpanic_type, "events", "4", EINVAL, "events");
    refused(&isa_debugcon_type, "iobase", "0x10000", EINVAL, "0x10000");
    bench.machine->isa = NULL;
    refused(&pvpanic_type, NULL, NULL, ENODEV, "no I/O ports");
}
