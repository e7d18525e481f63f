// SPDX-License-Identifier: MIT
// Between the table builder and the DSDT.
#pragma once

#include "hw/acpi/acpi-tables.h"
#include "hw/acpi/aml.h"

enum { ACPI_STA_PRESENT = 0x0f }; // present, enabled, shown, working

// The definition block, without the table's header.
void acpi_dsdt(struct aml *aml, const struct acpi_config *config);
void acpi_dsdt_reduced(struct aml *aml, const struct acpi_config *config);
// The ISA bridge of a PC and what is behind it.
void acpi_dsdt_isa(struct aml *aml, const struct acpi_config *config);
// Devices that are the same in both.
void acpi_dsdt_serial(struct aml *aml, unsigned number);
void acpi_dsdt_fw_cfg(struct aml *aml);
void acpi_dsdt_cpus(struct aml *aml, const struct acpi_config *config);
