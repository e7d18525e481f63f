// SPDX-License-Identifier: MIT
// String instructions with REP, and INS and OUTS (Intel SDM volume 1, 7.3.9). Runs inside a page go through the host's
// memory functions; registers are right after every run, so that a fault or an interrupt finds the instruction
// restartable where it stands.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/flags.h"
#include "target-x86/handlers.h"
#include "target-x86/helper.h"
#include "target-x86/port.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

struct string {
    struct x86_cpu *cpu;
    enum x86_string op;
    unsigned size, mmu, segment; // size in bytes
    uint64_t mask;               // of the address size
    bool rep, until_zero, down;  // until_zero: REPNE
};

enum { MOST_AT_ONCE = 1 << 16 }; // elements before interrupts are looked for

static uint64_t reg(const struct string *s, unsigned n)
{
    return s->cpu->gpr[n] & s->mask;
}

static void set_reg(const struct string *s, unsigned n, uint64_t value)
{
    uint64_t *r = &s->cpu->gpr[n];
    // 32 bits clear the upper half, 16 bits leave the rest.
    *r = s->mask == 0xffff ? (*r & ~s->mask) | (value & s->mask) : value & s->mask;
}

// Linear address of `bytes` at `offset` in a segment, checked.
static uint64_t linear(const struct string *s, unsigned segment, uint64_t offset, unsigned bytes, bool write)
{
    struct x86_cpu *cpu = s->cpu;
    const struct x86_segment *seg = &cpu->segs[segment];
    if (x86_code64(cpu))
        return segment >= X86_FS ? seg->base + offset : offset;
    uint64_t end = offset + bytes - 1;
    bool down = !(seg->attr & DESC_CODE) && (seg->attr & DESC_EXPAND_DOWN), bad;
    bad = down ? offset <= seg->limit || end > (seg->attr & DESC_B ? 0xffffffff : 0xffff) : end > seg->limit;
    if ((cpu->cr0 & CR0_PE) && !x86_vm86(cpu)) {
        bool code = seg->attr & DESC_CODE, bit = seg->attr & DESC_WRITABLE;
        bad |= !(seg->attr & DESC_P) || (write ? code || !bit : code && !bit);
    }
    if (bad)
        x86_fault(cpu, segment == X86_SS ? X86_SS_FAULT : X86_GP, 0);
    return (uint32_t)(seg->base + offset);
}

static uint64_t load(const struct string *s, unsigned segment, uint64_t offset)
{
    uint64_t at = linear(s, segment, offset, s->size, false);
    return tlb_load(&s->cpu->tcg, at, s->size, s->mmu) & mask64(s->size * 8);
}

static void store(const struct string *s, uint64_t offset, uint64_t value)
{
    tlb_store(&s->cpu->tcg, linear(s, X86_ES, offset, s->size, true), s->size, value, s->mmu);
}

static void advance(const struct string *s, unsigned n, uint64_t elements)
{
    uint64_t bytes = elements * s->size;
    set_reg(s, n, s->down ? reg(s, n) - bytes : reg(s, n) + bytes);
}

// --- runs ----------------------------------------------------------------------------------------------------------

// Elements from `offset` upwards that stay in the page, in the address size and in `count`; 0 when the first does not.
static uint64_t run_length(const struct string *s, uint64_t at, uint64_t offset, uint64_t count)
{
    uint64_t room = TLB_PAGE_SIZE - (at & (TLB_PAGE_SIZE - 1)), wrap = s->mask - offset;
    uint64_t n = room / s->size;
    if (wrap < room)
        n = (wrap + 1) / s->size;
    return n < count ? n : count;
}

// The whole run must be inside the segment too: then its last element is.
static void *host_run(const struct string *s, unsigned segment, uint64_t offset, uint64_t *count,
                      enum tlb_access access)
{
    bool write = access == TLB_WRITE;
    uint64_t at = linear(s, segment, offset, s->size, write);
    *count = run_length(s, at, offset, *count);
    if (*count < 2)
        return NULL;
    const struct x86_segment *seg = &s->cpu->segs[segment];
    if (!x86_code64(s->cpu) && offset + *count * s->size - 1 > seg->limit)
        return NULL;
    return tlb_host(&s->cpu->tcg, at, access, s->mmu, false);
}

