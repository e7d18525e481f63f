// SPDX-License-Identifier: MIT
// The fixed hardware of ACPI (ACPI 6.3, chapter 4.8) that every PC chipset has: the PM1 event and control
// registers, the power management timer, general purpose events, and the system control interrupt they share.
// The chipset maps the registers and says where.
//
// Sleeping is soft off (S5, sleep type 0); other sleep types are not there, nor is waking.
#pragma once

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"

enum { ACPI_PM_TIMER_HZ = 3579545, ACPI_GPE_BYTES_MAX = 8 };

enum acpi_pm1_event {
    ACPI_TMR = 1 << 0,
    ACPI_GBL = 1 << 5,
    ACPI_PWRBTN = 1 << 8,
    ACPI_SLPBTN = 1 << 9,
    ACPI_RTC = 1 << 10,
    ACPI_WAK = 1 << 15,
};

enum acpi_pm1_control {
    ACPI_SCI_EN = 1 << 0,
    ACPI_SLP_TYP_SHIFT = 10,
    ACPI_SLP_EN = 1 << 13,
};

// Registers within the chipset's block of ports.
enum acpi_pm_port { ACPI_PM1_EVENT = 0x0, ACPI_PM1_CONTROL = 0x4, ACPI_PM_TIMER = 0x8 };

struct acpi_pm {
    struct machine *machine;
    struct irq_line sci;
    struct event timer;
    unsigned gpe_bytes; // of the status half; as many enable bits follow

    uint16_t pm1_status, pm1_enable, pm1_control;
    uint8_t gpe_status[ACPI_GPE_BYTES_MAX], gpe_enable[ACPI_GPE_BYTES_MAX];
    uint64_t timer_seen; // the count when the timer's status bit was last looked at
};

extern const struct state_field acpi_pm_state[];

void acpi_pm_init(struct acpi_pm *pm, struct machine *machine, unsigned gpe_bytes);
void acpi_pm_release(struct acpi_pm *pm);
void acpi_pm_reset(struct acpi_pm *pm);
// Also after a state load.
void acpi_pm_update(struct acpi_pm *pm);

// Port accesses to the first 12 bytes of the block, of 1, 2 or 4 aligned bytes; other offsets read zero.
uint32_t acpi_pm_read(struct acpi_pm *pm, unsigned offset, unsigned size);
void acpi_pm_write(struct acpi_pm *pm, unsigned offset, unsigned size, uint32_t value);
uint8_t acpi_gpe_read(const struct acpi_pm *pm, unsigned offset);
void acpi_gpe_write(struct acpi_pm *pm, unsigned offset, uint8_t value);

// The firmware's switch between legacy mode and ACPI mode, by the SMI command port.
void acpi_pm_set_mode(struct acpi_pm *pm, bool acpi);
// A fixed event (the power button) happens.
void acpi_pm_raise(struct acpi_pm *pm, enum acpi_pm1_event event);
