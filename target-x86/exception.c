// SPDX-License-Identifier: MIT
// Delivery of exceptions and interrupts (Intel SDM volume 3, chapter 6; AMD APM volume 2, chapter 8).
//
// A fault met while one is being delivered becomes a double fault by the table of contributory classes, a third one
// shuts the processor down: cpu->delivering remembers what is on its way.

#include "target-x86/exception.h"

#include "target-x86/decode.h"
#include "target-x86/gdb.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { BY_PROGRAM = 256 }; // of cpu->delivering: INT n, which is no exception

struct event {
    unsigned vector;
    bool has_error, software, external, interrupt; // interrupt: a device's, or NMI
    uint32_t error;
    uint64_t rip;     // to return to
    uint32_t eflags;  // to be pushed
};

// --- which exception ----------------------------------------------------------------------------------------------

static bool pushes_error(unsigned vector)
{
    return vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;
}

static bool contributory(int vector)
{
    return vector == X86_DE || (vector >= X86_TS && vector <= X86_GP);
}

void x86_shut_down(struct x86_cpu *cpu, const char *why)
{
    log_printf(LOG_INT, "x86: cpu %u: %s, rip 0x%llx\n", cpu->tcg.vcpu.index, why, (unsigned long long)x86_rip(cpu));
    cpu->delivering = -1;
    cpu->in_shutdown = true;
    cpu->tcg.vcpu.halted = true;
    if (cpu->config.shutdown)
        cpu->config.shutdown(cpu->config.shutdown_opaque);
}

// The vector that comes of a fault during delivery of another; -1 for a shutdown.
static int combine(int first, unsigned second)
{
    if (first < 0 || first >= 32)
        return (int)second;
    if (first == X86_DF)
        return -1;
    if ((contributory(first) && contributory((int)second)) ||
        (first == X86_PF && (second == X86_PF || contributory((int)second))))
        return X86_DF;
    return (int)second;
}

// Of a fault, so that the instruction is not stopped at again by a breakpoint.
static bool sets_rf(unsigned vector)
{
    return vector < 32 && vector != X86_DB && vector != X86_NMI && vector != X86_BP && vector != X86_OF &&
           vector != X86_DF;
}

// --- real mode -----------------------------------------------------------------------------------------------------

