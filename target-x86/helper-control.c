// SPDX-License-Identifier: MIT
// Helpers of control transfers, exceptions and segment loads. Those that return the pc to go on at have changed modes.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/helper.h"
#include "target-x86/mmu.h"
#include "target-x86/models.h"
#include "tcg/base/bits.h"

// After x86_modes_changed, where the run loop does not come next.
static uint64_t go_on_known(struct x86_cpu *cpu)
{
    tcg_modes_changed(&cpu->tcg);
    return tcg_get_pc(&cpu->tcg);
}

// After a change of modes that does not end in the run loop.
static uint64_t go_on(struct x86_cpu *cpu)
{
    x86_modes_changed(cpu);
    return go_on_known(cpu);
}

static void raise_vector(struct x86_cpu *cpu, uint32_t vector)
{
    x86_fault(cpu, vector, 0);
}
X86_HELPER_AS(raise, raise_vector, X86_RAISES, VOID, 1, IR_I32)

// The instruction is complete: its single-step trap.
static void step(struct x86_cpu *cpu, uint64_t pc)
{
    enum { DR6_BS = 1 << 14 };
    tcg_set_pc(&cpu->tcg, pc);
    if (cpu->shadow != X86_SHADOW_SS)
        x86_debug_trap(cpu, DR6_BS);
    tcg_leave(&cpu->tcg);
}
X86_HELPER(step, X86_RAISES, VOID, 1, IR_I64)

static void breakpoint(struct x86_cpu *cpu)
{
    if (cpu->shadow == X86_SHADOW_SS)
        return;
    if (cpu->eflags & FLAG_RF) {
        cpu->eflags &= ~(uint32_t)FLAG_RF;
        return;
    }
    uint64_t pc = tcg_get_pc(&cpu->tcg);
    uint32_t hits = 0;
    for (unsigned n = 0; n < 4; n++)
        if ((cpu->dr[7] >> (n * 2) & 3) && (cpu->dr[7] >> (16 + n * 4) & 3) == 0 && cpu->dr[n] == pc)
            hits |= 1u << n;
    if (!hits)
        return;
    cpu->dr[6] = (cpu->dr[6] & ~UINT64_C(0xf)) | hits;
    x86_fault(cpu, X86_DB, 0);
}
X86_HELPER(breakpoint, X86_FAULTS, VOID, 0, 0)

// --- code across pages ---------------------------------------------------------------------------------------------

static void retranslate(struct x86_cpu *cpu)
{
    tcg_discard_code(&cpu->tcg, tcg_get_pc(&cpu->tcg));
    tcg_leave(&cpu->tcg);
}
X86_HELPER(retranslate, X86_RAISES, VOID, 0, 0)

static void check_code(struct x86_cpu *cpu, uint32_t lengths, uint64_t low, uint64_t high)
{
    uint64_t pc = tcg_get_pc(&cpu->tcg), next = pc + (lengths & 0xff);
    uint64_t expected[2] = {low, high};
    if (!x86_code64(cpu))
        next = (uint32_t)next;
    const uint8_t *code = tcg_fetch_host(&cpu->tcg, next);
    if (memcmp(code, expected, lengths >> 8))
        retranslate(cpu);
}
X86_HELPER(check_code, X86_FAULTS, VOID, 3, IR_I32, IR_I64, IR_I64)

// Whether check_code would find nothing amiss, as long as that can be told at once.
static uint32_t code_is_there(struct x86_cpu *cpu, uint64_t next, uint32_t length, uint64_t low, uint64_t high)
{
    uint64_t expected[2] = {low, high};
    const uint8_t *code = tcg_fetch_at_hand(&cpu->tcg, next);
    if (!code)
        return false;
    uint8_t differ = 0;
    for (uint32_t i = 0; i < length; i++)
        differ |= code[i] ^ ((const uint8_t *)expected)[i];
    return !differ;
}
X86_HELPER(code_is_there, 0, I32, 4, IR_I64, IR_I32, IR_I64, IR_I64)

// --- segments ------------------------------------------------------------------------------------------------------

