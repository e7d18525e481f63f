// SPDX-License-Identifier: MIT
// The differentiated system description table: the PCI root with its windows and interrupt routes, interrupt
// links, CPUs, and soft off.
#include <stdio.h>

#include "hw/acpi/acpi-internal.h"

enum {
    PIRQS = 8, // of a Q35
    PIIX_PIRQS = 4,
    FIRST_PIRQ_GSI = 16,
    STA_LINK_ON = 0x0b,
    STA_LINK_OFF = 0x09,
    PIRQ_OFF = 0x80,
    SLOTS = 32,
};

static const uint32_t link_irqs[] = {5, 10, 11};

static void return_integer(struct aml *aml, uint64_t value)
{
    aml_op(aml, AML_RETURN);
    aml_integer(aml, value);
}

static void put_windows(struct aml *aml, const struct acpi_config *config)
{
    uint32_t first = config->pci_hole, last = 0xfebfffff;
    uint64_t ecam = config->pciexbar, ecam_end = ecam + config->pciexbar_bytes;
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_window_bus(aml, 0, 0xff);
    aml_resource_io(aml, 0xcf8, 8);
    aml_window_io(aml, 0, 0xcf7);
    aml_window_io(aml, 0xd00, 0xffff);
    aml_window_memory(aml, 0xa0000, 0xbffff, true);
    // The configuration window is not for devices.
    if (config->pciexbar_bytes && ecam_end > first && ecam < last) {
        if (ecam > first)
            aml_window_memory(aml, first, (uint32_t)ecam - 1, false);
        first = (uint32_t)ecam_end;
    }
    if (first < last)
        aml_window_memory(aml, first, last, false);
    if (config->pci_hole64_bytes)
        aml_window_memory64(aml, config->pci_hole64, config->pci_hole64 + config->pci_hole64_bytes - 1);
    aml_resources_end(aml);
}

// Which PIRQ a pin is wired to; the bridges' map_irq is the same in hardware.
static unsigned wired_pirq(const struct acpi_config *config, unsigned slot, unsigned pin)
{
    if (!config->q35)
        return (slot + 3 + pin) % PIIX_PIRQS;
    if (slot == 30)
        return 4 + pin;
    return slot >= 25 ? pin : 4 + (slot + pin) % 4;
}

// Rows of {address, pin, link, 0} for all functions of all slots, with links named like `link`.
static void put_routes(struct aml *aml, const struct acpi_config *config, const char *link)
{
    aml_package(aml, SLOTS * 4);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            char name[16];
            unsigned pirq = wired_pirq(config, slot, pin);
            // PIIX4 power management interrupts by its own wire.
            bool sci = !config->q35 && slot == 1 && pin == 0;
            snprintf(name, sizeof(name), "\\_SB_.%s%c", link, sci ? 'S' : (char)('A' + pirq));
            aml_package(aml, 4);
            aml_integer(aml, (uint64_t)slot << 16 | 0xffff);
            aml_integer(aml, pin);
            aml_path(aml, name);
            aml_integer(aml, 0);
            aml_end(aml);
        }
    }
    aml_end(aml);
}

static void put_prt(struct aml *aml, const struct acpi_config *config)
{
    if (!config->q35) {
        aml_name(aml, "_PRT");
        put_routes(aml, config, "LNK");
        return;
    }
    // With the I/O APIC each PIRQ has an input of its own.
    aml_name(aml, "PRTP");
    put_routes(aml, config, "LNK");
    aml_name(aml, "PRTA");
    put_routes(aml, config, "GSI");
    aml_method(aml, "_PRT", 0);
    aml_if(aml);
    aml_op(aml, AML_LEQUAL);
    aml_path(aml, "\\PICF");
    aml_integer(aml, 0);
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTP");
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRTA");
    aml_end(aml);
}

