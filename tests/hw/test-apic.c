// SPDX-License-Identifier: MIT
// Local APICs of four CPUs with the 8259 pair, wired as on a PC, without any CPU.
#include <criterion/criterion.h>

#include "pc-bench.h"
#include "pc-interrupts.h"

enum { CPUS = 4 };
#define APIC UINT64_C(0xfee00000)
enum { BASE_MSR = 0x1b, DEADLINE_MSR = 0x6e0, X2 = 0x800 };

static struct pc_bench bench;
static struct pc_interrupts chips;

static uint32_t get(unsigned cpu, uint64_t offset)
{
    return lapic_get(&chips, cpu, offset);
}

static void put(unsigned cpu, uint64_t offset, uint32_t value)
{
    lapic_put(&chips, cpu, offset, value);
}

static int take(unsigned cpu)
{
    return lapic_take(&chips, cpu);
}

static bool wrmsr(unsigned cpu, uint32_t msr, uint64_t value)
{
    return apic_intc_ops.write_msr(apic_intc_opaque(chips.apic, cpu), msr, value);
}

static bool rdmsr(unsigned cpu, uint32_t msr, uint64_t *value)
{
    return apic_intc_ops.read_msr(apic_intc_opaque(chips.apic, cpu), msr, value);
}

static void setup(void)
{
    static const uint32_t ids[CPUS] = {0, 1, 2, 0x25};
    pc_bench_create(&bench);
    pc_interrupts_create(&chips, bench.machine, bench.io, CPUS, ids);
    for (unsigned i = 0; i < CPUS; i++)
        put(i, LAPIC_SVR, 0x1ff);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(apic, .init = setup, .fini = teardown);

static void message(uint8_t destination, bool logical, uint32_t data)
{
    struct message message = {.address = APIC | (uint64_t)destination << 12 | (logical ? 4 : 0), .data = data};
    apic_message(chips.apic, &message);
}

Test(apic, identification)
{
    cr_assert_eq(get(0, LAPIC_ID), 0);
    cr_assert_eq(get(3, LAPIC_ID), 0x25000000);
    cr_assert_eq(get(0, 0x30) & 0xff00ff, 0x50014);
    uint64_t base;
    cr_assert(rdmsr(0, BASE_MSR, &base));
    cr_assert_eq(base, 0xfee00900);
    cr_assert(rdmsr(2, BASE_MSR, &base));
    cr_assert_eq(base, 0xfee00800);
}

Test(apic, priorities)
{
    message(1, false, 0x41);
    message(1, false, 0x93);
    message(1, false, 0x9a);
    cr_assert(chips.cpus[1].intr);
    cr_assert_not(chips.cpus[0].intr);
    cr_assert_eq(get(1, LAPIC_IRR + 0x40), 0x04080000);
    cr_assert_eq(take(1), 0x9a);
    cr_assert_eq(get(1, LAPIC_ISR + 0x40), 0x04000000);
    cr_assert_eq(get(1, LAPIC_PPR), 0x90);
    cr_assert_not(chips.cpus[1].intr, "of the same class");
    put(1, LAPIC_EOI, 0);
    cr_assert_eq(take(1), 0x93);
    put(1, LAPIC_TPR, 0x4f);
    put(1, LAPIC_EOI, 0);
    cr_assert_not(chips.cpus[1].intr);
    cr_assert_eq(apic_intc_ops.get_cr8(apic_intc_opaque(chips.apic, 1)), 4);
    cr_assert_eq(take(1), -1, "not even when asked");
    apic_intc_ops.set_cr8(apic_intc_opaque(chips.apic, 1), 3);
    cr_assert_eq(get(1, LAPIC_TPR), 0x30);
    cr_assert(chips.cpus[1].intr);
    cr_assert_eq(take(1), 0x41);
    put(1, LAPIC_EOI, 0);
    put(1, LAPIC_EOI, 0);
}

Test(apic, destinations)
{
    put(0, LAPIC_LDR, 0x01000000);
    put(1, LAPIC_LDR, 0x02000000);
    put(2, LAPIC_LDR, 0x04000000);
    put(3, LAPIC_LDR, 0x08000000);
    message(0x0a, true, 0x50);
    cr_assert(!chips.cpus[0].intr && chips.cpus[1].intr && !chips.cpus[2].intr && chips.cpus[3].intr);
    take(1);
    put(1, LAPIC_EOI, 0);
    take(3);
    put(3, LAPIC_EOI, 0);
    // Clusters.
    static const uint32_t clusters[CPUS] = {0x11, 0x12, 0x21, 0x22};
    for (unsigned i = 0; i < CPUS; i++) {
        put(i, LAPIC_DFR, 0);
        put(i, LAPIC_LDR, clusters[i] << 24);
        cr_assert_eq(get(i, LAPIC_DFR), 0x0fffffff);
    }
    message(0x23, true, 0x50);
    cr_assert(!chips.cpus[0].intr && !chips.cpus[1].intr && chips.cpus[2].intr && chips.cpus[3].intr);
    message(0xf1, true, 0x51);
    cr_assert_eq(get(0, LAPIC_IRR + 0x20), 0x00020000);
    cr_assert_eq(get(2, LAPIC_IRR + 0x20), 0x00030000);
    cr_assert_eq(get(1, LAPIC_IRR + 0x20), 0);
    message(0xff, false, 0x52);
    for (unsigned i = 0; i < CPUS; i++)
        cr_assert(get(i, LAPIC_IRR + 0x20) & 0x00040000);
    message(0x77, false, 0x53);
    apic_message(chips.apic, &(struct message){.address = 0xfed00000, .data = 0x54});
}

Test(apic, lowest_priority_goes_to_one)
{
    for (unsigned i = 0; i < CPUS; i++) {
        put(i, LAPIC_LDR, 0x01000000u << i);
        put(i, LAPIC_TPR, 0x80 - 0x10 * i);
    }
    put(3, LAPIC_SVR, 0xff);
    message(0x0f, true, 0x1a0);
    cr_assert(!chips.cpus[0].intr && !chips.cpus[1].intr && chips.cpus[2].intr && !chips.cpus[3].intr);
}

Test(apic, interprocessor_interrupts)
{
    put(0, LAPIC_ICR_HIGH, 0x25000000);
    put(0, LAPIC_ICR, 0x4033);
    cr_assert(chips.cpus[3].intr);
    cr_assert_eq(get(0, LAPIC_ICR), 0x4033, "delivered, so idle");
    put(0, LAPIC_ICR, 0x44044); // self
    cr_assert(chips.cpus[0].intr);
    put(1, LAPIC_ICR, 0xc4455); // NMI to all others
    cr_assert(chips.cpus[0].nmis == 1 && chips.cpus[1].nmis == 0 && chips.cpus[2].nmis == 1 && chips.cpus[3].nmis == 1);
    put(1, LAPIC_ICR, 0x84066); // all
    for (unsigned i = 0; i < CPUS; i++)
        cr_assert(get(i, LAPIC_IRR + 0x30) & 0x40);
    put(2, LAPIC_ICR_HIGH, 0x01000000);
    put(2, LAPIC_ICR, 0x4200);
    cr_assert_eq(chips.cpus[1].smis, 1);
    put(2, LAPIC_ICR, 0x4002);
    cr_assert_eq(get(2, LAPIC_ESR), 0);
    put(2, LAPIC_ESR, 0);
    cr_assert_eq(get(2, LAPIC_ESR), 0x20, "send illegal vector");
    put(2, LAPIC_ESR, 0);
    cr_assert_eq(get(2, LAPIC_ESR), 0);
}

Test(apic, starting_a_cpu)
{
    put(1, LAPIC_LDR, 0x55000000);
    put(0, LAPIC_ICR_HIGH, 0x01000000);
    put(0, LAPIC_ICR, 0xc500);
    put(0, LAPIC_ICR, 0x8500);
    cr_assert_eq(chips.cpus[1].inits, 1, "the de-assert does nothing");
    cr_assert_eq(get(1, LAPIC_LDR), 0);
    cr_assert_eq(get(1, LAPIC_SVR), 0xff);
    cr_assert_eq(get(1, LAPIC_ID), 0x01000000);
    put(0, LAPIC_ICR, 0x4699);
    cr_assert_eq(chips.cpus[1].start_ups, 1);
    cr_assert_eq(chips.cpus[1].page, 0x99);
    put(0, LAPIC_ICR, 0xc4500);
    cr_assert_eq(chips.cpus[0].inits, 0);
    cr_assert_eq(chips.cpus[3].inits, 1);
}

Test(apic, switched_off_by_software)
{
    put(0, LAPIC_LINT1, 0x400);
    put(0, LAPIC_SVR, 0xff);
    cr_assert_eq(get(0, LAPIC_LINT1), 0x10400);
    put(0, LAPIC_LINT1, 0x400);
    cr_assert_eq(get(0, LAPIC_LINT1), 0x10400, "stays masked");
    message(0, false, 0x60);
    cr_assert_not(chips.cpus[0].intr);
    message(0, false, 0x400);
    cr_assert_eq(chips.cpus[0].nmis, 1, "NMI comes all the same");
    put(0, LAPIC_SVR, 0x1ff);
    cr_assert_eq(get(0, LAPIC_IRR + 0x30), 0, "it was not accepted");
}

Test(apic, external_interrupts_through_lint0)
{
    struct irq_line timer = i8259_input(chips.pic, 0);
    outb(&bench, 0x20, 0x11);
    outb(&bench, 0x21, 0x08);
    outb(&bench, 0x21, 0x04);
    outb(&bench, 0x21, 0x01);
    put(0, LAPIC_SVR, 0xff);
    put(0, LAPIC_SVR, 0x1ff);
    irq_pulse(&timer);
    cr_assert_not(chips.cpus[0].intr, "masked");
    put(0, LAPIC_LINT0, 0x700);
    cr_assert(chips.cpus[0].intr);
    cr_assert_not(chips.cpus[1].intr);
    cr_assert_eq(take(0), 8);
    cr_assert_not(chips.cpus[0].intr);
    cr_assert_eq(get(0, LAPIC_ISR), 0, "the 8259 keeps it in service, the APIC does not");
    cr_assert_eq(take(0), -1);
    outb(&bench, 0x20, 0x20);
    put(0, LAPIC_LINT0, 0x30);
    irq_pulse(&timer);
    cr_assert_eq(take(0), 0x30, "fixed delivery");
    put(0, LAPIC_LINT1, 0x400);
    struct irq_line lint1 = apic_lint(chips.apic, 1);
    irq_pulse(&lint1);
    cr_assert_eq(chips.cpus[0].nmis, 1);
}

Test(apic, without_its_apic_the_first_cpu_listens_to_the_8259)
{
    struct irq_line line = i8259_input(chips.pic, 1);
    cr_assert(wrmsr(0, BASE_MSR, 0xfee00100));
    cr_assert_eq(get(0, LAPIC_ID), UINT32_MAX);
    irq_pulse(&line);
    cr_assert(chips.cpus[0].intr);
    cr_assert_eq(take(0), 1);
    message(0, false, 0x60);
    cr_assert_not(chips.cpus[0].intr);
    // As after a reset, firmware without any idea of APICs gets them too.
    device_reset(chips.apic);
    cr_assert_eq(get(0, LAPIC_LINT0), 0x700);
    cr_assert_eq(get(1, LAPIC_LINT0), 0x10000);
}

Test(apic, one_shot_timer)
{
    put(0, LAPIC_TIMER, 0x40);
    put(0, LAPIC_DIVIDE, 0x3); // by 16
    put(0, LAPIC_INITIAL, 1000);
    cr_assert_eq(get(0, LAPIC_CURRENT), 1000);
    pc_bench_advance(&bench, 8000);
    cr_assert_eq(get(0, LAPIC_CURRENT), 500);
    put(0, LAPIC_DIVIDE, 0xb); // by 1
    cr_assert_eq(get(0, LAPIC_CURRENT), 500);
    pc_bench_advance(&bench, 499);
    cr_assert_not(chips.cpus[0].intr);
    pc_bench_advance(&bench, 1);
    cr_assert(chips.cpus[0].intr);
    cr_assert_eq(take(0), 0x40);
    put(0, LAPIC_EOI, 0);
    cr_assert_eq(get(0, LAPIC_CURRENT), 0);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_not(chips.cpus[0].intr);
    // Masked it counts without interrupting.
    put(0, LAPIC_TIMER, 0x10040);
    put(0, LAPIC_INITIAL, 1000);
    pc_bench_advance(&bench, 600);
    cr_assert_eq(get(0, LAPIC_CURRENT), 400);
    put(0, LAPIC_TIMER, 0x40);
    pc_bench_advance(&bench, 400);
    cr_assert(chips.cpus[0].intr);
    take(0);
    put(0, LAPIC_EOI, 0);
    put(0, LAPIC_INITIAL, 1000);
    put(0, LAPIC_INITIAL, 0);
    pc_bench_advance(&bench, 5000);
    cr_assert_not(chips.cpus[0].intr, "stopped");
}

// However much time passes between two instructions of ours.
Test(apic, short_counts_are_not_missed)
{
    put(1, LAPIC_TIMER, 0x40);
    put(1, LAPIC_DIVIDE, 0xb);
    bench.reading_ns = 1000;
    for (unsigned i = 0; i < 4; i++) {
        put(1, LAPIC_INITIAL, 1 + 400 * i);
        if (i == 1)
            put(1, LAPIC_DIVIDE, 0);
        else if (i == 2)
            put(1, LAPIC_TIMER, 0x41);
        pc_bench_advance(&bench, 10000);
        cr_expect(chips.cpus[1].intr, "%u", i);
        take(1);
        put(1, LAPIC_EOI, 0);
    }
}

Test(apic, periodic_timer)
{
    put(2, LAPIC_TIMER, 0x20040);
    put(2, LAPIC_DIVIDE, 0xb);
    put(2, LAPIC_INITIAL, 1000000);
    for (unsigned i = 0; i < 100; i++) {
        pc_bench_advance(&bench, 999999);
        cr_assert_not(chips.cpus[2].intr);
        cr_assert_eq(get(2, LAPIC_CURRENT), 1);
        pc_bench_advance(&bench, 1);
        cr_assert_eq(take(2), 0x40);
        put(2, LAPIC_EOI, 0);
    }
    unsigned before = bench.events;
    put(2, LAPIC_INITIAL, 1);
    pc_bench_advance(&bench, NS_PER_SECOND / 10);
    cr_assert_leq(bench.events - before, 5001, "no flood");
    cr_assert_eq(take(2), 0x40);
}

Test(apic, deadline_timer)
{
    uint64_t value;
    cr_assert(wrmsr(1, DEADLINE_MSR, 3000));
    cr_assert(rdmsr(1, DEADLINE_MSR, &value));
    cr_assert_eq(value, 0, "not in this mode");
    put(1, LAPIC_TIMER, 0x40041);
    cr_assert(wrmsr(1, DEADLINE_MSR, 3000000));
    rdmsr(1, DEADLINE_MSR, &value);
    cr_assert_eq(value, 3000000);
    put(1, LAPIC_INITIAL, 5);
    cr_assert_eq(get(1, LAPIC_CURRENT), 0);
    pc_bench_advance(&bench, 999999);
    cr_assert_not(chips.cpus[1].intr);
    pc_bench_advance(&bench, 1);
    cr_assert_eq(take(1), 0x41);
    put(1, LAPIC_EOI, 0);
    rdmsr(1, DEADLINE_MSR, &value);
    cr_assert_eq(value, 0);
    cr_assert(wrmsr(1, DEADLINE_MSR, 1)); // has passed
    pc_bench_advance(&bench, 0);
    cr_assert_eq(take(1), 0x41);
    put(1, LAPIC_EOI, 0);
    wrmsr(1, DEADLINE_MSR, UINT64_MAX);
    wrmsr(1, DEADLINE_MSR, 0);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_not(chips.cpus[1].intr);
}

Test(apic, x2apic)
{
    uint64_t value;
    cr_assert_not(rdmsr(3, X2 + 2, &value), "not in xAPIC mode");
    for (unsigned i = 0; i < CPUS; i++)
        cr_assert(wrmsr(i, BASE_MSR, 0xfee00c00));
    rdmsr(3, X2 + 2, &value);
    cr_assert_eq(value, 0x25);
    rdmsr(3, X2 + 0xd, &value);
    cr_assert_eq(value, 0x20020);
    cr_assert_eq(get(3, LAPIC_ID), UINT32_MAX, "the page is gone");
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x25) << 32 | 0x40b0));
    cr_assert(chips.cpus[3].intr);
    cr_assert_eq(take(3), 0xb0);
    cr_assert_not(wrmsr(3, X2 + 0xb, 1));
    cr_assert(wrmsr(3, X2 + 0xb, 0));
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x20020) << 32 | 0x48b1)); // logical
    cr_assert_eq(take(3), 0xb1);
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x7) << 32 | 0x48b2));
    cr_assert(chips.cpus[0].intr && chips.cpus[1].intr && chips.cpus[2].intr);
    cr_assert(wrmsr(2, X2 + 0x3f, 0xc0));
    cr_assert_eq(take(2), 0xc0);
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0xffffffff) << 32 | 0x44d0)); // NMI
    cr_assert_eq(chips.cpus[0].nmis + chips.cpus[1].nmis + chips.cpus[2].nmis + chips.cpus[3].nmis, 4);
    cr_assert_not(wrmsr(0, X2 + 0xe, 0));
    cr_assert_not(wrmsr(0, X2 + 2, 0));
    cr_assert_not(rdmsr(0, X2 + 0x31, &value));
    cr_assert_not(rdmsr(0, X2 + 0xff, &value));
    cr_assert_not(wrmsr(0, X2 + 8, UINT64_C(1) << 32));
    cr_assert_not(wrmsr(0, BASE_MSR, 0xfee00800), "not back to xAPIC");
    cr_assert(wrmsr(0, BASE_MSR, 0xfee00000));
    cr_assert_not(wrmsr(0, BASE_MSR, 0xfee00c00), "not from off");
    cr_assert(wrmsr(0, BASE_MSR, 0xfee00800));
    cr_assert_not(wrmsr(0, BASE_MSR, 0xfee00a00), "reserved");
}

