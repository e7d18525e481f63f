// SPDX-License-Identifier: MIT
// An interrupt wire, seen from the device that drives it: whom to tell, and which input of his it is. A small
// value that boards copy into devices. An unconnected line is all zeroes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef void irq_handler_fn(void *opaque, unsigned input, bool level);

struct irq_line {
    irq_handler_fn *handler;
    void *opaque;
    unsigned input;
};

// Drives the line. Repeating a level is allowed. From any thread that may call the device that drives it.
static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->handler)
        line->handler(line->opaque, line->input, level);
}

// An edge, for inputs that are edge triggered.
static inline void irq_pulse(const struct irq_line *line)
{
    irq_set(line, true);
    irq_set(line, false);
}