// Grants the operating system native control of what there is: of nothing more than hot plug, PME, error
// reporting and capability structures.
static void put_osc(struct aml *aml)
{
    static const uint8_t pci_uuid[] = {0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
                                       0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66};
    aml_method(aml, "_OSC", 4 | AML_SERIALIZED);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, AML_ARG3);
    aml_integer(aml, 0);
    aml_path(aml, "CDW1");
    aml_if(aml);
    aml_op(aml, AML_LEQUAL);
    aml_op(aml, AML_ARG0);
    aml_buffer(aml, sizeof(pci_uuid));
    aml_bytes(aml, pci_uuid, sizeof(pci_uuid));
    aml_end(aml);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, AML_ARG3);
    aml_integer(aml, 8);
    aml_path(aml, "CDW3");
    aml_op(aml, AML_AND);
    aml_path(aml, "CDW3");
    aml_integer(aml, 0x1e);
    aml_path(aml, "CDW3");
    aml_end(aml);
    aml_else(aml);
    aml_op(aml, AML_OR);
    aml_path(aml, "CDW1");
    aml_integer(aml, 4); // unrecognized
    aml_path(aml, "CDW1");
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_op(aml, AML_ARG3);
    aml_end(aml);
}

// A link whose interrupt the register (a field called PRQA and so on) holds.
static void put_link(struct aml *aml, unsigned pirq)
{
    char link[8], field[8];
    snprintf(link, sizeof(link), "LNK%c", (char)('A' + pirq));
    snprintf(field, sizeof(field), "PRQ%c", (char)('A' + pirq));
    aml_device(aml, link);
    aml_named_eisa_id(aml, "_HID", "PNP0C0F");
    aml_named_integer(aml, "_UID", pirq);
    aml_name(aml, "_PRS");
    aml_resources(aml);
    aml_resource_interrupt(aml, link_irqs, 3);
    aml_resources_end(aml);

    aml_method(aml, "_STA", 0);
    aml_if(aml);
    aml_op(aml, AML_AND);
    aml_path(aml, field);
    aml_integer(aml, PIRQ_OFF);
    aml_op(aml, AML_ZERO); // no target
    return_integer(aml, STA_LINK_OFF);
    aml_end(aml);
    return_integer(aml, STA_LINK_ON);
    aml_end(aml);

    aml_method(aml, "_DIS", 0);
    aml_op(aml, AML_OR);
    aml_path(aml, field);
    aml_integer(aml, PIRQ_OFF);
    aml_path(aml, field);
    aml_end(aml);

    aml_method(aml, "_CRS", AML_SERIALIZED);
    aml_name(aml, "PRR0");
    aml_resources(aml);
    aml_resource_interrupt(aml, (const uint32_t[]){0}, 1);
    aml_resources_end(aml);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_path(aml, "PRR0");
    aml_integer(aml, 5); // the interrupt's number in the descriptor
    aml_path(aml, "PRRI");
    aml_if(aml);
    aml_op(aml, AML_LNOT);
    aml_op(aml, AML_AND);
    aml_path(aml, field);
    aml_integer(aml, PIRQ_OFF);
    aml_op(aml, AML_ZERO);
    aml_op(aml, AML_STORE);
    aml_path(aml, field);
    aml_path(aml, "PRRI");
    aml_end(aml);
    aml_op(aml, AML_RETURN);
    aml_path(aml, "PRR0");
    aml_end(aml);

    aml_method(aml, "_SRS", 1 | AML_SERIALIZED);
    aml_op(aml, AML_CREATE_DWORD_FIELD);
    aml_op(aml, AML_ARG0);
    aml_integer(aml, 5);
    aml_path(aml, "PRRI");
    aml_op(aml, AML_STORE);
    aml_path(aml, "PRRI");
    aml_path(aml, field);
    aml_end(aml);
    aml_end(aml);
}

// A link to one interrupt that cannot be changed.
static void put_fixed_link(struct aml *aml, const char *name, unsigned uid, uint32_t gsi)
{
    aml_device(aml, name);
    aml_named_eisa_id(aml, "_HID", "PNP0C0F");
    aml_named_integer(aml, "_UID", uid);
    aml_named_integer(aml, "_STA", STA_LINK_ON);
    static const char *const names[] = {"_PRS", "_CRS"};
    for (unsigned i = 0; i < 2; i++) {
        aml_name(aml, names[i]);
        aml_resources(aml);
        aml_resource_interrupt(aml, &gsi, 1);
        aml_resources_end(aml);
    }
    aml_method(aml, "_DIS", 0);
    aml_end(aml);
    aml_method(aml, "_SRS", 1);
    aml_end(aml);
    aml_end(aml);
}

