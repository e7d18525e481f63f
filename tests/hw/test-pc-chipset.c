// SPDX-License-Identifier: MIT
// North and south bridges of PC machines, as firmware programs them.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/acpi/ich9-lpc.h"
#include "hw/acpi/piix4-pm.h"
#include "hw/acpi/pm.h"
#include "hw/pci/pc-bridge.h"
#include "hw/pci/piix3.h"
#include "pci-machine.h"

enum { RAM_BYTES = 64 << 20, FIRMWARE_BYTES = 128 << 10, PM_BASE = 0x600 };

static struct machine *machine;
static struct memory_map *io, *smm;
static struct pci_bus *bus;
static struct device *bridge, *power; // south bridge, power management
static struct irq_sink isa[16], gsi[8], sci, smi;
static unsigned messages;

static void take_message(void *opaque, const struct message *message)
{
    (void)opaque;
    messages += message->address == 0xfee00000 && message->data == 0x30 && message->requester == PCI_DEVFN(3, 0);
}

static uint64_t smm_read(uint64_t gpa)
{
    uint64_t value;
    cr_assert_eq(memory_map_read(smm, (struct mem_requester){0}, gpa, 1, &value), MEM_OK);
    return value;
}

static void smm_write(uint64_t gpa, uint8_t value)
{
    cr_assert_eq(memory_map_write(smm, (struct mem_requester){0}, gpa, 1, value), MEM_OK);
}

// RAM from 0 on, and firmware whose bytes are its offsets in pages, plus 0x80.
static void make(bool q35)
{
    struct error error = {""};
    struct pc_bridge_config config = {.bus_name = q35 ? "pcie.0" : "pci.0",
                                      .low_ram_bytes = RAM_BYTES,
                                      .firmware_bytes = FIRMWARE_BYTES,
                                      .message = take_message};
    machine = bare_machine_create();
    config.io = io = machine_add_map(machine, NULL);
    config.smm = smm = machine_add_map(machine, machine->map);
    cr_assert_eq(guest_ram_carve(machine->ram, RAM_BYTES, &config.ram_offset, &error), 0);
    cr_assert_eq(guest_ram_carve(machine->ram, FIRMWARE_BYTES, &config.firmware_offset, &error), 0);
    for (unsigned i = 0; i < FIRMWARE_BYTES; i++)
        machine->ram->host[config.firmware_offset + i] = (uint8_t)(0x80 + (i >> 12));
    struct mem_region_desc ram = {
        .name = "low-ram", .size = RAM_BYTES, .kind = MEM_RAM, .ram_offset = config.ram_offset};
    cr_assert(memory_map_add(machine->map, ram, &error));
    bridge = device_create(machine, q35 ? &ich9_lpc_type : &piix3_type, NULL);
    for (unsigned i = 0; i < (q35 ? 8 : 4); i++)
        config.pirqs[i] = q35 ? ich9_lpc_pirq(bridge, i) : piix3_pirq(bridge, i);
    cr_assert_eq((q35 ? q35_create : i440fx_create)(machine, &config, &bus, &error), 0, "%s", error.text);
    struct ich9_lpc_wiring lpc = {.sci = irq_sink_line(&sci), .smi = irq_sink_line(&smi)};
    for (unsigned i = 0; i < 16; i++)
        lpc.isa_irqs[i] = irq_sink_line(&isa[i]);
    for (unsigned i = 0; i < 8; i++)
        lpc.gsis[i] = irq_sink_line(&gsi[i]);
    if (q35)
        ich9_lpc_wire(bridge, &lpc);
    else
        piix3_wire(bridge, lpc.isa_irqs);
    cr_assert_eq(device_set(bridge, "addr", q35 ? "1f.0" : "1.0", &error), 0);
    cr_assert_eq(device_realize(bridge, &error), 0, "%s", error.text);
    power = bridge;
    if (!q35) {
        power = device_create(machine, &piix4_pm_type, NULL);
        piix4_pm_wire(power, &(struct piix4_pm_wiring){lpc.sci, lpc.smi});
        cr_assert_eq(device_set(power, "addr", "1.3", &error), 0);
        cr_assert_eq(device_realize(power, &error), 0, "%s", error.text);
    }
    for (struct device *device = machine->devices; device; device = device->next)
        device_reset(device);
}

