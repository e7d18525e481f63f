// SPDX-License-Identifier: MIT
// Random accesses to every register of the whole board, with RAM full of random bytes that devices take for
// rings, tables and requests. Nothing may crash, hang or reach outside; run it under the sanitizers.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bare-machine.h"
#include "disk-file.h"
#include "fake-arm-cpu.h"
#include "fake-chardev.h"
#include "hw/boards/virt-arm.h"
#include "hw/core/dma.h"
#include "hw/core/rng.h"
#include "hw/ide/ahci.h"
#include "hw/pci/pci-regs.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-pci.h"
#include "tcg/base/bits.h"

enum { CPUS = 3, STEPS = 20000, RAM_BYTES = 64 << 20 };

static uint64_t draw(struct rng *rng)
{
    uint64_t value;
    rng_fill(rng, &value, sizeof(value));
    return value;
}

// Mostly addresses in RAM, mostly small numbers: what gets furthest.
static uint64_t draw_value(struct rng *rng)
{
    uint64_t r = draw(rng);
    switch (r % 6) {
    case 0:
        return r >> 8;
    case 1:
        return r >> 8 & 0xff;
    case 2:
        return 0x40000000 + ((r >> 8) % RAM_BYTES & ~UINT64_C(0xfff));
    case 3:
        return (0x40000000 + ((r >> 8) % RAM_BYTES & ~UINT64_C(0xfff))) | UINT64_C(1) << 63;
    case 4:
        return UINT64_C(1) << (r >> 8) % 64;
    default:
        return UINT64_MAX;
    }
}

static void fill_ram(struct machine *machine, struct rng *rng)
{
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t value = draw_value(rng);
        dma_write(machine->map, 0x40000000 + draw(rng) % (RAM_BYTES - 8) / 2 * 2, &value,
                  1u << draw(rng) % 4);
    }
}

enum { PCI_SLOTS = 4, PCI_BAR_ROOM = 0x10000 }; // with the host bridge
#define ECAM UINT64_C(0x4010000000)

static void plug_pci(struct machine *machine)
{
    disk_file(machine, "pci-disk", 2048, 512, false);
    bare_device(machine, &virtio_blk_pci_type, (const char *const[]){"drive=pci-disk", NULL});
    bare_device(machine, &virtio_rng_pci_type, NULL);
    bare_device(machine, &ich9_ahci_type, NULL);
}

static uint64_t bar_offset(unsigned slot, unsigned bar)
{
    return (uint64_t)(slot * 8 + bar) * PCI_BAR_ROOM;
}

