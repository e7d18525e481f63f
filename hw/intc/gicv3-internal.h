// SPDX-License-Identifier: MIT
// What the parts of the GICv3 share. Everything in `struct gicv3` that a guest can change is guarded by its
// lock, which is taken by every entry (register access, input line, system register) and held while CPU
// inputs are driven.
#pragma once

#include <pthread.h>

#include "hw/core/memory-map.h"
#include "hw/intc/gic-bank.h"
#include "hw/intc/gicv3.h"

enum {
    GIC_PRIORITY_BITS = 5,
    GIC_IDLE_PRIORITY = 0xff,
    GIC_SPURIOUS = 1023,
    GIC_FIRST_LPI = 8192,
    GIC_LPI_ID_BITS = 16,
    GIC_LPI_COUNT = (1 << GIC_LPI_ID_BITS) - GIC_FIRST_LPI,
    GIC_LPI_WORDS = GIC_LPI_COUNT / 64,
};

#define GICD_CTLR_ENABLE_GRP0 (1u << 0)
#define GICD_CTLR_ENABLE_GRP1 (1u << 1)
#define GICR_CTLR_ENABLE_LPIS (1u << 0)

struct gicv3_cpu {
    struct gicv3 *gic;
    uint64_t affinity;         // Aff3.Aff2.Aff1.Aff0 packed in 32 bits
    struct irq_line inputs[2]; // ARM_CPU_IRQ, ARM_CPU_FIQ
    uint8_t driven;            // levels last put on the inputs, a bit each

    // redistributor
    struct gic_bank bank; // SGIs and PPIs
    uint32_t waker, redist_ctlr;
    uint64_t propbaser, pendbaser;
    uint64_t *lpi_pending; // GIC_LPI_WORDS words; NULL without LPIs
    uint32_t lpi_words;
    uint32_t best_lpi; // highest-priority pending and enabled LPI, 0: none
    uint8_t best_lpi_priority;

    // CPU interface; apr[0] is AP0R0, apr[1] is AP1R0
    uint8_t pmr, bpr[2];
    uint8_t group_enable; // IGRPEN0 and IGRPEN1, a bit each
    uint32_t ctlr, apr[2];
};

// Who does the work: this code, or the host's kernel, whose registers fetch and push bring here and back; NULL: they are here.
struct gicv3_engine {
    irq_handler_fn *spi_set, *ppi_set; // inputs: `spi` of the GIC; `intid` of a struct gicv3_cpu
    void (*fetch)(struct device *device);
    void (*push)(struct device *device);
};

struct gicv3 {
    struct device device;
    const struct gicv3_engine *engine;
    struct gicv3_config config;
    pthread_mutex_t lock;
    struct mem_region *dist_region, *redist_regions[2];
    struct gicv3_redist_frames {
        struct gicv3 *gic;
        unsigned first_cpu;
    } frames[2];

    uint32_t cpu_count, spi_bank_count, spi_count;
    struct gicv3_cpu *cpus;
    uint32_t dist_ctlr;
    struct gic_bank *spis; // bank b holds INTIDs 32 + 32b and up
    uint64_t *irouter;     // of each SPI
    uint16_t *target;      // of each SPI: index of the CPU it goes to, GIC_NO_CPU
    uint64_t *lpi_memory;  // all CPUs' pending bits
};

enum { GIC_NO_CPU = 0xffff };

// What a CPU would be interrupted by.
struct gic_pending {
    uint32_t intid; // GIC_SPURIOUS: nothing
    uint8_t priority, group;
};

static inline void gicv3_lock(struct gicv3 *gic)
{
    pthread_mutex_lock(&gic->lock);
}

static inline void gicv3_unlock(struct gicv3 *gic)
{
    pthread_mutex_unlock(&gic->lock);
}

// --- gicv3.c
extern const struct state_field gicv3_state[];
// What a realized one has but its places in memory; and all that there is goes.
void gicv3_make(struct gicv3 *gic);
void gicv3_unrealize(struct device *device);
// all with the lock held
// As at power on, but for the lines; drives nothing.
void gicv3_reset_registers(struct gicv3 *gic);
struct gic_pending gicv3_highest_pending(const struct gicv3_cpu *cpu);
// Works out the CPU's interrupt inputs afresh and drives what changed.
void gicv3_update_cpu(struct gicv3_cpu *cpu);
void gicv3_update_all(struct gicv3 *gic);
// For each CPU that some SPI of the bank in `mask` goes to.
void gicv3_update_spis(struct gicv3 *gic, unsigned bank, uint32_t mask);
void gicv3_route_spi(struct gicv3 *gic, unsigned spi);
// The CPU with these affinity bits, or NULL.
struct gicv3_cpu *gicv3_cpu_by_affinity(struct gicv3 *gic, uint32_t affinity);
// The bank and bit of an SGI, PPI or SPI; NULL for other numbers.
struct gic_bank *gicv3_bank_of(struct gicv3_cpu *cpu, uint32_t intid, uint32_t *bit);

// --- gicv3-cpu-if.c
bool gicv3_can_interrupt(const struct gicv3_cpu *cpu, const struct gic_pending *pending);
void gicv3_reset_cpu_if(struct gicv3_cpu *cpu);
uint8_t gicv3_running_priority(const struct gicv3_cpu *cpu);
// The part of a priority that decides about preemption.
uint8_t gicv3_group_priority(const struct gicv3_cpu *cpu, unsigned group, uint8_t priority);

// --- gicv3-dist.c, gicv3-redist.c
extern const struct mmio_ops gicv3_dist_ops, gicv3_redist_ops;

// --- gicv3-lpi.c
// Takes up the pending table in guest memory, or puts it back.
void gicv3_lpis_enable(struct gicv3_cpu *cpu);
void gicv3_lpis_disable(struct gicv3_cpu *cpu);
void gicv3_lpi_set(struct gicv3_cpu *cpu, uint32_t intid, bool pending);
bool gicv3_lpi_pending(const struct gicv3_cpu *cpu, uint32_t intid);
// An LPI's priority in the guest's configuration table. False: disabled, or its configuration is out of reach.
bool gicv3_lpi_priority(const struct gicv3_cpu *cpu, uint32_t intid, uint8_t *priority);
void gicv3_lpi_reconsider(struct gicv3_cpu *cpu); // the configuration table changed
void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to);

// --- gicv3-print.c
void gicv3_print_irq(struct device *device, FILE *out);