static void check_segment(struct x86_cpu *cpu, uint32_t segment, uint64_t offset, uint32_t access)
{
    const struct x86_segment *s = &cpu->segs[segment];
    uint64_t end = offset + (access & 0xff) - 1, top = s->attr & DESC_B ? 0xffffffff : 0xffff;
    bool write = access >> 8, code = s->attr & DESC_CODE;
    bool bad = !(s->attr & DESC_P) || !(s->attr & DESC_S);
    if ((cpu->cr0 & CR0_PE) && !x86_vm86(cpu))
        bad |= write ? code || !(s->attr & DESC_WRITABLE) : code && !(s->attr & DESC_WRITABLE);
    else
        bad = false;
    if (!code && (s->attr & DESC_EXPAND_DOWN))
        bad |= offset <= s->limit || end > top;
    else
        bad |= end > s->limit;
    if (bad)
        x86_fault(cpu, segment == X86_SS ? X86_SS_FAULT : X86_GP, 0);
}
X86_HELPER(check_segment, IR_HELPER_MAY_FAULT, VOID, 3, IR_I32, IR_I64, IR_I32)

static uint32_t load_segment(struct x86_cpu *cpu, uint32_t segment, uint32_t selector)
{
    x86_load_segment(cpu, segment, selector, X86_GP);
    return x86_segment_changed(cpu, segment);
}
X86_HELPER(load_segment, X86_MODES, I32, 2, IR_I32, IR_I32)

static uint32_t pop_segment(struct x86_cpu *cpu, uint32_t segment, uint32_t selector, uint32_t sizes)
{
    unsigned stack = sizes & 15;
    uint64_t sp = cpu->gpr[X86_RSP] + (sizes >> 4);
    x86_load_segment(cpu, segment, selector, X86_GP);
    cpu->gpr[X86_RSP] = stack == 3   ? sp
                        : stack == 2 ? (uint32_t)sp
                                     : (cpu->gpr[X86_RSP] & ~UINT64_C(0xffff)) | (sp & 0xffff);
    if (segment == X86_SS)
        cpu->shadow = X86_SHADOW_SS;
    return x86_segment_changed(cpu, segment);
}
X86_HELPER(pop_segment, X86_MODES, I32, 3, IR_I32, IR_I32, IR_I32)

// Whether a descriptor may be looked at from here: present in its table, and the privilege levels allow it.
static bool visible(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d)
{
    if (!(selector & 0xfffc) || !x86_read_descriptor(cpu, selector & 0xffff, d))
        return false;
    bool conforming = (d->high & (DESC_S | DESC_CODE | DESC_CONFORMING)) == (DESC_S | DESC_CODE | DESC_CONFORMING);
    unsigned dpl = x86_desc_dpl(d->high);
    return conforming || (dpl >= x86_cpl(cpu) && dpl >= (selector & 3));
}

static uint32_t verify_segment(struct x86_cpu *cpu, uint32_t selector, uint32_t write)
{
    struct x86_descriptor d;
    if (!visible(cpu, selector, &d) || !(d.high & DESC_S))
        return 0;
    bool code = d.high & DESC_CODE, bit = d.high & DESC_WRITABLE;
    return write ? !code && bit : !code || bit;
}
X86_HELPER(verify_segment, X86_FAULTS, I32, 2, IR_I32, IR_I32)

static uint64_t lar(struct x86_cpu *cpu, uint32_t selector, uint32_t limit)
{
    struct x86_descriptor d;
    if (!visible(cpu, selector, &d))
        return 0;
    if (!(d.high & DESC_S)) {
        // System descriptors that have an access byte, or a limit, to show.
        unsigned type = x86_desc_type(d.high);
        uint32_t shown = limit ? 1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 11
                               : 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 9 | 1u << 11 | 1u << 12;
        if (x86_long_mode(cpu))
            shown &= 1u << 2 | 1u << 9 | 1u << 11 | 1u << 12;
        if (!(shown >> type & 1))
            return 0;
    }
    uint32_t value = limit ? x86_segment_of(selector, &d).limit : d.high & DESC_ATTR;
    return value | BIT64(32);
}
X86_HELPER(lar, X86_FAULTS, I64, 2, IR_I32, IR_I32)

