// SPDX-License-Identifier: MIT
// Exceptions, interrupts and segments: what changes CS, SS and the privilege level. Private to target-x86.
//
// Functions that may fault leave to the run loop (tcg_leave) after the fault was delivered, so callers have changed
// nothing by then: state is committed at the end.
#pragma once

#include "target-x86/cpu.h"

// --- exception.c ---
// Takes an exception at the current instruction. Returns with the state at the handler.
void x86_exception(struct x86_cpu *cpu, unsigned vector, uint32_t error);
// The same, and leaves.
_Noreturn void x86_fault(struct x86_cpu *cpu, unsigned vector, uint32_t error);
// INT n, INT3, INTO, and traps that go on at `next_rip`; checks the gate's privilege level when `software`.
void x86_interrupt(struct x86_cpu *cpu, unsigned vector, bool software, uint64_t next_rip);
// #DB with these bits in DR6, at the next instruction.
void x86_debug_trap(struct x86_cpu *cpu, uint32_t dr6);
// Shutdown: the board decides. Returns with the processor halted.
void x86_shut_down(struct x86_cpu *cpu, const char *why);
bool x86_take_interrupt(struct tcg_cpu *cpu);
// Makes a pending interrupt that is allowed now be seen at the next block.
void x86_poll(struct x86_cpu *cpu);
// guest_ops entries
void x86_raise_fault(struct tcg_cpu *cpu, const struct tlb_fault *fault, unsigned mmu_index, unsigned size_log2);
void x86_raise(struct tcg_cpu *cpu, uint32_t vector); // error code 0 where it has one
void x86_raise_alignment(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index);
void x86_raise_bus_error(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access, unsigned mmu_index);

// --- segment.c ---
struct x86_descriptor {
    uint32_t low, high;
    uint64_t address; // linear, of the descriptor
};
enum { GATE_TSS16 = 1, GATE_LDT = 2, GATE_TSS16_BUSY = 3, GATE_CALL16 = 4, GATE_TASK = 5, GATE_INT16 = 6, GATE_TRAP16 = 7,
       GATE_TSS32 = 9, GATE_TSS32_BUSY = 11, GATE_CALL32 = 12, GATE_INT32 = 14, GATE_TRAP32 = 15 };

static inline unsigned x86_desc_type(uint32_t high)
{
    return high >> 8 & 31; // with S
}
static inline unsigned x86_desc_dpl(uint32_t high)
{
    return high >> DESC_DPL_SHIFT & 3;
}
static inline bool x86_is_code(uint32_t high)
{
    return (high & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}

// Reads the descriptor of a selector. False when it is not in its table.
bool x86_read_descriptor(struct x86_cpu *cpu, uint32_t selector, struct x86_descriptor *d);
// The hidden part that a descriptor loads.
struct x86_segment x86_segment_of(uint32_t selector, const struct x86_descriptor *d);
// Sets the accessed bit in memory.
void x86_mark_accessed(struct x86_cpu *cpu, struct x86_descriptor *d);
struct x86_segment x86_real_segment(uint32_t selector); // of virtual 8086 mode
// Loads a segment register other than CS, with all checks; an unfit descriptor is `vector`(selector).
void x86_load_segment(struct x86_cpu *cpu, unsigned segment, uint32_t selector, unsigned vector);
// Descriptor of a stack segment for privilege level `cpl`; faults with `vector`(selector) where it is not fit.
struct x86_segment x86_stack_segment(struct x86_cpu *cpu, uint32_t selector, unsigned cpl, unsigned vector);
// After a return to an outer level: data segments that it may not use become null.
void x86_drop_segments(struct x86_cpu *cpu, unsigned cpl);
static inline void x86_set_cpl(struct x86_segment *ss, unsigned cpl)
{
    ss->attr = (ss->attr & ~(3u << DESC_DPL_SHIFT)) | cpl << DESC_DPL_SHIFT;
}

// Stack pointer and segment for entry to a privilege level, from the TSS.
void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, uint32_t *selector, uint64_t *sp);
uint64_t x86_tss_rsp(struct x86_cpu *cpu, unsigned offset);

