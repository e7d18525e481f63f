// SPDX-License-Identifier: MIT
// Segment registers and descriptors (Intel SDM volume 3, chapters 3 and 5), and stacks in the making.

#include "target-x86/exception.h"

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

bool x86_read_descriptor(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d)
{
    const struct x86_segment *table = selector & 4 ? &cpu->ldtr : &cpu->gdtr;
    uint32_t index = selector & 0xfff8;
    if (index + 7 > table->limit || ((selector & 4) && !(cpu->ldtr.attr & DESC_P)))
        return false;
    d->address = table->base + index;
    uint64_t both = tlb_load(&cpu->tcg, d->address, 8, X86_MMU_KERNEL);
    d->low = (uint32_t)both;
    d->high = (uint32_t)(both >> 32);
    return true;
}

struct x86_segment x86_segment_of(uint32_t selector, const struct x86_descriptor *d)
{
    uint32_t limit = (d->low & 0xffff) | (d->high & 0xf0000);
    return (struct x86_segment){
        .base = (uint32_t)(d->low >> 16 | (d->high & 0xff) << 16 | (d->high & 0xff000000)),
        .limit = d->high & DESC_G ? limit << 12 | 0xfff : limit,
        .selector = selector & 0xffff,
        .attr = d->high & DESC_ATTR,
    };
}

void x86_mark_accessed(struct x86_cpu *cpu, struct x86_descriptor *d)
{
    if (d->high & DESC_ACCESSED)
        return;
    d->high |= DESC_ACCESSED;
    tlb_store(&cpu->tcg, d->address + 5, 1, d->high >> 8 & 0xff, X86_MMU_KERNEL);
}

struct x86_segment x86_real_segment(uint32_t selector)
{
    enum { DATA_DPL3 = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED | 3 << DESC_DPL_SHIFT };
    return (struct x86_segment){.base = (selector & 0xffff) << 4, .limit = 0xffff, .selector = selector & 0xffff,
                                .attr = DATA_DPL3};
}

struct x86_segment x86_stack_segment(struct x86_cpu *cpu, uint32_t selector, unsigned cpl, unsigned vector)
{
    struct x86_descriptor d;
    if (!(selector & 0xfffc))
        x86_fault(cpu, vector, 0);
    bool found = x86_read_descriptor(cpu, selector, &d);
    if (!found || (selector & 3) != cpl || x86_desc_dpl(d.high) != cpl ||
        (d.high & (DESC_S | DESC_CODE | DESC_WRITABLE)) != (DESC_S | DESC_WRITABLE))
        x86_fault(cpu, vector, selector & 0xfffc);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_SS_FAULT, selector & 0xfffc);
    x86_mark_accessed(cpu, &d);
    return x86_segment_of(selector, &d);
}

static void load_null(struct x86_cpu *cpu, unsigned segment, uint32_t selector)
{
    unsigned cpl = x86_cpl(cpu);
    if (segment == X86_SS && (!x86_code64(cpu) || cpl == 3 || (selector & 3) != cpl))
        x86_fault(cpu, X86_GP, 0);
    cpu->segs[segment] = (struct x86_segment){.selector = selector};
    if (segment == X86_SS)
        x86_set_cpl(&cpu->segs[X86_SS], cpl);
}

void x86_load_segment(struct x86_cpu *cpu, unsigned segment, uint32_t selector, unsigned vector)
{
    selector &= 0xffff;
    if (x86_vm86(cpu)) {
        cpu->segs[segment] = x86_real_segment(selector);
        return;
    }
    if (!(cpu->cr0 & CR0_PE)) {
        // The limit stays, which is how "unreal" mode works.
        struct x86_segment *s = &cpu->segs[segment];
        s->selector = selector;
        s->base = selector << 4;
        s->attr = (s->attr & ~(DESC_TYPE | 3u << DESC_DPL_SHIFT)) | DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED;
        return;
    }
    if (!(selector & 0xfffc)) {
        load_null(cpu, segment, selector);
        return;
    }
    unsigned cpl = x86_cpl(cpu), rpl = selector & 3;
    if (segment == X86_SS) {
        cpu->segs[X86_SS] = x86_stack_segment(cpu, selector, cpl, vector);
        return;
    }
    struct x86_descriptor d;
    if (!x86_read_descriptor(cpu, selector, &d) || !(d.high & DESC_S) ||
        (d.high & (DESC_CODE | DESC_WRITABLE)) == DESC_CODE)
        x86_fault(cpu, vector, selector & 0xfffc);
    bool conforming = (d.high & (DESC_CODE | DESC_CONFORMING)) == (DESC_CODE | DESC_CONFORMING);
    unsigned dpl = x86_desc_dpl(d.high);
    if (!conforming && (dpl < cpl || dpl < rpl))
        x86_fault(cpu, vector, selector & 0xfffc);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    x86_mark_accessed(cpu, &d);
    cpu->segs[segment] = x86_segment_of(selector, &d);
}

