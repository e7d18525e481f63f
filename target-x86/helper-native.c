// SPDX-License-Identifier: MIT
// The helper behind SIMD instructions that have no inline form: operands from the guest's state to a stub's registers, and
// back (native.h).

#include <string.h>
#include <xmmintrin.h>

#include "target-x86/exception.h"
#include "target-x86/flags.h"
#include "target-x86/fpu.h"
#include "target-x86/helper.h"
#include "target-x86/native.h"
#include "target-x86/simd.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static void get_ymm(const struct x86_cpu *cpu, unsigned n, uint8_t *out)
{
    memcpy(out, cpu->xmm[n], 16);
    memcpy(out + 16, cpu->ymmh[n], 16);
}

static void set_ymm(struct x86_cpu *cpu, unsigned n, const uint8_t *in)
{
    memcpy(cpu->xmm[n], in, 16);
    memcpy(cpu->ymmh[n], in + 16, 16);
}

void x86_check_writable(struct x86_cpu *cpu, uint64_t gva, unsigned bytes, unsigned mmu)
{
    tlb_host(&cpu->tcg, gva, TLB_WRITE, mmu, false);
    if ((gva & (TLB_PAGE_SIZE - 1)) + bytes > TLB_PAGE_SIZE)
        tlb_host(&cpu->tcg, (gva + bytes - 1) & -(uint64_t)TLB_PAGE_SIZE, TLB_WRITE, mmu, false);
}

// Runs a stub while an exception is not masked: the fault is raised and nothing written when the operation raised one.
// Invalid, denormal and divide by zero are found before there is a result, and keep what a result would raise from
// showing. Underflow, when it is not masked, is a result that is tiny, inexact or not: what flushing to zero finds.
static void run_trapping(struct x86_cpu *cpu, struct host_frame *f, uint64_t stub, bool mmx)
{
    enum { FLAGS = 0x3f, EARLY = 7, UNDERFLOW = 1 << 4, FLUSH = 1 << 15, MASK_SHIFT = 7 };
    uint32_t before = _mm_getcsr(), unmasked = FLAGS & ~(cpu->mxcsr_masks >> MASK_SHIFT), tiny = 0;
    if ((unmasked & UNDERFLOW) && !(before & FLUSH)) {
        struct host_frame trial = *f;
        _mm_setcsr((before & ~(uint32_t)FLAGS) | FLUSH);
        x86_native_run(&trial, stub, mmx);
        tiny = _mm_getcsr() & UNDERFLOW;
    }
    _mm_setcsr(before & ~(uint32_t)FLAGS);
    x86_native_run(f, stub, mmx);
    uint32_t raised = (_mm_getcsr() & FLAGS) | tiny;
    if (raised & unmasked & EARLY)
        raised &= EARLY;
    _mm_setcsr(before | raised);
    if (raised & unmasked)
        x86_fault(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? X86_XM : X86_UD, 0);
}

static void set_gpr(struct x86_cpu *cpu, unsigned n, uint64_t value, bool is64)
{
    cpu->gpr[n] = is64 ? value : (uint32_t)value;
}

static void write_back(struct x86_cpu *cpu, const struct host_frame *f, uint64_t spec)
{
    unsigned reg = spec & 15, rm = spec >> 4 & 15, vvvv = spec >> 8 & 15, role = spec >> NATIVE_ROLE & 3;
    unsigned n = role == 0 ? reg : role == 1 ? rm : vvvv, place = role == 0 ? 0 : role == 1 ? 2 : 1;
    switch (spec >> NATIVE_DST & 7) {
    case NATIVE_XMM:
        set_ymm(cpu, n, f->ymm[place]);
        break;
    case NATIVE_MMX:
        x86_fpu_set_mm(&cpu->fpu, n, f->mm[place]);
        break;
    case NATIVE_GPR32:
    case NATIVE_GPR64:
        set_gpr(cpu, n, place ? f->rdx : f->rax, (spec >> NATIVE_DST & 7) == NATIVE_GPR64);
        break;
    default:
        break;
    }
    if (spec >> NATIVE_FLAGS & 1) {
        cpu->cc_op = x86_cc_op(CC_FLAGS, 0);
        cpu->cc_src = f->flags & FLAGS_ARITH;
    }
    if (spec >> NATIVE_RCX & 1)
        cpu->gpr[X86_RCX] = (uint32_t)f->rcx;
    if (spec >> NATIVE_XMM0 & 1) {
        memcpy(cpu->xmm[0], f->ymm[0], 16);
        if (spec >> NATIVE_VEX & 1)
            memset(cpu->ymmh[0], 0, 16);
    }
}