static void unmake(void)
{
    bare_machine_destroy(machine);
}

static void set(unsigned devfn, unsigned offset, uint8_t value)
{
    config_set(io, (uint8_t)devfn, offset, 1, value);
}

Test(pc_chipset, functions_are_where_guests_look)
{
    make(false);
    cr_assert_eq(config_get(io, 0, 0, 4), 0x12378086);
    cr_assert_eq(config_get(io, PCI_DEVFN(1, 0), 0, 4), 0x70008086);
    cr_assert_eq(config_get(io, PCI_DEVFN(1, 0), PCI_HEADER_TYPE, 1), 0x80);
    cr_assert_eq(config_get(io, PCI_DEVFN(1, 3), 0, 4), 0x71138086);
    cr_assert_eq(config_get(io, PCI_DEVFN(1, 3), 8, 4), 0x06800003);
    unmake();
    make(true);
    cr_assert_eq(config_get(io, 0, 0, 4), 0x29c08086);
    cr_assert_eq(config_get(io, PCI_DEVFN(31, 0), 0, 4), 0x29188086);
    unmake();
}

// The registers are laid out the same on both bridges.
static void check_shadowing(unsigned pam)
{
    cr_assert_eq(guest_read(machine, 0xfffff, 1), 0x9f, "firmware at reset");
    cr_assert_eq(guest_read(machine, 0xe0000, 1), 0x80);
    cr_assert_eq(guest_read(machine, 0xc0000, 4), 0xffffffff);
    guest_write(machine, 0xf0000, 1, 1); // goes to the ROM
    set(0, pam, 0x20);                   // write to RAM, read the firmware
    cr_assert_eq(guest_read(machine, 0xf0000, 1), 0x90);
    guest_write(machine, 0xf0000, 4, 0x11223344);
    cr_assert_eq(guest_read(machine, 0xf0000, 1), 0x90);
    set(0, pam, 0x30);
    cr_assert_eq(guest_read(machine, 0xf0000, 4), 0x11223344);
    cr_assert_eq(guest_read(machine, 0xf0004, 1), 0, "nothing was copied yet");
    set(0, pam, 0x10);
    guest_write(machine, 0xf0000, 4, 5);
    cr_assert_eq(guest_read(machine, 0xf0000, 4), 0x11223344);
    set(0, pam + 1, 0x03); // 0xc0000 to 0xc3fff
    guest_write(machine, 0xc3fff, 1, 7);
    cr_assert_eq(guest_read(machine, 0xc3fff, 1), 7);
    cr_assert_eq(guest_read(machine, 0xc4000, 1), 0xff);
    set(0, pam + 6, 0x30); // 0xec000 to 0xeffff
    guest_write(machine, 0xec000, 1, 8);
    cr_assert_eq(guest_read(machine, 0xec000, 1), 8);
    cr_assert_eq(guest_read(machine, 0xebfff, 1), 0x8b);
    set(0, pam + 2, 0x22);
    guest_write(machine, 0xc8000, 1, 9);
    cr_assert_eq(guest_read(machine, 0xc8000, 1), 0xff);
    set(0, pam + 2, 0x11);
    cr_assert_eq(guest_read(machine, 0xc8000, 1), 9);
    device_reset(&bus->devices[0]->device);
    cr_assert_eq(guest_read(machine, 0xf0000, 1), 0x90);
}

static void check_smram(unsigned smram)
{
    cr_assert_eq(guest_read(machine, 0xa0000, 1), 0xff, "no VGA");
    set(0, smram, 0x4a); // enabled and open
    guest_write(machine, 0xa0000, 1, 0x77);
    cr_assert_eq(guest_read(machine, 0xa0000, 1), 0x77);
    set(0, smram, 0x0a); // closed
    cr_assert_eq(guest_read(machine, 0xa0000, 1), 0xff);
    cr_assert_eq(smm_read(0xa0000), 0x77);
    cr_assert_eq(smm_read(0xfffff), 0x9f);
    set(0, smram, 0x1a); // locked
    cr_assert_eq(config_get(io, 0, smram, 1), 0x1a);
    set(0, smram, 0x42);
    cr_assert_eq(config_get(io, 0, smram, 1), 0x1a);
    cr_assert_eq(guest_read(machine, 0xa0000, 1), 0xff);
    device_reset(&bus->devices[0]->device);
    cr_assert_eq(config_get(io, 0, smram, 1), 0x02);
    cr_assert_eq(smm_read(0xa0000), 0xff);
}

