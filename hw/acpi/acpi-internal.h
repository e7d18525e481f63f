// SPDX-License-Identifier: MIT
// Between the table builder and the DSDT.
#pragma once

#include "hw/acpi/acpi-tables.h"
#include "hw/acpi/aml.h"

// The definition block, without the table's header.
void acpi_dsdt(struct aml *aml, const struct acpi_config *config);
