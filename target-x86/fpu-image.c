// SPDX-License-Identifier: MIT
// Images of the x87 and SSE state in memory: FLDENV, FNSTENV, FNSAVE, FRSTOR (Intel SDM volume 1, 8.1.10), FXSAVE and FXRSTOR
// (10.5). XSAVE and its like are in xsave.c.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/helper.h"
#include "target-x86/simd.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

// --- the environment -----------------------------------------------------------------------------------------------

static unsigned environment(const struct x86_fpu *f, uint8_t *out, bool wide, bool protected)
{
    uint16_t words[3] = {f->control, x86_fpu_status(f), x86_fpu_tags(f)};
    unsigned step = wide ? 4 : 2;
    memset(out, 0xff, 28);
    for (unsigned i = 0; i < 3; i++)
        store_le16(out + i * step, words[i]);
    if (wide && protected) {
        store_le32(out + 12, (uint32_t)f->ip);
        store_le32(out + 16, (uint16_t)f->cs | (uint32_t)f->opcode << 16);
        store_le32(out + 20, (uint32_t)f->dp);
        store_le16(out + 24, (uint16_t)f->ds);
    } else if (protected) {
        store_le16(out + 6, (uint16_t)f->ip);
        store_le16(out + 8, (uint16_t)f->cs);
        store_le16(out + 10, (uint16_t)f->dp);
        store_le16(out + 12, (uint16_t)f->ds);
    } else {
        // Linear addresses, with the opcode below the first one's upper part.
        uint32_t ip = (uint32_t)f->ip + ((f->cs & 0xffff) << 4), dp = (uint32_t)f->dp + ((f->ds & 0xffff) << 4);
        store_le16(out + 3 * step, (uint16_t)ip);
        store_le(out + 4 * step, step, (ip >> 16) << 12 | f->opcode);
        store_le16(out + 5 * step, (uint16_t)dp);
        store_le(out + 6 * step, step, (dp >> 16) << 12);
    }
    return step * 7;
}

static unsigned load_environment(struct x86_fpu *f, const uint8_t *in, bool wide, bool protected)
{
    unsigned step = wide ? 4 : 2;
    f->control = x86_fpu_control(load_le16(in));
    x86_fpu_set_status(f, load_le16(in + step));
    uint16_t tags = load_le16(in + 2 * step);
    f->valid = 0;
    for (unsigned n = 0; n < 8; n++)
        if ((tags >> (n * 2) & 3) != 3)
            f->valid |= (uint8_t)(1u << n);
    if (protected) {
        f->ip = load_le(in + 3 * step, step);
        f->cs = load_le16(in + 4 * step);
        f->dp = load_le(in + 5 * step, step);
        f->ds = load_le16(in + 6 * step);
        if (wide)
            f->opcode = load_le16(in + 18) & 0x7ff;
    } else {
        uint32_t ip_high = (uint32_t)load_le(in + 4 * step, step), dp_high = (uint32_t)load_le(in + 6 * step, step);
        f->ip = load_le16(in + 3 * step) | (ip_high >> 12) << 16;
        f->dp = load_le16(in + 5 * step) | (dp_high >> 12) << 16;
        f->opcode = ip_high & 0x7ff;
        f->cs = f->ds = 0;
    }
    x86_fpu_update_summary(f);
    return step * 7;
}

// D9 /4 FLDENV, D9 /6 FNSTENV, DD /4 FRSTOR, DD /6 FNSAVE
static void x87_image(struct x86_cpu *cpu, uint32_t what, uint64_t gva)
{
    struct x86_fpu *f = &cpu->fpu;
    bool whole = (what >> 8 & 0xff) == 0xdd, store = what >> 4 & 1, wide = what >> 20 & 1, protected = what >> 21 & 1;
    unsigned mmu = what >> 16 & 3, env = wide ? 28 : 14, bytes = env + (whole ? 80 : 0);
    uint8_t image[108];
    x86_fpu_save(cpu);
    if (!store) {
        x86_fpu_check_pending(cpu);
        tlb_load_bytes(&cpu->tcg, gva, image, bytes, mmu);
        load_environment(f, image, wide, protected);
        for (unsigned i = 0; whole && i < 8; i++)
            memcpy(f->st[(f->top + i) & 7], image + env + i * 10, 10);
        x86_fpu_control_changed(cpu);
        return;
    }
    environment(f, image, wide, protected);
    for (unsigned i = 0; whole && i < 8; i++)
        memcpy(image + env + i * 10, f->st[(f->top + i) & 7], 10);
    tlb_store_bytes(&cpu->tcg, gva, image, bytes, mmu);
    if (whole)
        x86_fpu_init(cpu);
    else
        f->control |= 0x3f; // FNSTENV masks all
    x86_fpu_update_summary(f);
    x86_fpu_control_changed(cpu);
}
X86_HELPER(x87_image, X86_FAULTS, VOID, 2, IR_I32, IR_I64)

