// SPDX-License-Identifier: MIT
// What distributor and CPU interface of the GICv2 share. One lock guards all of it, as in the GICv3.
#pragma once

#include <pthread.h>

#include "hw/core/memory-map.h"
#include "hw/intc/gic-bank.h"
#include "hw/intc/gicv2.h"

enum { GICV2_PRIORITY_BITS = 5, GICV2_IDLE_PRIORITY = 0xff, GICV2_SPURIOUS = 1023, GICV2_INTERNAL = 32 };

struct gicv2_cpu {
    struct irq_line inputs[2];
    uint8_t driven;
    struct gic_bank bank;
    uint8_t sgi_sources[16]; // of each SGI, which CPUs have sent it
    uint32_t ctlr, apr[2];   // active priorities of each group
    uint8_t pmr, bpr[2];     // bpr[1] is GICC_ABPR
};

// Who does the work: this code, or the host's kernel.
struct gicv2_engine {
    irq_handler_fn *spi_set, *ppi_set; // inputs: `spi`; CPU * 32 + `intid`
};

struct gicv2 {
    struct device device;
    const struct gicv2_engine *engine;
    struct gicv2_config config;
    pthread_mutex_t lock;
    struct mem_region *dist_region, *cpu_region;
    struct gicv2_cpu cpus[GICV2_MAX_CPUS];
    uint32_t dist_ctlr, spi_bank_count, spi_count;
    struct gic_bank *spis;
    uint8_t *targets; // of each SPI, a bit for each CPU
};

struct gicv2_pending {
    uint32_t intid; // GICV2_SPURIOUS: nothing
    uint8_t priority, group;
};

extern const struct state_field gicv2_state[];
// What a realized one has but its places in memory; and all that there is goes.
void gicv2_make(struct gicv2 *gic);
void gicv2_unrealize(struct device *device);
// As at power on, but for the lines; drives nothing. With the lock held.
void gicv2_reset_registers(struct gicv2 *gic);

// With the lock held.
struct gicv2_pending gicv2_highest_pending(const struct gicv2 *gic, unsigned cpu);
void gicv2_update(struct gicv2 *gic); // drives every CPU's inputs
struct gic_bank *gicv2_bank_of(struct gicv2 *gic, unsigned cpu, uint32_t intid, uint32_t *bit);

// Whether the interrupt may be signalled now, and as what (bit of ARM_CPU_IRQ or ARM_CPU_FIQ); 0: not.
unsigned gicv2_signal(const struct gicv2_cpu *cpu, const struct gicv2_pending *pending);
void gicv2_reset_cpu_if(struct gicv2_cpu *cpu);
uint8_t gicv2_running_priority(const struct gicv2_cpu *cpu);
// The part of a priority that decides about preemption.
uint8_t gicv2_group_priority(const struct gicv2_cpu *cpu, unsigned group, uint8_t priority);

#define GICC_CTLR_FIQEN (1u << 3)

extern const struct mmio_ops gicv2_dist_ops, gicv2_cpu_ops;

// gicv2-print.c
void gicv2_print_irq(struct device *device, FILE *out);