Test(pc_chipset, i440fx_memory)
{
    make(false);
    check_shadowing(0x59);
    check_smram(0x72);
    unmake();
}

Test(pc_chipset, q35_memory)
{
    make(true);
    check_shadowing(0x90);
    check_smram(0x9d);
    unmake();
}

Test(pc_chipset, q35_tseg_and_high_smram)
{
    make(true);
    uint64_t top = RAM_BYTES - (1 << 20);
    guest_write(machine, top, 1, 0x31);
    cr_assert_eq(config_get(io, 0, 0x9e, 1), 0x38);
    set(0, 0x9d, 0x0a);
    set(0, 0x9e, 0x01); // 1 MiB
    cr_assert_eq(guest_read(machine, top, 1), 0xff);
    cr_assert_eq(guest_read(machine, top - 1, 1), 0);
    cr_assert_eq(smm_read(top), 0x31);
    smm_write(top, 0x32);
    set(0, 0x9e, 0x07); // the extended size, 16 MiB
    cr_assert_eq(config_get(io, 0, 0x50, 2), 16);
    cr_assert_eq(guest_read(machine, RAM_BYTES - (16 << 20), 1), 0xff);
    set(0, 0x9e, 0x80);
    cr_assert_eq(guest_read(machine, top, 1), 0x32);
    smm_write(0xfeda0005, 0x55);
    cr_assert_eq(smm_read(0xa0005), 0xff, "only at the high place");
    set(0, 0x9d, 0x1a);
    set(0, 0x9e, 0x00);
    cr_assert_eq(config_get(io, 0, 0x9e, 1), 0xb8, "locked");
    unmake();
}

Test(pc_chipset, q35_configuration_window)
{
    make(true);
    uint64_t base, size;
    cr_assert_not(q35_pciexbar(bus, &base, &size));
    config_set(io, 0, 0x64, 4, 0);
    config_set(io, 0, 0x60, 4, 0xb0000001);
    cr_assert(q35_pciexbar(bus, &base, &size));
    cr_assert_eq(base, 0xb0000000);
    cr_assert_eq(size, 256 << 20);
    cr_assert_eq(guest_read(machine, base, 4), 0x29c08086);
    cr_assert_eq(guest_read(machine, base + (PCI_DEVFN(31, 0) << 12), 4), 0x29188086);
    config_set(io, 0, 0x60, 4, 0xe0000005); // 64 MiB
    cr_assert(q35_pciexbar(bus, &base, &size));
    cr_assert_eq(size, 64 << 20);
    cr_assert_eq(guest_read(machine, 0xe0000000, 4), 0x29c08086);
    cr_assert_null(memory_map_find(machine->map, 0xe4000000));
    unmake();
}

// A stand-in for a device in a slot: what the bus calls when its pin changes.
static void pull(unsigned slot, unsigned pin, bool level)
{
    bus->ops->set_irq(bus->ops_opaque, bus->ops->map_irq(bus->ops_opaque, PCI_DEVFN(slot, 0), pin), level);
}

Test(pc_chipset, piix3_routes)
{
    make(false);
    unsigned piix3 = PCI_DEVFN(1, 0);
    pull(1, 0, true); // PIRQA
    for (unsigned i = 0; i < 16; i++)
        cr_assert_not(isa[i].level);
    set(piix3, 0x60, 10);
    cr_assert(isa[10].level);
    set(piix3, 0x60, 11);
    cr_assert_not(isa[10].level);
    cr_assert(isa[11].level);
    set(piix3, 0x63, 11);
    pull(4, 0, true); // PIRQD
    pull(1, 0, false);
    cr_assert(isa[11].level);
    set(piix3, 0x63, 0x80);
    cr_assert_not(isa[11].level);
    set(piix3, 0x63, 2); // cannot be chosen
    cr_assert_not(isa[2].level);
    unmake();
}