static void fill(uint8_t *to, uint64_t count, unsigned size, uint64_t value)
{
    if (size == 1) {
        memset(to, (int)value, count);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        store_le(to + i * size, size, value);
}

// As the elements go, lowest first, whatever the overlap: what was stored is read again.
static void copy_up(uint8_t *to, const uint8_t *from, uint64_t bytes, unsigned size)
{
    if (to <= from || to >= from + bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += size) {
        uint8_t element[8];
        memcpy(element, from + i, size);
        memcpy(to + i, element, size);
    }
}

// Elements done as one run; 0 when it must go one by one.
static uint64_t bulk(const struct string *s, uint64_t count)
{
    uint64_t n = count;
    if (s->down || (s->cpu->tcg.engine == NULL))
        return 0;
    if (s->op == STRING_STOS) {
        uint8_t *to = host_run(s, X86_ES, reg(s, X86_RDI), &n, TLB_WRITE);
        if (!to)
            return 0;
        fill(to, n, s->size, s->cpu->gpr[X86_RAX]);
    } else if (s->op == STRING_MOVS) {
        const uint8_t *from = host_run(s, s->segment, reg(s, X86_RSI), &n, TLB_READ);
        if (!from)
            return 0;
        uint8_t *to = host_run(s, X86_ES, reg(s, X86_RDI), &n, TLB_WRITE);
        if (!to)
            return 0;
        copy_up(to, from, n * s->size, s->size);
    } else {
        return 0;
    }
    return n;
}

// --- one element ---------------------------------------------------------------------------------------------------

static void set_compare_flags(const struct string *s, uint64_t a, uint64_t b)
{
    s->cpu->cc_op = x86_cc_op(CC_CMP, ctz32(s->size));
    s->cpu->cc_dst = a;
    s->cpu->cc_src = b;
}

static void set_accumulator(const struct string *s, uint64_t value)
{
    uint64_t *rax = &s->cpu->gpr[X86_RAX];
    *rax = s->size >= 4 ? value : (*rax & ~mask64(s->size * 8)) | value;
}

// False when the comparison ends the repetition.
static bool one(const struct string *s)
{
    struct x86_cpu *cpu = s->cpu;
    uint64_t a, b;
    switch (s->op) {
    case STRING_MOVS:
        store(s, reg(s, X86_RDI), load(s, s->segment, reg(s, X86_RSI)));
        break;
    case STRING_STOS:
        store(s, reg(s, X86_RDI), cpu->gpr[X86_RAX]);
        break;
    case STRING_LODS:
        set_accumulator(s, load(s, s->segment, reg(s, X86_RSI)));
        break;
    case STRING_INS:
        // The page is touched first: the port must not be read twice.
        linear(s, X86_ES, reg(s, X86_RDI), s->size, true);
        tlb_host(&cpu->tcg, linear(s, X86_ES, reg(s, X86_RDI), s->size, true), TLB_WRITE, s->mmu, false);
        store(s, reg(s, X86_RDI), x86_port_read(cpu, cpu->gpr[X86_RDX] & 0xffff, s->size));
        break;
    case STRING_OUTS:
        x86_port_write(cpu, cpu->gpr[X86_RDX] & 0xffff, s->size, load(s, s->segment, reg(s, X86_RSI)));
        break;
    default:
        a = s->op == STRING_SCAS ? cpu->gpr[X86_RAX] & mask64(s->size * 8) : load(s, s->segment, reg(s, X86_RSI));
        b = load(s, X86_ES, reg(s, X86_RDI));
        set_compare_flags(s, a, b);
        return (a == b) != s->until_zero;
    }
    return true;
}

static bool uses_source(enum x86_string op)
{
    return op == STRING_MOVS || op == STRING_CMPS || op == STRING_LODS || op == STRING_OUTS;
}

static bool uses_destination(enum x86_string op)
{
    return op != STRING_LODS && op != STRING_OUTS;
}

static void move_on(const struct string *s, uint64_t elements)
{
    if (uses_source(s->op))
        advance(s, X86_RSI, elements);
    if (uses_destination(s->op))
        advance(s, X86_RDI, elements);
    if (s->rep)
        set_reg(s, X86_RCX, reg(s, X86_RCX) - elements);
}

static uint32_t string(struct x86_cpu *cpu, uint32_t what)
{
    static const uint64_t masks[4] = {0, 0xffff, 0xffffffff, ~UINT64_C(0)};
    struct string s = {.cpu = cpu,
                       .op = what & 15,
                       .size = 1u << (what >> 4 & 15),
                       .mmu = what >> 20 & 3,
                       .segment = what >> 12 & 15,
                       .mask = masks[what >> 8 & 3],
                       .rep = what >> 16 & 1,
                       .until_zero = what >> 17 & 1,
                       .down = cpu->eflags & FLAG_DF};
    if (s.op == STRING_INS || s.op == STRING_OUTS)
        x86_check_port(cpu, cpu->gpr[X86_RDX] & 0xffff, s.size);
    if (!s.rep) {
        one(&s);
        move_on(&s, 1);
        return 0;
    }
    uint64_t left = cpu->eflags & FLAG_TF ? 1 : MOST_AT_ONCE;
    while (reg(&s, X86_RCX) && left) {
        uint64_t count = reg(&s, X86_RCX) < left ? reg(&s, X86_RCX) : left;
        uint64_t done = bulk(&s, count);
        if (!done) {
            bool go_on = one(&s);
            move_on(&s, 1);
            if (!go_on)
                return 0;
            left--;
            // A breakpoint's trap comes before the next element.
            if (cpu->watch_hits || atomic_load_explicit(&cpu->tcg.vcpu.exit_request, memory_order_relaxed))
                break;
            continue;
        }
        move_on(&s, done);
        left -= done;
    }
    return reg(&s, X86_RCX) != 0;
}
X86_HELPER(string, X86_FAULTS, I32, 1, IR_I32)
