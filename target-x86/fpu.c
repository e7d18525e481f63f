// SPDX-License-Identifier: MIT
// x87 and SSE state: reset, status, tags, the way to and from the host's x87, MXCSR.

#include "target-x86/fpu.h"

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/simd.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/host-x87.h"
#include "tcg/fp-flags.h"

enum { SW_FLAGS = 0x3f, SW_STICKY = 0x7f, SW_ES = 1 << 7, SW_B = 1 << 15, MXCSR_MASKS = 0x1f80, MXCSR_ALL = 0xffff };

void x86_fpu_init(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;
    f->control = 0x37f;
    f->status = 0;
    f->top = 0;
    f->valid = 0;
    f->opcode = 0;
    f->cs = f->ds = 0;
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

void x86_fpu_control_changed(struct x86_cpu *cpu)
{
    if ((cpu->block_flags >> X86_BF_X87_MASKED & 1) != x86_fpu_masked(cpu))
        x86_modes_changed(cpu);
}

// --- the host's x87 ------------------------------------------------------------------------------------------------

// With `status` instead of the guest's flags.
static void to_image(const struct x86_fpu *f, struct host_x87_image *m, uint16_t status)
{
    memset(m, 0, sizeof(*m));
    m->control = f->control | 0xffff0040;
    m->status = status | 0xffff0000;
    m->tags = x86_fpu_tags(f) | 0xffff0000;
    for (unsigned i = 0; i < 8; i++)
        memcpy(m->st[i], f->st[(f->top + i) & 7], 10);
}

static void from_image(struct x86_fpu *f, const struct host_x87_image *m)
{
    f->control = (uint16_t)m->control;
    x86_fpu_set_status(f, (uint16_t)m->status);
    f->valid = 0;
    for (unsigned n = 0; n < 8; n++)
        if ((m->tags >> (n * 2) & 3) != 3)
            f->valid |= (uint8_t)(1u << n);
    for (unsigned i = 0; i < 8; i++)
        memcpy(f->st[(f->top + i) & 7], m->st[i], 10);
}

void x86_fpu_load(struct x86_cpu *cpu)
{
    struct host_x87_image m;
    if (cpu->fpu.place & X87_IN_HOST)
        return;
    x86_fpu_save(cpu);
    to_image(&cpu->fpu, &m, x86_fpu_status(&cpu->fpu));
    host_x87_load(&m);
    cpu->fpu.place = X87_IN_HOST;
}

static void save_from_host(struct x86_fpu *f)
{
    struct host_x87_image m;
    host_x87_save(&m);
    from_image(f, &m);
    if (f->note) {
        uint64_t ip = f->note_page + (f->note >> X87_NOTE_OFFSET & 0xfff);
        f->ip = f->note >> X87_NOTE_WIDE & 1 ? ip : (uint32_t)ip;
        f->opcode = f->note & 0x7ff;
        f->note = 0;
    }
}

void x86_fpu_use_mmx(struct x86_fpu *f, bool valid)
{
    f->top = 0;
    f->valid = valid ? 0xff : 0;
}

void x86_fpu_set_mm(struct x86_fpu *f, unsigned n, uint64_t value)
{
    store_le64(f->st[n], value);
    store_le16(f->st[n] + 8, 0xffff);
}

static void save_from_mm(struct x86_fpu *f)
{
    for (unsigned n = 0; n < 8; n++)
        if (f->place & (uint32_t)X87_MM_WRITTEN << n)
            x86_fpu_set_mm(f, n, f->mm[n][0]);
    if (f->place & (X87_MM_USED | X87_MM_EMPTY))
        x86_fpu_use_mmx(f, f->place & X87_MM_USED);
}

void x86_fpu_save(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;
    if (f->place & X87_IN_HOST)
        save_from_host(f);
    else if (f->place & X87_IN_MM)
        save_from_mm(f);
    f->place = 0;
}

void x86_fpu_to_mm(struct x86_cpu *cpu)
{
    struct x86_fpu *f = &cpu->fpu;
    x86_fpu_save(cpu);
    x86_fpu_check_pending(cpu);
    for (unsigned n = 0; n < 8; n++)
        f->mm[n][0] = load_le64(f->st[n]);
    f->place = X87_IN_MM;
}

bool x86_fpu_execute(struct x86_fpu *f, unsigned opcode, unsigned modrm, uint8_t *memory, uint64_t *flags)
{
    struct host_x87_image m;
    // Flags from before stay out of it: the host would trap on those that are pending, which the guest may choose to ignore.
    uint16_t before = f->status & SW_STICKY, status = x86_fpu_status(f) & (uint16_t)~(SW_STICKY | SW_ES | SW_B);
    to_image(f, &m, status);
    host_x87_load(&m);
    *flags = host_x87_run(opcode, modrm, memory, *flags);
    host_x87_save(&m);
    from_image(f, &m);
    bool good = !(f->status & SW_ES);
    f->status |= before;
    x86_fpu_update_summary(f);
    return good;
}

// --- MXCSR ---------------------------------------------------------------------------------------------------------

uint32_t x86_mxcsr_get(const struct x86_cpu *cpu)
{
    uint32_t host = fp_env_swap(0x1f80);
    fp_env_swap(host);
    return (host & ~(uint32_t)MXCSR_MASKS) | cpu->mxcsr_masks;
}

// The host's exceptions stay masked.
static bool set_masks(struct x86_cpu *cpu, uint32_t value)
{
    if (value & ~(uint32_t)MXCSR_ALL)
        return false;
    cpu->mxcsr_masks = value & MXCSR_MASKS;
    x86_modes_changed(cpu);
    return true;
}

bool x86_mxcsr_set(struct x86_cpu *cpu, uint32_t value)
{
    if (!set_masks(cpu, value))
        return false;
    fp_env_swap(value | MXCSR_MASKS);
    return true;
}

uint32_t x86_mxcsr_saved(const struct x86_cpu *cpu)
{
    return (cpu->tcg.fp_control & ~(uint32_t)MXCSR_MASKS) | cpu->mxcsr_masks;
}

bool x86_mxcsr_set_saved(struct x86_cpu *cpu, uint32_t value)
{
    if (!set_masks(cpu, value))
        return false;
    cpu->tcg.fp_control = value | MXCSR_MASKS;
    return true;
}
