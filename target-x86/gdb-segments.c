// SPDX-License-Identifier: MIT
// Segment and table registers as debuggers see them: selectors, and the hidden parts that the processor keeps of descriptors.
// Attributes are shown as bits 8 to 23 of a descriptor's second word, from bit 0 on; what is a limit in there is not.
//
// A selector loads its descriptor as instructions do, but marks nothing accessed or busy in memory. The selector that is there
// already changes nothing, so that hidden parts which no descriptor has any more stay when a debugger puts all registers back.

#include "target-x86/exception.h"
#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static struct x86_segment *segment_of(struct x86_cpu *cpu, unsigned n)
{
    switch (n) {
    case X86_DEBUG_LDTR:
        return &cpu->ldtr;
    case X86_DEBUG_TR:
        return &cpu->tr;
    case X86_DEBUG_GDTR:
        return &cpu->gdtr;
    case X86_DEBUG_IDTR:
        return &cpu->idtr;
    default:
        return &cpu->segs[n];
    }
}

uint64_t x86_debug_segment_get(const struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned n)
{
    const struct x86_segment *s = segment_of((struct x86_cpu *)cpu, n);
    switch (kind) {
    case X86_KIND_SELECTOR:
        return s->selector;
    case X86_KIND_BASE:
        return s->base;
    case X86_KIND_LIMIT:
        return s->limit;
    default:
        return s->attr >> 8;
    }
}

// --- descriptors ---------------------------------------------------------------------------------------------------

static bool read_memory(struct x86_cpu *cpu, uint64_t gva, uint64_t *value)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t gpa;
        const uint8_t *host = x86_debug_translate(cpu, gva + i, &gpa) ? x86_physical(cpu, gpa, 1) : NULL;
        if (!host)
            return false;
        bytes |= (uint64_t)*host << (i * 8);
    }
    *value = bytes;
    return true;
}

// With the upper half of a system segment's base.
static bool read_descriptor(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d, uint64_t *upper)
{
    const struct x86_segment *table = selector & 4 ? &cpu->ldtr : &cpu->gdtr;
    uint32_t index = selector & 0xfff8;
    uint64_t word;
    *upper = 0;
    if (index + 7 > table->limit || ((selector & 4) && !(cpu->ldtr.attr & DESC_P)) ||
        !read_memory(cpu, table->base + index, &word))
        return false;
    *d = (struct x86_descriptor){.low = (uint32_t)word, .high = (uint32_t)(word >> 32), .address = table->base + index};
    if (!x86_long_mode(cpu) || (d->high & DESC_S))
        return true;
    return index + 15 <= table->limit && read_memory(cpu, table->base + index + 8, upper) && !(*upper >> 40 & 31);
}

// Attributes that a segment register may have, outside real and virtual 8086 mode. Privilege levels apart.
static bool fit(const struct x86_cpu *cpu, unsigned n, uint32_t attr)
{
    unsigned type = x86_desc_type(attr);
    bool present = attr & DESC_P, data = (attr & (DESC_S | DESC_CODE)) == DESC_S;
    switch (n) {
    case X86_DEBUG_LDTR:
        return !present || type == GATE_LDT;
    case X86_DEBUG_TR:
        return present && ((type & ~2u) == GATE_TSS32 || ((type & ~2u) == GATE_TSS16 && !x86_long_mode(cpu)));
    case X86_CS:
        return present && x86_is_code(attr) && !(x86_long_mode(cpu) && (attr & (DESC_L | DESC_B)) == (DESC_L | DESC_B));
    case X86_SS:
        return present ? data && (attr & DESC_WRITABLE) : x86_long_mode(cpu);
    default:
        return !present || ((attr & DESC_S) && (data || (attr & DESC_WRITABLE)));
    }
}

static bool privileged(const struct x86_cpu *cpu, unsigned n, uint32_t selector, uint32_t attr)
{
    unsigned cpl = x86_cpl(cpu), rpl = selector & 3, dpl = x86_desc_dpl(attr);
    bool conforming = x86_is_code(attr) && (attr & DESC_CONFORMING);
    switch (n) {
    case X86_DEBUG_LDTR:
    case X86_DEBUG_TR:
        return !(selector & 4);
    case X86_CS:
        return conforming ? dpl <= cpl : dpl == cpl;
    case X86_SS:
        return rpl == cpl && dpl == cpl;
    default:
        return conforming || (dpl >= cpl && dpl >= rpl);
    }
}

// --- selectors -----------------------------------------------------------------------------------------------------