Test(pc_chipset, ich9_routes)
{
    make(true);
    unsigned lpc = PCI_DEVFN(31, 0);
    set(lpc, 0x68, 10); // PIRQE
    pull(0, 0, true);
    cr_assert(gsi[4].level);
    cr_assert(isa[10].level);
    pull(0, 0, false);
    cr_assert_not(gsi[4].level);
    cr_assert_not(isa[10].level);
    pull(3, 1, true);
    cr_assert(gsi[4].level, "slots turn");
    pull(3, 1, false);
    pull(31, 1, true);
    cr_assert(gsi[1].level, "the chipset's own do not");
    bus->ops->message(bus->ops_opaque, &(struct message){.address = 0xfee00000, .data = 0x30, .requester = PCI_DEVFN(3, 0)});
    cr_assert_eq(messages, 1);
    unmake();
}

static void enable_ports(bool q35)
{
    if (q35) {
        config_set(io, PCI_DEVFN(31, 0), 0x40, 4, PM_BASE | 1);
        set(PCI_DEVFN(31, 0), 0x44, 0x80);
    } else {
        config_set(io, PCI_DEVFN(1, 3), 0x40, 4, PM_BASE | 1);
        set(PCI_DEVFN(1, 3), 0x80, 1);
    }
}

static void check_power(bool q35)
{
    enable_ports(q35);
    cr_assert_eq(port_read(io, PM_BASE + 4, 2), 0);
    port_write(io, 0xb2, 1, q35 ? 2 : 0xf1);
    cr_assert_eq(port_read(io, PM_BASE + 4, 2), ACPI_SCI_EN);
    if (q35)
        ich9_lpc_power_button(power);
    else
        piix4_pm_power_button(power);
    cr_assert_eq(port_read(io, PM_BASE, 2), ACPI_PWRBTN);
    cr_assert_not(sci.level);
    port_write(io, PM_BASE + 2, 2, ACPI_PWRBTN);
    cr_assert(sci.level);
    port_write(io, PM_BASE + 1, 1, ACPI_PWRBTN >> 8);
    cr_assert_not(sci.level);
    cr_assert_eq(port_read(io, PM_BASE, 4), (uint32_t)ACPI_PWRBTN << 16);
    port_write(io, PM_BASE + 4, 2, 1 << 10 | ACPI_SLP_EN); // S3 is not there
    cr_assert_eq(atomic_load(&machine->requests), 0);
    port_write(io, PM_BASE + 4, 2, ACPI_SLP_EN);
    cr_assert_neq(atomic_load(&machine->requests), 0);
    cr_assert_eq(atomic_load(&machine->shutdown_reason), SHUTDOWN_GUEST);
    cr_assert_eq(port_read(io, PM_BASE + 4, 2) & ACPI_SLP_EN, 0);
}

Test(pc_chipset, piix4_power)
{
    make(false);
    check_power(false);
    port_write(io, PIIX4_GPE_PORT + 2, 1, 4);
    cr_assert_eq(port_read(io, PIIX4_GPE_PORT, 4), 4 << 16);
    unmake();
}

Test(pc_chipset, ich9_power)
{
    make(true);
    check_power(true);
    port_write(io, PM_BASE + 0x28, 4, 4);
    cr_assert_eq(port_read(io, PM_BASE + 0x28, 4), 4);
    unmake();
}

