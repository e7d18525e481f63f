// SPDX-License-Identifier: MIT
// The monitor's breakpoints, watchpoints and catches, and its views of an AArch64 processor.
#include "frontend/monitor.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/settings.h"
#include "tests/guest-arm/arm-machine.h"

static struct arm_machine *m;
static struct monitor *monitor;
static struct settings settings;

static void begin(void)
{
    m = arm_machine_create("interp", "max", 0);
    m->cpu->tcg.vcpu.ops->reset(&m->cpu->tcg.vcpu);
    monitor = monitor_create(m->base.machine, NULL, &settings, NULL, NULL, NULL);
}

static void end(void)
{
    monitor_destroy(monitor);
    arm_machine_destroy(m);
}

TestSuite(monitor_stops, .init = begin, .fini = end);

static const char *run(const char *line)
{
    static char *text;
    free(text);
    device_lock_acquire(&m->base.machine->lock);
    text = monitor_run(monitor, line);
    device_lock_release(&m->base.machine->lock);
    return text;
}

#define EXPECT(line, text) cr_expect_not_null(strstr(run(line), (text)), "%s gave: %s", line, run(line))
#define EXPECT_ALL(line, text) cr_expect_str_eq(run(line), (text))

Test(monitor_stops, are_made_listed_and_deleted)
{
    EXPECT_ALL("info breakpoints", "no breakpoints\n");
    EXPECT_ALL("break 0x40080000", "1: breakpoint at 0x40080000, hit 0 times\n");
    EXPECT_ALL("break $pc+4 el=1 el=2 cpu=0 temporary",
               "2: breakpoint at 0x40000004 el=1 el=2 cpu=0, temporary, hit 0 times\n");
    m->cpu->ttbr0_el[1] = 0x40100000 | UINT64_C(7) << 48;
    EXPECT_ALL("break 0x400000 space=current asid=7", "3: breakpoint at 0x400000 ttbr0=0x40100000 asid=7, hit 0 times\n");
    EXPECT_ALL("watch 0x40001000", "4: watch for writes at 0x40001000, 8 bytes, hit 0 times\n");
    EXPECT_ALL("watch/r2 0x40001002 ttbr0=0x1000", "5: watch for reads at 0x40001002, 2 bytes ttbr0=0x1000, hit 0 times\n");
    EXPECT_ALL("watch/rw100 0x40002000 secure=off", "6: watch at 0x40002000, 100 bytes secure=off, hit 0 times\n");
    EXPECT("delete 3", "");
    EXPECT_ALL("break", "1: breakpoint at 0x40080000, hit 0 times\n"
                        "2: breakpoint at 0x40000004 el=1 el=2 cpu=0, temporary, hit 0 times\n"
                        "4: watch for writes at 0x40001000, 8 bytes, hit 0 times\n"
                        "5: watch for reads at 0x40001002, 2 bytes ttbr0=0x1000, hit 0 times\n"
                        "6: watch at 0x40002000, 100 bytes secure=off, hit 0 times\n");
    EXPECT_ALL("delete all", "");
    EXPECT_ALL("info breakpoints", "no breakpoints\n");
}

Test(monitor_stops, what_is_not_understood_makes_none)
{
    EXPECT_ALL("break nowhere", "'nowhere' is no address\n");
    EXPECT("break 0x1000 cpu=1", "'cpu=1' is not understood");
    EXPECT("break 0x1000 el=4", "'el=4' is not understood");
    EXPECT("break 0x1000 asid=65536", "'asid=65536' is not understood");
    EXPECT("break 0x1000 secure=perhaps", "'secure=perhaps' is not understood");
    EXPECT("break 0x1000 sometimes", "'sometimes' is not understood");
    EXPECT("watch", "write watch[/[r|w|rw][BYTES]] ADDRESS");
    EXPECT("watch/w0 0x1000", "write watch");
    EXPECT("delete 1", "'1' is no breakpoint of the monitor");
    EXPECT("delete", "'' is no breakpoint of the monitor");
    EXPECT_ALL("info breakpoints", "no breakpoints\n");
    char line[40];
    for (unsigned i = 0; i < STOPS_LIMIT; i++) {
        snprintf(line, sizeof(line), "break %u", i * 4);
        cr_assert_not_null(strstr(run(line), "breakpoint at"), "%u", i);
    }
    EXPECT_ALL("break 0x100000", "there are too many breakpoints\n");
}

Test(monitor_stops, exceptions_are_caught_by_name_and_number)
{
    EXPECT_ALL("catch svc", "");
    EXPECT_ALL("catch 0x25", ""); // data aborts, from whichever level
    EXPECT_ALL("catch irq", "");
    EXPECT("info breakpoints", "catch exceptions of class 0x15\ncatch exceptions of class 0x24\n");
    EXPECT("catch #PF", "'#PF' is no exception; write a number, a name such as data-abort or svc, irq, or none");
    EXPECT_ALL("catch none", "");
    EXPECT_ALL("info breakpoints", "no breakpoints\n");
}

Test(monitor_stops, views)
{
    EXPECT_ALL("info exceptions", "none since the processor was made\n");
    EXPECT("info exceptions many", "'many' is no number of exceptions");
    EXPECT("info walk 0x40001234", "0x0000000040001234, 4 KiB, EL1 rwx EL0 rwx");
    EXPECT("info walk", "write info walk ADDRESS");
    EXPECT("info pg", "MMU off, rwx");
    EXPECT("info irq", "EL1");
}
