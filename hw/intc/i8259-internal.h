// SPDX-License-Identifier: MIT
// What the parts of the 8259A pair share. Everything is called with the lock held.
#pragma once

#include <pthread.h>

#include "hw/core/port-set.h"
#include "hw/intc/i8259.h"

enum { I8259_CASCADE = 2, I8259_NONE = -1 };

struct i8259_chip {
    uint8_t line, latch, imr, isr, elcr;
    uint8_t icw1, vector_base, expect;
    uint8_t lowest; // the input that has the lowest priority
    bool read_isr, poll, special_mask, auto_eoi, rotate_auto_eoi, fully_nested;
};

struct i8259 {
    struct device device;
    pthread_mutex_t lock;
    struct memory_map *io;
    struct irq_line intr;
    struct port_set ports;
    irq_handler_fn *input_set; // another's who does the work
    struct i8259_chip chips[2]; // the second hangs on the first
};

// The request register: latched edges, and the lines of level-triggered inputs.
uint8_t i8259_requests(const struct i8259 *pic, const struct i8259_chip *chip);
// The input that the chip wants served now, or I8259_NONE.
int i8259_wanted(const struct i8259 *pic, const struct i8259_chip *chip);

extern const struct state_field i8259_state[];
// As after reset, but for the lines. Without the lock.
void i8259_reset_registers(struct i8259 *pic);

// i8259-print.c
void i8259_print_irq(struct device *device, FILE *out);
