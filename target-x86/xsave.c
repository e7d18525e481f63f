// SPDX-License-Identifier: MIT
// XSAVE and its like (Intel SDM volume 1, chapter 13): the state components that XCR0 turns on, in the standard and the
// compacted form, and CPUID's leaf 0xd about them. What is behind the header lies where AMD's processors without AVX-512 have it.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/handlers.h"
#include "target-x86/helper.h"
#include "target-x86/simd.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { X87, SSE, AVX, PKRU = 9 };
enum { X_X87 = 1 << X87, X_SSE = 1 << SSE, X_AVX = 1 << AVX, X_PKRU = 1 << PKRU };
enum { HEADER = FX_BYTES, HEADER_BYTES = 64, EXTENDED = HEADER + HEADER_BYTES, MXCSR_INITIAL = 0x1f80 };
#define COMPACTED BIT64(63) // in XCOMP_BV, the header's second word

// --- components ----------------------------------------------------------------------------------------------------

// Those behind the header, with their place in the standard form.
static const struct component {
    uint8_t number;
    uint16_t offset, bytes;
    enum x86_feature feature;
} components[] = {{AVX, EXTENDED, 256, X86_FEAT_AVX}, {PKRU, EXTENDED + 256, 8, X86_FEAT_PKU}};

enum { COMPONENT_MOST = 256 };

static uint64_t offered(const struct x86_cpu *cpu)
{
    uint64_t mask = X_X87 | X_SSE;
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++)
        if (x86_has(cpu, components[i].feature))
            mask |= BIT64(components[i].number);
    return mask;
}

// Where a component lies with this XCOMP_BV.
static unsigned place_of(const struct component *c, uint64_t format)
{
    unsigned place = EXTENDED;
    if (!(format & COMPACTED))
        return c->offset;
    for (const struct component *before = components; before < c; before++)
        place += format >> before->number & 1 ? before->bytes : 0;
    return place;
}

// The bytes of an area that these components are in.
static uint32_t area_bytes(uint64_t mask, uint64_t format)
{
    uint32_t end = EXTENDED;
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++)
        if (mask >> components[i].number & 1)
            end = place_of(&components[i], format) + components[i].bytes;
    return end;
}

// How much of a component is saved and restored: code of less than 64 bits sees half of the vectors.
static unsigned bytes_of(const struct x86_cpu *cpu, const struct component *c)
{
    return c->number == AVX ? x86_xmm_count(cpu) * 16 : c->bytes;
}

static void get_state(const struct x86_cpu *cpu, const struct component *c, uint8_t *out)
{
    if (c->number == AVX)
        memcpy(out, cpu->ymmh, bytes_of(cpu, c));
    else
        store_le64(out, cpu->pkru);
}

static void set_state(struct x86_cpu *cpu, const struct component *c, const uint8_t *in)
{
    if (c->number == AVX)
        memcpy(cpu->ymmh, in, bytes_of(cpu, c));
    else
        x86_set_pkru(cpu, load_le32(in));
}

static bool all_zero(const void *bytes, size_t count)
{
    const uint8_t *b = bytes;
    return !b[0] && !memcmp(b, b + 1, count - 1); // each is as the one before it
}

// XINUSE: the components that are not in their initial state, with the x87's saved (x86_fpu_save).
static uint64_t in_use(const struct x86_cpu *cpu)
{
    const struct x86_fpu *f = &cpu->fpu;
    bool x87 = f->control != 0x37f || f->status || f->top || f->valid || f->ip || f->dp || f->opcode;
    bool sse = !all_zero(cpu->xmm, x86_xmm_count(cpu) * 16u), avx = !all_zero(cpu->ymmh, x86_xmm_count(cpu) * 16u);
    return (x87 ? X_X87 : 0) | (sse ? X_SSE : 0) | (avx ? X_AVX : 0) | (cpu->pkru ? X_PKRU : 0);
}

