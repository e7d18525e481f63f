// SPDX-License-Identifier: MIT
// What debuggers see of an x86 processor: struct debug_ops (hw/core/debug.h). Private to target-x86.
//
// The mode is what the code runs in: 0 for 16-bit, 1 for 32-bit, 2 for 64-bit. Debuggers know no segments, so the program
// counter and the stack pointer are linear addresses in every mode (CS.base + EIP; SS.base + ESP, or SP by SS.B). In 64-bit
// code that is RIP and RSP. Views of 16-bit code have the offsets as ip16 and sp16 too.
//
// A view other than that of the code shows the lower halves of registers, which is also what it writes, or zero-extends them.
#pragma once

#include "target-x86/cpu.h"

extern const struct debug_ops x86_debug_ops;

// --- gdb-views.c ---
struct x86_views;
// The views of a processor with its features.
struct x86_views *x86_views_create(const struct x86_cpu *cpu);
void x86_views_destroy(struct x86_views *views);
const struct debug_view *x86_view(const struct x86_views *views, unsigned mode);

// debug_register.id: a kind, and in its low byte a number.
enum x86_debug_kind {
    X86_KIND_GPR,      // by the number in instructions; 4 is the linear address of the stack's top
    X86_KIND_CORE,     // enum x86_debug_core
    X86_KIND_SELECTOR, // enum x86_debug_segment
    X86_KIND_BASE,
    X86_KIND_LIMIT,
    X86_KIND_ATTR,
    X86_KIND_ST,
    X86_KIND_FPU,      // enum x86_debug_fpu
    X86_KIND_XMM,
    X86_KIND_YMMH,
    X86_KIND_CR,
    X86_KIND_DR,
    X86_KIND_SYSTEM,   // enum x86_debug_system
    X86_KIND_MSR,      // in the order of x86_debug_msrs
};
// Segment registers, then:
enum x86_debug_segment { X86_DEBUG_LDTR = X86_SEGS, X86_DEBUG_TR, X86_DEBUG_GDTR, X86_DEBUG_IDTR };
enum x86_debug_core { X86_DEBUG_PC, X86_DEBUG_EFLAGS, X86_DEBUG_IP, X86_DEBUG_SP };
enum x86_debug_fpu {
    X86_DEBUG_FCTRL, X86_DEBUG_FSTAT, X86_DEBUG_FTAG, X86_DEBUG_FISEG, X86_DEBUG_FIOFF, X86_DEBUG_FOSEG, X86_DEBUG_FOOFF,
    X86_DEBUG_FOP, X86_DEBUG_MXCSR,
};
enum x86_debug_system { X86_DEBUG_EFER, X86_DEBUG_XCR0, X86_DEBUG_PKRU, X86_DEBUG_SMBASE, X86_DEBUG_A20, X86_DEBUG_CPL,
                        X86_DEBUG_SMM };

// MSR numbers by the low byte of an id of X86_KIND_MSR.
extern const uint32_t x86_debug_msrs[];

// --- gdb-registers.c ---
// debug_ops entries.
bool x86_debug_read(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg, uint8_t *bytes);
bool x86_debug_write(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg, const uint8_t *bytes);

// --- gdb-segments.c ---
uint64_t x86_debug_segment_get(const struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned segment);
// With the checks of the instruction that would load it, short of those for the privilege level of a far transfer. RIP stays.
bool x86_debug_segment_set(struct x86_cpu *cpu, enum x86_debug_kind kind, unsigned segment, uint64_t value);

// --- gdb-walk.c ---
// Where a linear address leads for whoever may do anything. False: nowhere. No effects.
bool x86_debug_translate(struct x86_cpu *cpu, uint64_t gva, uint64_t *gpa);
void x86_debug_print_walk(struct vcpu *vcpu, uint64_t gva, FILE *out);
bool x86_debug_next_mapping(struct vcpu *vcpu, uint64_t gva, struct debug_mapping *mapping);

// --- gdb-interrupts.c ---
void x86_debug_print_irq(struct vcpu *vcpu, FILE *out);

// --- gdb-exceptions.c ---
// debug_exception.vector of a system management interrupt.
enum { X86_DEBUG_SMI = 0x100 };
// In debug_exception.syndrome, beside the error code: by INT n, INT3 or INTO.
#define X86_DEBUG_INT (UINT64_C(1) << 32)

void x86_debug_describe(const struct debug_exception *exception, char *text, size_t size);
bool x86_debug_find_exception(const char *word, uint32_t *class);
uint32_t x86_debug_exception_class(const struct debug_exception *exception);
