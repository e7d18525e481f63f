// SPDX-License-Identifier: MIT
// Local APICs of four CPUs with an I/O APIC and the 8259 pair, wired as on a PC, without any CPU.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "pc-bench.h"

enum { CPUS = 4 };
#define APIC UINT64_C(0xfee00000)
#define IOAPIC UINT64_C(0xfec00000)
enum {
    ID = 0x20,
    TPR = 0x80,
    PPR = 0xa0,
    EOI = 0xb0,
    LDR = 0xd0,
    DFR = 0xe0,
    SVR = 0xf0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LINT0 = 0x350,
    LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0
};
enum { BASE_MSR = 0x1b, DEADLINE_MSR = 0x6e0, X2 = 0x800 };

static struct pc_bench bench;
static struct device *apic, *ioapic, *pic;
static struct {
    bool intr;
    unsigned nmis, smis, inits, start_ups, page;
} cpus[CPUS];

static void set_intr(void *opaque, unsigned cpu, bool level)
{
    (void)opaque;
    cpus[cpu].intr = level;
}

static void nmi(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].nmis++;
}

static void smi(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].smis++;
}

static void init(void *opaque, unsigned cpu)
{
    (void)opaque;
    cpus[cpu].inits++;
}

static void start_up(void *opaque, unsigned cpu, uint8_t vector)
{
    (void)opaque;
    cpus[cpu].start_ups++;
    cpus[cpu].page = vector;
}

static const struct apic_outputs outputs = {set_intr, nmi, smi, init, start_up};

static uint32_t get(unsigned cpu, uint64_t offset)
{
    uint64_t value;
    struct mem_requester who = {.cpu = (uint16_t)cpu};
    cr_assert_eq(memory_map_read(bench.machine->map, who, APIC + offset, 4, &value), MEM_OK);
    return (uint32_t)value;
}

static void put(unsigned cpu, uint64_t offset, uint32_t value)
{
    struct mem_requester who = {.cpu = (uint16_t)cpu};
    cr_assert_eq(memory_map_write(bench.machine->map, who, APIC + offset, 4, value), MEM_OK);
}

static int take(unsigned cpu)
{
    return apic_intc_ops.acknowledge(apic_intc_opaque(apic, cpu));
}

static bool wrmsr(unsigned cpu, uint32_t msr, uint64_t value)
{
    return apic_intc_ops.write_msr(apic_intc_opaque(apic, cpu), msr, value);
}

static bool rdmsr(unsigned cpu, uint32_t msr, uint64_t *value)
{
    return apic_intc_ops.read_msr(apic_intc_opaque(apic, cpu), msr, value);
}