// --- XSAVE, XSAVEOPT, XSAVEC ---------------------------------------------------------------------------------------

// The legacy area's parts, of which what is not to be written stays.
static void put_legacy(const struct x86_cpu *cpu, uint8_t *image, uint64_t written, bool mxcsr, bool wide)
{
    if (written & X_X87)
        x86_fx_put_x87(cpu, image, wide);
    if (mxcsr)
        x86_fx_put_mxcsr(cpu, image);
    if (written & X_SSE)
        memcpy(image + FX_XMM, cpu->xmm, x86_xmm_count(cpu) * 16);
}

static void save(struct x86_cpu *cpu, enum x86_xsave kind, uint64_t gva, uint64_t asked, unsigned mmu, bool wide)
{
    uint8_t image[EXTENDED], state[COMPONENT_MOST];
    uint64_t used = in_use(cpu) & asked, format = kind == XSAVE_XSAVEC ? asked | COMPACTED : 0;
    bool mxcsr = asked & (X_SSE | X_AVX);
    // The compacted form has MXCSR as a part of SSE's state, the standard one by itself.
    if (format) {
        used |= x86_mxcsr_get(cpu) != MXCSR_INITIAL ? asked & X_SSE : 0;
        mxcsr = used & X_SSE;
    }
    uint64_t written = kind == XSAVE_XSAVE ? asked : used;
    unsigned first = mxcsr || (written & (X_X87 | X_SSE)) ? 0 : HEADER;
    x86_check_writable(cpu, gva, area_bytes(written, format), mmu);
    tlb_load_bytes(&cpu->tcg, gva + first, image + first, EXTENDED - first, mmu);
    put_legacy(cpu, image, written, mxcsr, wide);
    store_le64(image + HEADER, format ? used : (load_le64(image + HEADER) & ~asked) | used);
    if (format)
        store_le64(image + HEADER + 8, format);
    tlb_store_bytes(&cpu->tcg, gva + first, image + first, EXTENDED - first, mmu);
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++) {
        const struct component *c = &components[i];
        if (!(written >> c->number & 1))
            continue;
        get_state(cpu, c, state);
        tlb_store_bytes(&cpu->tcg, gva + place_of(c, format), state, bytes_of(cpu, c), mmu);
    }
}

// --- XRSTOR --------------------------------------------------------------------------------------------------------

static bool header_good(const struct x86_cpu *cpu, const uint8_t *header)
{
    uint64_t present = load_le64(header), format = load_le64(header + 8);
    if (!(format & COMPACTED))
        return !(present & ~cpu->xcr0) && all_zero(header + 8, 16);
    return x86_has(cpu, X86_FEAT_XSAVEC) && !(format & ~COMPACTED & ~cpu->xcr0) && !(present & ~format) &&
           all_zero(header + 16, HEADER_BYTES - 16);
}

static void restore(struct x86_cpu *cpu, uint64_t gva, uint64_t asked, unsigned mmu, bool wide)
{
    uint8_t image[EXTENDED], state[ARRAY_SIZE(components)][COMPONENT_MOST] = {{0}};
    tlb_load_bytes(&cpu->tcg, gva, image, EXTENDED, mmu);
    uint64_t present = load_le64(image + HEADER), format = load_le64(image + HEADER + 8);
    if (!header_good(cpu, image + HEADER))
        x86_fault(cpu, X86_GP, 0);
    // All is read before anything changes: what comes may be the key that the area itself is read with.
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++) {
        const struct component *c = &components[i];
        if (asked & present & BIT64(c->number))
            tlb_load_bytes(&cpu->tcg, gva + place_of(c, format), state[i], bytes_of(cpu, c), mmu);
    }
    bool initial_mxcsr = (format & COMPACTED) && !(present & X_SSE);
    if ((asked & (format & COMPACTED ? X_SSE : X_SSE | X_AVX)) &&
        !x86_mxcsr_set(cpu, initial_mxcsr ? MXCSR_INITIAL : load_le32(image + FX_MXCSR)))
        x86_fault(cpu, X86_GP, 0);
    if (asked & X_X87) {
        x86_fpu_init(cpu);
        memset(cpu->fpu.st, 0, sizeof(cpu->fpu.st));
        if (present & X_X87)
            x86_fx_get_x87(cpu, image, wide);
        x86_fpu_control_changed(cpu);
    }
    if (asked & present & X_SSE)
        memcpy(cpu->xmm, image + FX_XMM, x86_xmm_count(cpu) * 16);
    else if (asked & X_SSE)
        memset(cpu->xmm, 0, x86_xmm_count(cpu) * 16);
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++)
        if (asked >> components[i].number & 1)
            set_state(cpu, &components[i], state[i]);
}

