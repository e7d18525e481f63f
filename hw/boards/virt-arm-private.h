// SPDX-License-Identifier: MIT
// The board's tables, from which both the parts and the device tree are made.
#pragma once

#include "hw/boards/psci.h"
#include "hw/boards/virt-arm.h"
#include "hw/core/arm-cpu-if.h"

enum virt_place {
    VIRT_FLASH0,
    VIRT_FLASH1,
    VIRT_GIC_DIST,
    VIRT_GIC_CPU,
    VIRT_GIC_V2M,
    VIRT_GIC_ITS,
    VIRT_GIC_REDIST,
    VIRT_UART,
    VIRT_RTC,
    VIRT_FW_CFG,
    VIRT_GPIO,
    VIRT_VIRTIO,
    VIRT_PCIE_MMIO,
    VIRT_PCIE_PIO,
    VIRT_PCIE_ECAM,
    VIRT_RAM,
    VIRT_GIC_REDIST_HIGH,
    VIRT_PCIE_ECAM_HIGH,
    VIRT_PCIE_MMIO_HIGH,
    VIRT_PLACES,
};

// Where a part is, and its first shared interrupt (INTID minus 32), if it has one.
struct virt_part {
    uint64_t base, size;
    unsigned spi;
};

extern const struct virt_part virt_parts[VIRT_PLACES];

// Input of the GPIO chip that the power key pulls.
enum { VIRT_GPIO_POWER_KEY = 3 };

enum { VIRT_VIRTIO_SLOTS = 32, VIRT_SPIS = 256, VIRT_V2M_SPI = 48, VIRT_V2M_SPIS = 64 };

// Private interrupts that CPUs drive, as INTIDs.
enum {
    VIRT_PPI_MAINTENANCE = 25,
    VIRT_PPI_TIMER_HYP = 26,
    VIRT_PPI_TIMER_VIRT = 27,
    VIRT_PPI_TIMER_HYP_VIRT = 28,
    VIRT_PPI_TIMER_SECURE = 29,
    VIRT_PPI_TIMER_PHYS = 30,
    VIRT_PPI_PMU = 23,
};

enum virt_gic_choice { VIRT_GIC_AUTO, VIRT_GIC_2, VIRT_GIC_3, VIRT_GIC_MAX };

struct virt_arm {
    struct machine machine;
    // properties
    unsigned gic_choice;
    bool its, highmem, highmem_redists, highmem_ecam, highmem_mmio, dtb_randomness;
    unsigned never; // of properties that know only "off"

    unsigned gic_version; // 2 or 3
    unsigned low_redists; // CPUs whose redistributors are in the low region
    uint64_t *affinities;
    struct psci psci;
    struct device *gic, *gpio;
    struct device *msi; // takes messages: an ITS or a GICv2m frame; NULL: nobody does
    struct event power_key; // lets it go again
};

struct irq_line virt_arm_spi_line(struct virt_arm *board, unsigned spi);
// Where the PCI Express host's configuration window is, and whether it has a memory window beyond 32 bits.
enum virt_place virt_arm_ecam(const struct virt_arm *board);
bool virt_arm_has_high_mmio(const struct virt_arm *board);
int virt_arm_add_pcie(struct virt_arm *board, struct error *error);
// Builds the device tree from the tables. The blob is malloc'd.
int virt_arm_build_dtb(struct virt_arm *board, void **dtb, uint32_t *size, struct error *error);
