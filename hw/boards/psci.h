// SPDX-License-Identifier: MIT
// Arm Power State Coordination Interface 1.1 (DEN 0022) and the discovery calls of the SMC Calling Convention
// (DEN 0028), for a board without secure firmware. CPU_SUSPEND waits for an interrupt and keeps everything.
// Left out: SYSTEM_SUSPEND, statistics, and power domains other than the CPU's own.
#pragma once

#include "hw/core/arm-cpu-if.h"

struct machine;

struct psci {
    struct machine *machine;
    const uint64_t *affinities; // MPIDR of each CPU
    unsigned cpu_count;
};

extern const struct arm_firmware_ops psci_firmware; // the opaque pointer is a struct psci