static void setup(void)
{
    static const uint32_t ids[CPUS] = {0, 1, 2, 0x25};
    memset(cpus, 0, sizeof(cpus));
    pc_bench_create(&bench);
    apic = device_create(bench.machine, &apic_type, NULL);
    struct apic_config config = {
        .cpu_count = CPUS, .apic_ids = ids, .outputs = &outputs, .tsc_hz = 3000000000};
    apic_configure(apic, &config);
    pic = device_create(bench.machine, &i8259_type, NULL);
    i8259_wire(pic, bench.io, apic_lint(apic, 0));
    ioapic = device_create(bench.machine, &ioapic_type, NULL);
    ioapic_wire(ioapic, IOAPIC, apic_message, apic);
    apic_connect_pic(apic, i8259_acknowledge, pic);
    apic_connect_eoi(apic, ioapic_eoi, ioapic);
    pc_bench_realize(&bench, apic);
    pc_bench_realize(&bench, pic);
    pc_bench_realize(&bench, ioapic);
    for (unsigned i = 0; i < CPUS; i++)
        put(i, SVR, 0x1ff);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(apic, .init = setup, .fini = teardown);

static void message(uint8_t destination, bool logical, uint32_t data)
{
    apic_message(apic, APIC | (uint64_t)destination << 12 | (logical ? 4 : 0), data);
}

Test(apic, identification)
{
    cr_assert_eq(get(0, ID), 0);
    cr_assert_eq(get(3, ID), 0x25000000);
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
    cr_assert(cpus[1].intr);
    cr_assert_not(cpus[0].intr);
    cr_assert_eq(get(1, IRR + 0x40), 0x04080000);
    cr_assert_eq(take(1), 0x9a);
    cr_assert_eq(get(1, ISR + 0x40), 0x04000000);
    cr_assert_eq(get(1, PPR), 0x90);
    cr_assert_not(cpus[1].intr, "of the same class");
    put(1, EOI, 0);
    cr_assert_eq(take(1), 0x93);
    put(1, TPR, 0x4f);
    put(1, EOI, 0);
    cr_assert_not(cpus[1].intr);
    cr_assert_eq(apic_intc_ops.get_cr8(apic_intc_opaque(apic, 1)), 4);
    cr_assert_eq(take(1), -1, "not even when asked");
    apic_intc_ops.set_cr8(apic_intc_opaque(apic, 1), 3);
    cr_assert_eq(get(1, TPR), 0x30);
    cr_assert(cpus[1].intr);
    cr_assert_eq(take(1), 0x41);
    put(1, EOI, 0);
    put(1, EOI, 0);
}

Test(apic, destinations)
{
    put(0, LDR, 0x01000000);
    put(1, LDR, 0x02000000);
    put(2, LDR, 0x04000000);
    put(3, LDR, 0x08000000);
    message(0x0a, true, 0x50);
    cr_assert(!cpus[0].intr && cpus[1].intr && !cpus[2].intr && cpus[3].intr);
    take(1);
    put(1, EOI, 0);
    take(3);
    put(3, EOI, 0);
    // Clusters.
    static const uint32_t clusters[CPUS] = {0x11, 0x12, 0x21, 0x22};
    for (unsigned i = 0; i < CPUS; i++) {
        put(i, DFR, 0);
        put(i, LDR, clusters[i] << 24);
        cr_assert_eq(get(i, DFR), 0x0fffffff);
    }
    message(0x23, true, 0x50);
    cr_assert(!cpus[0].intr && !cpus[1].intr && cpus[2].intr && cpus[3].intr);
    message(0xf1, true, 0x51);
    cr_assert_eq(get(0, IRR + 0x20), 0x00020000);
    cr_assert_eq(get(2, IRR + 0x20), 0x00030000);
    cr_assert_eq(get(1, IRR + 0x20), 0);
    message(0xff, false, 0x52);
    for (unsigned i = 0; i < CPUS; i++)
        cr_assert(get(i, IRR + 0x20) & 0x00040000);
    message(0x77, false, 0x53);
    apic_message(apic, 0xfed00000, 0x54);
}

Test(apic, lowest_priority_goes_to_one)
{
    for (unsigned i = 0; i < CPUS; i++) {
        put(i, LDR, 0x01000000u << i);
        put(i, TPR, 0x80 - 0x10 * i);
    }
    put(3, SVR, 0xff);
    message(0x0f, true, 0x1a0);
    cr_assert(!cpus[0].intr && !cpus[1].intr && cpus[2].intr && !cpus[3].intr);
}

Test(apic, interprocessor_interrupts)
{
    put(0, ICR_HIGH, 0x25000000);
    put(0, ICR, 0x4033);
    cr_assert(cpus[3].intr);
    cr_assert_eq(get(0, ICR), 0x4033, "delivered, so idle");
    put(0, ICR, 0x44044); // self
    cr_assert(cpus[0].intr);
    put(1, ICR, 0xc4455); // NMI to all others
    cr_assert(cpus[0].nmis == 1 && cpus[1].nmis == 0 && cpus[2].nmis == 1 && cpus[3].nmis == 1);
    put(1, ICR, 0x84066); // all
    for (unsigned i = 0; i < CPUS; i++)
        cr_assert(get(i, IRR + 0x30) & 0x40);
    put(2, ICR_HIGH, 0x01000000);
    put(2, ICR, 0x4200);
    cr_assert_eq(cpus[1].smis, 1);
    put(2, ICR, 0x4002);
    cr_assert_eq(get(2, ESR), 0);
    put(2, ESR, 0);
    cr_assert_eq(get(2, ESR), 0x20, "send illegal vector");
    put(2, ESR, 0);
    cr_assert_eq(get(2, ESR), 0);
}

Test(apic, starting_a_cpu)
{
    put(1, LDR, 0x55000000);
    put(0, ICR_HIGH, 0x01000000);
    put(0, ICR, 0xc500);
    put(0, ICR, 0x8500);
    cr_assert_eq(cpus[1].inits, 1, "the de-assert does nothing");
    cr_assert_eq(get(1, LDR), 0);
    cr_assert_eq(get(1, SVR), 0xff);
    cr_assert_eq(get(1, ID), 0x01000000);
    put(0, ICR, 0x4699);
    cr_assert_eq(cpus[1].start_ups, 1);
    cr_assert_eq(cpus[1].page, 0x99);
    put(0, ICR, 0xc4500);
    cr_assert_eq(cpus[0].inits, 0);
    cr_assert_eq(cpus[3].inits, 1);
}

Test(apic, switched_off_by_software)
{
    put(0, LINT1, 0x400);
    put(0, SVR, 0xff);
    cr_assert_eq(get(0, LINT1), 0x10400);
    put(0, LINT1, 0x400);
    cr_assert_eq(get(0, LINT1), 0x10400, "stays masked");
    message(0, false, 0x60);
    cr_assert_not(cpus[0].intr);
    message(0, false, 0x400);
    cr_assert_eq(cpus[0].nmis, 1, "NMI comes all the same");
    put(0, SVR, 0x1ff);
    cr_assert_eq(get(0, IRR + 0x30), 0, "it was not accepted");
}

Test(apic, external_interrupts_through_lint0)
{
    struct irq_line timer = i8259_input(pic, 0);
    outb(&bench, 0x20, 0x11);
    outb(&bench, 0x21, 0x08);
    outb(&bench, 0x21, 0x04);
    outb(&bench, 0x21, 0x01);
    put(0, SVR, 0xff);
    put(0, SVR, 0x1ff);
    irq_pulse(&timer);
    cr_assert_not(cpus[0].intr, "masked");
    put(0, LINT0, 0x700);
    cr_assert(cpus[0].intr);
    cr_assert_not(cpus[1].intr);
    cr_assert_eq(take(0), 8);
    cr_assert_not(cpus[0].intr);
    cr_assert_eq(get(0, ISR), 0, "the 8259 keeps it in service, the APIC does not");
    cr_assert_eq(take(0), -1);
    outb(&bench, 0x20, 0x20);
    put(0, LINT0, 0x30);
    irq_pulse(&timer);
    cr_assert_eq(take(0), 0x30, "fixed delivery");
    put(0, LINT1, 0x400);
    struct irq_line lint1 = apic_lint(apic, 1);
    irq_pulse(&lint1);
    cr_assert_eq(cpus[0].nmis, 1);
}

Test(apic, without_its_apic_the_first_cpu_listens_to_the_8259)
{
    struct irq_line line = i8259_input(pic, 1);
    cr_assert(wrmsr(0, BASE_MSR, 0xfee00100));
    cr_assert_eq(get(0, ID), UINT32_MAX);
    irq_pulse(&line);
    cr_assert(cpus[0].intr);
    cr_assert_eq(take(0), 1);
    message(0, false, 0x60);
    cr_assert_not(cpus[0].intr);
    // As after a reset, firmware without any idea of APICs gets them too.
    device_reset(apic);
    cr_assert_eq(get(0, LINT0), 0x700);
    cr_assert_eq(get(1, LINT0), 0x10000);
}

Test(apic, one_shot_timer)
{
    put(0, LVT_TIMER, 0x40);
    put(0, DIVIDE, 0x3); // by 16
    put(0, INITIAL, 1000);
    cr_assert_eq(get(0, CURRENT), 1000);
    pc_bench_advance(&bench, 8000);
    cr_assert_eq(get(0, CURRENT), 500);
    put(0, DIVIDE, 0xb); // by 1
    cr_assert_eq(get(0, CURRENT), 500);
    pc_bench_advance(&bench, 499);
    cr_assert_not(cpus[0].intr);
    pc_bench_advance(&bench, 1);
    cr_assert(cpus[0].intr);
    cr_assert_eq(take(0), 0x40);
    put(0, EOI, 0);
    cr_assert_eq(get(0, CURRENT), 0);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_not(cpus[0].intr);
    // Masked it counts without interrupting.
    put(0, LVT_TIMER, 0x10040);
    put(0, INITIAL, 1000);
    pc_bench_advance(&bench, 600);
    cr_assert_eq(get(0, CURRENT), 400);
    put(0, LVT_TIMER, 0x40);
    pc_bench_advance(&bench, 400);
    cr_assert(cpus[0].intr);
    take(0);
    put(0, EOI, 0);
    put(0, INITIAL, 1000);
    put(0, INITIAL, 0);
    pc_bench_advance(&bench, 5000);
    cr_assert_not(cpus[0].intr, "stopped");
}

Test(apic, periodic_timer)
{
    put(2, LVT_TIMER, 0x20040);
    put(2, DIVIDE, 0xb);
    put(2, INITIAL, 1000000);
    for (unsigned i = 0; i < 100; i++) {
        pc_bench_advance(&bench, 999999);
        cr_assert_not(cpus[2].intr);
        cr_assert_eq(get(2, CURRENT), 1);
        pc_bench_advance(&bench, 1);
        cr_assert_eq(take(2), 0x40);
        put(2, EOI, 0);
    }
    unsigned before = bench.events;
    put(2, INITIAL, 1);
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
    put(1, LVT_TIMER, 0x40041);
    cr_assert(wrmsr(1, DEADLINE_MSR, 3000000));
    rdmsr(1, DEADLINE_MSR, &value);
    cr_assert_eq(value, 3000000);
    put(1, INITIAL, 5);
    cr_assert_eq(get(1, CURRENT), 0);
    pc_bench_advance(&bench, 999999);
    cr_assert_not(cpus[1].intr);
    pc_bench_advance(&bench, 1);
    cr_assert_eq(take(1), 0x41);
    put(1, EOI, 0);
    rdmsr(1, DEADLINE_MSR, &value);
    cr_assert_eq(value, 0);
    cr_assert(wrmsr(1, DEADLINE_MSR, 1)); // has passed
    pc_bench_advance(&bench, 0);
    cr_assert_eq(take(1), 0x41);
    put(1, EOI, 0);
    wrmsr(1, DEADLINE_MSR, UINT64_MAX);
    wrmsr(1, DEADLINE_MSR, 0);
    pc_bench_advance(&bench, NS_PER_SECOND);
    cr_assert_not(cpus[1].intr);
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
    cr_assert_eq(get(3, ID), UINT32_MAX, "the page is gone");
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x25) << 32 | 0x40b0));
    cr_assert(cpus[3].intr);
    cr_assert_eq(take(3), 0xb0);
    cr_assert_not(wrmsr(3, X2 + 0xb, 1));
    cr_assert(wrmsr(3, X2 + 0xb, 0));
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x20020) << 32 | 0x48b1)); // logical
    cr_assert_eq(take(3), 0xb1);
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0x7) << 32 | 0x48b2));
    cr_assert(cpus[0].intr && cpus[1].intr && cpus[2].intr);
    cr_assert(wrmsr(2, X2 + 0x3f, 0xc0));
    cr_assert_eq(take(2), 0xc0);
    cr_assert(wrmsr(0, X2 + 0x30, UINT64_C(0xffffffff) << 32 | 0x44d0)); // NMI
    cr_assert_eq(cpus[0].nmis + cpus[1].nmis + cpus[2].nmis + cpus[3].nmis, 4);
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
    put(0, LVT_ERROR, 0xee);
    message(0, false, 0x05);
    cr_assert_eq(take(0), 0xee);
    put(0, EOI, 0);
    put(0, ESR, 0);
    cr_assert_eq(get(0, ESR), 0x40);
    get(0, 0x40);
    put(0, 0x40, 0);
    put(0, ESR, 0);
    cr_assert_eq(get(0, ESR), 0x80);
    put(0, LVT_ERROR, 0x05);
    message(0, false, 0x05);
    put(0, ESR, 0);
    cr_assert_eq(get(0, ESR), 0x40);
}

