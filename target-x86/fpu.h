// SPDX-License-Identifier: MIT
// x87 and SSE state as instructions and images share it. Private to target-x86.
#pragma once

#include "target-x86/cpu.h"

void x86_fpu_reset(struct x86_cpu *cpu);
void x86_fpu_init(struct x86_cpu *cpu); // FNINIT

// A control word without its reserved bits, but for the one that is always set.
static inline uint16_t x86_fpu_control(uint16_t value)
{
    return (value & 0x1f7f) | 0x40;
}

// The status word with TOP.
static inline uint16_t x86_fpu_status(const struct x86_fpu *f)
{
    return (uint16_t)((f->status & ~(7u << 11)) | (unsigned)f->top << 11);
}
void x86_fpu_set_status(struct x86_fpu *f, uint16_t status);
// ES and B follow from the flags and their masks.
void x86_fpu_update_summary(struct x86_fpu *f);
// The full tag word, two bits a register.
uint16_t x86_fpu_tags(const struct x86_fpu *f);

// MXCSR as the guest sees it; own thread, inside run.
uint32_t x86_mxcsr_get(const struct x86_cpu *cpu);
// False when a reserved bit is set: #GP.
bool x86_mxcsr_set(struct x86_cpu *cpu, uint32_t value);
