// SPDX-License-Identifier: MIT
// GICv2 and its message frame through their registers.
#include <criterion/criterion.h>

#include "bare-machine.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv2m.h"

enum { DIST = 0x08000000, CPU = 0x08010000, FRAME = 0x08020000, CPUS = 4 };
enum {
    CTLR = CPU,
    PMR = CPU + 4,
    BPR = CPU + 8,
    IAR = CPU + 0xc,
    EOIR = CPU + 0x10,
    RPR = CPU + 0x14,
    HPPIR = CPU + 0x18,
    AIAR = CPU + 0x20,
    DIR = CPU + 0x1000
};

static struct machine *machine;
static struct device *gic;
static struct irq_sink irq[CPUS], fiq[CPUS];

static uint32_t read_as(unsigned cpu, uint64_t address)
{
    uint64_t value;
    cr_assert_eq(
        memory_map_read(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, address, 4, &value),
        MEM_OK);
    return (uint32_t)value;
}

static void write_as(unsigned cpu, uint64_t address, uint32_t value)
{
    cr_assert_eq(
        memory_map_write(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, address, 4, value),
        MEM_OK);
}

static void setup(void)
{
    machine = bare_machine_create();
    gic = device_create(machine, &gicv2_type, NULL);
    struct gicv2_config config = {.cpu_count = CPUS, .irq_count = 160, .dist_base = DIST, .cpu_base = CPU};
    gicv2_configure(gic, &config);
    struct error error;
    cr_assert_eq(device_realize(gic, &error), 0);
    device_reset(gic);
    write_as(0, DIST, 1);
    for (unsigned i = 0; i < CPUS; i++) {
        gicv2_connect_cpu(gic, i, (struct irq_line[]){irq_sink_line(&irq[i]), irq_sink_line(&fiq[i])});
        write_as(i, PMR, 0xf0);
        write_as(i, CTLR, 1);
    }
}

static void teardown(void)
{
    bare_machine_destroy(machine);
}

TestSuite(gicv2, .init = setup, .fini = teardown);

static void enable(unsigned intid, unsigned targets)
{
    guest_write(machine, DIST + 0x800 + intid, 1, targets);
    write_as(0, DIST + 0x100 + intid / 32 * 4, 1u << intid % 32);
}

Test(gicv2, identification_and_banked_targets)
{
    cr_assert_eq(read_as(0, DIST + 0xfe8) & 0xf0, 0x20);
    cr_assert_eq(read_as(0, DIST + 4), 4 | (CPUS - 1) << 5);
    cr_assert_eq(read_as(2, DIST + 0x800), 0x04040404);
    cr_assert_eq(read_as(0, CPU + 0xfc) >> 16 & 0xf, 2);
    write_as(0, DIST + 0x820, 0xffffffff);
    cr_assert_eq(read_as(0, DIST + 0x820), 0x0f0f0f0f, "only CPUs that are there");
}

Test(gicv2, level_interrupt_to_several_cpus)
{
    struct irq_line line = gicv2_spi_line(gic, 1);
    enable(33, 6);
    irq_set(&line, true);
    cr_assert(!irq[0].level && irq[1].level && irq[2].level && !irq[3].level);
    cr_assert_eq(read_as(1, HPPIR), 33);
    cr_assert_eq(read_as(1, IAR), 33);
    cr_assert_not(irq[2].level, "the first one has it");
    cr_assert_eq(read_as(2, IAR), 1023);
    irq_set(&line, false);
    write_as(1, EOIR, 33);
    cr_assert_eq(read_as(1, RPR), 0xff);
    cr_assert_not(irq[1].level);
}

