// SPDX-License-Identifier: MIT
// x87 and SSE state: reset, status, tags, MXCSR.

#include "target-x86/fpu.h"

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/simd.h"
#include "tcg/base/endian.h"
#include "tcg/fp-flags.h"

enum { SW_FLAGS = 0x3f, SW_ES = 1 << 7, SW_B = 1 << 15, MXCSR_MASKS = 0x1f80, MXCSR_ALL = 0xffff };

void x86_fpu_init(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;
    f->control = 0x37f;
    f->status = 0;
    f->top = 0;
    f->valid = 0;
    f->opcode = f->cs = f->ds = 0;
    f->ip = f->dp = 0;
}

void x86_fpu_reset(struct x86_cpu *cpu)
{
    memset(&cpu->fpu, 0, sizeof(cpu->fpu));
    cpu->fpu.control = 0x40;
    cpu->fpu.valid = 0xff;
    cpu->mxcsr_masks = MXCSR_MASKS;
    cpu->tcg.fp_control = fp_env_reset_control();
}

void x86_fpu_set_status(struct x86_fpu *f, uint16_t status)
{
    f->top = status >> 11 & 7;
    f->status = status & ~(7u << 11);
}

void x86_fpu_update_summary(struct x86_fpu *f)
{
    bool pending = f->status & SW_FLAGS & ~f->control;
    f->status = (uint16_t)((f->status & ~(SW_ES | SW_B)) | (pending ? SW_ES | SW_B : 0));
}

uint16_t x86_fpu_tags(const struct x86_fpu *f)
{
    enum { VALID, ZERO, SPECIAL, EMPTY };
    unsigned tags = 0;
    for (unsigned n = 0; n < 8; n++) {
        uint64_t mantissa = load_le64(f->st[n]);
        unsigned exponent = load_le16(f->st[n] + 8) & 0x7fff, tag = VALID;
        if (!(f->valid >> n & 1))
            tag = EMPTY;
        else if (exponent == 0 && mantissa == 0)
            tag = ZERO;
        else if (exponent == 0 || exponent == 0x7fff || !(mantissa >> 63))
            tag = SPECIAL;
        tags |= tag << (n * 2);
    }
    return (uint16_t)tags;
}

void x86_fpu_check_pending(struct x86_cpu *cpu)
{
    if (!(cpu->fpu.status & SW_ES)) {
        x86_ferr_clear(cpu);
        return;
    }
    if (cpu->cr0 & CR0_NE)
        x86_fault(cpu, X86_MF, 0);
    x86_ferr_wait(cpu);
}

uint32_t x86_mxcsr_get(const struct x86_cpu *cpu)
{
    uint32_t host = fp_env_swap(0x1f80);
    fp_env_swap(host);
    return (host & ~(uint32_t)MXCSR_MASKS) | cpu->mxcsr_masks;
}

bool x86_mxcsr_set(struct x86_cpu *cpu, uint32_t value)
{
    if (value & ~(uint32_t)MXCSR_ALL)
        return false;
    cpu->mxcsr_masks = value & MXCSR_MASKS;
    // The host's exceptions stay masked.
    fp_env_swap(value | MXCSR_MASKS);
    x86_modes_changed(cpu);
    return true;
}