static void deliver_real(struct x86_cpu *cpu, const struct event *e)
{
    if (e->vector * 4 + 3 > cpu->idtr.limit)
        x86_fault(cpu, X86_GP, 0);
    uint32_t target = (uint32_t)tlb_load(&cpu->tcg, cpu->idtr.base + e->vector * 4, 4, X86_MMU_KERNEL);
    struct x86_stack s = x86_stack_of(cpu);
    x86_stack_push(cpu, &s, 2, e->eflags);
    x86_stack_push(cpu, &s, 2, cpu->segs[X86_CS].selector);
    x86_stack_push(cpu, &s, 2, e->rip);
    x86_stack_commit(cpu, &s);
    cpu->eflags &= ~(uint32_t)(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    cpu->segs[X86_CS].selector = target >> 16;
    cpu->segs[X86_CS].base = target >> 16 << 4;
    x86_set_rip(cpu, target & 0xffff);
}

// --- gates ---------------------------------------------------------------------------------------------------------

static uint32_t gate_error(const struct event *e)
{
    return e->vector << 3 | 2 | e->external;
}

struct gate {
    uint32_t selector;
    uint64_t offset;
    unsigned type, ist;
};

// Reads and checks the IDT entry.
static struct gate read_gate(struct x86_cpu *cpu, const struct event *e)
{
    bool wide = x86_long_mode(cpu);
    unsigned bytes = wide ? 16 : 8;
    if (e->vector * bytes + bytes - 1 > cpu->idtr.limit)
        x86_fault(cpu, X86_GP, gate_error(e));
    uint64_t address = cpu->idtr.base + e->vector * bytes;
    uint64_t word = tlb_load(&cpu->tcg, address, 8, X86_MMU_KERNEL);
    uint32_t high = (uint32_t)(word >> 32);
    struct gate g = {.selector = word >> 16 & 0xffff, .offset = (word & 0xffff) | (high & 0xffff0000),
                     .type = x86_desc_type(high), .ist = high & 7};
    bool good = g.type == GATE_INT32 || g.type == GATE_TRAP32 ||
                (!wide && (g.type == GATE_INT16 || g.type == GATE_TRAP16 || g.type == GATE_TASK));
    if (!good || (e->software && x86_desc_dpl(high) < x86_cpl(cpu)))
        x86_fault(cpu, X86_GP, gate_error(e));
    if (!(high & DESC_P))
        x86_fault(cpu, X86_NP, gate_error(e));
    if (wide)
        g.offset |= tlb_load(&cpu->tcg, address + 8, 4, X86_MMU_KERNEL) << 32;
    else if (g.type < 8)
        g.offset &= 0xffff;
    return g;
}

// The handler's code segment, checked; *cpl becomes its privilege level.
static struct x86_segment handler_segment(struct x86_cpu *cpu, const struct event *e, const struct gate *g,
                                          unsigned *cpl)
{
    struct x86_descriptor d;
    uint32_t error = (g->selector & 0xfffc) | e->external;
    if (!(g->selector & 0xfffc))
        x86_fault(cpu, X86_GP, e->external);
    if (!x86_read_descriptor(cpu, g->selector, &d) || !x86_is_code(d.high) || x86_desc_dpl(d.high) > x86_cpl(cpu))
        x86_fault(cpu, X86_GP, error);
    if (x86_long_mode(cpu) && (d.high & (DESC_L | DESC_B)) != DESC_L)
        x86_fault(cpu, X86_GP, error);
    if (!(d.high & DESC_P))
        x86_fault(cpu, X86_NP, error);
    *cpl = d.high & DESC_CONFORMING ? x86_cpl(cpu) : x86_desc_dpl(d.high);
    if (x86_vm86(cpu) && *cpl != 0)
        x86_fault(cpu, X86_GP, error);
    x86_mark_accessed(cpu, &d);
    return x86_segment_of((g->selector & 0xfffc) | *cpl, &d);
}

static void clear_flags(struct x86_cpu *cpu, const struct gate *g)
{
    cpu->eflags &= ~(uint32_t)(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
    if (g->type == GATE_INT32 || g->type == GATE_INT16)
        cpu->eflags &= ~(uint32_t)FLAG_IF;
}

static void push_vm86_segments(struct x86_cpu *cpu, struct x86_stack *s, unsigned bytes)
{
    static const uint8_t order[] = {X86_GS, X86_FS, X86_DS, X86_ES};
    for (unsigned i = 0; i < 4; i++)
        x86_stack_push(cpu, s, bytes, cpu->segs[order[i]].selector);
}

static void deliver_protected(struct x86_cpu *cpu, const struct event *e)
{
    struct gate g = read_gate(cpu, e);
    if (g.type == GATE_TASK) {
        x86_task_gate(cpu, g.selector, X86_TASK_CALL, e->rip);
        if (e->has_error) {
            struct x86_stack s = x86_stack_of(cpu);
            x86_stack_push(cpu, &s, cpu->tr.attr & (8 << 8) ? 4 : 2, e->error);
            x86_stack_commit(cpu, &s);
        }
        return;
    }
    unsigned cpl, old_cpl = x86_cpl(cpu), bytes = g.type < 8 ? 2 : 4;
    struct x86_segment cs = handler_segment(cpu, e, &g, &cpl);
    struct x86_stack s = x86_stack_of(cpu);
    bool vm86 = x86_vm86(cpu);
    if (cpl != old_cpl) {
        uint32_t selector;
        uint64_t sp;
        x86_tss_stack(cpu, cpl, &selector, &sp);
        s = x86_stack_new(cpu, x86_stack_segment(cpu, selector, cpl, X86_TS), sp, cpl);
        if (vm86)
            push_vm86_segments(cpu, &s, bytes);
        x86_stack_push(cpu, &s, bytes, cpu->segs[X86_SS].selector);
        x86_stack_push(cpu, &s, bytes, cpu->gpr[X86_RSP]);
    }
    x86_stack_push(cpu, &s, bytes, e->eflags);
    x86_stack_push(cpu, &s, bytes, cpu->segs[X86_CS].selector);
    x86_stack_push(cpu, &s, bytes, e->rip);
    if (e->has_error)
        x86_stack_push(cpu, &s, bytes, e->error);
    if (vm86) {
        static const uint8_t data[] = {X86_ES, X86_DS, X86_FS, X86_GS};
        for (unsigned i = 0; i < 4; i++)
            cpu->segs[data[i]] = (struct x86_segment){0};
    }
    if (cpl != old_cpl)
        cpu->segs[X86_SS] = s.ss;
    x86_stack_commit(cpu, &s);
    clear_flags(cpu, &g);
    cpu->segs[X86_CS] = cs;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, g.offset);
}

static void deliver_long(struct x86_cpu *cpu, const struct event *e)
{
    struct gate g = read_gate(cpu, e);
    unsigned cpl, old_cpl = x86_cpl(cpu);
    struct x86_segment cs = handler_segment(cpu, e, &g, &cpl), ss = cpu->segs[X86_SS];
    uint64_t sp = cpu->gpr[X86_RSP];
    if (g.ist)
        sp = x86_tss_rsp(cpu, 28 + g.ist * 8);
    else if (cpl != old_cpl)
        sp = x86_tss_rsp(cpu, 4 + cpl * 8);
    if (cpl != old_cpl) {
        ss = (struct x86_segment){.selector = cpl};
        x86_set_cpl(&ss, cpl);
    }
    struct x86_stack s = x86_stack_new(cpu, ss, sp & ~UINT64_C(15), cpl);
    s.mask = ~UINT64_C(0);
    x86_stack_push(cpu, &s, 8, cpu->segs[X86_SS].selector);
    x86_stack_push(cpu, &s, 8, cpu->gpr[X86_RSP]);
    x86_stack_push(cpu, &s, 8, e->eflags);
    x86_stack_push(cpu, &s, 8, cpu->segs[X86_CS].selector);
    x86_stack_push(cpu, &s, 8, e->rip);
    if (e->has_error)
        x86_stack_push(cpu, &s, 8, e->error);
    cpu->segs[X86_SS] = ss;
    cpu->gpr[X86_RSP] = s.sp;
    clear_flags(cpu, &g);
    cpu->segs[X86_CS] = cs;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, g.offset);
}