Test(gicv2, software_interrupts_name_their_sender)
{
    write_as(2, DIST + 0xf00, 3 | 1 << 16); // from CPU 2 to CPU 0
    write_as(3, DIST + 0xf00, 3 | 1 << 16);
    cr_assert(irq[0].level);
    cr_assert_eq(read_as(0, DIST + 0xf20), 0x0c000000);
    cr_assert_eq(read_as(0, IAR), 3 | 2 << 10);
    write_as(0, EOIR, 3 | 2 << 10);
    cr_assert(irq[0].level);
    cr_assert_eq(read_as(0, IAR), 3 | 3 << 10);
    write_as(0, EOIR, 3 | 3 << 10);
    cr_assert_not(irq[0].level);
    write_as(1, DIST + 0xf00, 1 << 24 | 5); // all others
    cr_assert(irq[0].level && !irq[1].level && irq[2].level && irq[3].level);
    write_as(0, DIST + 0xf10 + 4, 2 << 8); // CPU 0 takes back SGI 5 from CPU 1
    cr_assert_not(irq[0].level);
    write_as(0, DIST + 0xf00, 3 << 24 | 5);
    cr_assert_not(irq[0].level, "a reserved target list does nothing");
}

Test(gicv2, priorities_and_end_modes)
{
    struct irq_line low = gicv2_spi_line(gic, 2), high = gicv2_spi_line(gic, 3);
    enable(34, 1), enable(35, 1);
    guest_write(machine, DIST + 0x400 + 34, 1, 0xa0);
    guest_write(machine, DIST + 0x400 + 35, 1, 0x40);
    irq_set(&low, true);
    cr_assert_eq(read_as(0, IAR), 34);
    irq_set(&high, true);
    cr_assert(irq[0].level, "preempts");
    cr_assert_eq(read_as(0, IAR), 35);
    cr_assert_eq(read_as(0, RPR), 0x40);
    irq_set(&high, false);
    write_as(0, EOIR, 35);
    cr_assert_eq(read_as(0, RPR), 0xa0);
    write_as(0, CTLR, 1 | 1 << 9);
    write_as(0, EOIR, 34);
    cr_assert_eq(read_as(0, RPR), 0xff);
    cr_assert_not(irq[0].level, "still active");
    write_as(0, DIR, 34);
    cr_assert(irq[0].level);
}

Test(gicv2, groups)
{
    struct irq_line line = gicv2_spi_line(gic, 4);
    enable(36, 1);
    write_as(0, CTLR, 1 | 2 | 8); // both groups, group 0 as FIQ
    write_as(0, DIST, 3);
    irq_set(&line, true);
    cr_assert(fiq[0].level && !irq[0].level);
    write_as(0, DIST + 0x84, 1 << 4);
    cr_assert(irq[0].level && !fiq[0].level);
    cr_assert_eq(read_as(0, IAR), 1022);
    cr_assert_eq(read_as(0, AIAR), 36);
}

Test(gicv2, private_interrupts)
{
    struct irq_line timer = gicv2_ppi_line(gic, 3, 27);
    write_as(3, DIST + 0x100, 1u << 27);
    irq_set(&timer, true);
    cr_assert(irq[3].level && !irq[0].level);
    cr_assert_eq(read_as(0, DIST + 0x200), 0);
    cr_assert_eq(read_as(3, DIST + 0x200), 1u << 27);
    write_as(3, DIST + 0x180, 0xffffffff);
    cr_assert_eq(read_as(3, DIST + 0x100), 0xffff, "SGIs stay enabled");
}

Test(gicv2, messages)
{
    struct device *frame = device_create(machine, &gicv2m_type, NULL);
    struct irq_line spis[8];
    for (unsigned i = 0; i < 8; i++)
        spis[i] = gicv2_spi_line(gic, 48 + i);
    gicv2m_wire(frame, FRAME, 48, 8, spis);
    struct error error;
    cr_assert_eq(device_realize(frame, &error), 0);
    cr_assert_eq(read_as(0, FRAME + 8), 80 << 16 | 8);
    write_as(0, DIST + 0xc00 + 80 / 16 * 4, 2 << 2); // 81 is edge triggered
    enable(81, 1);
    write_as(0, FRAME + 0x40, 81);
    cr_assert(irq[0].level);
    cr_assert_eq(read_as(0, IAR), 81);
    write_as(0, EOIR, 81);
    cr_assert_not(irq[0].level);
    write_as(0, FRAME + 0x40, 88);
    write_as(0, FRAME + 0x40, 0xffffffff);
    cr_assert_eq(read_as(0, HPPIR), 1023);
}