// --- far transfers -------------------------------------------------------------------------------------------------

static uint64_t far_jump(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, uint32_t size, uint64_t next_rip)
{
    x86_far_jump(cpu, selector, offset, size, next_rip);
    return go_on(cpu);
}
X86_HELPER(far_jump, X86_MODES, I64, 4, IR_I32, IR_I64, IR_I32, IR_I64)

static uint64_t far_call(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, uint32_t size, uint64_t next_rip)
{
    x86_far_call(cpu, selector, offset, size, next_rip);
    return go_on(cpu);
}
X86_HELPER(far_call, X86_MODES, I64, 4, IR_I32, IR_I64, IR_I32, IR_I64)

static uint64_t far_return(struct x86_cpu *cpu, uint32_t size, uint32_t drop)
{
    x86_far_return(cpu, size, drop);
    return go_on(cpu);
}
X86_HELPER(far_return, X86_MODES, I64, 2, IR_I32, IR_I32)

static uint64_t iret(struct x86_cpu *cpu, uint32_t size)
{
    x86_iret(cpu, size);
    return go_on(cpu);
}
X86_HELPER(iret, X86_MODES, I64, 1, IR_I32)

static uint64_t software_interrupt(struct x86_cpu *cpu, uint32_t vector, uint32_t as_exception, uint64_t next_rip)
{
    x86_interrupt(cpu, vector, !as_exception, next_rip);
    return go_on(cpu);
}
X86_HELPER(software_interrupt, X86_MODES, I64, 3, IR_I32, IR_I32, IR_I64)

static uint64_t rsm(struct x86_cpu *cpu)
{
    x86_smm_leave(cpu);
    return go_on(cpu);
}
X86_HELPER(rsm, X86_MODES, I64, 0, 0)