// A stack that is being written or read before it is committed.
struct x86_stack {
    struct x86_segment ss;
    uint64_t sp, mask;
    unsigned mmu;
    uint32_t error; // of #SS
};
struct x86_stack x86_stack_of(const struct x86_cpu *cpu);
struct x86_stack x86_stack_new(const struct x86_cpu *cpu, struct x86_segment ss, uint64_t sp, unsigned cpl);
void x86_stack_push(struct x86_cpu *cpu, struct x86_stack *s, unsigned bytes, uint64_t value);
uint64_t x86_stack_pop(struct x86_cpu *cpu, struct x86_stack *s, unsigned bytes);
void x86_stack_commit(struct x86_cpu *cpu, const struct x86_stack *s);

// --- far.c: linear addresses to go on at ---
void x86_far_jump(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, unsigned size, uint64_t next_rip);
void x86_far_call(struct x86_cpu *cpu, uint32_t selector, uint64_t offset, unsigned size, uint64_t next_rip);
void x86_far_return(struct x86_cpu *cpu, unsigned size, uint32_t drop);
void x86_iret(struct x86_cpu *cpu, unsigned size);

// --- task.c ---
enum x86_task_reason { X86_TASK_JUMP, X86_TASK_CALL, X86_TASK_IRET };
// Switches to the task of a TSS descriptor (already checked for privilege and type). `next_rip` is saved.
void x86_task_switch(struct x86_cpu *cpu, uint32_t selector, enum x86_task_reason reason, uint64_t next_rip);
// A task gate's selector: the TSS it names.
void x86_task_gate(struct x86_cpu *cpu, uint32_t selector, enum x86_task_reason reason, uint64_t next_rip);

// --- smm.c ---
// Memory as the processor sees it in the mode, or out of it.
struct memory_map *x86_smm_memory(const struct x86_cpu *cpu, bool smm);
// Whether the processor is in it, and with that its memory; nothing else, and not the TLB.
void x86_smm_select(struct x86_cpu *cpu, bool smm);
// An SMI is taken; RSM.
void x86_smm_enter(struct x86_cpu *cpu);
void x86_smm_leave(struct x86_cpu *cpu);

// --- helper-registers.c, msr.c, models.c ---
// Bits of CR4 and EFER that the model has.
uint64_t x86_cr4_offered(const struct x86_cpu *cpu);
// MOV from and to CR0, 2, 3, 4 and 8, and to DR0 to 3, 6 and 7, for whoever may do so. False: #GP(0), and nothing has changed.
uint64_t x86_get_cr(const struct x86_cpu *cpu, unsigned n);
bool x86_set_cr(struct x86_cpu *cpu, unsigned n, uint64_t value);
bool x86_set_dr(struct x86_cpu *cpu, unsigned n, uint64_t value);
uint64_t x86_efer_offered(const struct x86_cpu *cpu);
bool x86_read_msr(struct x86_cpu *cpu, uint32_t msr, uint64_t *value);
bool x86_write_msr(struct x86_cpu *cpu, uint32_t msr, uint64_t value);
uint64_t x86_tsc(const struct x86_cpu *cpu);
// The MSRs that keep what is written, and SMBASE, which is none for programs: number and place of the one at `index`; NULL behind
// the last one.
uint64_t *x86_msr_field(struct x86_cpu *cpu, unsigned index, uint32_t *msr);
void x86_cpuid(const struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

// --- xsave.c: XSETBV (false: #GP(0)), and CPUID leaf 0xd, `out` all zeros ---
bool x86_set_xcr0(struct x86_cpu *cpu, uint64_t value);
void x86_cpuid_extended_state(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4]);

// --- helper-system.c: WRPKRU ---
void x86_set_pkru(struct x86_cpu *cpu, uint32_t value);

// --- ferr.c ---
// For an x87 instruction that waits, with an error pending and CR0.NE clear: returns when IGNNE# is up, else leaves.
void x86_ferr_wait(struct x86_cpu *cpu);
// The error is gone.
void x86_ferr_clear(struct x86_cpu *cpu);

// --- debug.c ---
// Recomputes what is cached after DR0 to DR3, DR7 or CR4.DE has changed.
void x86_debug_registers_changed(struct x86_cpu *cpu);
// Whether a data breakpoint lies in the page.
bool x86_watched_page(const struct x86_cpu *cpu, uint64_t gva);
// Notes the breakpoints on ports that an access hits.
void x86_watch_port(struct x86_cpu *cpu, uint32_t port, unsigned bytes);
// guest_ops.watched
bool x86_watched(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access);
