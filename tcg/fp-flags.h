// SPDX-License-Identifier: MIT
// Cumulative floating-point exception flags, and the host's control register, which holds them and the guest's rounding
// mode while translated code runs. Per thread.
#pragma once

#include "tcg/ir.h"

enum {
    FP_INVALID = 1 << 0,
    FP_DIVIDE = 1 << 1,
    FP_OVERFLOW = 1 << 2,
    FP_UNDERFLOW = 1 << 3,
    FP_INEXACT = 1 << 4,
    FP_DENORMAL = 1 << 5, // an input was flushed to zero
};

// Flags raised since they were last set.
unsigned fp_env_flags(void);
void fp_env_set_flags(unsigned flags);
// Adds flags to those in force.
void fp_env_raise(unsigned flags);
// The rounding mode in force: one of the first four.
enum ir_round fp_env_rounding(void);
void fp_env_set_rounding(enum ir_round rounding);

// Puts a whole control value in force on this thread and returns what was: the run loop's way in and out.
uint32_t fp_env_swap(uint32_t control);
// The control value at reset: nearest, no flags, nothing trapped.
uint32_t fp_env_reset_control(void);