// --- I/O APIC
// ------------------------------------------------------------------------------------------------

static uint32_t io_get(uint8_t index)
{
    guest_write(bench.machine, IOAPIC, 4, index);
    return (uint32_t)guest_read(bench.machine, IOAPIC + 0x10, 4);
}

static void io_put(uint8_t index, uint32_t value)
{
    guest_write(bench.machine, IOAPIC, 4, index);
    guest_write(bench.machine, IOAPIC + 0x10, 4, value);
}

static void route(unsigned pin, uint8_t destination, uint32_t low)
{
    io_put((uint8_t)(0x11 + 2 * pin), (uint32_t)destination << 24);
    io_put((uint8_t)(0x10 + 2 * pin), low);
}

Test(apic, ioapic_registers)
{
    cr_assert_eq(io_get(1), 0x00170020);
    cr_assert_eq(io_get(0x10), 0x10000);
    io_put(0, 0xff000000);
    cr_assert_eq(io_get(0), 0x0f000000);
    io_put(0x3e, 0xffffffff);
    cr_assert_eq(io_get(0x3e), 0x0001afff);
    cr_assert_eq(io_get(0x40), 0);
    io_put(0xff, 1);
    cr_assert_eq(io_get(0xff), 0);
}

Test(apic, ioapic_edges)
{
    struct irq_line pin = ioapic_input(ioapic, 4);
    irq_pulse(&pin);
    route(4, 1, 0x44);
    cr_assert_not(cpus[1].intr, "what came while masked is lost");
    irq_set(&pin, true);
    cr_assert_eq(take(1), 0x44);
    put(1, EOI, 0);
    irq_set(&pin, true);
    cr_assert_not(cpus[1].intr);
    cr_assert_eq(get(1, TMR + 0x20), 0);
    irq_set(&pin, false);
    route(4, 0, 0x700); // as an external interrupt: the vector is the 8259's
    irq_set(&pin, true);
    cr_assert(cpus[0].intr);
    cr_assert_eq(take(0) & 7, 7);
    cr_assert_not(cpus[0].intr);
}

