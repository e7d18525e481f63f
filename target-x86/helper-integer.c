// SPDX-License-Identifier: MIT
// Helpers of integer instructions that are not worth, or not possible, as IR.

#include <string.h>
#include <sys/random.h>

#include "target-x86/exception.h"
#include "target-x86/flags.h"
#include "target-x86/handlers.h"
#include "target-x86/helper.h"
#include "tcg/base/bits.h"

X86_HELPER_AS(flags_of, x86_flags_of, X86_PURE, I32, 6, IR_I32, IR_I64, IR_I64, IR_I32, IR_I32, IR_I32)

static void settle_flags(struct x86_cpu *cpu)
{
    uint32_t flags = x86_arith_flags(cpu);
    cpu->cc_src = flags;
    cpu->cc_cf = (flags & FLAG_C) != 0;
    cpu->cc_of = (flags & FLAG_O) != 0;
    cpu->cc_op = x86_cc_op(CC_FLAGS, 0) | X86_CC_CF | X86_CC_OF;
}
X86_HELPER(settle_flags, IR_HELPER_WRITES_STATE, VOID, 0, 0)

// --- RCL, RCR ------------------------------------------------------------------------------------------------------

// The operand with CF above it, rotated left by `count` of its `bits` + 1 places; CF comes back in *carry.
static uint64_t rotate_through(uint64_t value, unsigned bits, unsigned count, uint32_t *carry)
{
    unsigned __int128 whole = (unsigned __int128)*carry << bits | value, mask = ((unsigned __int128)2 << bits) - 1;
    if (count)
        whole = (whole << count | whole >> (bits + 1 - count)) & mask;
    *carry = (uint32_t)(whole >> bits) & 1;
    return (uint64_t)whole & mask64(bits);
}

static uint64_t rotate(uint64_t value, uint32_t count, uint32_t *flags, uint32_t what)
{
    unsigned bits = 8u << (what & 3), places = count % (bits + 1);
    bool left = what & 4;
    uint32_t carry = *flags & FLAG_C;
    uint64_t result = rotate_through(value, bits, left ? places : (bits + 1 - places) % (bits + 1), &carry);
    if (count) {
        unsigned top = result >> (bits - 1) & 1, below = result >> (bits - 2) & 1;
        bool overflow = left ? top != carry : top != below;
        *flags = (*flags & ~(uint32_t)(FLAG_C | FLAG_O)) | carry | (overflow ? FLAG_O : 0);
    }
    return result;
}

static uint64_t rotate_carry(uint64_t value, uint32_t count, uint32_t flags, uint32_t what)
{
    return rotate(value, count, &flags, what);
}
X86_HELPER(rotate_carry, X86_PURE, I64, 4, IR_I64, IR_I32, IR_I32, IR_I32)

static uint32_t rotate_carry_flags(uint64_t value, uint32_t count, uint32_t flags, uint32_t what)
{
    rotate(value, count, &flags, what);
    return flags;
}
X86_HELPER(rotate_carry_flags, X86_PURE, I32, 4, IR_I64, IR_I32, IR_I32, IR_I32)

// --- bits ----------------------------------------------------------------------------------------------------------

static uint64_t popcnt(uint64_t value)
{
    return (uint64_t)__builtin_popcountll(value);
}
X86_HELPER(popcnt, X86_PURE, I64, 1, IR_I64)

static uint64_t pext(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (unsigned n = 0; mask; mask &= mask - 1, n++)
        result |= (value >> ctz64(mask) & 1) << n;
    return result;
}
X86_HELPER(pext, X86_PURE, I64, 2, IR_I64, IR_I64)

static uint64_t pdep(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, value >>= 1)
        result |= (value & 1) << ctz64(mask);
    return result;
}
X86_HELPER(pdep, X86_PURE, I64, 2, IR_I64, IR_I64)

