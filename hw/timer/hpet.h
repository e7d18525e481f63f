// SPDX-License-Identifier: MIT
// High precision event timers (IA-PC HPET specification 1.0a): a 64-bit counter of 10 ns ticks and three
// timers that may be periodic and take the place of 8254 and clock interrupts. Left out: interrupt messages
// (FSB).
//
// A one-shot comparator that has just been passed when it is written fires at once rather than after the
// counter has wrapped, since a guest that is emulated is late more often.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type hpet_type; // "hpet"

enum { HPET_GSIS = 32, HPET_TICK_FS = 10000000 };
#define HPET_DEFAULT_BASE UINT64_C(0xfed00000)

enum hpet_legacy { HPET_LEGACY_TIMER, HPET_LEGACY_CLOCK, HPET_LEGACY_LINES };

struct hpet_config {
    uint64_t base;
    uint32_t routes; // a bit for each of `gsi` that a timer may be routed to
    struct irq_line gsi[HPET_GSIS];
    // Where interrupts 0 and 8 of the board go: from the 8254 and the clock, whose outputs are connected to
    // hpet_legacy_input, or from timers 0 and 1 in their place.
    struct irq_line legacy[HPET_LEGACY_LINES];
};

// Before realize.
void hpet_configure(struct device *device, const struct hpet_config *config);
struct irq_line hpet_legacy_input(struct device *device, enum hpet_legacy line);
