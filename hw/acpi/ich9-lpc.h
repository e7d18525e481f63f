// SPDX-License-Identifier: MIT
// The LPC bridge of the ICH9 (Intel I/O Controller Hub 9 datasheet, chapter 13; 8086:2918): PCI interrupt
// routing, ACPI registers and SMI control.
//
// Left out: the TCO watchdog, other devices' routing registers behind RCBA (they read as after reset and keep
// that), SCI on another interrupt than 9.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type ich9_lpc_type; // "ICH9-LPC"

enum { ICH9_PIRQS = 8, ICH9_ISA_IRQS = 16, ICH9_ACPI_ENABLE = 2, ICH9_ACPI_DISABLE = 3 };

struct ich9_lpc_wiring {
    struct irq_line isa_irqs[ICH9_ISA_IRQS]; // inputs of the 8259s and of the I/O APIC below 16
    struct irq_line gsis[ICH9_PIRQS];        // inputs 16 to 23 of the I/O APIC: PIRQA to PIRQH
    struct irq_line sci;                     // interrupt 9
    struct irq_line
        smi; // raised for each SMI, never lowered; nobody: the firmware is told that there is none
};

// Before realize.
void ich9_lpc_wire(struct device *device, const struct ich9_lpc_wiring *wiring);
// From creation on.
struct irq_line ich9_lpc_pirq(struct device *device, unsigned number);
void ich9_lpc_power_button(struct device *device);