static uint32_t crc32(uint32_t crc, uint64_t data, uint32_t bytes)
{
    enum { CASTAGNOLI_REFLECTED = 0x82f63b78 };
    for (unsigned i = 0; i < bytes; i++, data >>= 8) {
        crc ^= data & 0xff;
        for (unsigned n = 0; n < 8; n++)
            crc = crc >> 1 ^ (crc & 1 ? CASTAGNOLI_REFLECTED : 0);
    }
    return crc;
}
X86_HELPER(crc32, X86_PURE, I32, 3, IR_I32, IR_I64, IR_I32)

// --- division ------------------------------------------------------------------------------------------------------

static uint64_t div64(struct x86_cpu *cpu, uint64_t high, uint64_t low, uint64_t divisor)
{
    if (high >= divisor)
        x86_fault(cpu, X86_DE, 0);
    return high ? (uint64_t)(((unsigned __int128)high << 64 | low) / divisor) : low / divisor;
}
X86_HELPER(div64, IR_HELPER_MAY_FAULT, I64, 3, IR_I64, IR_I64, IR_I64)

static uint64_t idiv64(struct x86_cpu *cpu, uint64_t high, uint64_t low, uint64_t divisor)
{
    __int128 dividend = (__int128)((unsigned __int128)high << 64 | low);
    __int128 most_negative = (__int128)((unsigned __int128)1 << 127);
    if (!divisor || (dividend == most_negative && (int64_t)divisor == -1))
        x86_fault(cpu, X86_DE, 0);
    __int128 quotient = dividend / (int64_t)divisor;
    if (quotient != (int64_t)quotient)
        x86_fault(cpu, X86_DE, 0);
    return (uint64_t)quotient;
}
X86_HELPER(idiv64, IR_HELPER_MAY_FAULT, I64, 3, IR_I64, IR_I64, IR_I64)

// --- BCD (Intel SDM volume 2) ----------------------------------------------------------------------------------------

static uint32_t szp(uint8_t al)
{
    return x86_flags_of(x86_cc_op(CC_LOGIC, 0), al, 0, 0, 0, 0);
}

static uint32_t decimal_adjust(uint8_t al, uint32_t flags, bool subtract)
{
    uint8_t old = al;
    uint32_t out = 0;
    bool carry = flags & FLAG_C;
    if ((al & 15) > 9 || (flags & FLAG_A)) {
        bool borrow = subtract ? al < 6 : al > 0xf9;
        al = (uint8_t)(subtract ? al - 6 : al + 6);
        out |= FLAG_A | (carry || borrow ? FLAG_C : 0);
    }
    if (old > 0x99 || carry) {
        al = (uint8_t)(subtract ? al - 0x60 : al + 0x60);
        out |= FLAG_C;
    } else if (!subtract) {
        out &= ~(uint32_t)FLAG_C;
    }
    return al | (out | szp(al)) << 16;
}

static uint32_t ascii_adjust(uint16_t ax, uint32_t flags, bool subtract)
{
    uint32_t out = 0;
    if ((ax & 15) > 9 || (flags & FLAG_A)) {
        ax = (uint16_t)(subtract ? ax - 0x106 : ax + 0x106);
        out = FLAG_A | FLAG_C;
    }
    ax &= 0xff0f;
    return ax | (out | szp((uint8_t)ax)) << 16;
}

static uint32_t bcd(uint32_t what, uint32_t ax, uint32_t flags)
{
    uint32_t base = what >> 8, al = ax & 0xff, ah = ax >> 8 & 0xff;
    switch ((enum x86_bcd)(what & 0xff)) {
    case BCD_DAA:
    case BCD_DAS:
        return ah << 8 | decimal_adjust((uint8_t)al, flags, (what & 0xff) == BCD_DAS);
    case BCD_AAA:
    case BCD_AAS:
        return ascii_adjust((uint16_t)ax, flags, (what & 0xff) == BCD_AAS);
    case BCD_AAM:
        return (al / base) << 8 | al % base | szp((uint8_t)(al % base)) << 16;
    default:
        al = (al + ah * base) & 0xff;
        return al | szp((uint8_t)al) << 16;
    }
}
X86_HELPER(bcd, X86_PURE, I32, 3, IR_I32, IR_I32, IR_I32)

