// SPDX-License-Identifier: MIT
// A machine without a board, for tests of single chips: RAM at 0x40000000, a clock that the test moves,
// interrupt lines that are only counted.
#pragma once

#include "hw/core/irq.h"
#include "hw/core/machine.h"

enum { BARE_RAM_MIB = 16 };
#define BARE_RAM_BASE UINT64_C(0x40000000)

struct irq_sink {
    bool level;
    unsigned edges; // rising
};

struct machine *bare_machine_create(void);
void bare_machine_destroy(struct machine *machine);
struct irq_line irq_sink_line(struct irq_sink *sink);
// A device of the type with its properties ("name=value" strings ended by NULL) set and realized.
struct device *bare_device(struct machine *machine, const struct device_type *type,
                           const char *const *properties);
// Guest accesses that must decode.
uint64_t guest_read(struct machine *machine, uint64_t gpa, unsigned size);
void guest_write(struct machine *machine, uint64_t gpa, unsigned size, uint64_t value);
// Lets posted work, events and finished I/O run until `done` or a second has passed.
bool run_until(struct machine *machine, bool (*done)(void *opaque), void *opaque);
// What the device shows of its interrupts has this line; and showing it changes no state.
void expect_irq_line(struct device *device, const char *line);
