// SPDX-License-Identifier: MIT
// The I/O APIC with the local APICs of four CPUs and the 8259 pair, wired as on a PC.
#include <criterion/criterion.h>

#include "pc-bench.h"
#include "pc-interrupts.h"

enum { CPUS = 4 };

static struct pc_bench bench;
static struct pc_interrupts chips;

static void setup(void)
{
    static const uint32_t ids[CPUS] = {0, 1, 2, 0x25};
    pc_bench_create(&bench);
    pc_interrupts_create(&chips, bench.machine, bench.io, CPUS, ids);
    for (unsigned i = 0; i < CPUS; i++)
        lapic_put(&chips, i, LAPIC_SVR, 0x1ff);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(ioapic, .init = setup, .fini = teardown);

Test(ioapic, registers)
{
    cr_assert_eq(ioapic_get(&chips, 1), 0x00170020);
    cr_assert_eq(ioapic_get(&chips, 0x10), 0x10000);
    ioapic_put(&chips, 0, 0xff000000);
    cr_assert_eq(ioapic_get(&chips, 0), 0x0f000000);
    ioapic_put(&chips, 0x3e, 0xffffffff);
    cr_assert_eq(ioapic_get(&chips, 0x3e), 0x0001afff);
    cr_assert_eq(ioapic_get(&chips, 0x40), 0);
    ioapic_put(&chips, 0xff, 1);
    cr_assert_eq(ioapic_get(&chips, 0xff), 0);
}

Test(ioapic, edges)
{
    struct irq_line pin = ioapic_input(chips.ioapic, 4);
    irq_pulse(&pin);
    ioapic_route(&chips, 4, 1, 0x44);
    cr_assert_not(chips.cpus[1].intr, "what came while masked is lost");
    irq_set(&pin, true);
    cr_assert_eq(lapic_take(&chips, 1), 0x44);
    lapic_put(&chips, 1, LAPIC_EOI, 0);
    irq_set(&pin, true);
    cr_assert_not(chips.cpus[1].intr);
    cr_assert_eq(lapic_get(&chips, 1, LAPIC_TMR + 0x20), 0);
    irq_set(&pin, false);
    ioapic_route(&chips, 4, 0, 0x700); // as an external interrupt: the vector is the 8259's
    irq_set(&pin, true);
    cr_assert(chips.cpus[0].intr);
    cr_assert_eq(lapic_take(&chips, 0) & 7, 7);
    cr_assert_not(chips.cpus[0].intr);
}

Test(ioapic, levels)
{
    struct irq_line pin = ioapic_input(chips.ioapic, 11);
    ioapic_route(&chips, 11, 0x25, 0x80bb);
    irq_set(&pin, true);
    cr_assert_eq(lapic_take(&chips, 3), 0xbb);
    cr_assert_eq(ioapic_get(&chips, 0x10 + 22), 0xc0bb, "remote IRR");
    cr_assert_eq(lapic_get(&chips, 3, LAPIC_TMR + 0x50), 0x08000000);
    lapic_put(&chips, 3, LAPIC_EOI, 0);
    cr_assert(chips.cpus[3].intr, "the line is still up");
    cr_assert_eq(lapic_take(&chips, 3), 0xbb);
    irq_set(&pin, false);
    lapic_put(&chips, 3, LAPIC_EOI, 0);
    cr_assert_not(chips.cpus[3].intr);
    cr_assert_eq(ioapic_get(&chips, 0x10 + 22), 0x80bb);
    // The EOI register does what the broadcast does.
    lapic_put(&chips, 3, LAPIC_SVR, 0x11ff);
    irq_set(&pin, true);
    lapic_take(&chips, 3);
    lapic_put(&chips, 3, LAPIC_EOI, 0);
    cr_assert_not(chips.cpus[3].intr);
    guest_write(bench.machine, IOAPIC_DEFAULT_BASE + 0x40, 4, 0xbb);
    cr_assert(chips.cpus[3].intr);
    lapic_take(&chips, 3);
    lapic_put(&chips, 3, LAPIC_EOI, 0);
    // Masked and turned to edge and back, it forgets the remote IRR.
    ioapic_put(&chips, 0x10 + 22, 0x100bb);
    ioapic_put(&chips, 0x10 + 22, 0x180bb);
    cr_assert_not(chips.cpus[3].intr);
    ioapic_put(&chips, 0x10 + 22, 0x080bb);
    cr_assert(chips.cpus[3].intr);
}

Test(ioapic, shows_what_holds_interrupts_back)
{
    struct irq_line level = ioapic_input(chips.ioapic, 11), edge = ioapic_input(chips.ioapic, 4);
    irq_set(&edge, true);
    expect_irq_line(chips.ioapic, "  4    0x00    fixed     0x00 physical      edge     high      on    masked, the edge is lost");
    ioapic_route(&chips, 4, 3, 0x930);
    expect_irq_line(chips.ioapic, "  4    0x30    lowest    0x03 logical       edge     high      on    idle, the edge has been sent");
    ioapic_route(&chips, 11, 0x25, 0x1a0bb);
    expect_irq_line(chips.ioapic, "  11   0xbb    fixed     0x25 physical      level    low       off   masked");
    irq_set(&level, true);
    expect_irq_line(chips.ioapic, "  11   0xbb    fixed     0x25 physical      level    low       on    masked, would be sent");
    ioapic_route(&chips, 11, 0x25, 0xa0bb);
    expect_irq_line(chips.ioapic, "  11   0xbb    fixed     0x25 physical      level    low       on    sent, waits for EOI");
    lapic_take(&chips, 3);
    irq_set(&level, false);
    lapic_put(&chips, 3, LAPIC_EOI, 0);
    expect_irq_line(chips.ioapic, "  11   0xbb    fixed     0x25 physical      level    low       off   idle");
}
