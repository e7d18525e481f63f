// SPDX-License-Identifier: MIT
// 16550A UART (National Semiconductor PC16550D) without a bus: eight registers, an interrupt output, a
// chardev. A device that has one embeds it. Bytes move at once, whatever the baud rate says; only the receive
// timeout follows it. The interrupt output is not gated by MCR.OUT2. Left out: DMA signals, sending breaks,
// parity and framing errors, which a chardev cannot have.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/clock.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"

struct chardev;
struct machine;

enum { UART16550_FIFO = 16, UART16550_REGISTERS = 8 };

struct uart16550 {
    struct chardev *chardev; // NULL: an open line
    struct irq_line irq;
    struct event timeout; // characters have been waiting for four character times

    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    bool thr_empty_pending, timeout_pending;
    uint16_t rx[UART16550_FIFO]; // with LSR error bits in the high byte
    uint8_t tx[UART16550_FIFO];  // filled only while the chardev takes nothing
    uint32_t rx_first, rx_count, tx_count;
};

extern const struct state_field uart16550_state[];

// Connects the chardev (set before). -EBUSY with a message.
int uart16550_start(struct uart16550 *uart, struct machine *machine, struct error *error);
void uart16550_stop(struct uart16550 *uart);
void uart16550_reset(struct uart16550 *uart);
void uart16550_state_loaded(struct uart16550 *uart);
// Registers 0 to 7, with the device lock held.
uint8_t uart16550_read(struct uart16550 *uart, unsigned offset);
void uart16550_write(struct uart16550 *uart, unsigned offset, uint8_t value);
