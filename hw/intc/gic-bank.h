// SPDX-License-Identifier: MIT
// 32 interrupts and their per-interrupt registers, laid out alike in every Arm GIC: distributors have one
// such bank for each 32 shared interrupts, and each CPU has one for its private ones. No locking.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/device.h"

// A bit for each interrupt. A level-sensitive interrupt is pending while its line is up or while software has
// latched it; an edge-triggered one while it is latched.
struct gic_bank {
    uint32_t group, enabled, latch, line, active, edge;
    uint8_t priority[32];
};

extern const struct state_field gic_bank_state[];

// The bank registers, by the offset of the first in the distributor.
enum gic_bank_register {
    GIC_IGROUPR = 0x080,
    GIC_ISENABLER = 0x100,
    GIC_ICENABLER = 0x180,
    GIC_ISPENDR = 0x200,
    GIC_ICPENDR = 0x280,
    GIC_ISACTIVER = 0x300,
    GIC_ICACTIVER = 0x380,
    GIC_IPRIORITYR = 0x400,
    GIC_ICFGR = 0xc00,
    GIC_BANK_NONE = 0,
};

struct gic_bank_place {
    enum gic_bank_register reg;
    unsigned bank;  // which
    unsigned index; // IPRIORITYR: first interrupt; ICFGR: 0 or 1, which half
};

// Which bank register a distributor offset names. GIC_BANK_NONE when it is something else.
struct gic_bank_place gic_bank_decode(uint64_t offset);
// `size` is 1, 2 or 4. Registers other than priorities take words only; else reads give 0 and writes do
// nothing.
uint32_t gic_bank_read(const struct gic_bank *bank, struct gic_bank_place place, unsigned size);
// Returns the interrupts that may have to be considered anew. `fixed_edge` interrupts keep their trigger
// mode.
uint32_t gic_bank_write(struct gic_bank *bank, struct gic_bank_place place, unsigned size, uint32_t value,
                        uint32_t fixed_edge, unsigned priority_bits);
void gic_bank_set_line(struct gic_bank *bank, uint32_t bit, bool level);

static inline uint32_t gic_bank_pending(const struct gic_bank *bank)
{
    return bank->latch | (bank->line & ~bank->edge);
}

// The interrupt among `candidates` with the highest priority (the lowest number), if that beats `limit`; -1:
// none.
static inline int gic_bank_best(const struct gic_bank *bank, uint32_t candidates, unsigned limit)
{
    int best = -1;
    for (; candidates; candidates &= candidates - 1) {
        int n = __builtin_ctz(candidates);
        if (bank->priority[n] < limit) {
            limit = bank->priority[n];
            best = n;
        }
    }
    return best;
}
