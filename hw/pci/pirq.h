// SPDX-License-Identifier: MIT
// PIRQ routing of Intel south bridges: a register for each PIRQ names the ISA interrupt it drives. Several
// may drive the same one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/irq.h"

enum { PIRQ_MAX = 8, PIRQ_DISABLED = 0x80, PIRQ_ISA_IRQS = 16 };

struct pirq_router {
    struct irq_line isa_irqs[PIRQ_ISA_IRQS];
    uint8_t levels;  // of the PIRQs, a bit each
    uint16_t driven; // of the ISA interrupts
};

// `routes` are the registers of `count` PIRQs, as they are now.
void pirq_update(struct pirq_router *router, const uint8_t *routes, unsigned count);