// As firmware leaves it: each BAR in the window of its kind, every function at work.
static void place_bars(struct machine *machine)
{
    for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
        uint64_t config = ECAM + (slot << 15);
        for (unsigned bar = 0; bar < 6; bar++) {
            uint64_t at = config + PCI_BAR_0 + 4 * bar, kind = guest_read(machine, at, 4);
            uint64_t memory = (kind & 4 ? 0 : 0x10000000) + bar_offset(slot, bar);
            guest_write(machine, at, 4, kind & 1 ? slot * 0x100 + bar * 0x20 : memory);
            if (!(kind & 1) && (kind & 4))
                guest_write(machine, config + PCI_BAR_0 + 4 * ++bar, 4, 0x80);
        }
        guest_write(machine, config + PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
}

static struct machine *build(const char *gic, struct rng *rng)
{
    struct machine *machine = machine_create(&virt_arm_type);
    struct error error = {""};
    machine->cpu_count = CPUS;
    machine->ram_size = RAM_BYTES;
    machine->cpu_factory = &fake_arm_cpu_factory;
    machine->serials[0] = &fake_chardev_create(machine, "serial")->chardev;
    fake_chardev_create(machine, "line");
    cr_assert_eq(machine_set_property(machine, "gic-version", gic, &error), 0);
    cr_assert_eq(machine_build(machine, &error), 0, "%s", error.text);
    disk_file(machine, "disk", 2048, 512, false);
    bare_device(machine, &virtio_blk_type, (const char *const[]){"drive=disk", NULL});
    bare_device(machine, &virtio_serial_type, NULL);
    bare_device(machine, &virtconsole_type, (const char *const[]){"chardev=line", NULL});
    bare_device(machine, &virtio_rng_type, NULL);
    plug_pci(machine);
    cr_assert_eq(machine_finish(machine, &error), 0, "%s", error.text);
    machine_reset(machine);
    place_bars(machine);
    fill_ram(machine, rng);
    return machine;
}

// A register somewhere: the places that have registers at all, and within them offsets that repeat.
static uint64_t draw_register(struct rng *rng)
{
    static const struct {
        uint64_t base, size;
    } places[] = {
        {0x08000000, 0x1000}, {0x08000000, 0x10000}, {0x08010000, 0x2000}, {0x08020000, 0x1000},
        {0x08080000, 0x200},  {0x08090000, 0x100},   {0x080a0000, 0x100},  {0x080b0000, 0x1000},
        {0x09000000, 0x1000}, {0x09010000, 0x20},    {0x09020000, 0x18},   {0x09030000, 0x430},
        {0x0a003e00, 0x140},  {0x0a003c00, 0x140},   {0x0a003a00, 0x140},  {0x0a003e00, 0x140},
        {0, 0x8000000},       {0x0a000000, 0x4000},
    };
    uint64_t offset = bar_offset(draw(rng) % PCI_SLOTS, draw(rng) % 6) + draw(rng) % 0x1100;
    switch (draw(rng) % 24) {
    case 0:
        return ECAM + (draw(rng) % PCI_SLOTS << 15) + draw(rng) % (draw(rng) % 64 ? 0x100 : 0x100000);
    case 1:
        return 0x3eff0000 + draw(rng) % (draw(rng) % 64 ? 0x400 : 0x10000);
    case 2:
        return 0x10000000 + offset;
    case 3:
        return UINT64_C(0x8000000000) + offset;
    }
    unsigned n = (unsigned)(draw(rng) % ARRAY_SIZE(places));
    return places[n].base + draw(rng) % places[n].size;
}

static const struct mem_requester boot_cpu;

static void set32(struct machine *machine, uint64_t address, uint64_t value)
{
    memory_map_write(machine->map, boot_cpu, address, 4, value);
}

static void set64(struct machine *machine, uint64_t address, uint64_t value)
{
    memory_map_write(machine->map, boot_cpu, address, 8, value);
}

// A ring whose chains are nearly right: each part of it is wrong once in a while.
static void fill_ring(struct machine *machine, struct rng *rng, uint64_t ring, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint64_t r = draw(rng), buffer = 0x40000000 + draw(rng) % (RAM_BYTES - 0x1000);
        bool last = r & 1;
        set64(machine, ring + 16 * i, r % 50 ? buffer : draw_value(rng));
        set32(machine, ring + 16 * i + 8, r >> 8 & 7 ? (r >> 16 & 0x3ff) : 16);
        uint64_t flags = (last ? 2 : 1 + (r >> 32 & 2)) | (r >> 40) % 20 / 19 * 4;
        set32(machine, ring + 16 * i + 12, flags | ((i + 1) % size) << 16);
        set32(machine, buffer, draw(rng) % 14); // the type of a disk request, or a console message
        set64(machine, buffer + 8, draw(rng) % 2100);
        memory_map_write(machine->map, boot_cpu, ring + 0x1004 + 2 * i, 2,
                         draw(rng) % (size + (r % 64 == 0)));
    }
    memory_map_write(machine->map, boot_cpu, ring + 0x1000, 2, 0);
    memory_map_write(machine->map, boot_cpu, ring + 0x1002, 2, draw(rng) % (size + 1));
}

// What a driver writes to start a device.
static void start_virtio(struct machine *machine, struct rng *rng)
{
    uint64_t base = 0x0a003a00 + draw(rng) % 3 * 0x200;
    static const uint32_t setup[][2] = {{0x70, 0}, {0x70, 3}, {0x24, 1}, {0x20, 1}, {0x24, 0}};
    for (unsigned i = 0; i < ARRAY_SIZE(setup); i++)
        set32(machine, base + setup[i][0], setup[i][1]);
    set32(machine, base + 0x20, draw(rng) & 0x30000002);
    set32(machine, base + 0x70, 11);
    for (unsigned q = 0; q < 6; q++) {
        unsigned size = 1u << draw(rng) % 6;
        uint64_t ring = 0x40000000 + (draw(rng) % (RAM_BYTES - 0x4000) & ~UINT64_C(0xfff));
        set32(machine, base + 0x30, q);
        set32(machine, base + 0x38, size);
        for (unsigned part = 0; part < 3; part++) {
            set32(machine, base + 0x80 + 16 * part, draw(rng) % 50 ? ring + 0x1000 * part : draw_value(rng));
            set32(machine, base + 0x84 + 16 * part, 0);
        }
        fill_ring(machine, rng, ring, size);
        set32(machine, base + 0x44, 1);
    }
    set32(machine, base + 0x70, 15);
    for (unsigned i = 0; i < 12; i++)
        set32(machine, base + 0x50, draw(rng) % 6);
}

