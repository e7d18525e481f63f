// SPDX-License-Identifier: MIT
// The state of an Arm GIC's interrupts as a table for people: one line for each interrupt that is enabled, pending or
// active, or for a run of them that are alike, with what keeps it from its CPU.
#pragma once

#include <stdio.h>

#include "hw/intc/gic-bank.h"

// What an interrupt must pass on its way to a CPU.
struct gic_gate {
    uint32_t dist_groups, cpu_groups; // enabled ones, a bit each
    uint8_t pmr, running;             // priority mask; running priority, 0xff when there is none
    uint8_t preempts[2];              // of each group, the bits of a priority that decide about preemption
    const char *output[2];            // of each group, what it is signalled as
    uint32_t best;                    // the INTID that is first in line
};

struct gic_interrupt {
    uint32_t intid;
    bool enabled, pending, active, edge, line;
    uint8_t priority, group;
};

// How far an interrupt has come, the farthest last.
enum gic_progress {
    GIC_NO_TARGET,
    GIC_DISABLED,
    GIC_DIST_GROUP_OFF,
    GIC_CPU_GROUP_OFF,
    GIC_IN_SERVICE, // and pending again
    GIC_BELOW_MASK,
    GIC_BELOW_RUNNING,
    GIC_NOT_FIRST,
    GIC_SIGNALLED,
};

struct gic_interrupt gic_bank_interrupt(const struct gic_bank *bank, unsigned n, uint32_t first_intid);
// Of one that is pending.
enum gic_progress gic_progress(const struct gic_gate *gate, const struct gic_interrupt *interrupt);
const char *gic_progress_text(enum gic_progress progress, const struct gic_interrupt *interrupt,
                              const struct gic_gate *gate);

// "0", "1", "0 and 1" or "none", for a bit each.
const char *gic_groups_text(uint32_t groups);

// The part of a line that is the same of every CPU interface.
void gic_print_gate(const struct gic_gate *gate, unsigned driven, FILE *out);

// Rows that differ in nothing but neighbouring numbers become one.
struct gic_table {
    FILE *out;
    uint32_t first, last;
    char row[128]; // "": none waits to be printed
};

void gic_table_begin(struct gic_table *table, FILE *out);
// `target` is who gets it. Prints nothing of one that is idle and disabled.
void gic_table_add(struct gic_table *table, const struct gic_interrupt *interrupt, const char *target, const char *state);
void gic_table_end(struct gic_table *table);
