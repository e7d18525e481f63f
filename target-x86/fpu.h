// SPDX-License-Identifier: MIT
// x87 and SSE state as instructions and images share it. Private to target-x86.
//
// The guest's x87 state moves into the host's x87 registers when translated code first uses it while all exceptions are
// masked (x86_fpu_load), stays there over all that the vCPU's thread does inside run(), and comes back when somebody looks
// at it (x86_fpu_save). In the same way mantissas move to vectors of their own when translated code uses MMX (x86_fpu_to_mm).
// Whoever touches struct x86_fpu calls x86_fpu_save first.
#pragma once

#include "target-x86/cpu.h"

// Own thread, inside run. Loading needs all exceptions masked.
void x86_fpu_load(struct x86_cpu *cpu);
void x86_fpu_to_mm(struct x86_cpu *cpu); // raises #MF when an exception is pending
void x86_fpu_save(struct x86_cpu *cpu);
// What an MMX instruction does to TOP and tags, EMMS (not `valid`), and to a register.
void x86_fpu_use_mmx(struct x86_fpu *f, bool valid);
void x86_fpu_set_mm(struct x86_fpu *f, unsigned n, uint64_t value);
// One instruction on a state in memory, with EFLAGS; `memory` is its operand or NULL. False when it raised an exception that
// is not masked.
bool x86_fpu_execute(struct x86_fpu *f, unsigned opcode, unsigned modrm, uint8_t *memory, uint64_t *flags);

// The note that translated code leaves of an instruction that the last instruction pointer and opcode show: offset in the
// page that note_page is the address of (in CS), opcode, and whether it is 64-bit code.
enum { X87_NOTE_OPCODE = 0, X87_NOTE_OFFSET = 16, X87_NOTE_WIDE = 30, X87_NOTE_VALID = 31 };

static inline bool x86_fpu_masked(const struct x86_cpu *cpu)
{
    return (cpu->fpu.control & 0x3f) == 0x3f;
}
// After a change of the control word: blocks depend on its masks.
void x86_fpu_control_changed(struct x86_cpu *cpu);

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
// The same outside run.
uint32_t x86_mxcsr_saved(const struct x86_cpu *cpu);
bool x86_mxcsr_set_saved(struct x86_cpu *cpu, uint32_t value);

// The image of FXSAVE, which XSAVE's begins with; `wide` with REX.W.
enum { FX_MXCSR = 24, FX_XMM = 160, FX_BYTES = 512 };
void x86_fx_put_x87(const struct x86_cpu *cpu, uint8_t *image, bool wide);
void x86_fx_get_x87(struct x86_cpu *cpu, const uint8_t *image, bool wide);
void x86_fx_put_mxcsr(const struct x86_cpu *cpu, uint8_t *image); // with its mask
// How many XMM registers code of this mode sees.
static inline unsigned x86_xmm_count(const struct x86_cpu *cpu)
{
    return x86_code64(cpu) ? 16 : 8;
}
