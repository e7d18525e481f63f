// SPDX-License-Identifier: MIT
// The definition block of a machine with reduced ACPI hardware: virtio transports, the generic event device with the
// power button, and what few ISA devices there are.
#include <stdio.h>

#include "hw/acpi/acpi-internal.h"
#include "hw/acpi/ged.h"

static void put_virtio(struct aml *aml, const struct acpi_reduced *reduced)
{
    for (unsigned i = 0; i < reduced->virtio_count; i++) {
        const struct acpi_virtio *virtio = &reduced->virtio[i];
        char name[8];
        snprintf(name, sizeof(name), "VR%02X", i & 0xff);
        aml_device(aml, name);
        aml_name(aml, "_HID");
        aml_string(aml, "LNRO0005");
        aml_named_integer(aml, "_UID", i);
        aml_name(aml, "_CRS");
        aml_resources(aml);
        aml_resource_memory(aml, virtio->base, virtio->bytes, true);
        aml_resource_interrupt(aml, &virtio->gsi, 1);
        aml_resources_end(aml);
        aml_end(aml);
    }
}

static void put_events(struct aml *aml, const struct acpi_reduced *reduced)
{
    enum { POWER_BUTTON_PRESSED = 0x80 };
    aml_device(aml, "PWRB");
    aml_name(aml, "_HID");
    aml_eisa_id(aml, "PNP0C0C");
    aml_named_integer(aml, "_UID", 0);
    aml_end(aml);

    aml_device(aml, "GED");
    aml_name(aml, "_HID");
    aml_string(aml, "ACPI0013");
    aml_named_integer(aml, "_UID", 0);
    aml_name(aml, "_CRS");
    aml_resources(aml);
    aml_resource_interrupt(aml, &reduced->ged_gsi, 1);
    aml_resources_end(aml);
    aml_region(aml, "EREG", AML_SYSTEM_MEMORY, reduced->ged_events, 4);
    aml_field(aml, "EREG", AML_DWORD_ACCESS);
    aml_field_unit(aml, "ESEL", 32);
    aml_end(aml);
    // Reading clears the events, so each is looked for in what was read once.
    aml_method(aml, "_EVT", 1 | AML_SERIALIZED);
    aml_op(aml, AML_STORE);
    aml_path(aml, "ESEL");
    aml_op(aml, AML_LOCAL0);
    aml_if(aml);
    aml_op(aml, AML_AND);
    aml_op(aml, AML_LOCAL0);
    aml_integer(aml, ACPI_GED_POWER_BUTTON);
    aml_op(aml, AML_ZERO); // no target
    aml_op(aml, AML_NOTIFY);
    aml_path(aml, "\\_SB_.PWRB");
    aml_integer(aml, POWER_BUTTON_PRESSED);
    aml_end(aml);
    aml_end(aml);
    aml_end(aml);
}

void acpi_dsdt_reduced(struct aml *aml, const struct acpi_config *config)
{
    aml_scope(aml, "\\_SB");
    for (unsigned i = 0; i < 4; i++)
        if (config->serials >> i & 1)
            acpi_dsdt_serial(aml, i);
    acpi_dsdt_fw_cfg(aml);
    put_virtio(aml, config->reduced);
    put_events(aml, config->reduced);
    acpi_dsdt_cpus(aml, config);
    aml_end(aml);

    aml_name(aml, "\\_S5");
    aml_package(aml, 4);
    aml_integer(aml, ACPI_GED_SLEEP_SOFT_OFF);
    for (unsigned i = 0; i < 3; i++)
        aml_integer(aml, 0);
    aml_end(aml);
}