static void put_links(struct aml *aml, const struct acpi_config *config)
{
    aml_field(aml, "\\_SB_.PCI0.ISA_.PIRQ", AML_BYTE_ACCESS);
    for (unsigned i = 0; i < (config->q35 ? PIRQS : PIIX_PIRQS); i++) {
        char field[8];
        snprintf(field, sizeof(field), "PRQ%c", (char)('A' + i));
        if (i == 4)
            aml_field_skip(aml, 32); // PIRQE_ROUT is at 0x68
        aml_field_unit(aml, field, 8);
    }
    aml_end(aml);
    for (unsigned i = 0; i < (config->q35 ? PIRQS : PIIX_PIRQS); i++)
        put_link(aml, i);
    if (!config->q35) {
        put_fixed_link(aml, "LNKS", PIIX_PIRQS, 9);
        return;
    }
    for (unsigned i = 0; i < PIRQS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "GSI%c", (char)('A' + i));
        put_fixed_link(aml, name, FIRST_PIRQ_GSI + i, FIRST_PIRQ_GSI + i);
    }
}

void acpi_dsdt_fw_cfg(struct aml *aml)
{
    aml_device(aml, "FWCF");
    aml_name(aml, "_HID");
    aml_string(aml, "QEMU0002");
    aml_named_integer(aml, "_STA", STA_LINK_ON);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, 0x510, 12);
    aml_resources_end(aml);
    aml_end(aml);
}

// Addresses that are nobody else's: the ACPI registers, and the configuration window of a Q35.
static void put_reserved(struct aml *aml, const struct acpi_config *config)
{
    aml_device(aml, "RSVD");
    aml_named_eisa_id(aml, "_HID", "PNP0C02");
    aml_named_integer(aml, "_UID", 1);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, config->pm_base, config->q35 ? 128 : 64);
    aml_resource_io(aml, 0xb2, 2);
    if (!config->q35)
        aml_resource_io(aml, 0xafe0, 4);
    if (config->pciexbar_bytes)
        aml_resource_memory(aml, (uint32_t)config->pciexbar, (uint32_t)config->pciexbar_bytes, true);
    aml_resources_end(aml);
    aml_end(aml);
    acpi_dsdt_fw_cfg(aml);
}

static void put_hpet(struct aml *aml)
{
    aml_device(aml, "HPET");
    aml_named_eisa_id(aml, "_HID", "PNP0103");
    aml_named_integer(aml, "_UID", 0);
    aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_memory(aml, 0xfed00000, 0x400, false);
    aml_resources_end(aml);
    aml_end(aml);
}

void acpi_dsdt_cpus(struct aml *aml, const struct acpi_config *config)
{
    for (unsigned i = 0; i < config->cpu_count && i <= 0xfff; i++) {
        char name[8];
        snprintf(name, sizeof(name), "C%03X", i);
        aml_device(aml, name);
        aml_name(aml, "_HID");
        aml_string(aml, "ACPI0007");
        aml_named_integer(aml, "_UID", i);
        aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
        aml_end(aml);
    }
}

static void put_root(struct aml *aml, const struct acpi_config *config)
{
    aml_device(aml, "PCI0");
    aml_named_eisa_id(aml, "_HID", config->q35 ? "PNP0A08" : "PNP0A03");
    if (config->q35)
        aml_named_eisa_id(aml, "_CID", "PNP0A03");
    aml_named_integer(aml, "_UID", 0);
    aml_named_integer(aml, "_ADR", 0);
    if (config->q35)
        put_osc(aml);
    put_windows(aml, config);
    acpi_dsdt_isa(aml, config);
    put_reserved(aml, config);
    aml_end(aml);
}

void acpi_dsdt(struct aml *aml, const struct acpi_config *config)
{
    aml_named_integer(aml, "\\PICF", 0);
    aml_method(aml, "\\_PIC", 1);
    aml_op(aml, AML_STORE);
    aml_op(aml, AML_ARG0);
    aml_path(aml, "\\PICF");
    aml_end(aml);

    aml_scope(aml, "\\_SB");
    put_root(aml, config);
    put_links(aml, config);
    aml_scope(aml, "PCI0"); // after the links it names
    put_prt(aml, config);
    aml_end(aml);
    if (config->hpet)
        put_hpet(aml);
    acpi_dsdt_cpus(aml, config);
    aml_end(aml);

    // Sleep type 0 is off.
    aml_name(aml, "\\_S5");
    aml_package(aml, 4);
    for (unsigned i = 0; i < 4; i++)
        aml_integer(aml, 0);
    aml_end(aml);
}
