// SPDX-License-Identifier: MIT
// Arm Generic Interrupt Controller version 3: distributor, one redistributor a CPU, and the CPU interface as
// system registers, as in the architecture specification IHI 0069. One Security state (GICD_CTLR.DS is always
// 1), affinity routing always on, 5 priority bits; LPIs through an ITS (gicv3-its.h).
//
// Left out: the Secure world's views, message-based SPIs with status reporting, extended PPI and SPI ranges.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/arm-cpu-if.h"
#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type gicv3_type; // "arm-gicv3"

enum {
    GIC_INTERNAL = 32, // SGIs and PPIs, the first interrupts of every CPU
    GICV3_MAX_CPUS = 512,
    GICV3_DIST_SIZE = 0x10000,
    GICV3_REDIST_SIZE = 0x20000, // a CPU
};

// One run of redistributor frames.
struct gicv3_redist_region {
    uint64_t base;
    unsigned count;
};

// To be set between device_create and device_realize.
struct gicv3_config {
    unsigned cpu_count, irq_count; // irq_count includes the internal ones, a multiple of 32, at most 992
    bool has_lpis;
    uint64_t dist_base;
    struct gicv3_redist_region redists[2]; // count 0: not there
    const uint64_t *affinities;            // MPIDR of each CPU; copied
};

void gicv3_configure(struct device *gic, const struct gicv3_config *config);
// The CPU's inputs, ARM_CPU_IRQ and ARM_CPU_FIQ; after realize.
void gicv3_connect_cpu(struct device *gic, unsigned cpu, const struct irq_line inputs[2]);
// Inputs: shared interrupt `spi` (INTID 32 + spi), and private one `intid` (16-31) of a CPU.
struct irq_line gicv3_spi_line(struct device *gic, unsigned spi);
struct irq_line gicv3_ppi_line(struct device *gic, unsigned cpu, unsigned intid);
// The CPU interface's system registers; the opaque pointer is the device.
extern const struct arm_sysreg_bank_ops gicv3_sysregs;
