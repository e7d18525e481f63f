// SPDX-License-Identifier: MIT
// LPIs and the ITS: tables, commands, messages, and guests that get them wrong.
#include <criterion/criterion.h>

#include "bare-machine.h"
#include "hw/intc/gicv3-its.h"
#include "hw/intc/gicv3.h"

enum { DIST = 0x08000000, REDIST = 0x080a0000, ITS = 0x08080000, CPUS = 2, LPIS = 8192 };

#define QUEUE (BARE_RAM_BASE + 0x10000)
#define DEVICES (BARE_RAM_BASE + 0x20000)
#define COLLECTIONS (BARE_RAM_BASE + 0x30000)
#define CONFIG (BARE_RAM_BASE + 0x40000)
#define PENDING (BARE_RAM_BASE + 0x80000) // 64 KiB for each CPU
#define ITT (BARE_RAM_BASE + 0x100000)

#define ICC_PMR ARM_SYSREG(3, 0, 4, 6, 0)
#define ICC_IAR1 ARM_SYSREG(3, 0, 12, 12, 0)
#define ICC_EOIR1 ARM_SYSREG(3, 0, 12, 12, 1)
#define ICC_IGRPEN1 ARM_SYSREG(3, 0, 12, 12, 7)

static struct machine *machine;
static struct device *gic, *its;
static struct irq_sink irq[CPUS], fiq[CPUS];
static uint64_t written; // bytes of commands

static uint64_t icc(unsigned cpu, uint32_t encoding)
{
    uint64_t value = 0;
    struct arm_sysreg_access access = {.encoding = encoding, .cpu = (uint16_t)cpu, .el = 1};
    cr_assert(gicv3_sysregs.read(gic, access, &value));
    return value;
}

static void icc_set(unsigned cpu, uint32_t encoding, uint64_t value)
{
    struct arm_sysreg_access access = {.encoding = encoding, .cpu = (uint16_t)cpu, .el = 1};
    cr_assert(gicv3_sysregs.write(gic, access, value));
}

static void command(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    uint64_t at = QUEUE + written;
    guest_write(machine, at, 8, w0);
    guest_write(machine, at + 8, 8, w1);
    guest_write(machine, at + 16, 8, w2);
    guest_write(machine, at + 24, 8, w3);
    written = (written + 32) % 4096;
    guest_write(machine, ITS + 0x88, 8, written);
    cr_assert_eq(guest_read(machine, ITS + 0x90, 8), written, "the command was not taken");
}

static void mapd(uint64_t device, unsigned bits, uint64_t itt)
{
    command(0x08 | device << 32, bits - 1, itt | UINT64_C(1) << 63, 0);
}

static void mapc(uint64_t collection, uint64_t cpu)
{
    command(0x09, 0, collection | cpu << 16 | UINT64_C(1) << 63, 0);
}

static void mapti(uint64_t device, uint64_t event, uint64_t intid, uint64_t collection)
{
    command(0x0a | device << 32, event | intid << 32, collection, 0);
}

static void configure(unsigned intid, unsigned byte)
{
    guest_write(machine, CONFIG + intid - LPIS, 1, byte);
}

static void setup(void)
{
    machine = bare_machine_create();
    gic = device_create(machine, &gicv3_type, NULL);
    uint64_t affinities[CPUS] = {0, 1};
    struct gicv3_config config = {.cpu_count = CPUS, .irq_count = 64, .has_lpis = true, .dist_base = DIST,
                                  .redists = {{REDIST, CPUS}}, .affinities = affinities};
    gicv3_configure(gic, &config);
    struct error error;
    cr_assert_eq(device_realize(gic, &error), 0);
    its = device_create(machine, &gicv3_its_type, NULL);
    gicv3_its_wire(its, ITS, gic);
    cr_assert_eq(device_realize(its, &error), 0);
    device_reset(gic);
    device_reset(its);
    guest_write(machine, DIST, 4, 2);
    for (unsigned i = 0; i < CPUS; i++) {
        gicv3_connect_cpu(gic, i, (struct irq_line[]){irq_sink_line(&irq[i]), irq_sink_line(&fiq[i])});
        icc_set(i, ICC_PMR, 0xf0);
        icc_set(i, ICC_IGRPEN1, 1);
        guest_write(machine, REDIST + i * 0x20000 + 0x70, 8, CONFIG | 15);
        guest_write(machine, REDIST + i * 0x20000 + 0x78, 8, (PENDING + i * 0x10000) | UINT64_C(1) << 62);
        guest_write(machine, REDIST + i * 0x20000, 4, 1);
    }
    written = 0;
    guest_write(machine, ITS + 0x80, 8, QUEUE | UINT64_C(1) << 63);
    guest_write(machine, ITS + 0x100, 8, DEVICES | UINT64_C(1) << 63);
    guest_write(machine, ITS + 0x108, 8, COLLECTIONS | UINT64_C(1) << 63);
    guest_write(machine, ITS, 4, 1);
}