// --- FXSAVE --------------------------------------------------------------------------------------------------------

enum { FX_ST = 32, MXCSR_MASK = 0xffff };

void x86_fx_put_x87(const struct x86_cpu *cpu, uint8_t *image, bool wide)
{
    const struct x86_fpu *f = &cpu->fpu;
    store_le16(image, f->control);
    store_le16(image + 2, x86_fpu_status(f));
    image[4] = f->valid;
    image[5] = 0;
    store_le16(image + 6, f->opcode);
    if (wide) {
        store_le64(image + 8, f->ip);
        store_le64(image + 16, f->dp);
    } else {
        store_le32(image + 8, (uint32_t)f->ip);
        store_le32(image + 12, (uint16_t)f->cs);
        store_le32(image + 16, (uint32_t)f->dp);
        store_le32(image + 20, (uint16_t)f->ds);
    }
    for (unsigned i = 0; i < 8; i++) {
        memset(image + FX_ST + i * 16, 0, 16);
        memcpy(image + FX_ST + i * 16, f->st[(f->top + i) & 7], 10);
    }
}

void x86_fx_get_x87(struct x86_cpu *cpu, const uint8_t *image, bool wide)
{
    struct x86_fpu *f = &cpu->fpu;
    f->control = x86_fpu_control(load_le16(image));
    x86_fpu_set_status(f, load_le16(image + 2));
    f->valid = image[4];
    f->opcode = load_le16(image + 6) & 0x7ff;
    f->ip = wide ? load_le64(image + 8) : load_le32(image + 8);
    f->dp = wide ? load_le64(image + 16) : load_le32(image + 16);
    f->cs = wide ? 0 : load_le16(image + 12);
    f->ds = wide ? 0 : load_le16(image + 20);
    for (unsigned i = 0; i < 8; i++)
        memcpy(f->st[(f->top + i) & 7], image + FX_ST + i * 16, 10);
    x86_fpu_update_summary(f);
    x86_fpu_control_changed(cpu);
}

void x86_fx_put_mxcsr(const struct x86_cpu *cpu, uint8_t *image)
{
    store_le32(image + FX_MXCSR, x86_mxcsr_get(cpu));
    store_le32(image + FX_MXCSR + 4, MXCSR_MASK);
}

static void fxsave(struct x86_cpu *cpu, uint32_t what, uint64_t gva)
{
    bool restore = what & 1, wide = what >> 12 & 1;
    unsigned mmu = what >> 8 & 3, count = x86_xmm_count(cpu);
    uint8_t image[FX_BYTES];
    if (gva & 15)
        x86_fault(cpu, X86_GP, 0);
    x86_fpu_save(cpu);
    tlb_load_bytes(&cpu->tcg, gva, image, FX_BYTES, mmu);
    if (restore) {
        if ((cpu->cr4 & CR4_OSFXSR) && !x86_mxcsr_set(cpu, load_le32(image + FX_MXCSR)))
            x86_fault(cpu, X86_GP, 0);
        x86_fx_get_x87(cpu, image, wide);
        if (cpu->cr4 & CR4_OSFXSR)
            memcpy(cpu->xmm, image + FX_XMM, count * 16);
        return;
    }
    x86_fx_put_x87(cpu, image, wide);
    if (cpu->cr4 & CR4_OSFXSR) {
        x86_fx_put_mxcsr(cpu, image);
        memcpy(image + FX_XMM, cpu->xmm, count * 16);
    }
    tlb_store_bytes(&cpu->tcg, gva, image, FX_XMM + count * 16, mmu);
}
X86_HELPER(fxsave, X86_MODES, VOID, 2, IR_I32, IR_I64)

// --- MXCSR ---------------------------------------------------------------------------------------------------------

static void ldmxcsr(struct x86_cpu *cpu, uint32_t value)
{
    if (!x86_mxcsr_set(cpu, value))
        x86_fault(cpu, X86_GP, 0);
}
X86_HELPER(ldmxcsr, X86_MODES, VOID, 1, IR_I32)

static uint32_t stmxcsr(struct x86_cpu *cpu)
{
    return x86_mxcsr_get(cpu);
}
X86_HELPER(stmxcsr, 0, I32, 0, 0)
