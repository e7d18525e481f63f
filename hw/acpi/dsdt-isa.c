// SPDX-License-Identifier: MIT
// The part of the differentiated system description table about what is behind the ISA bridge: the bridge's interrupt
// router, and parts that have no other way to be found. Floppy disks: ACPI 6.3, section 9.9.
#include <stdio.h>

#include "hw/acpi/acpi-internal.h"

static void put_keyboard(struct aml *aml)
{
    aml_device(aml, "KBD");
    aml_named_eisa_id(aml, "_HID", "PNP0303");
    aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, 0x60, 1);
    aml_resource_io(aml, 0x64, 1);
    aml_resource_irq(aml, 1);
    aml_resources_end(aml);
    aml_end(aml);
    aml_device(aml, "MOU");
    aml_named_eisa_id(aml, "_HID", "PNP0F13");
    aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_irq(aml, 12);
    aml_resources_end(aml);
    aml_end(aml);
}

void acpi_dsdt_serial(struct aml *aml, unsigned number)
{
    static const uint16_t ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    char name[8];
    snprintf(name, sizeof(name), "COM%u", number + 1);
    aml_device(aml, name);
    aml_named_eisa_id(aml, "_HID", "PNP0501");
    aml_named_integer(aml, "_UID", number + 1);
    aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, ports[number], 8);
    aml_resource_irq(aml, number & 1 ? 3 : 4);
    aml_resources_end(aml);
    aml_end(aml);
}

// The interface of old chips: what the drives are is asked of firmware and of the controller.
static void put_floppy(struct aml *aml, const struct acpi_config *config)
{
    enum { DRIVES = 4, TAPE_NEVER = 2 };
    aml_device(aml, "FDC0");
    aml_named_eisa_id(aml, "_HID", "PNP0700");
    aml_named_integer(aml, "_STA", ACPI_STA_PRESENT);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, 0x3f2, 4);
    aml_resource_io(aml, 0x3f7, 1);
    aml_resource_irq(aml, 6);
    aml_resource_dma(aml, 2);
    aml_resources_end(aml);
    aml_name(aml, "_FDE");
    aml_buffer(aml, (DRIVES + 1) * 4);
    for (unsigned i = 0; i < DRIVES; i++)
        aml_le(aml, i < 2 && config->floppy_drives[i], 4);
    aml_le(aml, TAPE_NEVER, 4);
    aml_end(aml);
    aml_end(aml);
}

void acpi_dsdt_isa(struct aml *aml, const struct acpi_config *config)
{
    aml_device(aml, "ISA");
    aml_named_integer(aml, "_ADR", config->q35 ? 0x1f0000 : 0x10000);
    aml_region(aml, "PIRQ", AML_PCI_CONFIG, 0x60, config->q35 ? 12 : 4);
    if (config->keyboard)
        put_keyboard(aml);
    if (config->floppy_controller)
        put_floppy(aml, config);
    aml_device(aml, "RTC");
    aml_named_eisa_id(aml, "_HID", "PNP0B00");
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_io(aml, 0x70, 8);
    aml_resource_irq(aml, 8);
    aml_resources_end(aml);
    aml_end(aml);
    for (unsigned i = 0; i < 4; i++)
        if (config->serials >> i & 1)
            acpi_dsdt_serial(aml, i);
    aml_end(aml);
}
