// SPDX-License-Identifier: MIT
// The `microvm` board, laid out as QEMU's machine of that name: x86 processors and virtio over MMIO, without PCI. With ACPI
// there are 24 transports on a second I/O APIC, and the generic event device for power-off and reset; without it 8
// transports on ISA interrupts, which the kernel's command line tells of. Left out: PCI Express, USB, and a machine without
// 8259s.
//
//   0xfea00000  events, and at 0x200 sleep and reset    0xfeb00000  transports, 0x200 each    0xfec00000  I/O APIC
//   0xfec10000  second I/O APIC                         0xe0000     firmware, as RAM
#include "hw/boards/microvm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/acpi/acpi-tables.h"
#include "hw/acpi/ged.h"
#include "hw/boards/kernel-roms.h"
#include "hw/boards/pc-private.h"
#include "hw/intc/apic.h"
#include "hw/intc/ioapic.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/virtio/virtio-mmio.h"
#include "tcg/base/alloc.h"

enum {
    TRANSPORTS_MAX = 24,
    ISA_TRANSPORTS = 8,
    ISA_FIRST_IRQ = 5,
    GED_IRQ = 9,
    GED_EVENTS = 0xfea00000,
    GED_REGISTERS = 0xfea00200,
    TIMER_PORT = 0x608,
    VIRTIO_BASE = 0xfeb00000,
    IOAPIC2_BASE = 0xfec10000,
    FIRMWARE_GPA = 0xe0000,
    ARGUMENT_BYTES = 48,
};

struct microvm {
    struct pc pc; // what both have in common
    struct device *ioapic2, *ged;
    struct device *transports[TRANSPORTS_MAX];
    char names[TRANSPORTS_MAX][24];
    unsigned transport_count;
    char *arguments;

    bool has_serial, adds_arguments; // properties
};

static struct microvm *microvm_of(struct machine *machine)
{
    return (struct microvm *)machine;
}

// Firmware runs where PCs have a copy of it in RAM, there being no bridge that would make one.
static int add_memory(struct pc *pc, struct error *error)
{
    if (pc->machine.flashes[0] || pc->machine.flashes[1])
        return error_set(error, EINVAL, "machine 'microvm' has no flash (if=pflash); give firmware by -bios");
    int result = pc_add_memory(pc, error);
    if (result)
        return result;
    struct mem_region_desc low = {.name = "firmware-low", .base = FIRMWARE_GPA, .size = PC_SHADOWED_BYTES, .kind = MEM_RAM,
                                  .ram_offset = pc->firmware_end - PC_SHADOWED_BYTES};
    return memory_map_add(pc->machine.map, low, error) ? 0 : -EINVAL;
}

static void eoi(void *opaque, uint8_t vector)
{
    struct microvm *microvm = opaque;
    ioapic_eoi(microvm->pc.ioapic, vector);
    ioapic_eoi(microvm->ioapic2, vector);
}

static int add_ioapic2(struct pc *pc, struct error *error)
{
    struct microvm *microvm = microvm_of(&pc->machine);
    if (!pc->has_acpi)
        return 0;
    microvm->ioapic2 = device_create(&pc->machine, &ioapic_type, NULL);
    ioapic_wire(microvm->ioapic2, IOAPIC2_BASE, apic_message, pc->apic);
    apic_connect_eoi(pc->apic, eoi, microvm);
    return pc_realize(microvm->ioapic2, error);
}

static int add_parts(struct pc *pc, struct error *error)
{
    struct microvm *microvm = microvm_of(&pc->machine);
    int result = pc_add_timers(pc, error);
    if (!result && microvm->has_serial)
        result = pc_add_serial_ports(pc, error);
    if (result || !pc->has_acpi)
        return result;
    microvm->ged = device_create(&pc->machine, &acpi_ged_type, NULL);
    acpi_ged_wire(microvm->ged, GED_EVENTS, GED_REGISTERS, pc_isa_irq(pc, GED_IRQ), pc->io, TIMER_PORT);
    return pc_realize(microvm->ged, error);
}

static int add_transports(struct pc *pc, struct error *error)
{
    struct microvm *microvm = microvm_of(&pc->machine);
    microvm->transport_count = pc->has_acpi ? TRANSPORTS_MAX : ISA_TRANSPORTS;
    for (unsigned i = 0; i < microvm->transport_count; i++) {
        struct irq_line irq = pc->has_acpi ? ioapic_input(microvm->ioapic2, i) : pc_isa_irq(pc, ISA_FIRST_IRQ + i);
        struct device *transport = microvm->transports[i] = device_create(&pc->machine, &virtio_mmio_type, NULL);
        snprintf(microvm->names[i], sizeof(microvm->names[i]), "virtio-mmio-bus.%u", i);
        virtio_mmio_wire(transport, VIRTIO_BASE + i * VIRTIO_MMIO_SIZE, irq, microvm->names[i]);
        int result = pc_realize(transport, error);
        if (result)
            return result;
    }
    return 0;
}

static int build(struct machine *machine, struct error *error)
{
    static pc_step *const steps[] = {
        add_memory, pc_add_interrupt_controllers, add_ioapic2, pc_add_cpus, add_parts, pc_add_fw_cfg, add_transports, NULL,
    };
    struct pc *pc = pc_of(machine);
    pc_number_cpus(pc);
    return pc_take_steps(pc, steps, error);
}