static void native(struct x86_cpu *cpu, uint64_t stub, uint64_t spec, uint64_t address)
{
    struct host_frame f;
    if (spec >> NATIVE_WITH_MMX & 1)
        x86_fpu_save(cpu);
    unsigned reg = spec & 15, rm = spec >> 4 & 15, bytes = 1u << (spec >> NATIVE_SIZE & 7), mmu = spec >> NATIVE_MMU & 3;
    bool memory = spec >> NATIVE_MEM & 1, store = spec >> NATIVE_STORE & 1, trapping = spec >> NATIVE_TRAPS & 1;
    get_ymm(cpu, reg, f.ymm[0]);
    get_ymm(cpu, spec >> 8 & 15, f.ymm[1]);
    get_ymm(cpu, rm, f.ymm[2]);
    get_ymm(cpu, spec >> 12 & 15, f.ymm[3]);
    f.mm[0] = load_le64(cpu->fpu.st[reg & 7]);
    f.mm[2] = load_le64(cpu->fpu.st[rm & 7]);
    bool explicit_lengths = spec >> NATIVE_LENGTHS & 1;
    f.rax = cpu->gpr[explicit_lengths ? X86_RAX : reg];
    f.rdx = cpu->gpr[explicit_lengths ? X86_RDX : rm];
    f.rcx = 0;
    f.flags = 0;
    if (memory && !store)
        tlb_load_bytes(&cpu->tcg, address, f.memory, bytes, mmu);
    if (store && (spec >> NATIVE_FP & 1))
        x86_check_writable(cpu, address, bytes, mmu);
    bool mmx = spec >> NATIVE_WITH_MMX & 1;
    if (mmx && !store)
        x86_fpu_use_mmx(&cpu->fpu, true);
    if (trapping)
        run_trapping(cpu, &f, stub, mmx);
    else
        x86_native_run(&f, stub, mmx);
    if (store)
        tlb_store_bytes(&cpu->tcg, address, f.memory, bytes, mmu);
    if (mmx)
        x86_fpu_use_mmx(&cpu->fpu, true);
    write_back(cpu, &f, spec);
}
X86_HELPER(native, X86_FAULTS, VOID, 3, IR_I64, IR_I64, IR_I64)

static void store_wide(struct x86_cpu *cpu, uint64_t gva, uint32_t mmu, const void *low, const void *high)
{
    uint8_t bytes[32];
    memcpy(bytes, low, 16);
    memcpy(bytes + 16, high, 16);
    tlb_store_bytes(&cpu->tcg, gva, bytes, sizeof(bytes), mmu);
}
X86_HELPER(store_wide, X86_FAULTS, VOID, 4, IR_I64, IR_I32, IR_V128, IR_V128)

// Whether the mask names the element at i.
static bool masked(const uint8_t *mask, unsigned i, unsigned lane)
{
    return mask[i + lane - 1] & 0x80;
}

// PBLENDVB and its like choose by XMM0, SHA256RNDS2 adds it: the stub has it as register 0 (then the destination is
// register 3, which is chosen from by hand here) or as the mask.
static void blend(struct x86_cpu *cpu, uint32_t what, const void *source_pointer)
{
    unsigned dst = what & 15, lane = what >> 4 & 15;
    uint8_t source[16], *d = (uint8_t *)cpu->xmm[dst];
    const uint8_t *mask = (const uint8_t *)cpu->xmm[0];
    uint8_t result[16];
    memcpy(source, source_pointer, 16);
    for (unsigned i = 0; i < 16; i += lane)
        memcpy(result + i, masked(mask, i, lane) ? source + i : d + i, lane);
    memcpy(d, result, 16);
}
X86_HELPER(blend, IR_HELPER_WRITES_STATE, VOID, 2, IR_I32, IR_V128)

