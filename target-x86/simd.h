// SPDX-License-Identifier: MIT
// What SIMD translators and helpers share. Private to target-x86.
#pragma once

#include "target-x86/cpu.h"

// The description that the `native` helper gets: register numbers in bits 0 to 15 (reg, rm, vvvv, is4), then these.
enum {
    NATIVE_SIZE = 16,     // 3 bits: log2 of the memory operand's bytes
    NATIVE_MEM = 19,
    NATIVE_STORE = 20,
    NATIVE_MMU = 21,      // 2 bits
    NATIVE_ROLE = 23,     // 2 bits: where the destination is: 0 reg, 1 rm, 2 vvvv
    NATIVE_DST = 25,      // 3 bits: what it is, see below
    NATIVE_FLAGS = 28,    // sets EFLAGS
    NATIVE_WITH_MMX = 29,
    NATIVE_TRAPS = 30,    // an unmasked exception may be raised
    NATIVE_RCX = 31,      // ECX is a result
    NATIVE_XMM0 = 32,     // XMM0 is a result
    NATIVE_VEX = 34,
    NATIVE_FP = 35,       // may set MXCSR's flags
    NATIVE_LENGTHS = 33,  // EAX and EDX are operands
};
enum { NATIVE_NONE, NATIVE_XMM, NATIVE_MMX, NATIVE_GPR32, NATIVE_GPR64 };

// Arguments of SIMD rows.
enum {
    N_FP = 1 << 0,    // IEEE arithmetic, which may raise exceptions
    N_U = 1 << 1,     // memory may be unaligned without VEX
    N_A = 1 << 2,     // memory must be aligned even with VEX
    N_I = 1 << 3,     // 256 bits of integers: AVX2
    N_FLAGS = 1 << 4, // sets EFLAGS
};

// Faults now when a store will.
void x86_check_writable(struct x86_cpu *cpu, uint64_t gva, unsigned bytes, unsigned mmu);

// #MF (or FERR#) when an x87 exception waits.
void x86_fpu_check_pending(struct x86_cpu *cpu);