static bool is_used(const struct microvm *microvm, unsigned transport)
{
    for (const struct bus *bus = microvm->pc.machine.buses; bus; bus = bus->next)
        if (bus->device && !strcmp(bus->name, microvm->names[transport]))
            return true;
    return false;
}

// Transports with a device, for kernels that do not hear of them by ACPI.
static const char *kernel_arguments(struct machine *machine)
{
    struct microvm *microvm = microvm_of(machine);
    if (microvm->pc.has_acpi || !microvm->adds_arguments)
        return NULL;
    free(microvm->arguments);
    microvm->arguments = ALLOC_ARRAY(char, TRANSPORTS_MAX * ARGUMENT_BYTES);
    char *end = microvm->arguments;
    *end = 0;
    for (unsigned i = 0; i < microvm->transport_count; i++)
        if (is_used(microvm, i))
            end += snprintf(end, ARGUMENT_BYTES, "%svirtio_mmio.device=%u@0x%x:%u", end == microvm->arguments ? "" : " ",
                            VIRTIO_MMIO_SIZE, VIRTIO_BASE + i * VIRTIO_MMIO_SIZE, ISA_FIRST_IRQ + i);
    return end == microvm->arguments ? NULL : microvm->arguments;
}

static int add_acpi(struct microvm *microvm, struct error *error)
{
    struct pc *pc = &microvm->pc;
    struct acpi_virtio virtio[TRANSPORTS_MAX];
    struct acpi_reduced reduced = {.ged_events = GED_EVENTS, .ged_registers = GED_REGISTERS, .ged_gsi = GED_IRQ, .timer_port = TIMER_PORT,
                                   .ioapic2_base = IOAPIC2_BASE, .virtio = virtio};
    for (unsigned i = 0; i < microvm->transport_count; i++)
        if (is_used(microvm, i))
            virtio[reduced.virtio_count++] =
                (struct acpi_virtio){VIRTIO_BASE + i * VIRTIO_MMIO_SIZE, VIRTIO_MMIO_SIZE, IOAPIC_PINS + i};
    struct acpi_config config = {.reduced = &reduced, .cpu_count = pc->machine.cpu_count, .apic_ids = pc->apic_ids};
    for (unsigned i = 0; i < MACHINE_SERIALS && microvm->has_serial; i++)
        config.serials |= (pc->machine.serials[i] != NULL) << i;
    return pc_add_acpi(pc, &config, error);
}

static int finish(struct machine *machine, struct error *error)
{
    struct microvm *microvm = microvm_of(machine);
    struct pc *pc = &microvm->pc;
    int result = kernel_rom_add(machine, error);
    if (!result)
        result = pc_add_e820(pc, error);
    if (!result)
        result = pc_add_boot_order(pc, error);
    if (!result)
        result = pc_add_smbios(pc, error);
    return result || !pc->has_acpi ? result : add_acpi(microvm, error);
}

static void powerdown(struct machine *machine)
{
    struct microvm *microvm = microvm_of(machine);
    if (microvm->ged)
        acpi_ged_power_button(microvm->ged);
}

static void reset(struct machine *machine)
{
    pc_drop_messages(pc_of(machine));
}

static void destroy(struct machine *machine)
{
    free(microvm_of(machine)->arguments);
    pc_destroy(machine);
}

static const struct property properties[] = {
    {"acpi", PROPERTY_BOOL, offsetof(struct microvm, pc.has_acpi), "on", "ACPI tables and events", NULL},
    {"auto-kernel-cmdline", PROPERTY_BOOL, offsetof(struct microvm, adds_arguments), "on",
     "without ACPI, tell the kernel of devices on its command line", NULL},
    {"graphics", PROPERTY_BOOL, offsetof(struct microvm, pc.machine.graphics), "on",
     "off: firmware shows its text on the first serial port", NULL},
    {"isa-serial", PROPERTY_BOOL, offsetof(struct microvm, has_serial), "on", "serial ports", NULL},
    {"pit", PROPERTY_BOOL, offsetof(struct microvm, pc.has_pit), "on", "8254 timer", NULL},
    {"rtc", PROPERTY_BOOL, offsetof(struct microvm, pc.has_rtc), "on", "clock and CMOS memory", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct machine_type microvm_type = {
    .name = "microvm",
    .help = "small PC with virtio devices and without PCI",
    .arch = "x86_64",
    .default_cpu = "max",
    .default_ram = UINT64_C(128) << 20,
    .min_ram = UINT64_C(1) << 20,
    .firmware_base = PC_ROM_BASE,
    .firmware_bytes = PC_ROM_BYTES,
    .firmware_at_end = true,
    .default_firmware = "bios-microvm.bin",
    .default_cpus = 1,
    .max_cpus = PC_MAX_CPUS,
    .many_ioapics = true,
    .instance_size = sizeof(struct microvm),
    .properties = properties,
    .build = build,
    .finish = finish,
    .kernel_arguments = kernel_arguments,
    .reset = reset,
    .powerdown = powerdown,
    .destroy = destroy,
};