static void xsave(struct x86_cpu *cpu, uint32_t what, uint64_t gva)
{
    enum x86_xsave kind = what & 0xff;
    unsigned mmu = what >> 8 & 3;
    bool wide = what >> 12 & 1;
    uint64_t mask = (uint32_t)cpu->gpr[X86_RAX] | cpu->gpr[X86_RDX] << 32, asked = mask & cpu->xcr0;
    if (gva & 63)
        x86_fault(cpu, X86_GP, 0);
    x86_fpu_save(cpu);
    if (kind == XSAVE_XRSTOR)
        restore(cpu, gva, asked, mmu, wide);
    else
        save(cpu, kind, gva, asked, mmu, wide);
}
X86_HELPER(xsave, X86_MODES, VOID, 2, IR_I32, IR_I64)

// --- XCR0 and CPUID ------------------------------------------------------------------------------------------------

static void xgetbv(struct x86_cpu *cpu)
{
    uint32_t index = (uint32_t)cpu->gpr[X86_RCX];
    uint64_t value = cpu->xcr0;
    if (index > 1 || (index == 1 && !x86_has(cpu, X86_FEAT_XGETBV1)))
        x86_fault(cpu, X86_GP, 0);
    if (index == 1) {
        x86_fpu_save(cpu);
        value &= in_use(cpu);
    }
    cpu->gpr[X86_RAX] = (uint32_t)value;
    cpu->gpr[X86_RDX] = value >> 32;
}
X86_HELPER(xgetbv, X86_FAULTS, VOID, 0, 0)

bool x86_set_xcr0(struct x86_cpu *cpu, uint64_t value)
{
    if ((value & ~offered(cpu)) || !(value & X_X87) || ((value & X_AVX) && !(value & X_SSE)))
        return false;
    cpu->xcr0 = value;
    x86_modes_changed(cpu);
    return true;
}

static void xsetbv(struct x86_cpu *cpu)
{
    uint64_t value = (uint32_t)cpu->gpr[X86_RAX] | cpu->gpr[X86_RDX] << 32;
    if ((uint32_t)cpu->gpr[X86_RCX] || !x86_set_xcr0(cpu, value))
        x86_fault(cpu, X86_GP, 0);
}
X86_HELPER(xsetbv, X86_MODES, VOID, 0, 0)

void x86_cpuid_extended_state(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t all = offered(cpu);
    if (!x86_has(cpu, X86_FEAT_XSAVE))
        return;
    if (subleaf == 0) {
        out[0] = (uint32_t)all;
        out[1] = area_bytes(cpu->xcr0, 0);
        out[2] = area_bytes(all, 0);
    } else if (subleaf == 1) {
        out[0] = cpu->features[X86_WORD_D1_EAX];
        out[1] = x86_has(cpu, X86_FEAT_XSAVEC) ? area_bytes(cpu->xcr0, cpu->xcr0 | COMPACTED) : 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(components); i++) {
        if (components[i].number == subleaf && (all >> subleaf & 1)) {
            out[0] = components[i].bytes;
            out[1] = components[i].offset;
        }
    }
}