// For debuggers, once it has been taken.
static void note(struct x86_cpu *cpu, const struct event *e, uint64_t pc, unsigned from)
{
    bool page_fault = e->vector == X86_PF && !e->software && !e->interrupt;
    debug_exception_taken(&cpu->tcg.vcpu,
                          (struct debug_exception){.pc = pc, .handler = tcg_get_pc(&cpu->tcg), .vector = e->vector,
                                                   .syndrome = e->error | (e->software ? X86_DEBUG_INT : 0),
                                                   .address = page_fault ? cpu->cr2 : 0, .has_address = page_fault,
                                                   .from = (uint8_t)from, .to = (uint8_t)x86_cpl(cpu),
                                                   .interrupt = e->interrupt});
}

static void deliver(struct x86_cpu *cpu, const struct event *e)
{
    cpu->delivering = e->software ? BY_PROGRAM : (int)e->vector;
    cpu->shadow = 0;
    cpu->halt = X86_RUNS;
    cpu->tcg.vcpu.halted = false; // by a trap behind HLT
    if (log_enabled(LOG_INT))
        log_printf(LOG_INT, "x86: cpu %u: vector %u%s error 0x%x at %04x:%llx rsp %llx cr2 %llx cpl %u\n",
                   cpu->tcg.vcpu.index, e->vector, e->software ? " (INT)" : "", e->error, cpu->segs[X86_CS].selector,
                   (unsigned long long)e->rip, (unsigned long long)cpu->gpr[X86_RSP], (unsigned long long)cpu->cr2,
                   x86_cpl(cpu));
    unsigned from = x86_cpl(cpu);
    uint64_t pc = tcg_get_pc(&cpu->tcg);
    if (!(cpu->cr0 & CR0_PE))
        deliver_real(cpu, e);
    else if (x86_long_mode(cpu))
        deliver_long(cpu, e);
    else
        deliver_protected(cpu, e);
    x86_modes_changed(cpu);
    cpu->delivering = -1;
    note(cpu, e, pc, from);
}

