// SPDX-License-Identifier: MIT
// Registers as debuggers read and write them, outside run(). What is written has the effects that the processor's own way to
// write it has, and is refused where that way would raise an exception.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

// --- general registers ---------------------------------------------------------------------------------------------

static bool wide_stack(const struct x86_cpu *cpu)
{
    return cpu->segs[X86_SS].attr & DESC_B;
}

static uint64_t get_gpr(const struct x86_cpu *cpu, unsigned n)
{
    if (x86_code64(cpu) || n >= 8)
        return cpu->gpr[n];
    if (n != X86_RSP)
        return (uint32_t)cpu->gpr[n];
    return (uint32_t)(cpu->segs[X86_SS].base + (cpu->gpr[X86_RSP] & (wide_stack(cpu) ? 0xffffffff : 0xffff)));
}

static bool set_gpr(struct x86_cpu *cpu, unsigned n, uint64_t value)
{
    unsigned bits = 64;
    if (!x86_code64(cpu) && n < 8) {
        if (value >> 32)
            return false;
        bits = 32;
        if (n == X86_RSP) {
            value = (uint32_t)(value - cpu->segs[X86_SS].base);
            bits = wide_stack(cpu) ? 32 : 16;
            if (value & ~mask64(bits))
                return false;
        }
    }
    cpu->gpr[n] = deposit64(cpu->gpr[n], 0, bits, value);
    return true;
}

static bool set_pc(struct x86_cpu *cpu, uint64_t value)
{
    const struct x86_segment *cs = &cpu->segs[X86_CS];
    if (value == tcg_get_pc(&cpu->tcg))
        return true;
    if (x86_code64(cpu) ? !x86_canonical(cpu, value) : value >> 32 || (uint32_t)(value - cs->base) > cs->limit)
        return false;
    tcg_set_pc(&cpu->tcg, value);
    cpu->halt = X86_RUNS;
    cpu->tcg.vcpu.halted = false;
    return true;
}

static uint64_t get_core(const struct x86_cpu *cpu, enum x86_debug_core which)
{
    switch (which) {
    case X86_DEBUG_PC:
        return tcg_get_pc(&cpu->tcg);
    case X86_DEBUG_EFLAGS:
        return x86_eflags_get(cpu);
    case X86_DEBUG_IP:
        return x86_rip(cpu) & 0xffff;
    default:
        return cpu->gpr[X86_RSP] & 0xffff;
    }
}

static bool set_core(struct x86_cpu *cpu, enum x86_debug_core which, uint64_t value)
{
    switch (which) {
    case X86_DEBUG_PC:
        return set_pc(cpu, value);
    case X86_DEBUG_EFLAGS:
        // Virtual 8086 mode comes with other segments.
        if ((value ^ cpu->eflags) & FLAG_VM)
            return false;
        x86_eflags_set(cpu, (uint32_t)value);
        x86_modes_changed(cpu);
        x86_poll(cpu);
        return true;
    case X86_DEBUG_IP:
        value = cpu->segs[X86_CS].base + deposit64(x86_rip(cpu), 0, 16, value);
        return set_pc(cpu, x86_code64(cpu) ? value : (uint32_t)value);
    default:
        cpu->gpr[X86_RSP] = deposit64(cpu->gpr[X86_RSP], 0, 16, value);
        return true;
    }
}

// --- x87 and SSE ---------------------------------------------------------------------------------------------------

static uint8_t *st(struct x86_cpu *cpu, unsigned n)
{
    return cpu->fpu.st[(cpu->fpu.top + n) & 7];
}

// As FXSAVE has it: in 64-bit code the upper half of the pointer is in the place of its selector.
static uint64_t pointer_segment(const struct x86_cpu *cpu, uint64_t pointer, uint32_t selector)
{
    return x86_code64(cpu) ? pointer >> 32 : selector & 0xffff;
}

static uint64_t get_fpu(const struct x86_cpu *cpu, enum x86_debug_fpu which)
{
    const struct x86_fpu *f = &cpu->fpu;
    switch (which) {
    case X86_DEBUG_FCTRL:
        return f->control;
    case X86_DEBUG_FSTAT:
        return x86_fpu_status(f);
    case X86_DEBUG_FTAG:
        return x86_fpu_tags(f);
    case X86_DEBUG_FISEG:
        return pointer_segment(cpu, f->ip, f->cs);
    case X86_DEBUG_FIOFF:
        return (uint32_t)f->ip;
    case X86_DEBUG_FOSEG:
        return pointer_segment(cpu, f->dp, f->ds);
    case X86_DEBUG_FOOFF:
        return (uint32_t)f->dp;
    case X86_DEBUG_FOP:
        return f->opcode;
    default:
        return x86_mxcsr_saved(cpu);
    }
}

static void set_pointer_segment(struct x86_cpu *cpu, uint64_t *pointer, uint32_t *selector, uint64_t value)
{
    if (x86_code64(cpu))
        *pointer = deposit64(*pointer, 32, 32, value);
    else
        *selector = value & 0xffff;
}

