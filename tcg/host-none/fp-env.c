// SPDX-License-Identifier: MIT
// The guest's rounding mode and cumulative flags where no host register holds them: without a backend all of the guest's
// floating-point arithmetic is softfloat's.
#include "tcg/fp-flags.h"

// A control value is the flags and above them the rounding mode.
enum { FLAGS = 0x3f, ROUND_SHIFT = 8 };

static __thread uint32_t in_force;

uint32_t fp_env_swap(uint32_t control)
{
    uint32_t old = in_force;
    in_force = control;
    return old;
}

uint32_t fp_env_reset_control(void)
{
    return (uint32_t)IR_ROUND_NEAREST_EVEN << ROUND_SHIFT;
}

unsigned fp_env_flags(void)
{
    return in_force & FLAGS;
}

void fp_env_set_flags(unsigned flags)
{
    in_force = (in_force & ~(uint32_t)FLAGS) | (flags & FLAGS);
}

void fp_env_raise(unsigned flags)
{
    in_force |= flags & FLAGS;
}

void fp_env_set_rounding(enum ir_round rounding)
{
    in_force = (in_force & FLAGS) | (uint32_t)rounding << ROUND_SHIFT;
}

enum ir_round fp_env_rounding(void)
{
    return (enum ir_round)(in_force >> ROUND_SHIFT);
}