static uint32_t popf(struct x86_cpu *cpu, uint32_t value, uint32_t size)
{
    unsigned cpl = x86_cpl(cpu), iopl = (cpu->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT, old = cpu->eflags;
    if (size > 1)
        mask |= FLAG_AC | FLAG_ID;
    if (cpl <= iopl)
        mask |= FLAG_IF;
    if (cpl == 0)
        mask |= FLAG_IOPL;
    uint32_t flags = (x86_eflags_get(cpu) & ~mask) | (value & mask);
    x86_eflags_set(cpu, flags & ~(uint32_t)FLAG_RF);
    x86_poll(cpu);
    if (!((old ^ cpu->eflags) & (FLAG_TF | FLAG_AC | FLAG_IOPL)))
        return 0;
    x86_modes_changed(cpu);
    return 1;
}
X86_HELPER(popf, X86_MODES, I32, 2, IR_I32, IR_I32)

// --- system calls --------------------------------------------------------------------------------------------------

static struct x86_segment flat(uint32_t selector, unsigned cpl, uint32_t type)
{
    return (struct x86_segment){.limit = 0xffffffff, .selector = (selector & 0xfffc) | cpl,
                                .attr = DESC_P | DESC_S | DESC_G | cpl << DESC_DPL_SHIFT | type};
}

enum { CODE_TYPE = DESC_CODE | DESC_WRITABLE | DESC_ACCESSED, DATA_TYPE = DESC_WRITABLE | DESC_ACCESSED | DESC_B };

static uint64_t syscall_entry(struct x86_cpu *cpu, uint64_t next_rip)
{
    if (!(cpu->efer & EFER_SCE) || (!x86_code64(cpu) && x86_model_is_intel(cpu->model)))
        x86_fault(cpu, X86_UD, 0);
    uint32_t selector = cpu->star >> 32 & 0xfffc, flags = x86_eflags_get(cpu);
    uint64_t target;
    cpu->gpr[X86_RCX] = next_rip;
    if (x86_long_mode(cpu)) {
        target = x86_code64(cpu) ? cpu->lstar : cpu->cstar;
        cpu->gpr[11] = flags & ~(uint32_t)FLAG_RF;
        x86_eflags_set(cpu, flags & ~(uint32_t)cpu->fmask & ~(uint32_t)FLAG_RF);
        cpu->segs[X86_CS] = flat(selector, 0, CODE_TYPE | DESC_L);
    } else {
        target = (uint32_t)cpu->star;
        x86_eflags_set(cpu, flags & ~(uint32_t)(FLAG_IF | FLAG_VM | FLAG_RF));
        cpu->segs[X86_CS] = flat(selector, 0, CODE_TYPE | DESC_B);
    }
    cpu->segs[X86_SS] = flat(selector + 8, 0, DATA_TYPE);
    x86_modes_changed(cpu);
    x86_set_rip(cpu, target);
    return go_on_known(cpu);
}
X86_HELPER_AS(syscall, syscall_entry, X86_MODES, I64, 1, IR_I64)

static uint64_t sysret(struct x86_cpu *cpu, uint32_t size)
{
    bool intel = x86_model_is_intel(cpu->model);
    if (!(cpu->efer & EFER_SCE) || (intel && !x86_code64(cpu)))
        x86_fault(cpu, X86_UD, 0);
    // AMD's processors fault at the target.
    if (intel && size == 3 && !x86_canonical(cpu, cpu->gpr[X86_RCX]))
        x86_fault(cpu, X86_GP, 0);
    if (!(cpu->cr0 & CR0_PE))
        x86_fault(cpu, X86_GP, 0);
    uint32_t base = cpu->star >> 48 & 0xfffc;
    uint64_t target = cpu->gpr[X86_RCX];
    if (x86_code64(cpu)) {
        if (size == 3)
            cpu->segs[X86_CS] = flat(base + 16, 3, CODE_TYPE | DESC_L);
        else
            cpu->segs[X86_CS] = flat(base, 3, CODE_TYPE | DESC_B);
        x86_eflags_set(cpu, (uint32_t)cpu->gpr[11] & ~(uint32_t)(FLAG_RF | FLAG_VM));
    } else {
        cpu->segs[X86_CS] = flat(base, 3, CODE_TYPE | DESC_B);
        cpu->eflags |= FLAG_IF;
    }
    cpu->segs[X86_SS] = flat(base + 8, 3, DATA_TYPE);
    x86_modes_changed(cpu);
    x86_set_rip(cpu, target);
    x86_poll(cpu);
    return go_on_known(cpu);
}
X86_HELPER(sysret, X86_MODES, I64, 1, IR_I32)

static uint64_t sysenter(struct x86_cpu *cpu)
{
    if (!(cpu->sysenter_cs & 0xfffc))
        x86_fault(cpu, X86_GP, 0);
    bool wide = x86_long_mode(cpu);
    uint32_t selector = cpu->sysenter_cs & 0xfffc;
    cpu->eflags &= ~(uint32_t)(FLAG_VM | FLAG_IF | FLAG_RF);
    cpu->segs[X86_CS] = flat(selector, 0, CODE_TYPE | (wide ? DESC_L : DESC_B));
    cpu->segs[X86_SS] = flat(selector + 8, 0, DATA_TYPE);
    cpu->gpr[X86_RSP] = wide ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, wide ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip);
    return go_on_known(cpu);
}
X86_HELPER(sysenter, X86_MODES, I64, 0, 0)

static uint64_t sysexit(struct x86_cpu *cpu, uint32_t size)
{
    if (!(cpu->sysenter_cs & 0xfffc))
        x86_fault(cpu, X86_GP, 0);
    uint32_t selector = cpu->sysenter_cs & 0xfffc;
    bool wide = size == 3;
    uint64_t target = wide ? cpu->gpr[X86_RDX] : (uint32_t)cpu->gpr[X86_RDX];
    cpu->segs[X86_CS] = flat(selector + (wide ? 32 : 16), 3, CODE_TYPE | (wide ? DESC_L : DESC_B));
    cpu->segs[X86_SS] = flat(selector + (wide ? 40 : 24), 3, DATA_TYPE);
    cpu->gpr[X86_RSP] = wide ? cpu->gpr[X86_RCX] : (uint32_t)cpu->gpr[X86_RCX];
    x86_modes_changed(cpu);
    x86_set_rip(cpu, target);
    return go_on_known(cpu);
}
X86_HELPER(sysexit, X86_MODES, I64, 1, IR_I32)
