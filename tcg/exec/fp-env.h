// SPDX-License-Identifier: MIT
// The engine's side of the host's floating-point state; the guest's side is in guest.h.
#pragma once

#include "tcg/exec/guest.h"

// Puts `control` (as kept in tcg_cpu.fp_control) in force on this thread and returns what was.
uint32_t fp_env_swap(uint32_t control);
// The control value at reset: nearest, no flags, nothing trapped.
uint32_t fp_env_reset_control(void);