// What a driver writes to start the ITS, and a queue of commands with small operands.
static void start_its(struct machine *machine, struct rng *rng)
{
    enum { COMMANDS = 64 };
    static const uint8_t opcodes[] = {1, 3, 4, 5, 8, 8, 9, 9, 0xa, 0xa, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x55};
    uint64_t valid = UINT64_C(1) << 63, its = 0x08080000, queue = 0x40100000;
    set32(machine, 0x08000000, 2);
    for (unsigned i = 0; i < CPUS; i++) {
        set32(machine, 0x080a0000 + 0x20000 * i, 0);
        set64(machine, 0x080a0070 + 0x20000 * i, 0x40200000 | (draw(rng) % 8 ? 15 : draw(rng) % 32));
        set64(machine, 0x080a0078 + 0x20000 * i, 0x40300000 + 0x10000 * i);
        set32(machine, 0x080a0000 + 0x20000 * i, 1);
    }
    set32(machine, its, 0);
    set64(machine, its + 0x80, queue | valid);
    set64(machine, its + 0x100, 0x40400000 | valid | (draw(rng) & 0x3ff));
    set64(machine, its + 0x108, 0x40500000 | valid | (draw(rng) & 0x3ff));
    for (unsigned i = 0; i < COMMANDS; i++) {
        uint64_t r = draw(rng), small = draw(rng) % 4;
        set64(machine, queue + 32 * i, opcodes[r % ARRAY_SIZE(opcodes)] | (r >> 8 & 3) << 32);
        set64(machine, queue + 32 * i + 8, (r >> 16 & 3) | (8190 + (r >> 24) % 16) << 32);
        set64(machine, queue + 32 * i + 16, (r >> 40 & 3) | small << 16 | (r % 9 ? valid | 0x40600000 : 0));
        set64(machine, queue + 32 * i + 24, (r >> 44 & 3) << 16);
    }
    set32(machine, its, 1);
    set64(machine, its + 0x88, 32 * (COMMANDS - 1));
    for (unsigned i = 0; i < 8; i++)
        set32(machine, its + 0x10040, draw(rng) % 4);
}

static void flash_access(struct machine *machine, struct rng *rng)
{
    static const uint32_t commands[] = {0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90,
                                        0x98, 0xd0, 0xe8, 0xff, 0,    1,    7};
    uint64_t at = draw(rng) % 0x8000000 & ~UINT64_C(3);
    for (unsigned i = 0; i < 40; i++)
        set32(machine, at + draw(rng) % 16 * 4, commands[draw(rng) % ARRAY_SIZE(commands)] * 0x10001u);
}

static void sysreg_access(struct machine *machine, struct rng *rng)
{
    struct fake_arm_cpu *cpu = (struct fake_arm_cpu *)machine->vcpus.cpus[draw(rng) % CPUS];
    if (!cpu->config.gic_sysregs)
        return;
    static const uint32_t registers[] = {
        ARM_SYSREG(3, 0, 4, 6, 0),
        ARM_SYSREG(3, 0, 12, 8, 0),
        ARM_SYSREG(3, 0, 12, 11, 0),
        ARM_SYSREG(3, 0, 12, 12, 0),
    };
    struct arm_sysreg_access access = {
        .encoding = registers[draw(rng) % 4] | (draw(rng) & 7), .cpu = (uint16_t)cpu->config.index, .el = 1};
    uint64_t value;
    if (draw(rng) & 1)
        cpu->config.gic_sysregs->read(cpu->config.gic_opaque, access, &value);
    else
        cpu->config.gic_sysregs->write(cpu->config.gic_opaque, access, draw_value(rng));
}

static void count_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)path;
    (void)kind;
    volatile const uint8_t *bytes = data; // each must be readable
    for (unsigned i = 0; i < size; i++)
        *(uint64_t *)opaque += bytes[i];
}

static void fuzz(const char *gic, uint64_t seed)
{
    struct rng rng = rng_from_seed(seed);
    struct machine *machine = build(gic, &rng);
    event_clock_start(machine->clock);
    for (unsigned i = 0; i < STEPS; i++) {
        struct mem_requester who = {.cpu = (uint16_t)(draw(&rng) % CPUS), .secure = draw(&rng) & 1};
        unsigned size = 1u << draw(&rng) % 4;
        uint64_t address = draw_register(&rng), value;
        if (draw(&rng) % 8)
            address &= ~(uint64_t)(size - 1);
        if (draw(&rng) % 3)
            memory_map_write(machine->map, who, address, size, draw_value(&rng));
        else
            memory_map_read(machine->map, who, address, size, &value);
        if (i % 4 == 0)
            sysreg_access(machine, &rng);
        if (i % 100 == 0)
            start_virtio(machine, &rng);
        if (i % 200 == 50)
            start_its(machine, &rng);
        if (i % 100 == 60)
            flash_access(machine, &rng);
        if (i % 500 == 0)
            io_loop_iterate(machine->loop, 0);
        if (i % 3000 == 2999)
            machine_reset(machine);
    }
    uint64_t sum = 0;
    device_lock_acquire(&machine->lock);
    for (struct device *device = machine->devices; device; device = device->next) {
        state_visit(device->type->state, device, count_leaf, &sum);
        if (device->type->state_loaded)
            device->type->state_loaded(device);
    }
    device_lock_release(&machine->lock);
    cr_assert_neq(sum, 0);
    machine_destroy(machine);
}

Test(fuzz, board_with_gicv3, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        fuzz("3", seed);
}

Test(fuzz, board_with_gicv2, .timeout = 120)
{
    for (uint64_t seed = 11; seed <= 13; seed++)
        fuzz("2", seed);
}
