// SPDX-License-Identifier: MIT
// GICv3 through its registers: routing, priorities, preemption, acknowledge and end, SGIs, LPIs.
#include <criterion/criterion.h>

#include "bare-machine.h"
#include "hw/core/dma.h"
#include "hw/intc/gicv3.h"

enum { DIST = 0x08000000, REDIST = 0x080a0000, CPUS = 4 };

#define ICC_PMR ARM_SYSREG(3, 0, 4, 6, 0)
#define ICC_IAR1 ARM_SYSREG(3, 0, 12, 12, 0)
#define ICC_EOIR1 ARM_SYSREG(3, 0, 12, 12, 1)
#define ICC_HPPIR1 ARM_SYSREG(3, 0, 12, 12, 2)
#define ICC_BPR1 ARM_SYSREG(3, 0, 12, 12, 3)
#define ICC_CTLR ARM_SYSREG(3, 0, 12, 12, 4)
#define ICC_IGRPEN0 ARM_SYSREG(3, 0, 12, 12, 6)
#define ICC_IGRPEN1 ARM_SYSREG(3, 0, 12, 12, 7)
#define ICC_IAR0 ARM_SYSREG(3, 0, 12, 8, 0)
#define ICC_DIR ARM_SYSREG(3, 0, 12, 11, 1)
#define ICC_RPR ARM_SYSREG(3, 0, 12, 11, 3)
#define ICC_SGI1R ARM_SYSREG(3, 0, 12, 11, 5)

static struct machine *machine;
static struct device *gic;
static struct irq_sink irq[CPUS], fiq[CPUS];

static uint64_t icc_read(unsigned cpu, uint32_t encoding)
{
    uint64_t value = ~UINT64_C(0);
    struct arm_sysreg_access access = {.encoding = encoding, .cpu = (uint16_t)cpu, .el = 1};
    cr_assert(gicv3_sysregs.read(gic, access, &value));
    return value;
}

static void icc_write(unsigned cpu, uint32_t encoding, uint64_t value)
{
    struct arm_sysreg_access access = {.encoding = encoding, .cpu = (uint16_t)cpu, .el = 1};
    cr_assert(gicv3_sysregs.write(gic, access, value));
}

static uint64_t redist(unsigned cpu, uint64_t offset)
{
    return REDIST + cpu * UINT64_C(0x20000) + offset;
}

// As Linux does: everything in Group 1 and enabled at the CPUs.
static void setup(void)
{
    machine = bare_machine_create();
    gic = device_create(machine, &gicv3_type, NULL);
    uint64_t affinities[CPUS] = {0, 1, 2, 0x100};
    struct gicv3_config config = {.cpu_count = CPUS,
                                  .irq_count = 96,
                                  .has_lpis = true,
                                  .dist_base = DIST,
                                  .redists = {{REDIST, CPUS}},
                                  .affinities = affinities};
    gicv3_configure(gic, &config);
    struct error error;
    cr_assert_eq(device_realize(gic, &error), 0);
    for (unsigned i = 0; i < CPUS; i++)
        gicv3_connect_cpu(gic, i, (struct irq_line[]){irq_sink_line(&irq[i]), irq_sink_line(&fiq[i])});
    device_reset(gic);
    guest_write(machine, DIST, 4, 3);
    guest_write(machine, DIST + 0x84, 4, ~0u);
    guest_write(machine, DIST + 0x88, 4, ~0u);
    for (unsigned i = 0; i < CPUS; i++) {
        guest_write(machine, redist(i, 0x10080), 4, ~0u);
        icc_write(i, ICC_PMR, 0xf0);
        icc_write(i, ICC_IGRPEN1, 1);
    }
}

static void teardown(void)
{
    bare_machine_destroy(machine);
}

TestSuite(gicv3, .init = setup, .fini = teardown);

static void set_priority(unsigned intid, unsigned priority)
{
    guest_write(machine, DIST + 0x400 + intid, 1, priority);
}

static void enable(unsigned intid)
{
    guest_write(machine, DIST + 0x100 + intid / 32 * 4, 4, 1u << intid % 32);
}

Test(gicv3, identification)
{
    cr_assert_eq(guest_read(machine, DIST + 0xffe8, 4) & 0xf0, 0x30);
    cr_assert_eq(guest_read(machine, DIST + 4, 4) & 0x1f, 2);
    cr_assert_eq(guest_read(machine, DIST, 4) & 0x50, 0x50, "ARE and DS are fixed");
    cr_assert_eq(guest_read(machine, redist(0, 8), 8), 1);
    cr_assert_eq(guest_read(machine, redist(3, 8), 8), UINT64_C(0x10000000311));
    cr_assert_eq(guest_read(machine, redist(3, 12), 4), 0x100);
    cr_assert_eq(guest_read(machine, redist(2, 0x14), 4), 6);
    guest_write(machine, redist(2, 0x14), 4, 0);
    cr_assert_eq(guest_read(machine, redist(2, 0x14), 4), 0);
}

