// SPDX-License-Identifier: MIT
// Power management of the PIIX4 (Intel 82371AB datasheet, chapter 7; 8086:7113): ACPI registers, the APM
// ports, and an SMBus controller without anything on its bus. General purpose events are at port 0xafe0, as
// QEMU has them.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type piix4_pm_type; // "PIIX4_PM"

enum { PIIX4_GPE_PORT = 0xafe0, PIIX4_GPE_BYTES = 4, PIIX4_ACPI_ENABLE = 0xf1, PIIX4_ACPI_DISABLE = 0xf0 };

struct piix4_pm_wiring {
    struct irq_line sci; // ISA interrupt 9
    struct irq_line
        smi; // raised for each SMI, never lowered; nobody: the firmware is told that there is none
};

// Before realize.
void piix4_pm_wire(struct device *device, const struct piix4_pm_wiring *wiring);
void piix4_pm_power_button(struct device *device);
