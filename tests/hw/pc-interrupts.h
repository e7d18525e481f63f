// SPDX-License-Identifier: MIT
// Local APICs, I/O APIC and the 8259 pair, wired as on a PC, and processors that only note what reaches them.
#pragma once

#include <stdatomic.h>

#include "hw/core/machine.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"

enum { PC_INTERRUPTS_CPUS = 4 };
#define PC_INTERRUPTS_TSC_HZ UINT64_C(3000000000)

struct pc_interrupts {
    struct machine *machine;
    struct device *apic, *pic, *ioapic;
    struct pc_interrupts_cpu {
        atomic_bool intr;
        atomic_uint interrupts; // times that `intr` was raised
        unsigned nmis, smis, inits, start_ups, page;
    } cpus[PC_INTERRUPTS_CPUS];
};

enum {
    LAPIC_ID = 0x20,
    LAPIC_TPR = 0x80,
    LAPIC_PPR = 0xa0,
    LAPIC_EOI = 0xb0,
    LAPIC_LDR = 0xd0,
    LAPIC_DFR = 0xe0,
    LAPIC_SVR = 0xf0,
    LAPIC_ISR = 0x100,
    LAPIC_TMR = 0x180,
    LAPIC_IRR = 0x200,
    LAPIC_ESR = 0x280,
    LAPIC_ICR = 0x300,
    LAPIC_ICR_HIGH = 0x310,
    LAPIC_TIMER = 0x320,
    LAPIC_LINT0 = 0x350,
    LAPIC_LINT1 = 0x360,
    LAPIC_ERROR = 0x370,
    LAPIC_INITIAL = 0x380,
    LAPIC_CURRENT = 0x390,
    LAPIC_DIVIDE = 0x3e0
};

// Realized and reset; `apic_ids` is one for each of `count` processors.
void pc_interrupts_create(struct pc_interrupts *p, struct machine *machine, struct memory_map *io, unsigned count,
                          const uint32_t *apic_ids);

// Registers of the processor's local APIC, by their offsets, and of the I/O APIC, by their numbers.
uint32_t lapic_get(struct pc_interrupts *p, unsigned cpu, uint64_t offset);
void lapic_put(struct pc_interrupts *p, unsigned cpu, uint64_t offset, uint32_t value);
uint32_t ioapic_get(struct pc_interrupts *p, uint8_t index);
void ioapic_put(struct pc_interrupts *p, uint8_t index, uint32_t value);
// An input's entry in the table: where to, and the lower half.
void ioapic_route(struct pc_interrupts *p, unsigned pin, uint8_t destination, uint32_t low);
// The interrupt that the processor takes, or -1.
int lapic_take(struct pc_interrupts *p, unsigned cpu);
