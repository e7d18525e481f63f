// SPDX-License-Identifier: MIT
// Random accesses to every register of a PC's chips, wired to each other as on a board, with keys, motion,
// characters and time in between. Nothing may crash, hang or flood; run it under the sanitizers.
#include <criterion/criterion.h>

#include "disk-file.h"
#include "fake-chardev.h"
#include "hw/block/fdc.h"
#include "hw/char/isa-debugcon.h"
#include "hw/char/isa-parallel.h"
#include "hw/char/isa-serial.h"
#include "hw/core/dma.h"
#include "hw/core/input.h"
#include "hw/core/rng.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/misc/pc-misc.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "pc-bench.h"
#include "pc-interrupts.h"
#include "tcg/base/bits.h"

enum { CPUS = 3, STEPS = 60000 };

static struct pc_bench bench;
static struct pc_interrupts chips;
static struct fake_chardev *line;
static struct rng rng;

static uint64_t draw(void)
{
    uint64_t value;
    rng_fill(&rng, &value, sizeof(value));
    return value;
}

// An ISA interrupt goes to the 8259 and to the I/O APIC.
static void isa_irq(void *opaque, unsigned irq, bool level)
{
    (void)opaque;
    struct irq_line first = i8259_input(chips.pic, irq), second = ioapic_input(chips.ioapic, irq ? irq : 2);
    irq_set(&first, level);
    irq_set(&second, level);
}

static struct irq_line isa_line(unsigned irq)
{
    return (struct irq_line){isa_irq, NULL, irq};
}

static void add_timers(void)
{
    struct machine *machine = bench.machine;
    struct device *hpet = device_create(machine, &hpet_type, NULL);
    struct hpet_config config = {.base = HPET_DEFAULT_BASE, .routes = 0xff0104};
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        config.gsi[i] = ioapic_input(chips.ioapic, i);
    config.legacy[HPET_LEGACY_TIMER] = isa_line(0);
    config.legacy[HPET_LEGACY_CLOCK] = isa_line(8);
    hpet_configure(hpet, &config);
    pc_bench_realize(&bench, hpet);
    struct device *pit = device_create(machine, &i8254_type, NULL);
    i8254_wire(pit, bench.io, hpet_legacy_input(hpet, HPET_LEGACY_TIMER));
    pc_bench_realize(&bench, pit);
    struct device *rtc = device_create(machine, &mc146818_type, NULL);
    mc146818_wire(rtc, bench.io, hpet_legacy_input(hpet, HPET_LEGACY_CLOCK));
    pc_bench_realize(&bench, rtc);
}

static void add_floppy(void)
{
    struct block_backend *block = disk_file(bench.machine, "floppy", 2880, 512, false);
    struct device *dma = device_create(bench.machine, &i8237_type, NULL);
    i8237_wire(dma, bench.io);
    pc_bench_realize(&bench, dma);
    struct device *fdc = device_create(bench.machine, &fdc_type, NULL);
    fdc_wire(fdc, bench.io, isa_line(FDC_IRQ), i8237_dma(dma));
    fdc_connect(fdc, 0, block);
    pc_bench_realize(&bench, fdc);
}

static void add_ports(void)
{
    struct machine *machine = bench.machine;
    struct irq_line none = {0};
    line = fake_chardev_create(machine, "line");
    struct device *serial = device_create(machine, &isa_serial_type, NULL);
    isa_serial_wire(serial, bench.io, 0x3f8, isa_line(4));
    isa_serial_connect(serial, &line->chardev);
    pc_bench_realize(&bench, serial);
    struct device *parallel = device_create(machine, &isa_parallel_type, NULL);
    isa_parallel_wire(parallel, bench.io, 0x378, isa_line(7));
    pc_bench_realize(&bench, parallel);
    struct device *keyboard = device_create(machine, &i8042_type, NULL);
    struct i8042_wiring wiring = {bench.io, isa_line(1), isa_line(12), none, none};
    i8042_wire(keyboard, &wiring);
    pc_bench_realize(&bench, keyboard);
    struct device *port92 = device_create(machine, &port92_type, NULL);
    port92_wire(port92, bench.io, none, none);
    pc_bench_realize(&bench, port92);
    struct device *cfg = device_create(machine, &fw_cfg_io_type, NULL);
    fw_cfg_wire_io(cfg, bench.io);
    pc_bench_realize(&bench, cfg);
    struct device *panic = device_create(machine, &pvpanic_type, NULL);
    pvpanic_wire(panic, bench.io);
    pc_bench_realize(&bench, panic);
    struct device *exit = device_create(machine, &isa_debug_exit_type, NULL);
    isa_debug_exit_wire(exit, bench.io);
    pc_bench_realize(&bench, exit);
    struct device *console = device_create(machine, &isa_debugcon_type, NULL);
    isa_debugcon_wire(console, bench.io);
    pc_bench_realize(&bench, console);
}