static bool load_real(struct x86_cpu *cpu, unsigned n, uint32_t selector)
{
    if (n != X86_CS || x86_vm86(cpu)) {
        x86_load_segment(cpu, n, selector, X86_GP); // has nothing to check
    } else {
        cpu->segs[X86_CS].selector = selector;
        cpu->segs[X86_CS].base = selector << 4;
    }
    return true;
}

static bool load_null(struct x86_cpu *cpu, unsigned n, uint32_t selector)
{
    unsigned cpl = x86_cpl(cpu);
    if (n == X86_CS || n == X86_DEBUG_TR || (n == X86_SS && (!x86_code64(cpu) || cpl == 3 || selector != cpl)))
        return false;
    *segment_of(cpu, n) = (struct x86_segment){.selector = selector};
    if (n == X86_SS)
        x86_set_cpl(&cpu->segs[X86_SS], cpl);
    return true;
}

static bool load(struct x86_cpu *cpu, unsigned n, uint32_t selector)
{
    struct x86_segment *s = segment_of(cpu, n);
    struct x86_descriptor d;
    uint64_t upper;
    bool real = x86_vm86(cpu) || !(cpu->cr0 & CR0_PE);
    if (selector == s->selector)
        return true;
    if (selector >> 16)
        return false;
    if (n < X86_SEGS && real)
        return load_real(cpu, n, selector);
    if (real)
        return false; // LLDT and LTR are #UD
    if (!(selector & 0xfffc))
        return load_null(cpu, n, selector);
    if (!read_descriptor(cpu, selector, &d, &upper) || !(d.high & DESC_P) || !fit(cpu, n, d.high) ||
        !privileged(cpu, n, selector, d.high))
        return false;
    *s = x86_segment_of(n == X86_CS ? (selector & 0xfffc) | x86_cpl(cpu) : selector, &d);
    s->base |= upper << 32;
    if (n == X86_DEBUG_TR)
        s->attr |= 2 << 8; // busy
    return true;
}

// --- hidden parts --------------------------------------------------------------------------------------------------

static bool set_base(struct x86_cpu *cpu, unsigned n, uint64_t base)
{
    bool wide = x86_has(cpu, X86_FEAT_LM) && n != X86_CS && n != X86_SS && n != X86_DS && n != X86_ES;
    if (wide ? (uint64_t)sextract64(base, 0, 57) != base : base >> 32)
        return false;
    // 64-bit code has it at 0.
    if (n == X86_CS && x86_code64(cpu) && base != cpu->segs[X86_CS].base)
        return false;
    segment_of(cpu, n)->base = base;
    return true;
}

static bool limit_goes_with(uint64_t limit, uint32_t attr)
{
    return attr & DESC_G ? (limit & 0xfff) == 0xfff : !(limit >> 20);
}

static bool set_limit(struct x86_cpu *cpu, unsigned n, uint64_t limit)
{
    struct x86_segment *s = segment_of(cpu, n);
    if (n == X86_DEBUG_GDTR || n == X86_DEBUG_IDTR) {
        if (limit >> 16)
            return false;
    } else if (!limit_goes_with(limit, s->attr)) {
        if (!limit_goes_with(limit, s->attr ^ DESC_G))
            return false;
        s->attr ^= DESC_G;
    }
    s->limit = (uint32_t)limit;
    return true;
}

static bool set_attr(struct x86_cpu *cpu, unsigned n, uint64_t value)
{
    struct x86_segment *s = segment_of(cpu, n);
    uint32_t attr = (uint32_t)value << 8;
    if (attr == s->attr)
        return true;
    if (value >> 16 || (attr & ~(uint32_t)DESC_ATTR) || x86_vm86(cpu) || !limit_goes_with(s->limit, attr))
        return false;
    if (((cpu->cr0 & CR0_PE) || n >= X86_SEGS) && !fit(cpu, n, attr))
        return false;
    // The code that it becomes has bases at 0.
    if (n == X86_CS && x86_long_mode(cpu) && (attr & DESC_L) && s->base)
        return false;
    s->attr = attr;
    return true;
}

bool x86_debug_segment_set(struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned n, uint64_t value)
{
    uint64_t rip = x86_rip(cpu);
    bool good = kind == X86_KIND_SELECTOR ? load(cpu, n, (uint32_t)value)
                : kind == X86_KIND_BASE   ? set_base(cpu, n, value)
                : kind == X86_KIND_LIMIT  ? set_limit(cpu, n, value)
                                          : set_attr(cpu, n, value);
    if (good) {
        x86_modes_changed(cpu);
        x86_set_rip(cpu, rip);
    }
    return good;
}
