// SPDX-License-Identifier: MIT
// Between lazy flags and EFLAGS.

#include "target-x86/flags.h"

#include "target-x86/cpu.h"
#include "tcg/base/bits.h"

static uint32_t parity(uint64_t value)
{
    return __builtin_parity(value & 0xff) ? 0 : FLAG_P;
}

static uint32_t sign_zero_parity(uint64_t value, unsigned bits)
{
    return (value == 0 ? FLAG_Z : 0) | (value >> (bits - 1) ? FLAG_S : 0) | parity(value);
}

// Overflow where a and b have the same sign and the result has not.
static uint32_t overflow(uint64_t a, uint64_t b, uint64_t result, unsigned bits)
{
    return (~(a ^ b) & (a ^ result)) >> (bits - 1) & 1 ? FLAG_O : 0;
}

static uint32_t flags_of_kind(uint32_t op, uint64_t dst, uint64_t src, uint32_t src2)
{
    unsigned bits = 8u << (op & 3);
    uint64_t mask = mask64(bits), a, top = UINT64_C(1) << (bits - 1);
    enum x86_cc_kind kind = (enum x86_cc_kind)((op & X86_CC_KIND) >> 2);
    uint64_t d = (kind == CC_CMP ? dst - src : dst) & mask, s = src & mask, c = src2 & 1;
    uint32_t szp = sign_zero_parity(d, bits);
    switch (kind) {
    case CC_FLAGS:
        return (uint32_t)src & FLAGS_ARITH;
    case CC_ADD:
        a = (d - s) & mask;
        return szp | (d < s ? FLAG_C : 0) | ((a ^ s ^ d) & FLAG_A) | overflow(a, s, d, bits);
    case CC_ADC:
        a = (d - s - c) & mask;
        return szp | ((c ? d <= a : d < a) ? FLAG_C : 0) | ((a ^ s ^ d) & FLAG_A) | overflow(a, s, d, bits);
    case CC_SUB:
    case CC_CMP:
        a = (d + s) & mask;
        return szp | (a < s ? FLAG_C : 0) | ((a ^ s ^ d) & FLAG_A) | overflow(a, ~s & mask, d, bits);
    case CC_SBB:
        a = (d + s + c) & mask;
        return szp | ((c ? a <= s : a < s) ? FLAG_C : 0) | ((a ^ s ^ d) & FLAG_A) | overflow(a, ~s & mask, d, bits);
    case CC_INC:
        return szp | (src & 1 ? FLAG_C : 0) | ((d & 15) == 0 ? FLAG_A : 0) | (d == top ? FLAG_O : 0);
    case CC_DEC:
        return szp | (src & 1 ? FLAG_C : 0) | ((d & 15) == 15 ? FLAG_A : 0) | (d == top - 1 ? FLAG_O : 0);
    case CC_SHL:
        return szp | (s & top ? FLAG_C : 0) | ((s ^ d) & top ? FLAG_O : 0);
    case CC_SHR:
        return szp | (s & 1 ? FLAG_C : 0) | ((s ^ d) & top ? FLAG_O : 0);
    case CC_MUL:
        return szp | (s ? FLAG_C | FLAG_O : 0);
    case CC_CARRY:
        return szp | (src & 1 ? FLAG_C : 0);
    default:
        return szp;
    }
}

// By itself, for what is mostly wanted to have no need of a frame.
static __attribute__((noinline)) uint32_t with_apart(uint32_t op, uint64_t dst, uint64_t src, uint32_t src2, uint32_t cf, uint32_t of)
{
    uint32_t flags = flags_of_kind(op, dst, src, src2);
    if (op & X86_CC_CF)
        flags = (flags & ~(uint32_t)FLAG_C) | (cf & 1 ? FLAG_C : 0);
    if (op & X86_CC_OF)
        flags = (flags & ~(uint32_t)FLAG_O) | (of & 1 ? FLAG_O : 0);
    return flags;
}

uint32_t x86_flags_of(uint32_t op, uint64_t dst, uint64_t src, uint32_t src2, uint32_t cf, uint32_t of)
{
    bool apart = op & (X86_CC_CF | X86_CC_OF);
    return apart ? with_apart(op, dst, src, src2, cf, of) : flags_of_kind(op, dst, src, src2);
}

uint32_t x86_arith_flags(const struct x86_cpu *cpu)
{
    return x86_flags_of(cpu->cc_op, cpu->cc_dst, cpu->cc_src, cpu->cc_src2, cpu->cc_cf, cpu->cc_of);
}

uint32_t x86_eflags_get(const struct x86_cpu *cpu)
{
    return cpu->eflags | FLAG_1 | x86_arith_flags(cpu);
}

void x86_eflags_set(struct x86_cpu *cpu, uint32_t value)
{
    enum { KEPT = FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP |
                  FLAG_ID };
    cpu->eflags = value & KEPT;
    cpu->cc_op = x86_cc_op(CC_FLAGS, 0);
    cpu->cc_src = value & FLAGS_ARITH;
}