static void teardown(void)
{
    bare_machine_destroy(machine);
}

static void message(uint32_t requester, uint32_t event)
{
    gicv3_its_message(its, &(struct message){.requester = requester, .data = event});
}

TestSuite(its, .init = setup, .fini = teardown, .timeout = 20);

Test(its, identification)
{
    uint64_t typer = guest_read(machine, ITS + 8, 8);
    cr_assert_eq(typer & 1, 1);
    cr_assert_eq(typer >> 4 & 0xf, 7, "eight bytes an entry");
    cr_assert_eq(guest_read(machine, ITS + 0x100, 8) >> 56 & 7, 1);
    cr_assert_eq(guest_read(machine, ITS + 0x108, 8) >> 56 & 7, 4);
    cr_assert_eq(guest_read(machine, ITS + 0xffe8, 4) & 0xf0, 0x30);
    cr_assert_eq(guest_read(machine, REDIST + 8, 4) & 1, 1);
}

Test(its, a_message_becomes_an_interrupt)
{
    mapc(3, 1);
    mapd(5, 4, ITT);
    mapti(5, 2, 8200, 3);
    message(5, 2);
    cr_assert_not(irq[1].level, "not enabled yet");
    configure(8200, 0x80 | 1);
    command(0x0c | UINT64_C(5) << 32, 2, 0, 0); // INV
    cr_assert(irq[1].level && !irq[0].level);
    cr_assert_eq(icc(1, ICC_IAR1), 8200);
    cr_assert_not(irq[1].level);
    cr_assert_eq(icc(1, ICC_IAR1), 1023);
    icc_set(1, ICC_EOIR1, 8200);
    message(5, 2);
    cr_assert(irq[1].level);
    message(5, 3);
    message(5, 16);
    message(6, 2);
    message(UINT32_MAX, UINT32_MAX);
    cr_assert_eq(icc(1, ICC_IAR1), 8200);
    cr_assert_eq(icc(1, ICC_IAR1), 1023, "unmapped events are nothing");
}

Test(its, priorities_among_lpis)
{
    mapc(0, 0);
    mapd(1, 4, ITT);
    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t priorities[] = {0xa0, 0x60, 0xa0};
        mapti(1, i, 8192 + i, 0);
        configure(8192 + i, priorities[i] | 1);
        message(1, i);
    }
    cr_assert_eq(icc(0, ICC_IAR1), 8193);
    icc_set(0, ICC_EOIR1, 8193);
    cr_assert_eq(icc(0, ICC_IAR1), 8192);
    icc_set(0, ICC_EOIR1, 8192);
    cr_assert_eq(icc(0, ICC_IAR1), 8194);
}

Test(its, moves_discards_and_clears)
{
    mapc(0, 0);
    mapc(1, 1);
    mapd(1, 4, ITT);
    mapti(1, 0, 8192, 0);
    configure(8192, 0xa1);
    command(0x03 | UINT64_C(1) << 32, 0, 0, 0); // INT
    cr_assert(irq[0].level);
    command(0x01 | UINT64_C(1) << 32, 0, 1, 0); // MOVI to collection 1
    cr_assert(!irq[0].level && irq[1].level);
    command(0x0e, 0, UINT64_C(1) << 16, 0); // MOVALL from CPU 1 to CPU 0
    cr_assert(irq[0].level && !irq[1].level);
    mapc(1, 0);
    command(0x04 | UINT64_C(1) << 32, 0, 0, 0); // CLEAR
    cr_assert_not(irq[0].level);
    message(1, 0);
    cr_assert(irq[0].level);
    command(0x0f | UINT64_C(1) << 32, 0, 0, 0); // DISCARD
    cr_assert_not(irq[0].level);
    message(1, 0);
    cr_assert_not(irq[0].level);
    command(0x0d, 0, 1, 0); // INVALL
    command(0x05, 0, 0, 0); // SYNC
}

Test(its, pending_tables_are_given_back)
{
    mapc(0, 0);
    mapd(1, 4, ITT);
    mapti(1, 0, 8200, 0);
    message(1, 0);
    guest_write(machine, REDIST, 4, 0);
    cr_assert_eq(guest_read(machine, PENDING + 1024 + 1, 1), 1);
    configure(8200, 0xa1);
    guest_write(machine, REDIST + 0x78, 8, PENDING); // not all zero
    guest_write(machine, REDIST, 4, 1);
    cr_assert(irq[0].level);
    cr_assert_eq(icc(0, ICC_IAR1), 8200);
}