Test(pc_chipset, management_interrupts)
{
    make(false);
    port_write(io, 0xb3, 1, 9);
    port_write(io, 0xb2, 1, 1);
    cr_assert_not(smi.level);
    config_set(io, PCI_DEVFN(1, 3), 0x58, 4, 1 << 25);
    port_write(io, 0xb2, 1, 1);
    cr_assert(smi.level);
    cr_assert_eq(port_read(io, 0xb3, 1), 9);
    unmake();
    smi = (struct irq_sink){0};
    make(true);
    enable_ports(true);
    port_write(io, 0xb2, 1, 1);
    cr_assert_not(smi.level);
    port_write(io, PM_BASE + 0x30, 4, 0x21);
    port_write(io, 0xb2, 1, 1);
    cr_assert(smi.level);
    cr_assert_eq(port_read(io, PM_BASE + 0x34, 4), 0x20);
    port_write(io, PM_BASE + 0x34, 4, 0x20);
    cr_assert_eq(port_read(io, PM_BASE + 0x34, 4), 0);
    set(PCI_DEVFN(31, 0), 0xa0, 0x10); // lock
    port_write(io, PM_BASE + 0x30, 4, 0);
    cr_assert_eq(port_read(io, PM_BASE + 0x30, 4), 1);
    unmake();
}

Test(pc_chipset, timer_counts_and_overflows)
{
    make(false);
    enable_ports(false);
    port_write(io, 0xb2, 1, 0xf1);
    port_write(io, PM_BASE + 2, 2, ACPI_TMR);
    cr_assert_eq(port_read(io, PM_BASE + 8, 4), 0);
    event_clock_set_now(machine->clock, NS_PER_SECOND);
    cr_assert_eq(port_read(io, PM_BASE + 8, 4), ACPI_PM_TIMER_HZ);
    cr_assert_not(sci.level);
    // The top bit changes after 2^23 / 3579545 s.
    uint64_t next = UINT64_C(2343485000);
    event_clock_set_now(machine->clock, next);
    event_clock_start(machine->clock);
    device_lock_acquire(&machine->lock);
    event_clock_run(machine->clock);
    device_lock_release(&machine->lock);
    event_clock_stop(machine->clock);
    cr_assert(sci.level);
    cr_assert_eq(port_read(io, PM_BASE, 2), ACPI_TMR);
    port_write(io, PM_BASE, 2, ACPI_TMR);
    cr_assert_not(sci.level);
    event_clock_set_now(machine->clock, 5 * NS_PER_SECOND);
    cr_assert_eq(port_read(io, PM_BASE + 8, 4), 5u * ACPI_PM_TIMER_HZ % (1 << 24));
    cr_assert_eq(port_read(io, PM_BASE, 2), ACPI_TMR);
    unmake();
}

Test(pc_chipset, smbus_has_no_devices)
{
    make(false);
    config_set(io, PCI_DEVFN(1, 3), 0x90, 4, 0x701);
    set(PCI_DEVFN(1, 3), 0xd2, 9);
    port_write(io, 0x704, 1, 0xa1);
    port_write(io, 0x702, 1, 0x48);
    cr_assert_eq(port_read(io, 0x700, 1), 4, "device error");
    port_write(io, 0x700, 1, 0xff);
    cr_assert_eq(port_read(io, 0x700, 1), 0);
    unmake();
}

static void hostile(bool q35)
{
    make(q35);
    uint32_t seed = 99;
    static const uint16_t ports[] = {0xcf8, 0xcfc, 0xcf9, 0xb2, 0xafe0, PM_BASE, PM_BASE + 0x20};
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint8_t slots[] = {0, PCI_DEVFN(1, 0), PCI_DEVFN(1, 3), PCI_DEVFN(31, 0)};
        uint32_t value = seed ^ seed << 7;
        unsigned size = 1u << (seed >> 29) % 3;
        config_set(io, slots[seed >> 8 & 3], (seed >> 10) & 0xff & ~(size - 1), size, value);
        uint64_t unused;
        uint16_t port = (uint16_t)(ports[i % 7] + (seed >> 24) % 16);
        memory_map_write(io, (struct mem_requester){0}, port, size, value);
        memory_map_read(io, (struct mem_requester){0}, port, size, &unused);
        memory_map_write(machine->map, (struct mem_requester){0}, 0xa0000 + (seed >> 4) % 0x60000, 4, value);
        if (i % 512 == 0)
            memory_map_reclaim(machine->map);
    }
    memory_map_reclaim(io);
    cr_assert_eq(guest_read(machine, 0x1000, 4), 0);
    unmake();
}

Test(pc_chipset, hostile_pc)
{
    hostile(false);
}

Test(pc_chipset, hostile_q35)
{
    hostile(true);
}