static void sha256rnds2(struct x86_cpu *cpu, uint32_t dst, const void *source)
{
    uint8_t d[16], s[16], k[16];
    memcpy(d, cpu->xmm[dst], 16);
    memcpy(s, source, 16);
    memcpy(k, cpu->xmm[0], 16);
    __asm__("movdqu %2, %%xmm0; movdqu %0, %%xmm1; movdqu %1, %%xmm2; sha256rnds2 %%xmm2, %%xmm1; movdqu %%xmm1, %0"
            : "+m"(d)
            : "m"(s), "m"(k)
            : "xmm0", "xmm1", "xmm2");
    memcpy(cpu->xmm[dst], d, 16);
}
X86_HELPER(sha256rnds2, IR_HELPER_WRITES_STATE, VOID, 2, IR_I32, IR_V128)

// --- masked moves: only the elements that the mask names are touched ---

// MASKMOVQ and MASKMOVDQU, by bytes.
static void maskmov(struct x86_cpu *cpu, uint32_t what, uint64_t gva)
{
    unsigned reg = what & 15, rm = what >> 4 & 15, bytes = what >> 8 & 255, mmu = what >> 16 & 3;
    if (bytes == 8) {
        x86_fpu_save(cpu);
        x86_fpu_check_pending(cpu);
    }
    const uint8_t *data = bytes == 8 ? cpu->fpu.st[reg & 7] : (const uint8_t *)cpu->xmm[reg];
    const uint8_t *mask = bytes == 8 ? cpu->fpu.st[rm & 7] : (const uint8_t *)cpu->xmm[rm];
    for (unsigned i = 0; i < bytes; i++)
        if (masked(mask, i, 1))
            x86_check_writable(cpu, gva + i, 1, mmu);
    for (unsigned i = 0; i < bytes; i++)
        if (masked(mask, i, 1))
            tlb_store(&cpu->tcg, gva + i, 1, data[i], mmu);
    if (bytes == 8)
        x86_fpu_use_mmx(&cpu->fpu, true);
}
X86_HELPER(maskmov, X86_FAULTS, VOID, 2, IR_I32, IR_I64)

// VMASKMOVPS and its like.
static void vmaskmov(struct x86_cpu *cpu, uint32_t what, uint64_t gva)
{
    unsigned reg = what & 15, mask_reg = what >> 4 & 15, bytes = what >> 8 & 255, mmu = what >> 16 & 3;
    unsigned lane = what >> 20 & 15;
    bool store = what >> 24 & 1;
    uint8_t mask[32], data[32], result[32] = {0};
    get_ymm(cpu, mask_reg, mask);
    get_ymm(cpu, reg, data);
    for (unsigned i = 0; store && i < bytes; i += lane)
        if (masked(mask, i, lane))
            x86_check_writable(cpu, gva + i, lane, mmu);
    for (unsigned i = 0; i < bytes; i += lane) {
        if (!masked(mask, i, lane))
            continue;
        if (store)
            tlb_store(&cpu->tcg, gva + i, lane, load_le(data + i, lane), mmu);
        else
            store_le(result + i, lane, tlb_load(&cpu->tcg, gva + i, lane, mmu));
    }
    if (!store)
        set_ymm(cpu, reg, result);
}
X86_HELPER(vmaskmov, X86_FAULTS, VOID, 2, IR_I32, IR_I64)

static void to_mm(struct x86_cpu *cpu)
{
    x86_fpu_to_mm(cpu);
}
X86_HELPER(to_mm, X86_FAULTS, VOID, 0, 0)