Test(gicv3, level_interrupt_from_raise_to_end)
{
    struct irq_line line = gicv3_spi_line(gic, 1);
    irq_set(&line, true);
    cr_assert_not(irq[0].level, "disabled");
    cr_assert_eq(guest_read(machine, DIST + 0x204, 4), 2);
    enable(33);
    cr_assert(irq[0].level);
    cr_assert_eq(icc_read(0, ICC_HPPIR1), 33);
    cr_assert_eq(icc_read(0, ICC_IAR1), 33);
    cr_assert_not(irq[0].level);
    cr_assert_eq(guest_read(machine, DIST + 0x304, 4), 2);
    cr_assert_eq(icc_read(0, ICC_IAR1), 1023);
    icc_write(0, ICC_EOIR1, 33);
    cr_assert(irq[0].level, "the line is still up");
    irq_set(&line, false);
    cr_assert_not(irq[0].level);
    cr_assert_eq(icc_read(0, ICC_RPR), 0xff);
}

Test(gicv3, edge_interrupt_is_remembered_while_active)
{
    struct irq_line line = gicv3_spi_line(gic, 2);
    guest_write(machine, DIST + 0xc08, 4, 2 << 4);
    enable(34);
    irq_pulse(&line);
    cr_assert_eq(icc_read(0, ICC_IAR1), 34);
    irq_pulse(&line);
    cr_assert_not(irq[0].level);
    icc_write(0, ICC_EOIR1, 34);
    cr_assert(irq[0].level);
    guest_write(machine, DIST + 0x284, 4, 4);
    cr_assert_not(irq[0].level, "cleared by software");
}

Test(gicv3, priorities_preemption_and_mask)
{
    struct irq_line low = gicv3_spi_line(gic, 3), high = gicv3_spi_line(gic, 4),
                    same = gicv3_spi_line(gic, 5);
    enable(35), enable(36), enable(37);
    set_priority(35, 0xa0), set_priority(36, 0x80), set_priority(37, 0xa8);
    cr_assert_eq(icc_read(0, ICC_BPR1), 3);
    irq_set(&low, true);
    cr_assert_eq(icc_read(0, ICC_IAR1), 35);
    cr_assert_eq(icc_read(0, ICC_RPR), 0xa0);
    irq_set(&same, true);
    cr_assert_not(irq[0].level, "a lower priority does not preempt");
    irq_set(&high, true);
    cr_assert(irq[0].level, "a higher one does");
    cr_assert_eq(icc_read(0, ICC_IAR1), 36);
    irq_set(&high, false);
    icc_write(0, ICC_EOIR1, 36);
    cr_assert_eq(icc_read(0, ICC_RPR), 0xa0);
    irq_set(&low, false);
    icc_write(0, ICC_EOIR1, 35);
    cr_assert(irq[0].level);
    icc_write(0, ICC_PMR, 0xa8);
    cr_assert_not(irq[0].level, "masked by priority");
    icc_write(0, ICC_PMR, 0xb0);
    cr_assert(irq[0].level);
    // A binary point of 6 leaves the top two bits for preemption.
    icc_write(0, ICC_BPR1, 6);
    cr_assert_eq(icc_read(0, ICC_IAR1), 37);
    irq_set(&high, true);
    cr_assert_not(irq[0].level, "0x80 and 0xa8 are one group");
}

Test(gicv3, end_mode_splits_drop_and_deactivate)
{
    struct irq_line line = gicv3_spi_line(gic, 6);
    enable(38);
    icc_write(0, ICC_CTLR, 2);
    irq_set(&line, true);
    cr_assert_eq(icc_read(0, ICC_IAR1), 38);
    icc_write(0, ICC_EOIR1, 38);
    cr_assert_eq(icc_read(0, ICC_RPR), 0xff);
    cr_assert_not(irq[0].level, "still active");
    icc_write(0, ICC_DIR, 38);
    cr_assert(irq[0].level);
}

Test(gicv3, routing_follows_affinity)
{
    struct irq_line line = gicv3_spi_line(gic, 7);
    enable(39);
    irq_set(&line, true);
    cr_assert(irq[0].level);
    guest_write(machine, DIST + 0x6000 + 39 * 8, 8, 0x100);
    cr_assert_not(irq[0].level);
    cr_assert(irq[3].level);
    guest_write(machine, DIST + 0x6000 + 39 * 8, 4, 0x77);
    cr_assert_not(irq[3].level, "nobody has this affinity");
    guest_write(machine, DIST + 0x6000 + 39 * 8, 8, UINT64_C(1) << 31);
    cr_assert(irq[0].level);
}

Test(gicv3, group0_is_fiq)
{
    struct irq_line line = gicv3_spi_line(gic, 8);
    enable(40);
    guest_write(machine, DIST + 0x84, 4, ~(1u << 8));
    irq_set(&line, true);
    cr_assert_not(fiq[0].level);
    icc_write(0, ICC_IGRPEN0, 1);
    cr_assert(fiq[0].level);
    cr_assert_not(irq[0].level);
    cr_assert_eq(icc_read(0, ICC_IAR1), 1023);
    cr_assert_eq(icc_read(0, ICC_IAR0), 40);
}