static bool set_fpu(struct x86_cpu *cpu, enum x86_debug_fpu which, uint64_t value)
{
    struct x86_fpu *f = &cpu->fpu;
    switch (which) {
    case X86_DEBUG_FCTRL:
        f->control = x86_fpu_control((uint16_t)value);
        break;
    case X86_DEBUG_FSTAT:
        x86_fpu_set_status(f, (uint16_t)value);
        break;
    case X86_DEBUG_FTAG:
        f->valid = 0;
        for (unsigned n = 0; n < 8; n++)
            if ((value >> (n * 2) & 3) != 3)
                f->valid |= (uint8_t)(1u << n);
        return true;
    case X86_DEBUG_FISEG:
        set_pointer_segment(cpu, &f->ip, &f->cs, value);
        return true;
    case X86_DEBUG_FIOFF:
        f->ip = deposit64(f->ip, 0, 32, value);
        return true;
    case X86_DEBUG_FOSEG:
        set_pointer_segment(cpu, &f->dp, &f->ds, value);
        return true;
    case X86_DEBUG_FOOFF:
        f->dp = deposit64(f->dp, 0, 32, value);
        return true;
    case X86_DEBUG_FOP:
        f->opcode = value & 0x7ff;
        return true;
    default:
        return x86_mxcsr_set_saved(cpu, (uint32_t)value);
    }
    x86_fpu_update_summary(f);
    x86_fpu_control_changed(cpu);
    return true;
}

// --- the system's --------------------------------------------------------------------------------------------------

#define MSR_EFER UINT32_C(0xc0000080)

static bool write_msr(struct x86_cpu *cpu, uint32_t msr, uint64_t value)
{
    bool good = x86_write_msr(cpu, msr, value);
    x86_modes_changed(cpu);
    return good;
}

static uint64_t get_system(const struct x86_cpu *cpu, enum x86_debug_system which)
{
    switch (which) {
    case X86_DEBUG_EFER:
        return cpu->efer;
    case X86_DEBUG_XCR0:
        return cpu->xcr0;
    case X86_DEBUG_PKRU:
        return cpu->pkru;
    case X86_DEBUG_SMBASE:
        return cpu->smbase;
    case X86_DEBUG_A20:
        return !cpu->a20_masked;
    case X86_DEBUG_CPL:
        return x86_cpl(cpu);
    default:
        return cpu->smm;
    }
}

static bool set_system(struct x86_cpu *cpu, enum x86_debug_system which, uint64_t value)
{
    switch (which) {
    case X86_DEBUG_EFER:
        return write_msr(cpu, MSR_EFER, value);
    case X86_DEBUG_XCR0:
        return x86_set_xcr0(cpu, value);
    case X86_DEBUG_PKRU:
        x86_set_pkru(cpu, (uint32_t)value);
        return true;
    default:
        return false;
    }
}

// Of those that have no more than 32 bits without long mode.
static bool fits(const struct x86_cpu *cpu, uint64_t value)
{
    return x86_has(cpu, X86_FEAT_LM) || !(value >> 32);
}

// --- by kind -------------------------------------------------------------------------------------------------------

static bool get(struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned n, uint64_t *value)
{
    switch (kind) {
    case X86_KIND_GPR:
        *value = get_gpr(cpu, n);
        return true;
    case X86_KIND_CORE:
        *value = get_core(cpu, n);
        return true;
    case X86_KIND_FPU:
        *value = get_fpu(cpu, n);
        return true;
    case X86_KIND_CR:
        *value = x86_get_cr(cpu, n);
        return true;
    case X86_KIND_DR:
        *value = cpu->dr[n];
        return true;
    case X86_KIND_SYSTEM:
        *value = get_system(cpu, n);
        return true;
    case X86_KIND_MSR:
        return x86_read_msr(cpu, x86_debug_msrs[n], value);
    default:
        *value = x86_debug_segment_get(cpu, kind, n);
        return true;
    }
}

static bool set(struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned n, uint64_t value)
{
    switch (kind) {
    case X86_KIND_GPR:
        return set_gpr(cpu, n, value);
    case X86_KIND_CORE:
        return set_core(cpu, n, value);
    case X86_KIND_FPU:
        return set_fpu(cpu, n, value);
    case X86_KIND_CR:
        return fits(cpu, value) && x86_set_cr(cpu, n, value);
    case X86_KIND_DR:
        return fits(cpu, value) && x86_set_dr(cpu, n, value);
    case X86_KIND_SYSTEM:
        return set_system(cpu, n, value);
    case X86_KIND_MSR:
        return write_msr(cpu, x86_debug_msrs[n], value);
    default:
        return x86_debug_segment_set(cpu, kind, n, value);
    }
}

// Registers that are no number. NULL: it is one.
static void *bytes_of(struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned n)
{
    switch (kind) {
    case X86_KIND_ST:
        return st(cpu, n);
    case X86_KIND_XMM:
        return cpu->xmm[n];
    case X86_KIND_YMMH:
        return cpu->ymmh[n];
    default:
        return NULL;
    }
}

bool x86_debug_read(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg, uint8_t *bytes)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    enum x86_debug_kind kind = reg->id >> 8;
    unsigned n = reg->id & 0xff;
    const void *place = bytes_of(cpu, kind, n);
    uint64_t value = 0;
    (void)view;
    if (place)
        memcpy(bytes, place, reg->bits / 8);
    else if (get(cpu, kind, n, &value))
        store_le(bytes, reg->bits / 8, value);
    else
        return false;
    return true;
}

bool x86_debug_write(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg, const uint8_t *bytes)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    enum x86_debug_kind kind = reg->id >> 8;
    unsigned n = reg->id & 0xff;
    void *place = bytes_of(cpu, kind, n);
    uint64_t value = 0;
    (void)view;
    if (place) {
        memcpy(place, bytes, reg->bits / 8);
        return true;
    }
    if (!get(cpu, kind, n, &value))
        return false;
    return set(cpu, kind, n, deposit64(value, 0, reg->bits, load_le(bytes, reg->bits / 8)));
}