// --- atomics -------------------------------------------------------------------------------------------------------

static uint64_t locked_neg(struct x86_cpu *cpu, uint64_t gva, uint32_t what)
{
    unsigned size = 1u << (what & 3), mmu = what >> 4;
    void *host = (gva & (TLB_PAGE_SIZE - 1)) + size <= TLB_PAGE_SIZE
                     ? tlb_host(&cpu->tcg, gva, TLB_WRITE, mmu, false)
                     : NULL;
    if (!host) {
        tcg_do_alone(&cpu->tcg);
        uint64_t old = tlb_load(&cpu->tcg, gva, size, mmu);
        tlb_store(&cpu->tcg, gva, size, -old, mmu);
        return old;
    }
    switch (size) {
    case 1: {
        uint8_t old = __atomic_load_n((uint8_t *)host, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n((uint8_t *)host, &old, (uint8_t)-old, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST))
            ;
        return old;
    }
    case 2: {
        uint16_t old = __atomic_load_n((uint16_t *)host, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n((uint16_t *)host, &old, (uint16_t)-old, false, __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST))
            ;
        return old;
    }
    case 4: {
        uint32_t old = __atomic_load_n((uint32_t *)host, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n((uint32_t *)host, &old, -old, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        return old;
    }
    default: {
        uint64_t old = __atomic_load_n((uint64_t *)host, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n((uint64_t *)host, &old, -old, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
        return old;
    }
    }
}
X86_HELPER(locked_neg, IR_HELPER_MAY_FAULT, I64, 2, IR_I64, IR_I32)

static void cmpxchg16b(struct x86_cpu *cpu, uint64_t gva, uint32_t mmu)
{
    typedef unsigned __int128 u128;
    u128 expected = (u128)cpu->gpr[X86_RDX] << 64 | cpu->gpr[X86_RAX];
    u128 desired = (u128)cpu->gpr[X86_RCX] << 64 | cpu->gpr[X86_RBX], old;
    u128 *host = tlb_host(&cpu->tcg, gva, TLB_WRITE, mmu, false);
    if (host) {
        old = __sync_val_compare_and_swap(host, expected, desired);
    } else {
        tcg_do_alone(&cpu->tcg);
        old = tlb_load(&cpu->tcg, gva, 8, mmu);
        old |= (u128)tlb_load(&cpu->tcg, gva + 8, 8, mmu) << 64;
        u128 now = old == expected ? desired : old;
        tlb_store(&cpu->tcg, gva, 8, (uint64_t)now, mmu);
        tlb_store(&cpu->tcg, gva + 8, 8, (uint64_t)(now >> 64), mmu);
    }
    bool same = old == expected;
    uint32_t flags = x86_arith_flags(cpu);
    cpu->cc_op = x86_cc_op(CC_FLAGS, 0);
    cpu->cc_src = (flags & ~(uint32_t)FLAG_Z) | (same ? FLAG_Z : 0);
    if (!same) {
        cpu->gpr[X86_RAX] = (uint64_t)old;
        cpu->gpr[X86_RDX] = (uint64_t)(old >> 64);
    }
}
X86_HELPER(cmpxchg16b, X86_FAULTS, VOID, 2, IR_I64, IR_I32)

static uint64_t random_value(void)
{
    uint64_t value = 0;
    if (getrandom(&value, sizeof(value), GRND_NONBLOCK) < 0)
        value = __builtin_ia32_rdtsc() * UINT64_C(0x9e3779b97f4a7c15);
    return value;
}
X86_HELPER_AS(random, random_value, IR_HELPER_NO_ENV, I64, 0, 0)