// --- entry points --------------------------------------------------------------------------------------------------

void x86_exception(struct x86_cpu *cpu, unsigned vector, uint32_t error)
{
    bool nested = cpu->delivering >= 0 && cpu->delivering != BY_PROGRAM;
    cpu->watch_hits = 0; // the instruction is not complete
    int combined = combine(cpu->delivering, vector);
    if (combined < 0) {
        x86_shut_down(cpu, "triple fault");
        return;
    }
    if (combined == X86_DF)
        error = 0;
    struct event e = {.vector = (unsigned)combined, .has_error = pushes_error((unsigned)combined) && (cpu->cr0 & CR0_PE),
                      .external = true, .error = error, .rip = x86_rip(cpu), .eflags = x86_eflags_get(cpu)};
    // The EXT bit: a fault while something that the program did not ask for was on its way.
    if (nested && combined >= X86_TS && combined <= X86_GP)
        e.error |= 1;
    if (sets_rf(e.vector))
        e.eflags |= FLAG_RF;
    deliver(cpu, &e);
}

_Noreturn void x86_fault(struct x86_cpu *cpu, unsigned vector, uint32_t error)
{
    x86_exception(cpu, vector, error);
    tcg_leave(&cpu->tcg);
}

void x86_interrupt(struct x86_cpu *cpu, unsigned vector, bool software, uint64_t next_rip)
{
    struct event e = {.vector = vector, .software = software, .external = !software, .rip = next_rip,
                      .eflags = x86_eflags_get(cpu)};
    deliver(cpu, &e);
}

static void take_vector(struct x86_cpu *cpu, unsigned vector)
{
    struct event e = {.vector = vector, .external = true, .interrupt = true, .rip = x86_rip(cpu),
                      .eflags = x86_eflags_get(cpu)};
    deliver(cpu, &e);
}

void x86_debug_trap(struct x86_cpu *cpu, uint32_t dr6)
{
    cpu->dr[6] = (cpu->dr[6] & ~UINT64_C(0xf)) | dr6 | cpu->watch_hits;
    cpu->watch_hits = 0;
    x86_interrupt(cpu, X86_DB, false, x86_rip(cpu));
}

// Whether the instruction at hand makes its access through SS.
static bool uses_stack(struct x86_cpu *cpu)
{
    uint8_t code[X86_INSN_MAX] = {0};
    struct x86_decoded in;
    uint64_t pc = tcg_get_pc(&cpu->tcg), room = TLB_PAGE_SIZE - (pc & (TLB_PAGE_SIZE - 1));
    unsigned here = room < X86_INSN_MAX ? (unsigned)room : X86_INSN_MAX;
    if (!x86_peek_code(&cpu->tcg, pc, code, here) ||
        (here < X86_INSN_MAX && !x86_peek_code(&cpu->tcg, pc + here, code + here, X86_INSN_MAX - here)) ||
        x86_decode(code, X86_INSN_MAX, cpu->block_flags & 3, &in) != X86_DECODE_OK)
        return false;
    return in.segment == X86_SS || (in.row->attributes & X86_STACK);
}

