// SPDX-License-Identifier: MIT
// The PC boards: memory, processors, and the order in which the rest is made. Laid out as QEMU's machines of these
// names, so that firmware and guests find what they know. Not there: USB, sound, network, IOMMU, hot plugging.
#include "hw/boards/pc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/acpi/ich9-lpc.h"
#include "hw/acpi/piix4-pm.h"
#include "hw/block/pflash-cfi01.h"
#include "hw/boards/kernel-roms.h"
#include "hw/boards/pc-private.h"
#include "hw/core/block.h"
#include "hw/core/x86-cpu-if.h"
#include "hw/intc/apic.h"
#include "hw/misc/pc-misc.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)

int pc_realize(struct device *device, struct error *error)
{
    int result = device_realize(device, error);
    if (result)
        device_destroy(device);
    return result;
}

// Where RAM ends below 4 GiB: not in the way of PCI devices, and even when more of it lies above.
static uint64_t low_ram_bytes(const struct pc *pc)
{
    uint64_t ram = pc->machine.ram_size;
    if (pc->q35)
        return ram >= UINT64_C(0xb0000000) ? GIB(2) : ram;
    return ram >= UINT64_C(0xe0000000) ? GIB(3) : ram;
}

static int add_ram(struct pc *pc, const char *name, uint64_t base, uint64_t size, uint64_t offset, enum mem_kind kind,
                   struct error *error)
{
    struct mem_region_desc desc = {
        .name = name, .base = base, .size = size, .kind = kind, .priority = -32, .ram_offset = offset};
    return memory_map_add(pc->machine.map, desc, error) ? 0 : -EINVAL;
}

static int add_rom(struct pc *pc, struct error *error)
{
    uint64_t offset;
    int result = guest_ram_carve(pc->machine.ram, PC_ROM_BYTES, &offset, error);
    pc->firmware_end = offset + PC_ROM_BYTES;
    return result ? result : add_ram(pc, "firmware", PC_ROM_BASE, PC_ROM_BYTES, offset, MEM_ROM, error);
}

// The first bank ends at 4 GiB and holds firmware; the second, for its variables, ends where the first begins.
static int add_flashes(struct pc *pc, struct error *error)
{
    static const char *const names[MACHINE_FLASHES] = {"system.flash0", "system.flash1"};
    uint64_t base = GIB(4);
    for (unsigned i = 0; i < MACHINE_FLASHES && pc->machine.flashes[i]; i++) {
        uint64_t size = pc->machine.flashes[i]->size;
        if (!size || size % PFLASH_SMALL_BLOCK_BYTES || size > base - PC_ROM_BASE || (i == 0 && size < PC_SHADOWED_BYTES))
            return error_set(error, EINVAL, "drive with if=pflash,unit=%u: %llu bytes; flash of a PC has a multiple of 4 KiB, "
                             "at least 128 KiB of firmware and 16 MiB in all", i, (unsigned long long)size);
        base -= size;
        struct device *flash = device_create(&pc->machine, &pflash_cfi01_type, NULL);
        pflash_wire(flash, PFLASH_8_BITS, names[i], base, size, pc->machine.flashes[i]);
        int result = pc_realize(flash, error);
        if (result)
            return result;
        if (i == 0)
            pc->firmware_end = pflash_ram_offset(flash) + size;
    }
    return 0;
}

int pc_add_memory(struct pc *pc, struct error *error)
{
    struct machine *machine = &pc->machine;
    pc->low_ram = low_ram_bytes(pc);
    pc->high_ram = machine->ram_size - pc->low_ram;
    if (machine->ram_size > GIB(512))
        return error_set(error, EINVAL, "machine '%s' has room for 512 GiB of memory, not %llu GiB",
                         machine->type->name, (unsigned long long)(machine->ram_size >> 30));
    if (machine->flashes[1] && !machine->flashes[0])
        return error_set(error, EINVAL, "drive with if=pflash,unit=1: there must be firmware in unit 0, too");
    int result = machine_init_memory(machine, machine->ram_size + PC_ROM_BYTES + PC_VIDEO_BYTES, error);
    if (!result)
        result = guest_ram_carve(machine->ram, machine->ram_size, &pc->ram_offset, error);
    if (!result)
        result = add_ram(pc, "ram-below-4g", 0, pc->low_ram, pc->ram_offset, MEM_RAM, error);
    if (!result && pc->high_ram)
        result = add_ram(pc, "ram-above-4g", GIB(4), pc->high_ram, pc->ram_offset + pc->low_ram, MEM_RAM, error);
    if (!result)
        result = machine->flashes[0] ? add_flashes(pc, error) : add_rom(pc, error);
    if (result)
        return result;
    pc->io = machine_add_map(machine, NULL);
    pc->smm = machine_add_map(machine, machine->map);
    return 0;
}