Test(its, two_level_device_table)
{
    guest_write(machine, ITS, 4, 0);
    guest_write(machine, ITS + 0x100, 8, DEVICES | UINT64_C(3) << 62);
    guest_write(machine, ITS, 4, 1);
    mapc(0, 0);
    mapd(600, 4, ITT); // the second page of 512 entries, which is not there
    mapti(600, 0, 8192, 0);
    configure(8192, 0xa1);
    message(600, 0);
    cr_assert_not(irq[0].level);
    guest_write(machine, DEVICES + 8, 8, (ITT + 0x10000) | UINT64_C(1) << 63);
    mapd(600, 4, ITT);
    mapti(600, 0, 8192, 0);
    message(600, 0);
    cr_assert(irq[0].level);
}

Test(its, wrong_commands_do_nothing)
{
    mapd(1, 4, ITT);
    mapc(0, 77);                                              // no such CPU
    mapti(1, 0, 100, 0);                                      // not an LPI
    mapti(1, 0, 1 << 20, 0);                                  // too large
    mapti(1, 1 << 20, 8192, 0);                               // no such event
    mapti(9, 0, 8192, 0);                                     // no such device
    mapd(UINT32_MAX, 4, ITT);
    mapd(2, 32, ITT);                                         // too many events
    mapd(3, 16, UINT64_C(0x000ffffffffff00));                 // a table in no memory
    mapti(3, 0xffff, 8192, 0);
    command(0x0e, 0, UINT64_C(99) << 16, UINT64_C(99) << 16); // MOVALL
    command(0x77, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0));  // no such command
    command(~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0));
    mapc(0, 0);
    mapti(1, 0, 8192, 0);
    configure(8192, 0xa1);
    message(1, 0);
    cr_assert(irq[0].level, "and good ones still work");
}

static bool all_read(void *opaque)
{
    (void)opaque;
    return guest_read(machine, ITS + 0x90, 8) == 0xfe0;
}

Test(its, a_long_queue_is_worked_off_in_parts)
{
    mapc(0, 0);
    // INVALL costs much, so 127 of them are not all done by one write.
    for (unsigned i = 0; i < 128; i++) {
        guest_write(machine, QUEUE + 32 * i, 8, 0x0d);
        guest_write(machine, QUEUE + 32 * i + 16, 8, 0);
    }
    guest_write(machine, ITS + 0x88, 8, 0xfe0);
    cr_assert_lt(guest_read(machine, ITS + 0x90, 8), 0xfe0);
    for (unsigned i = 0; i < 1000 && !all_read(NULL); i++)
        io_loop_iterate(machine->loop, 1);
    cr_assert(all_read(NULL));
}

Test(its, a_queue_outside_of_memory_stalls)
{
    guest_write(machine, ITS, 4, 0);
    guest_write(machine, ITS + 0x80, 8, UINT64_C(0x10000000) | UINT64_C(1) << 63);
    guest_write(machine, ITS + 0x88, 8, 0);
    guest_write(machine, ITS, 4, 1);
    guest_write(machine, ITS + 0x88, 8, 64);
    cr_assert_eq(guest_read(machine, ITS + 0x90, 8), 1);
    guest_write(machine, ITS + 0x88, 8, 0xfffe0); // past the end of the queue
    cr_assert_eq(guest_read(machine, ITS + 0x90, 8) & ~UINT64_C(1), 0);
}

Test(its, shows_where_messages_lead)
{
    expect_irq_line(its, "  collections: none");
    mapc(3, 1);
    mapd(0x11, 4, ITT);
    mapti(0x11, 2, 8200, 3);
    mapti(0x11, 3, 8201, 4);
    expect_irq_line(its, "ITS: on, commands read up to 0x80 of 0x80");
    expect_irq_line(its, "  collections: 3 to CPU #1");
    expect_irq_line(its, "  device 0x0011 (00:02.1):");
    expect_irq_line(its, "    event 2: INTID 8200 to CPU #1, disabled");
    expect_irq_line(its, "    event 3: INTID 8201, collection 4 is not mapped");
    configure(8200, 0x80 | 1);
    message(0x11, 2);
    expect_irq_line(its, "    event 2: INTID 8200 to CPU #1, priority 0x80, pending");
    expect_irq_line(gic, "  8200        LPI 8      edge     -     yes      yes      -       1      0x80      CPU #1     signalled as IRQ");
}

// Tables that claim more than anyone could look at are shown in part, and not for long.
Test(its, shows_hostile_tables_in_part)
{
    guest_write(machine, ITS, 4, 0);
    for (unsigned device = 0; device < 512; device++)
        guest_write(machine, DEVICES + device * 8, 8, 1 | 31 << 1 | (uint64_t)(ITT >> 8) << 6);
    guest_write(machine, ITS + 0x108, 8, UINT64_C(1) << 63 | UINT64_C(0x0000fffffffff000));
    expect_irq_line(its, "  collections: none");
    expect_irq_line(its, "  and so on");
    for (unsigned event = 0; event < 1024; event++)
        guest_write(machine, ITT + event * 8, 8, UINT64_MAX);
    expect_irq_line(its, "    event 0: INTID 16777215, collection 65535 is not mapped");
    expect_irq_line(its, "  and so on");
}