void x86_raise_fault(struct tcg_cpu *tcg, const struct tlb_fault *fault, unsigned mmu_index, unsigned size_log2)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    (void)mmu_index;
    (void)size_log2;
    if (fault->kind & X86_FAULT_NOT_CANONICAL) {
        bool stack = fault->access != TLB_FETCH && cpu->delivering < 0 && uses_stack(cpu);
        x86_exception(cpu, stack ? X86_SS_FAULT : X86_GP, 0);
        return;
    }
    // A fault that becomes a double fault has changed CR2 all the same.
    cpu->cr2 = fault->gva;
    x86_exception(cpu, X86_PF, fault->kind);
}

void x86_raise(struct tcg_cpu *tcg, uint32_t vector)
{
    x86_exception(x86_cpu_of(tcg), vector, 0);
}

void x86_raise_alignment(struct tcg_cpu *tcg, uint64_t gva, enum tlb_access access, unsigned mmu_index)
{
    (void)gva;
    (void)access;
    (void)mmu_index;
    x86_exception(x86_cpu_of(tcg), X86_AC, 0);
}

// Data accesses find an open bus (guest_ops.open_bus); a fetch finds FF FF, which is no instruction.
void x86_raise_bus_error(struct tcg_cpu *tcg, uint64_t gva, uint64_t gpa, enum tlb_access access, unsigned mmu_index)
{
    (void)access;
    (void)mmu_index;
    log_printf(LOG_GUEST_ERRORS, "x86: fetch at 0x%llx from 0x%llx, where there is no memory\n",
               (unsigned long long)gva, (unsigned long long)gpa);
    x86_exception(x86_cpu_of(tcg), X86_UD, 0);
}

// --- interrupts ----------------------------------------------------------------------------------------------------

static uint32_t lines(struct x86_cpu *cpu)
{
    return atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire);
}

void x86_poll(struct x86_cpu *cpu)
{
    uint32_t up = lines(cpu);
    if (((cpu->eflags & FLAG_IF) && (up >> X86_CPU_INTR & 1)) || (!cpu->nmi_blocked && (up >> X86_CPU_NMI & 1)))
        atomic_store(&cpu->tcg.vcpu.exit_request, 1);
}

static bool take_external(struct x86_cpu *cpu)
{
    const struct x86_cpu_config *config = &cpu->config;
    if (!config->intc || !config->intc->acknowledge)
        return false;
    int vector = config->intc->acknowledge(config->intc_opaque);
    if (vector < 0)
        return false;
    take_vector(cpu, (unsigned)vector & 0xff);
    return true;
}

static bool take_pending(struct x86_cpu *cpu, uint32_t up)
{
    if ((up >> X86_CPU_SMI & 1) && !cpu->smm) {
        x86_clear_line(cpu, X86_CPU_SMI);
        x86_smm_enter(cpu);
        return true;
    }
    if ((up >> X86_CPU_NMI & 1) && !cpu->nmi_blocked) {
        x86_clear_line(cpu, X86_CPU_NMI);
        cpu->nmi_blocked = true;
        take_vector(cpu, X86_NMI);
        return true;
    }
    return (up >> X86_CPU_INTR & 1) && (cpu->eflags & FLAG_IF) && take_external(cpu);
}

bool x86_take_interrupt(struct tcg_cpu *tcg)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    uint32_t up = lines(cpu);
    bool masked = up >> X86_CPU_A20M & 1;
    if (masked != cpu->a20_masked) {
        cpu->a20_masked = masked;
        tlb_flush_all(tcg);
    }
    if (cpu->watch_hits && !cpu->single && cpu->shadow != X86_SHADOW_SS) {
        x86_debug_trap(cpu, 0);
        return true;
    }
    if (cpu->shadow || cpu->single)
        return false;
    if (take_pending(cpu, up))
        return true;
    // The interrupt that ended HLT has gone.
    if (cpu->halt == X86_IN_HLT) {
        tcg->vcpu.halted = true;
        tcg_leave(tcg);
    }
    return false;
}
