// SPDX-License-Identifier: MIT
// Far jumps, calls and returns, and IRET (Intel SDM volume 2, CALL, JMP, RET, IRET; volume 3, chapters 5 and 17).
// Sizes are log2 of bytes.

#include "target-x86/exception.h"

#include "tcg/base/bits.h"

static bool real_like(const struct x86_cpu *cpu)
{
    return !(cpu->cr0 & CR0_PE) || x86_vm86(cpu);
}

static void go_real(struct x86_cpu *cpu, uint32_t selector, uint64_t offset)
{
    cpu->segs[X86_CS].selector = selector & 0xffff;
    cpu->segs[X86_CS].base = (selector & 0xffff) << 4;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, offset);
}

// Commits a new code segment at privilege level `cpl`.
static void go(struct x86_cpu *cpu, struct x86_segment cs, uint64_t offset, unsigned cpl)
{
    cs.selector = (cs.selector & 0xfffc) | cpl;
    cpu->segs[X86_CS] = cs;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, offset);
}

// A descriptor for a direct transfer to code at the same level.
static struct x86_segment same_level_code(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d)
{
    unsigned cpl = x86_cpl(cpu), dpl = x86_desc_dpl(d->high);
    bool conforming = d->high & DESC_CONFORMING;
    if (conforming ? dpl > cpl : (selector & 3) > cpl || dpl != cpl)
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    if (!(d->high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    if (x86_long_mode(cpu) && (d->high & (DESC_L | DESC_B)) == (DESC_L | DESC_B))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    x86_mark_accessed(cpu, d);
    return x86_segment_of(selector, d);
}

static void check_limit(struct x86_cpu *cpu, const struct x86_segment *cs, uint64_t offset)
{
    if (!(x86_long_mode(cpu) && (cs->attr & DESC_L)) && offset > cs->limit)
        x86_fault(cpu, X86_GP, 0);
}

// --- gates ---------------------------------------------------------------------------------------------------------

struct call_gate {
    uint32_t selector, count;
    uint64_t offset;
    unsigned size;
    struct x86_descriptor code;
};

static struct call_gate read_call_gate(struct x86_cpu *cpu, uint32_t selector, const struct x86_descriptor *d)
{
    unsigned cpl = x86_cpl(cpu), dpl = x86_desc_dpl(d->high);
    if (dpl < cpl || dpl < (selector & 3))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    if (!(d->high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    struct call_gate g = {.selector = d->low >> 16, .count = d->high & 31,
                          .offset = (d->low & 0xffff) | (d->high & 0xffff0000),
                          .size = x86_desc_type(d->high) == GATE_CALL32 ? 2 : 1};
    if (g.size == 1)
        g.offset &= 0xffff;
    if (x86_long_mode(cpu)) {
        uint64_t upper = tlb_load(&cpu->tcg, d->address + 8, 8, X86_MMU_KERNEL);
        if (upper >> 40 & 31)
            x86_fault(cpu, X86_GP, selector & 0xfffc);
        g.offset |= upper << 32;
        g.size = 3;
    }
    if (!(g.selector & 0xfffc))
        x86_fault(cpu, X86_GP, 0);
    if (!x86_read_descriptor(cpu, g.selector, &g.code) || !x86_is_code(g.code.high) ||
        x86_desc_dpl(g.code.high) > cpl)
        x86_fault(cpu, X86_GP, g.selector & 0xfffc);
    if (x86_long_mode(cpu) && (g.code.high & (DESC_L | DESC_B)) != DESC_L)
        x86_fault(cpu, X86_GP, g.selector & 0xfffc);
    if (!(g.code.high & DESC_P))
        x86_fault(cpu, X86_NP, g.selector & 0xfffc);
    return g;
}

// A TSS or task gate as the target of a jump or call. True when the transfer is done.
static bool task_transfer(struct x86_cpu *cpu, uint32_t selector, const struct x86_descriptor *d,
                          enum x86_task_reason reason, uint64_t next_rip)
{
    unsigned type = x86_desc_type(d->high);
    bool tss = type == GATE_TSS16 || type == GATE_TSS32;
    if (x86_long_mode(cpu) || !(tss || type == GATE_TASK))
        return false;
    unsigned dpl = x86_desc_dpl(d->high);
    if (dpl < x86_cpl(cpu) || dpl < (selector & 3))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    if (!(d->high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    if (tss)
        x86_task_switch(cpu, selector, reason, next_rip);
    else
        x86_task_gate(cpu, d->low >> 16, reason, next_rip);
    return true;
}

static bool is_call_gate(const struct x86_cpu *cpu, const struct x86_descriptor *d)
{
    unsigned type = x86_desc_type(d->high);
    return type == GATE_CALL32 || (type == GATE_CALL16 && !x86_long_mode(cpu));
}

static void find(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d)
{
    if (!(selector & 0xfffc))
        x86_fault(cpu, X86_GP, 0);
    if (!x86_read_descriptor(cpu, selector, d))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
}

// --- jumps and calls -----------------------------------------------------------------------------------------------

void x86_far_jump(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, unsigned size, uint64_t next_rip)
{
    if (size == 1)
        offset &= 0xffff;
    if (real_like(cpu)) {
        if (offset > cpu->segs[X86_CS].limit)
            x86_fault(cpu, X86_GP, 0);
        go_real(cpu, selector, offset);
        return;
    }
    struct x86_descriptor d;
    find(cpu, selector, &d);
    if (x86_is_code(d.high)) {
        struct x86_segment cs = same_level_code(cpu, selector, &d);
        check_limit(cpu, &cs, offset);
        go(cpu, cs, offset, x86_cpl(cpu));
        return;
    }
    if (is_call_gate(cpu, &d)) {
        struct call_gate g = read_call_gate(cpu, selector, &d);
        if (!(g.code.high & DESC_CONFORMING) && x86_desc_dpl(g.code.high) != x86_cpl(cpu))
            x86_fault(cpu, X86_GP, g.selector & 0xfffc);
        x86_mark_accessed(cpu, &g.code);
        go(cpu, x86_segment_of(g.selector, &g.code), g.offset, x86_cpl(cpu));
        return;
    }
    if (!task_transfer(cpu, selector, &d, X86_TASK_JUMP, next_rip))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
}

static void push_return(struct x86_cpu *cpu, struct x86_stack *s, unsigned size, uint64_t next_rip)
{
    x86_stack_push(cpu, s, 1u << size, cpu->segs[X86_CS].selector);
    x86_stack_push(cpu, s, 1u << size, next_rip);
}

// Through a gate to an inner level: a new stack, with parameters copied in protected mode.
static void call_inner(struct x86_cpu *cpu, struct call_gate *g, uint64_t next_rip)
{
    unsigned cpl = x86_desc_dpl(g->code.high), bytes = 1u << g->size;
    struct x86_stack old = x86_stack_of(cpu), s;
    uint64_t sp;
    if (x86_long_mode(cpu)) {
        struct x86_segment ss = {.selector = cpl};
        x86_set_cpl(&ss, cpl);
        s = x86_stack_new(cpu, ss, x86_tss_rsp(cpu, 4 + cpl * 8), cpl);
        s.mask = ~UINT64_C(0);
        g->count = 0;
    } else {
        uint32_t selector;
        x86_tss_stack(cpu, cpl, &selector, &sp);
        s = x86_stack_new(cpu, x86_stack_segment(cpu, selector, cpl, X86_TS), sp, cpl);
    }
    x86_stack_push(cpu, &s, bytes, cpu->segs[X86_SS].selector);
    x86_stack_push(cpu, &s, bytes, cpu->gpr[X86_RSP]);
    uint64_t parameters[31];
    for (unsigned i = 0; i < g->count; i++)
        parameters[i] = x86_stack_pop(cpu, &old, bytes);
    for (unsigned i = g->count; i-- > 0;)
        x86_stack_push(cpu, &s, bytes, parameters[i]);
    push_return(cpu, &s, g->size, next_rip);
    x86_mark_accessed(cpu, &g->code);
    cpu->segs[X86_SS] = s.ss;
    x86_stack_commit(cpu, &s);
    go(cpu, x86_segment_of(g->selector, &g->code), g->offset, cpl);
}

void x86_far_call(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, unsigned size, uint64_t next_rip)
{
    struct x86_stack s = x86_stack_of(cpu);
    struct x86_descriptor d;
    if (size == 1)
        offset &= 0xffff;
    if (real_like(cpu)) {
        push_return(cpu, &s, size, next_rip);
        x86_stack_commit(cpu, &s);
        go_real(cpu, selector, offset);
        return;
    }
    find(cpu, selector, &d);
    if (x86_is_code(d.high)) {
        struct x86_segment cs = same_level_code(cpu, selector, &d);
        check_limit(cpu, &cs, offset);
        push_return(cpu, &s, size, next_rip);
        x86_stack_commit(cpu, &s);
        go(cpu, cs, offset, x86_cpl(cpu));
        return;
    }
    if (is_call_gate(cpu, &d)) {
        struct call_gate g = read_call_gate(cpu, selector, &d);
        if (!(g.code.high & DESC_CONFORMING) && x86_desc_dpl(g.code.high) < x86_cpl(cpu)) {
            call_inner(cpu, &g, next_rip);
            return;
        }
        push_return(cpu, &s, g.size, next_rip);
        x86_mark_accessed(cpu, &g.code);
        x86_stack_commit(cpu, &s);
        go(cpu, x86_segment_of(g.selector, &g.code), g.offset, x86_cpl(cpu));
        return;
    }
    if (!task_transfer(cpu, selector, &d, X86_TASK_CALL, next_rip))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
}

// --- returns -------------------------------------------------------------------------------------------------------

// The code segment that a return goes to, which lies at the level of the selector or is conforming.
static struct x86_segment return_code(struct x86_cpu *cpu, uint32_t selector)
{
    struct x86_descriptor d;
    unsigned rpl = selector & 3;
    find(cpu, selector, &d);
    unsigned dpl = x86_desc_dpl(d.high);
    if (!x86_is_code(d.high) || rpl < x86_cpl(cpu) || (d.high & DESC_CONFORMING ? dpl > rpl : dpl != rpl))
        x86_fault(cpu, X86_GP, selector & 0xfffc);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_NP, selector & 0xfffc);
    x86_mark_accessed(cpu, &d);
    return x86_segment_of(selector, &d);
}

// The stack segment of an outer level, which in 64-bit code may be null.
static struct x86_segment return_stack(struct x86_cpu *cpu, uint32_t selector, const struct x86_segment *cs)
{
    unsigned cpl = cs->selector & 3;
    if (!(selector & 0xfffc) && x86_long_mode(cpu) && (cs->attr & DESC_L) && cpl != 3) {
        struct x86_segment ss = {.selector = selector};
        x86_set_cpl(&ss, cpl);
        return ss;
    }
    return x86_stack_segment(cpu, selector, cpl, X86_GP);
}

static void set_stack(struct x86_cpu *cpu, struct x86_segment ss, uint64_t sp, const struct x86_segment *cs)
{
    cpu->segs[X86_SS] = ss;
    if (x86_long_mode(cpu) && (cs->attr & DESC_L))
        cpu->gpr[X86_RSP] = sp;
    else if (ss.attr & DESC_B)
        cpu->gpr[X86_RSP] = (uint32_t)sp;
    else
        cpu->gpr[X86_RSP] = (cpu->gpr[X86_RSP] & ~UINT64_C(0xffff)) | (sp & 0xffff);
}

void x86_far_return(struct x86_cpu *cpu, unsigned size, uint32_t drop)
{
    struct x86_stack s = x86_stack_of(cpu);
    unsigned bytes = 1u << size;
    uint64_t rip = x86_stack_pop(cpu, &s, bytes);
    uint32_t selector = x86_stack_pop(cpu, &s, bytes) & 0xffff;
    if (real_like(cpu)) {
        s.sp = (s.sp & ~s.mask) | ((s.sp + drop) & s.mask);
        x86_stack_commit(cpu, &s);
        go_real(cpu, selector, rip);
        return;
    }
    struct x86_segment cs = return_code(cpu, selector);
    check_limit(cpu, &cs, rip);
    unsigned cpl = selector & 3;
    s.sp = (s.sp & ~s.mask) | ((s.sp + drop) & s.mask);
    if (cpl == x86_cpl(cpu)) {
        x86_stack_commit(cpu, &s);
        go(cpu, cs, rip, cpl);
        return;
    }
    uint64_t sp = x86_stack_pop(cpu, &s, bytes) + drop;
    uint32_t ss_selector = x86_stack_pop(cpu, &s, bytes) & 0xffff;
    struct x86_segment ss = return_stack(cpu, ss_selector, &cs);
    set_stack(cpu, ss, sp, &cs);
    x86_drop_segments(cpu, cpl);
    go(cpu, cs, rip, cpl);
}

// The flags after an IRET at a privilege level. RF is for the next instruction alone: what clears it is the check for breakpoints,
// and where there are none it must not be seen later.
static uint32_t merge_flags(const struct x86_cpu *cpu, uint32_t value, unsigned size, unsigned cpl)
{
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    if (size > 1)
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    if (cpl <= (cpu->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT)
        mask |= FLAG_IF;
    if (cpl == 0)
        mask |= FLAG_IOPL | (size > 1 ? FLAG_VIF | FLAG_VIP : 0);
    if (!(cpu->block_flags >> X86_BF_BREAKPOINTS & 1))
        value &= ~(uint32_t)FLAG_RF;
    return (x86_eflags_get(cpu) & ~mask) | (value & mask);
}

static void iret_real(struct x86_cpu *cpu, unsigned size)
{
    struct x86_stack s = x86_stack_of(cpu);
    unsigned bytes = 1u << size;
    uint64_t rip = x86_stack_pop(cpu, &s, bytes);
    uint32_t selector = x86_stack_pop(cpu, &s, bytes) & 0xffff;
    uint32_t flags = (uint32_t)x86_stack_pop(cpu, &s, bytes);
    // Virtual 8086 mode does not let IOPL change.
    uint32_t merged = merge_flags(cpu, flags, size, x86_vm86(cpu) ? 3 : 0);
    x86_stack_commit(cpu, &s);
    x86_eflags_set(cpu, merged);
    go_real(cpu, selector, rip);
}

static void iret_to_vm86(struct x86_cpu *cpu, struct x86_stack *s, uint64_t rip, uint32_t cs, uint32_t flags)
{
    static const uint8_t order[] = {X86_ES, X86_DS, X86_FS, X86_GS};
    uint32_t sp = (uint32_t)x86_stack_pop(cpu, s, 4), ss = (uint32_t)x86_stack_pop(cpu, s, 4), data[4];
    for (unsigned i = 0; i < 4; i++)
        data[i] = (uint32_t)x86_stack_pop(cpu, s, 4);
    x86_eflags_set(cpu, flags);
    for (unsigned i = 0; i < 4; i++)
        cpu->segs[order[i]] = x86_real_segment(data[i]);
    cpu->segs[X86_SS] = x86_real_segment(ss);
    cpu->segs[X86_CS] = x86_real_segment(cs);
    cpu->gpr[X86_RSP] = sp;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, rip & 0xffff);
}

static void iret_protected(struct x86_cpu *cpu, unsigned size)
{
    struct x86_stack s = x86_stack_of(cpu);
    unsigned bytes = 1u << size, old_cpl = x86_cpl(cpu);
    uint64_t rip = x86_stack_pop(cpu, &s, bytes);
    uint32_t selector = x86_stack_pop(cpu, &s, bytes) & 0xffff;
    uint32_t flags = (uint32_t)x86_stack_pop(cpu, &s, bytes);
    if ((flags & FLAG_VM) && old_cpl == 0 && size == 2 && !x86_long_mode(cpu)) {
        iret_to_vm86(cpu, &s, rip, selector, flags);
        return;
    }
    struct x86_segment cs = return_code(cpu, selector);
    check_limit(cpu, &cs, rip);
    unsigned cpl = selector & 3;
    uint32_t merged = merge_flags(cpu, flags, size, old_cpl);
    if (cpl == old_cpl && !x86_code64(cpu)) {
        x86_stack_commit(cpu, &s);
    } else {
        uint64_t sp = x86_stack_pop(cpu, &s, bytes);
        uint32_t ss_selector = x86_stack_pop(cpu, &s, bytes) & 0xffff;
        struct x86_segment ss = return_stack(cpu, ss_selector, &cs);
        set_stack(cpu, ss, sp, &cs);
        if (cpl != old_cpl)
            x86_drop_segments(cpu, cpl);
    }
    x86_eflags_set(cpu, merged);
    go(cpu, cs, rip, cpl);
}

void x86_iret(struct x86_cpu *cpu, unsigned size)
{
    if (real_like(cpu)) {
        iret_real(cpu, size);
    } else if (cpu->eflags & FLAG_NT) {
        if (x86_long_mode(cpu))
            x86_fault(cpu, X86_GP, 0);
        uint32_t link = (uint32_t)tlb_load(&cpu->tcg, cpu->tr.base, 2, X86_MMU_KERNEL);
        x86_task_switch(cpu, link, X86_TASK_IRET, x86_rip(cpu) + 1);
    } else {
        iret_protected(cpu, size);
    }
    cpu->nmi_blocked = false;
    x86_poll(cpu);
}