Test(gicv3, software_interrupts)
{
    for (unsigned i = 0; i < CPUS; i++)
        guest_write(machine, redist(i, 0x10100), 4, 0xffff);
    icc_write(0, ICC_SGI1R, UINT64_C(5) << 24 | 6); // CPUs 1 and 2
    cr_assert_not(irq[0].level);
    cr_assert(irq[1].level);
    cr_assert(irq[2].level);
    cr_assert_eq(icc_read(1, ICC_IAR1), 5);
    icc_write(1, ICC_EOIR1, 5);
    cr_assert_not(irq[1].level);
    icc_write(2, ICC_SGI1R, UINT64_C(1) << 40 | UINT64_C(3) << 24); // all but self
    cr_assert(irq[0].level && irq[1].level && irq[3].level);
    cr_assert_eq(icc_read(2, ICC_IAR1), 5);
    icc_write(0, ICC_SGI1R, 0x100 << 8 | UINT64_C(7) << 24 | 1); // Aff1 = 1
    cr_assert_eq(guest_read(machine, redist(3, 0x10200), 4), 1 << 7 | 1 << 3);
}

Test(gicv3, private_interrupts_are_each_cpus)
{
    struct irq_line timer = gicv3_ppi_line(gic, 1, 27);
    guest_write(machine, redist(1, 0x10100), 4, 1u << 27);
    guest_write(machine, redist(0, 0x10100), 4, 1u << 27);
    irq_set(&timer, true);
    cr_assert_not(irq[0].level);
    cr_assert(irq[1].level);
    cr_assert_eq(icc_read(1, ICC_IAR1), 27);
    irq_set(&timer, false);
    icc_write(1, ICC_EOIR1, 27);
    cr_assert_not(irq[1].level);
}

Test(gicv3, inputs_are_driven_anew_after_a_state_load)
{
    struct irq_line line = gicv3_spi_line(gic, 1);
    enable(33);
    irq_set(&line, true);
    device_lock_acquire(&machine->lock);
    irq[0].level = false;
    gic->type->state_loaded(gic);
    device_lock_release(&machine->lock);
    cr_assert(irq[0].level);
    cr_assert_eq(icc_read(0, ICC_IAR1), 33);
}

Test(gicv3, unknown_registers)
{
    uint64_t value;
    struct arm_sysreg_access access = {.encoding = ARM_SYSREG(3, 0, 12, 8, 6)};
    cr_assert_not(gicv3_sysregs.read(gic, access, &value));
    access.encoding = ICC_IAR1;
    cr_assert_not(gicv3_sysregs.write(gic, access, 0));
    cr_assert_eq(guest_read(machine, DIST + 0x5000, 4), 0);
}

Test(gicv3, shows_what_holds_interrupts_back)
{
    struct irq_line spi = gicv3_spi_line(gic, 1), timer = gicv3_ppi_line(gic, 3, 27);
    expect_irq_line(gic, "GICv3: groups enabled in the distributor: 0 and 1");
    guest_write(machine, redist(3, 0x14), 4, 0);
    expect_irq_line(gic, "CPU #3: affinity 0.0.1.0, groups enabled in its interface: 1, PMR 0xf0, running priority idle, "
                         "highest pending none, IRQ low, FIQ low, LPIs off");
    enable(33), enable(34), enable(36);
    expect_irq_line(gic, "  33-34       SPI 1-2    level    low   yes      -        -       1      0x00      CPU #0     not pending");
    expect_irq_line(gic, "  36          SPI 4      level    low   yes      -        -       1      0x00      CPU #0     not pending");
    guest_write(machine, DIST + 0x6000 + 33 * 8, 8, 7);
    irq_set(&spi, true);
    expect_irq_line(gic, "  33          SPI 1      level    high  yes      yes      -       1      0x00      none       goes to no CPU");
    guest_write(machine, DIST + 0x6000 + 33 * 8, 8, 0x100);
    expect_irq_line(gic, "  33          SPI 1      level    high  yes      yes      -       1      0x00      CPU #3     signalled as IRQ");
    set_priority(33, 0x80);
    irq_set(&timer, true);
    expect_irq_line(gic, "  27          PPI 11     level    high  -        yes      -       1      0x00      CPU #3     disabled");
    guest_write(machine, redist(3, 0x10100), 4, 1u << 27);
    expect_irq_line(gic, "  27          PPI 11     level    high  yes      yes      -       1      0x00      CPU #3     signalled as IRQ");
    expect_irq_line(gic, "  33          SPI 1      level    high  yes      yes      -       1      0x80      CPU #3     another comes first");
    cr_assert_eq(icc_read(3, ICC_IAR1), 27);
    expect_irq_line(gic, "  33          SPI 1      level    high  yes      yes      -       1      0x80      CPU #3     not above the running priority");
    guest_write(machine, redist(3, 0x10080), 4, ~(1u << 27));
    expect_irq_line(gic, "  27          PPI 11     level    high  yes      yes      yes     0      0x00      CPU #3     group off in the CPU interface");
}
