// SPDX-License-Identifier: MIT
// Arm CPUs for a board that do nothing but keep how they were configured.
#pragma once

#include "hw/core/arm-cpu-if.h"
#include "hw/core/machine.h"

struct fake_arm_cpu {
    struct vcpu vcpu;
    struct arm_cpu_config config;
};

// Has every model but "no-such-cpu".
extern const struct cpu_factory fake_arm_cpu_factory;
