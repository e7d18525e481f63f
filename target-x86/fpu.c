// SPDX-License-Identifier: MIT
// x87 and SSE state.

#include "target-x86/fpu.h"
#include "target-x86/simd.h"

#include <string.h>

#include "tcg/fp-flags.h"

void x86_fpu_reset(struct x86_cpu *cpu)
{
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    cpu->fpu.control = 0x40;
    cpu->mxcsr_masks = 0x1f80;
    cpu->tcg.fp_control = fp_env_reset_control();
}

void x86_fpu_check_pending(struct x86_cpu *cpu)
{
    (void)cpu;
}