Test(gicv2, shows_what_holds_interrupts_back)
{
    struct irq_line low = gicv2_spi_line(gic, 2), high = gicv2_spi_line(gic, 3);
    expect_irq_line(gic, "GICv2: groups enabled in the distributor: 0");
    expect_irq_line(gic, "CPU #0: groups enabled in its interface: 0, PMR 0xf0, running priority idle, highest pending none, IRQ low, FIQ low");
    expect_irq_line(gic, "  0-15        SGI 0-15   edge     -     yes      -        -       0      0x00      CPU #3     not pending");
    irq_set(&low, true);
    expect_irq_line(gic, "  34          SPI 2      level    high  -        yes      -       0      0x00      none       goes to no CPU");
    guest_write(machine, DIST + 0x800 + 34, 1, 1);
    expect_irq_line(gic, "  34          SPI 2      level    high  -        yes      -       0      0x00      CPU #0     disabled");
    enable(34, 1), enable(35, 3);
    guest_write(machine, DIST + 0x400 + 34, 1, 0xa0);
    guest_write(machine, DIST + 0x400 + 35, 1, 0xb0);
    irq_set(&high, true);
    expect_irq_line(gic, "  34          SPI 2      level    high  yes      yes      -       0      0xa0      CPU #0     signalled as IRQ");
    expect_irq_line(gic, "  35          SPI 3      level    high  yes      yes      -       0      0xb0      CPUs 0x03  signalled as IRQ");
    write_as(1, PMR, 0xb0);
    expect_irq_line(gic, "  35          SPI 3      level    high  yes      yes      -       0      0xb0      CPUs 0x03  another comes first");
    write_as(0, PMR, 0xa0);
    expect_irq_line(gic, "  34          SPI 2      level    high  yes      yes      -       0      0xa0      CPU #0     masked by PMR");
    write_as(0, PMR, 0xf0);
    write_as(0, CTLR, 9);
    expect_irq_line(gic, "CPU #0: groups enabled in its interface: 0, PMR 0xf0, running priority idle, highest pending 34, IRQ low, FIQ high");
    cr_assert_eq(read_as(0, IAR), 34);
    expect_irq_line(gic, "CPU #0: groups enabled in its interface: 0, PMR 0xf0, running priority 0xa0, highest pending 35, IRQ low, FIQ low");
    expect_irq_line(gic, "  34          SPI 2      level    high  yes      yes      yes     0      0xa0      CPU #0     active until it is deactivated");
    guest_write(machine, DIST + 0x800 + 35, 1, 1);
    expect_irq_line(gic, "  35          SPI 3      level    high  yes      yes      -       0      0xb0      CPU #0     not above the running priority");
    irq_set(&low, false);
    expect_irq_line(gic, "  34          SPI 2      level    low   yes      -        yes     0      0xa0      CPU #0     in service");
    write_as(0, CTLR, 0);
    expect_irq_line(gic, "  35          SPI 3      level    high  yes      yes      -       0      0xb0      CPU #0     group off in the CPU interface");
    write_as(0, DIST, 0);
    expect_irq_line(gic, "  35          SPI 3      level    high  yes      yes      -       0      0xb0      CPU #0     group off in the distributor");
    write_as(2, DIST + 0xf00, 3 | 2 << 16); // from CPU 2 to CPU 1
    expect_irq_line(gic, "  3           SGI 3      edge     -     yes      yes      -       0      0x00      CPU #1     group off in the distributor");
    expect_irq_line(gic, "  SGI 3 was sent by CPU #2");
}