static void setup(void)
{
    static const uint32_t ids[CPUS] = {0, 1, 2};
    pc_bench_create(&bench);
    pc_bench_add_low_ram(&bench);
    pc_interrupts_create(&chips, bench.machine, bench.io, CPUS, ids);
    add_timers();
    add_floppy();
    add_ports();
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(pc_fuzz, .init = setup, .fini = teardown);

static uint64_t draw_value(void)
{
    uint64_t r = draw();
    switch (r % 5) {
    case 0:
        return r >> 8;
    case 1:
        return r >> 8 & 0xff;
    case 2:
        return UINT64_C(1) << (r >> 8) % 64;
    case 3:
        return (r >> 8) % PC_BENCH_LOW_RAM;
    default:
        return UINT64_MAX;
    }
}

static void access_port(void)
{
    static const struct {
        uint16_t base, count;
    } places[] = {
        {0x00, 16}, {0x20, 2},  {0x40, 4},  {0x60, 5},   {0x70, 2},  {0x80, 16}, {0x92, 1},
        {0xa0, 2},  {0xc0, 32}, {0xe9, 1},  {0x378, 3},  {0x3f0, 6}, {0x3f0, 8}, {0x3f8, 8},
        {0x4d0, 2}, {0x501, 2}, {0x505, 1}, {0x510, 12}, {0x3f4, 2}, {0x3f5, 1},
    };
    unsigned n = (unsigned)(draw() % ARRAY_SIZE(places)), size = 1u << draw() % 3;
    uint16_t port = (uint16_t)(places[n].base + draw() % places[n].count);
    uint64_t value;
    if (draw() % 2)
        memory_map_read(bench.io, (struct mem_requester){0}, port, size, &value);
    else
        memory_map_write(bench.io, (struct mem_requester){0}, port, size, draw_value());
}

static void access_memory(void)
{
    static const uint64_t bases[] = {APIC_DEFAULT_BASE, IOAPIC_DEFAULT_BASE, HPET_DEFAULT_BASE};
    unsigned n = (unsigned)(draw() % ARRAY_SIZE(bases)), size = 1u << draw() % 4;
    uint64_t address = bases[n] + (draw() % 2 ? draw() % 0x40 * 16 : draw() % 0x400 & ~UINT64_C(3)), value;
    struct mem_requester who = {.cpu = (uint16_t)(draw() % CPUS)};
    if (draw() % 2)
        memory_map_read(bench.machine->map, who, address, size, &value);
    else
        memory_map_write(bench.machine->map, who, address, size, draw_value());
}

static void access_msr(void)
{
    static const uint32_t msrs[] = {0x1b, 0x6e0, 0x830, 0x80b};
    uint32_t msr = draw() % 2 ? 0x800 + (uint32_t)(draw() % 0x40) : msrs[draw() % ARRAY_SIZE(msrs)];
    void *cpu = apic_intc_opaque(chips.apic, (unsigned)(draw() % CPUS));
    uint64_t value = draw_value();
    if (msr == 0x1b && draw() % 4)
        value = APIC_DEFAULT_BASE | (draw() & 0xc00);
    if (draw() % 2)
        apic_intc_ops.read_msr(cpu, msr, &value);
    else
        apic_intc_ops.write_msr(cpu, msr, value);
    apic_intc_ops.acknowledge(cpu);
    apic_intc_ops.set_cr8(cpu, (uint8_t)draw());
    struct message message = {.address = APIC_DEFAULT_BASE | (draw() & 0xfffff)};
    message.data = (uint32_t)draw_value();
    apic_message(chips.apic, &message);
}

static void use_devices(void)
{
    device_lock_acquire(&bench.machine->lock);
    input_send_key(bench.machine, (enum input_key)(draw() % INPUT_KEYS), draw() % 2);
    input_send_motion(bench.machine, (int)draw(), (int)draw(), (struct input_wheel){(int)draw(), 0}, (unsigned)draw());
    fake_chardev_type(line, "characters that are typed");
    line->length = 0;
    if (draw() % 4 == 0)
        line->limit = draw() % 64;
    chardev_writable(&line->chardev);
    device_lock_release(&bench.machine->lock);
    pc_bench_advance(&bench, draw() % 2000000);
    if (draw() % 16 == 0)
        io_loop_iterate(bench.machine->loop, 0);
}

// The state tables name what there is, and what they load is made safe.
static void scramble(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)opaque;
    (void)path;
    if (kind == STATE_BOOL || draw() % 8)
        return;
    rng_fill(&rng, data, size);
}

static void load_random_state(void)
{
    device_lock_acquire(&bench.machine->lock);
    for (struct device *device = bench.machine->devices; device; device = device->next) {
        if (draw() % 4)
            continue;
        state_visit(device->type->state, device, scramble, NULL);
        if (device->type->state_loaded)
            device->type->state_loaded(device);
    }
    device_lock_release(&bench.machine->lock);
}

static void run(uint64_t seed, bool states)
{
    rng = rng_from_seed(seed);
    for (unsigned i = 0; i < STEPS; i++) {
        access_port();
        access_memory();
        if (i % 4 == 0)
            access_msr();
        if (i % 16 == 0)
            use_devices();
        if (states && i % 512 == 0)
            load_random_state();
        if (i % 4096 == 0)
            for (struct device *device = bench.machine->devices; device; device = device->next) {
                device_lock_acquire(&bench.machine->lock);
                device_reset(device);
                device_lock_release(&bench.machine->lock);
            }
    }
    unsigned interrupts = 0;
    for (unsigned i = 0; i < CPUS; i++)
        interrupts += chips.cpus[i].interrupts;
    cr_assert_gt(interrupts, 100);
    // No more than the timers' limits allow: HPET, 8254, clock, three local timers and the serial port.
    cr_assert_lt(bench.events, bench.now_ns / 20000 * 8);
}

Test(pc_fuzz, registers)
{
    run(1, false);
}

Test(pc_fuzz, registers_of_other_seeds)
{
    run(2026, false);
}

Test(pc_fuzz, states_from_anywhere)
{
    run(77, true);
}
