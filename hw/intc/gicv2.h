// SPDX-License-Identifier: MIT
// Arm Generic Interrupt Controller version 2 (IHI 0048): distributor and memory-mapped CPU interfaces for up
// to eight CPUs, both interrupt groups, 5 priority bits. Left out: the Security and Virtualization
// Extensions.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

extern const struct device_type gicv2_type; // "arm_gic"

enum { GICV2_MAX_CPUS = 8, GICV2_DIST_SIZE = 0x1000, GICV2_CPU_SIZE = 0x2000 };

// To be set between device_create and device_realize.
struct gicv2_config {
    unsigned cpu_count, irq_count; // irq_count as in struct gicv3_config
    uint64_t dist_base, cpu_base;
};

void gicv2_configure(struct device *gic, const struct gicv2_config *config);
// These three as in gicv3.h.
void gicv2_connect_cpu(struct device *gic, unsigned cpu, const struct irq_line inputs[2]);
struct irq_line gicv2_spi_line(struct device *gic, unsigned spi);
struct irq_line gicv2_ppi_line(struct device *gic, unsigned cpu, unsigned intid);
