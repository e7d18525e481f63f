// SPDX-License-Identifier: MIT
// C functions that translated code calls. Each is described next to its function; private to target-x86.
#pragma once

#include "tcg/ir.h"

// Kinds of helpers. "pc" results are linear addresses to go on at, modes already changed.
#define X86_PURE (IR_HELPER_PURE | IR_HELPER_NO_ENV)
#define X86_READS IR_HELPER_READS_STATE
#define X86_FAULTS (IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE)
#define X86_MODES (IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB)
#define X86_RAISES (X86_MODES | IR_HELPER_NORETURN)

#define X86_HELPER_AS(name, fn, kind, result, count, ...)                                                              \
    const struct ir_helper x86_helper_##name = {#name, (void (*)(void))fn, kind, IR_##result, count, {__VA_ARGS__}};
#define X86_HELPER(name, kind, result, count, ...) X86_HELPER_AS(name, name, kind, result, count, __VA_ARGS__)

// helper-integer.c
extern const struct ir_helper x86_helper_flags_of;            // x86_flags_of -> i32
extern const struct ir_helper x86_helper_settle_flags;        // CF and OF apart from the others
extern const struct ir_helper x86_helper_rotate_carry;        // (value, count, flags, size | 4 left) -> i64
extern const struct ir_helper x86_helper_rotate_carry_flags;  // the same -> i32
extern const struct ir_helper x86_helper_popcnt, x86_helper_pext, x86_helper_pdep;
extern const struct ir_helper x86_helper_crc32;               // (crc i32, data i64, bytes i32) -> i32
extern const struct ir_helper x86_helper_div64, x86_helper_idiv64; // (high, low, divisor) -> quotient, or #DE
extern const struct ir_helper x86_helper_bcd;                 // (op | base << 8, ax, flags) -> ax | flags << 16
extern const struct ir_helper x86_helper_locked_neg;          // (address, size | mmu << 4) -> old i64
extern const struct ir_helper x86_helper_cmpxchg16b;          // (address, mmu)
extern const struct ir_helper x86_helper_random;              // -> i64

// helper-string.c
extern const struct ir_helper x86_helper_string;              // (what) -> i32: not finished

// helper-control.c
extern const struct ir_helper x86_helper_raise;               // (vector); error code 0
extern const struct ir_helper x86_helper_step;                // (pc): #DB after an instruction
extern const struct ir_helper x86_helper_breakpoint;          // instruction breakpoints, before the first
extern const struct ir_helper x86_helper_code_is_there;      // (linear address, bytes there, bytes, bytes): 0 or 1
extern const struct ir_helper x86_helper_check_code;          // (here | beyond << 8, bytes, bytes)
extern const struct ir_helper x86_helper_retranslate;
extern const struct ir_helper x86_helper_check_segment;       // (segment, offset, bytes | write << 8)
extern const struct ir_helper x86_helper_far_jump, x86_helper_far_call; // (selector, offset, size, next rip) -> pc
extern const struct ir_helper x86_helper_far_return;          // (size, bytes to drop) -> pc
extern const struct ir_helper x86_helper_iret;                // (size) -> pc
extern const struct ir_helper x86_helper_software_interrupt;  // (vector, as exception, next rip) -> pc
extern const struct ir_helper x86_helper_syscall, x86_helper_sysret, x86_helper_sysenter, x86_helper_sysexit;
extern const struct ir_helper x86_helper_rsm;
extern const struct ir_helper x86_helper_popf;                // (value, size) -> i32: modes changed
extern const struct ir_helper x86_helper_load_segment;        // (segment, selector) -> i32: modes changed
extern const struct ir_helper x86_helper_pop_segment;         // (segment, selector, stack size | bytes << 4) -> the same
extern const struct ir_helper x86_helper_verify_segment;      // (selector, write) -> i32
extern const struct ir_helper x86_helper_lar;                 // (selector, limit) -> value | found << 32

// helper-native.c
extern const struct ir_helper x86_helper_native;              // (stub, description, address)
extern const struct ir_helper x86_helper_store_wide;          // (address, mmu, low, high)
extern const struct ir_helper x86_helper_blend;               // (register | lane << 4, source)
extern const struct ir_helper x86_helper_sha256rnds2;         // (register, source)
extern const struct ir_helper x86_helper_maskmov;             // (reg | rm << 4 | bytes << 8 | mmu << 16, address)
extern const struct ir_helper x86_helper_vmaskmov;            // (the same | lane << 20 | store << 24, address)
extern const struct ir_helper x86_helper_to_mm;

// helper-x87.c
extern const struct ir_helper x86_helper_x87;                 // (opcode << 8 | modrm)
extern const struct ir_helper x86_helper_x87_memory;          // (opcode << 8 | modrm | mmu << 16, address, segment:offset)
extern const struct ir_helper x86_helper_x87_image;           // (the same | 32-bit << 20 | protected << 21, address)
extern const struct ir_helper x86_helper_x87_load;            // x86_fpu_load
extern const struct ir_helper x86_helper_x87_pending;
extern const struct ir_helper x86_helper_fxsave;              // (what | mmu << 8 | wide << 12, address)
extern const struct ir_helper x86_helper_xsave;               // (enum x86_xsave | mmu << 8 | wide << 12, address)
extern const struct ir_helper x86_helper_ldmxcsr;             // (value)
extern const struct ir_helper x86_helper_stmxcsr;             // -> i32

// helper-system.c
extern const struct ir_helper x86_helper_read_system;         // (which) -> i64
extern const struct ir_helper x86_helper_load_system;         // (which, value)
extern const struct ir_helper x86_helper_load_table;          // (which, limit, base)
extern const struct ir_helper x86_helper_swapgs, x86_helper_clts, x86_helper_hlt;
extern const struct ir_helper x86_helper_poll;
extern const struct ir_helper x86_helper_select_code, x86_helper_modes_changed;
extern const struct ir_helper x86_helper_read_cr, x86_helper_write_cr, x86_helper_read_dr, x86_helper_write_dr;
extern const struct ir_helper x86_helper_invlpg, x86_helper_invpcid;
extern const struct ir_helper x86_helper_xgetbv, x86_helper_xsetbv, x86_helper_pkru;
extern const struct ir_helper x86_helper_in, x86_helper_out;  // (port, bytes[, value])
extern const struct ir_helper x86_helper_rdtsc, x86_helper_cpuid, x86_helper_rdmsr, x86_helper_wrmsr;