static void cpu_shutdown(void *opaque)
{
    log_printf(LOG_GUEST_ERRORS, "pc: a processor has shut down (triple fault); the machine is reset\n");
    machine_reset_request(opaque);
}

void pc_number_cpus(struct pc *pc)
{
    unsigned count = pc->machine.cpu_count;
    pc->apic_ids = ALLOC_ARRAY(uint32_t, count);
    pc->messages = ALLOC_ARRAY(_Atomic uint32_t, count);
    for (unsigned i = 0; i < count; i++)
        pc->apic_ids[i] = i;
}

static int add_cpu(struct pc *pc, unsigned index, struct error *error)
{
    struct machine *machine = &pc->machine;
    struct x86_cpu_config config = {
        .index = index,
        .apic_id = pc->apic_ids[index],
        .threads = 1,
        .cores = machine->cpu_count,
        .sockets = 1,
        .io = pc->io,
        .smm_memory = pc->has_smm ? pc->smm : NULL,
        .intc = apic_intc(pc->apic),
        .intc_opaque = apic_intc_opaque(pc->apic, index),
        .ferr = index ? (struct irq_line){0} : port_f0_error(pc->port_f0),
        .shutdown = cpu_shutdown,
        .shutdown_opaque = machine,
    };
    struct vcpu *cpu = machine->cpu_factory->create(machine, machine->cpu_model, &config, error);
    if (!cpu)
        return -EINVAL;
    vcpu_group_add(&machine->vcpus, cpu);
    return 0;
}

int pc_add_cpus(struct pc *pc, struct error *error)
{
    for (unsigned i = 0; i < pc->machine.cpu_count; i++) {
        int result = add_cpu(pc, i, error);
        if (result)
            return result;
    }
    return 0;
}

int pc_take_steps(struct pc *pc, pc_step *const *steps, struct error *error)
{
    int result = 0;
    while (*steps && !result)
        result = (*steps++)(pc, error);
    return result;
}

static int build(struct machine *machine, struct error *error)
{
    static pc_step *const steps[] = {
        pc_add_memory, pc_add_interrupt_controllers, pc_add_cpus, pc_add_isa_parts, pc_add_fw_cfg, pc_add_chipset, NULL,
    };
    struct pc *pc = pc_of(machine);
    pc->q35 = machine->type == &q35_type;
    pc->has_pit = pc->has_rtc = true;
    pc->has_smm &= !machine->no_smm;
    pc_number_cpus(pc);
    return pc_take_steps(pc, steps, error);
}

static int finish(struct machine *machine, struct error *error)
{
    struct pc *pc = pc_of(machine);
    int result = kernel_rom_add(machine, error);
    return result ? result : pc_fill_fw_cfg(pc, error);
}

static void reset(struct machine *machine)
{
    pc_drop_messages(pc_of(machine));
    pc_set_boot_kinds(pc_of(machine));
}

static void powerdown(struct machine *machine)
{
    struct pc *pc = pc_of(machine);
    if (pc->q35)
        ich9_lpc_power_button(pc->pm);
    else
        piix4_pm_power_button(pc->pm);
}

void pc_destroy(struct machine *machine)
{
    free(pc_of(machine)->apic_ids);
    free(pc_of(machine)->messages);
}

static const struct property properties[] = {
    {"hpet", PROPERTY_BOOL, offsetof(struct pc, has_hpet), "on", "high precision event timers", NULL},
    {"acpi", PROPERTY_BOOL, offsetof(struct pc, has_acpi), "on", "ACPI tables", NULL},
    {"graphics", PROPERTY_BOOL, offsetof(struct pc, machine.graphics), "on",
     "off: firmware shows its text on the first serial port, too", NULL},
    {"smm", PROPERTY_BOOL, offsetof(struct pc, has_smm), "on", "system management mode", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

#define PC_MACHINE                                                                                                     \
    .arch = "x86_64", .default_cpu = "max", .default_ram = MIB(128), .min_ram = MIB(1), .ram_base = 0,                \
    .firmware_base = PC_ROM_BASE, .firmware_bytes = PC_ROM_BYTES, .firmware_at_end = true,                            \
    .default_firmware = "bios-256k.bin", .default_cpus = 1, .max_cpus = PC_MAX_CPUS,                                  \
    .instance_size = sizeof(struct pc), .properties = properties, .build = build, .finish = finish,                   \
    .default_drive = "ide", .floppy_drives = MACHINE_FLOPPIES, .default_display = "VGA", .reset = reset, .powerdown = powerdown, .destroy = pc_destroy

const struct machine_type pc_type = {.name = "pc", .help = "PC with i440FX and PIIX chips", .default_floppy = true, PC_MACHINE};
const struct machine_type q35_type = {.name = "q35", .help = "PC with Q35 and ICH9 chips", PC_MACHINE};
