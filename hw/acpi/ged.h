// SPDX-License-Identifier: MIT
// The generic event device of machines with reduced ACPI hardware (ACPI 6.3, sections 3.11.1 and 5.6.9), with registers
// as QEMU's "acpi-ged" has them: a 32-bit word of pending events, which reading clears, and beside it the bytes by which
// the guest sleeps or resets. Sleeping is soft off alone (type 5). The only event is the power button.
//
// There is an ACPI timer (24 bits, 3.579545 MHz) at an I/O port besides, which QEMU's device has not: kernels without a
// paravirtual clock have nothing else by which to measure the time stamp counter.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type acpi_ged_type; // "acpi-ged"

enum { ACPI_GED_POWER_BUTTON = 1 << 1 };

// Registers beside the event word.
enum acpi_ged_register { ACPI_GED_SLEEP_CONTROL, ACPI_GED_SLEEP_STATUS, ACPI_GED_RESET, ACPI_GED_REGISTERS };
enum { ACPI_GED_SLEEP_SOFT_OFF = 5, ACPI_GED_RESET_VALUE = 0x42 };

struct memory_map;

// Before realize.
void acpi_ged_wire(struct device *device, uint64_t events, uint64_t registers, struct irq_line irq, struct memory_map *io,
                   uint16_t timer_port);
// Device lock held.
void acpi_ged_power_button(struct device *device);