Test(apic, errors)
{
    put(0, LAPIC_ERROR, 0xee);
    message(0, false, 0x05);
    cr_assert_eq(take(0), 0xee);
    put(0, LAPIC_EOI, 0);
    put(0, LAPIC_ESR, 0);
    cr_assert_eq(get(0, LAPIC_ESR), 0x40);
    get(0, 0x40);
    put(0, 0x40, 0);
    put(0, LAPIC_ESR, 0);
    cr_assert_eq(get(0, LAPIC_ESR), 0x80);
    put(0, LAPIC_ERROR, 0x05);
    message(0, false, 0x05);
    put(0, LAPIC_ESR, 0);
    cr_assert_eq(get(0, LAPIC_ESR), 0x40);
}

Test(apic, shows_what_holds_interrupts_back)
{
    expect_irq_line(chips.apic, "CPU #0: APIC id 0x00 (BSP), xAPIC, spurious vector 0xff, TPR 0x00, PPR 0x00, INTR low");
    expect_irq_line(chips.apic, "  LINT0    ExtINT, line low");
    message(1, false, 0x41);
    message(1, false, 0xc93);
    message(1, false, 0x9a);
    expect_irq_line(chips.apic, "  vector 0x9a edge, requested: signalled as INTR");
    expect_irq_line(chips.apic, "  vector 0x41 edge, requested: another comes first");
    cr_assert_eq(take(1), 0x9a);
    expect_irq_line(chips.apic, "CPU #1: APIC id 0x01, xAPIC, spurious vector 0xff, TPR 0x00, PPR 0x90, INTR low");
    expect_irq_line(chips.apic, "  vector 0x9a edge, in service until EOI");
    expect_irq_line(chips.apic, "  vector 0x41 edge, requested: not above PPR");
    put(1, LAPIC_SVR, 0xff);
    expect_irq_line(chips.apic, "  vector 0x41 edge, requested: APIC off");
    put(0, LAPIC_TIMER, 0x200ec); // periodic
    put(0, LAPIC_DIVIDE, 3);      // by 16
    put(0, LAPIC_INITIAL, 1000);
    pc_bench_advance(&bench, 1600);
    expect_irq_line(chips.apic, "  timer    vector 0xec, periodic, counts 900 of 1000, divided by 16, due in 14400 ns");
    put(0, LAPIC_TIMER, 0x500ec);
    expect_irq_line(chips.apic, "  timer    masked, vector 0xec, TSC deadline mode, not set");
    cr_assert(wrmsr(2, BASE_MSR, 0xfee00c00));
    expect_irq_line(chips.apic, "CPU #2: APIC id 0x02, x2APIC, spurious vector 0xff, TPR 0x00, PPR 0x00, INTR low");
    cr_assert(wrmsr(2, BASE_MSR, 0xfee00000));
    expect_irq_line(chips.apic, "CPU #2: APIC id 0x02, off in IA32_APIC_BASE, spurious vector 0xff, TPR 0x00, PPR 0x00, INTR low");
    message(0, false, 0x700);
    expect_irq_line(chips.apic, "  ExtINT: signalled as INTR, the 8259 gives the vector");
}