Test(apic, ioapic_levels)
{
    struct irq_line pin = ioapic_input(ioapic, 11);
    route(11, 0x25, 0x80bb);
    irq_set(&pin, true);
    cr_assert_eq(take(3), 0xbb);
    cr_assert_eq(io_get(0x10 + 22), 0xc0bb, "remote IRR");
    cr_assert_eq(get(3, TMR + 0x50), 0x08000000);
    put(3, EOI, 0);
    cr_assert(cpus[3].intr, "the line is still up");
    cr_assert_eq(take(3), 0xbb);
    irq_set(&pin, false);
    put(3, EOI, 0);
    cr_assert_not(cpus[3].intr);
    cr_assert_eq(io_get(0x10 + 22), 0x80bb);
    // The EOI register does what the broadcast does.
    put(3, SVR, 0x11ff);
    irq_set(&pin, true);
    take(3);
    put(3, EOI, 0);
    cr_assert_not(cpus[3].intr);
    guest_write(bench.machine, IOAPIC + 0x40, 4, 0xbb);
    cr_assert(cpus[3].intr);
    take(3);
    put(3, EOI, 0);
    // Masked and turned to edge and back, it forgets the remote IRR.
    io_put(0x10 + 22, 0x100bb);
    io_put(0x10 + 22, 0x180bb);
    cr_assert_not(cpus[3].intr);
    io_put(0x10 + 22, 0x080bb);
    cr_assert(cpus[3].intr);
}