void x86_drop_segments(struct x86_cpu *cpu, unsigned cpl)
{
    static const uint8_t data[] = {X86_ES, X86_DS, X86_FS, X86_GS};
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        struct x86_segment *s = &cpu->segs[data[i]];
        bool conforming = (s->attr & (DESC_CODE | DESC_CONFORMING)) == (DESC_CODE | DESC_CONFORMING);
        // FS and GS keep their bases in long mode when they are null already.
        if ((s->attr & DESC_P) && !conforming && (s->attr >> DESC_DPL_SHIFT & 3) < cpl) {
            s->selector = 0;
            s->attr = 0;
        }
    }
}

// --- the TSS -------------------------------------------------------------------------------------------------------

static uint64_t tss_read(struct x86_cpu *cpu, unsigned offset, unsigned bytes)
{
    if (offset + bytes - 1 > cpu->tr.limit)
        x86_fault(cpu, X86_TS, cpu->tr.selector & 0xfffc);
    return tlb_load(&cpu->tcg, cpu->tr.base + offset, bytes, X86_MMU_KERNEL);
}

void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, uint32_t *selector, uint64_t *sp)
{
    bool wide = cpu->tr.attr & (8 << 8);
    if (wide) {
        *sp = tss_read(cpu, 4 + cpl * 8, 4);
        *selector = (uint32_t)tss_read(cpu, 8 + cpl * 8, 2);
    } else {
        *sp = tss_read(cpu, 2 + cpl * 4, 2);
        *selector = (uint32_t)tss_read(cpu, 4 + cpl * 4, 2);
    }
}

uint64_t x86_tss_rsp(struct x86_cpu *cpu, unsigned offset)
{
    return tss_read(cpu, offset, 8);
}

// --- stacks --------------------------------------------------------------------------------------------------------

struct x86_stack x86_stack_new(const struct x86_cpu *cpu, struct x86_segment ss, uint64_t sp, unsigned cpl)
{
    (void)cpu;
    return (struct x86_stack){.ss = ss, .sp = sp, .mask = ss.attr & DESC_B ? 0xffffffff : 0xffff,
                              .mmu = cpl == 3 ? X86_MMU_USER : X86_MMU_KERNEL, .error = ss.selector & 0xfffc};
}

struct x86_stack x86_stack_of(const struct x86_cpu *cpu)
{
    struct x86_stack s = x86_stack_new(cpu, cpu->segs[X86_SS], cpu->gpr[X86_RSP], x86_cpl(cpu));
    s.error = 0;
    if (x86_code64(cpu))
        s.mask = ~UINT64_C(0);
    if (x86_cpl(cpu) != 3)
        s.mmu = cpu->block_flags >> X86_BF_MMU & 3;
    return s;
}

static uint64_t stack_linear(struct x86_cpu *cpu, const struct x86_stack *s, uint64_t offset, unsigned bytes)
{
    if (s->mask == ~UINT64_C(0))
        return offset;
    uint64_t limit = s->ss.limit, end = offset + bytes - 1;
    bool down = s->ss.attr & DESC_EXPAND_DOWN, outside = end > limit;
    if (down)
        outside = offset <= limit || end > (s->ss.attr & DESC_B ? 0xffffffff : 0xffff);
    if (outside)
        x86_fault(cpu, X86_SS_FAULT, s->error);
    return (uint32_t)(s->ss.base + offset);
}

void x86_stack_push(struct x86_cpu *cpu, struct x86_stack *s, unsigned bytes, uint64_t value)
{
    uint64_t sp = s->sp - bytes;
    s->sp = (s->sp & ~s->mask) | (sp & s->mask);
    tlb_store(&cpu->tcg, stack_linear(cpu, s, s->sp & s->mask, bytes), bytes, value, s->mmu);
}

uint64_t x86_stack_pop(struct x86_cpu *cpu, struct x86_stack *s, unsigned bytes)
{
    uint64_t value = tlb_load(&cpu->tcg, stack_linear(cpu, s, s->sp & s->mask, bytes), bytes, s->mmu);
    s->sp = (s->sp & ~s->mask) | ((s->sp + bytes) & s->mask);
    return bytes == 8 ? value : value & mask64(bytes * 8);
}

void x86_stack_commit(struct x86_cpu *cpu, const struct x86_stack *s)
{
    cpu->gpr[X86_RSP] = s->mask == 0xffffffff ? (uint32_t)s->sp : s->sp;
}
