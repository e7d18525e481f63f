// SPDX-License-Identifier: MIT
// The generic timers of a CPU; their registers are rows of sysreg.inc.
#pragma once

#include "target-arm/cpu.h"

void arm_timers_init(struct arm_cpu *cpu);
void arm_timers_reset(struct arm_cpu *cpu);
void arm_timers_destroy(struct arm_cpu *cpu);
