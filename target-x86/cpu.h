// SPDX-License-Identifier: MIT
// State of an x86 processor (Intel SDM, volumes 1 and 3; AMD APM, volume 2).
//
// One flat structure: the engine's part, what translated code keeps in state slots (slots.h), then system registers and
// what stays over a reset. The pc that the engine sees is the linear address of the instruction (CS.base + RIP), so that
// blocks do not depend on where a segment lies.
//
// The arithmetic flags are lazy: cc_op says what the others hold (flags.h). x86_eflags_get and
// x86_eflags_set are the way to and from the architecture's form.
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/core/x86-cpu-if.h"
#include "target-x86/features.h"
#include "tcg/exec/guest.h"

struct memory_map;

enum { X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI };
enum { X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_SEGS };

// A segment register's hidden part. `attr` is bits 8 to 23 of a descriptor's second word, in place.
struct x86_segment {
    uint64_t base;
    uint32_t limit;    // in bytes, granularity applied
    uint32_t selector;
    uint32_t attr;
};

enum {
    DESC_TYPE = 0xf << 8,
    DESC_ACCESSED = 1 << 8,
    DESC_WRITABLE = 1 << 9, // of code: readable
    DESC_EXPAND_DOWN = 1 << 10, // of code: conforming
    DESC_CONFORMING = 1 << 10,
    DESC_CODE = 1 << 11,
    DESC_S = 1 << 12,
    DESC_DPL_SHIFT = 13,
    DESC_P = 1 << 15,
    DESC_L = 1 << 21,
    DESC_B = 1 << 22,
    DESC_G = 1 << 23,
    DESC_ATTR = 0x00f0ff00,
};

enum {
    FLAG_C = 1 << 0,
    FLAG_1 = 1 << 1,
    FLAG_P = 1 << 2,
    FLAG_A = 1 << 4,
    FLAG_Z = 1 << 6,
    FLAG_S = 1 << 7,
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10,
    FLAG_O = 1 << 11,
    FLAG_IOPL_SHIFT = 12,
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
    FLAGS_ARITH = FLAG_O | FLAG_S | FLAG_Z | FLAG_A | FLAG_P | FLAG_C,
};

enum {
    CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_ET = 1 << 4, CR0_NE = 1 << 5,
    CR0_WP = 1 << 16, CR0_AM = 1 << 18, CR0_NW = 1 << 29, CR0_CD = 1 << 30,
};
#define CR0_PG (UINT32_C(1) << 31)
enum {
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5,
    CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10,
    CR4_UMIP = 1 << 11, CR4_LA57 = 1 << 12, CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17, CR4_OSXSAVE = 1 << 18,
    CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21, CR4_PKE = 1 << 22,
};
enum { EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11, EFER_FFXSR = 1 << 14 };

enum x86_vector {
    X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_BR = 5, X86_UD = 6, X86_NM = 7, X86_DF = 8,
    X86_TS = 10, X86_NP = 11, X86_SS_FAULT = 12, X86_GP = 13, X86_PF = 14, X86_MF = 16, X86_AC = 17, X86_XM = 19,
};

// Bits of a block's flags: what translated code depends on. See x86_block_flags.
enum {
    X86_BF_CODE = 0,       // 2 bits: 0 for 16-, 1 for 32-, 2 for 64-bit code
    X86_BF_CPL = 2,        // 2 bits
    X86_BF_MMU = 4,        // 2 bits: mmu index of ordinary accesses
    X86_BF_PE = 6,
    X86_BF_VM86 = 7,
    X86_BF_STACK32 = 8,    // SS.B
    X86_BF_IOPL_OK = 9,    // CLI, STI, PUSHF, POPF are allowed
    X86_BF_CS_ZERO = 10,   // CS.base is 0
    X86_BF_CS_ALIGNED = 11, // CS.base is a multiple of the page size
    X86_BF_CS_LIMITED = 12, // CS.limit is less than 4 GiB (0xffff in 16-bit code)
    X86_BF_SEG = 13,       // 3 bits a segment, for ES, SS, DS, FS, GS: enum x86_segment_check, base not zero << 2
    X86_BF_TF = 28,
    X86_BF_SHADOW = 29,    // interrupts are held off for an instruction
    X86_BF_SINGLE = 30,    // one instruction, by itself: it stores into its own block
    X86_BF_FPU_TRAP = 31,  // CR0.EM or TS, for x87
    X86_BF_FPU_EM = 32,
    X86_BF_FPU_TS = 33,
    X86_BF_FPU_MP = 34,
    X86_BF_SSE = 35,       // CR4.OSFXSR
    X86_BF_AVX = 36,       // CR4.OSXSAVE and XCR0 allow AVX
    X86_BF_ALIGN = 37,     // alignment is checked: CR0.AM, EFLAGS.AC, CPL 3
    X86_BF_BREAKPOINTS = 38, // DR7 enables an instruction breakpoint
    X86_BF_SMM = 39,
    X86_BF_LMA = 40,
    X86_BF_XM = 41,        // MXCSR leaves an exception unmasked
    X86_BF_FSGSBASE = 42,  // CR4
    X86_BF_UMIP = 43,
    X86_BF_TSD = 44,       // RDTSC faults
    X86_BF_XSAVE = 45,     // CR4.OSXSAVE
    X86_BF_X87_MASKED = 46, // the x87 control word masks all exceptions
};
// How accesses through a segment are checked.
enum x86_segment_check { X86_SEG_FLAT, X86_SEG_LIMIT, X86_SEG_SLOW };

// After STI, interrupts; after MOV SS and POP SS, debug exceptions too.
enum x86_shadow { X86_SHADOW_STI = 1, X86_SHADOW_SS = 2 };

// What it is halted in, or was when it was last.
enum x86_halt { X86_RUNS, X86_IN_HLT, X86_FROZEN /* in an x87 instruction, see ferr.c */ };

// What was under way to a handler when KVM gave the state back.
enum x86_interrupted { X86_BY_NOTHING, X86_BY_EXCEPTION, X86_BY_INTERRUPT, X86_BY_INT, X86_BY_NMI };

// mmu indexes
enum { X86_MMU_USER, X86_MMU_KERNEL, X86_MMU_KERNEL_AC };

// Where the x87 state is when it is not all in `st`, control, status, top and valid; what is there is older then, and
// x86_fpu_save brings it back. In the host's x87: registers, control, status, tags; control has all exceptions masked. In
// `mm`: the mantissas; no exception is pending. What instructions did to the rest are bits, so that translated code has
// little to do.
enum x86_fpu_place {
    X87_IN_HOST = 1 << 0,
    X87_IN_MM = 1 << 1,
    X87_MM_USED = 1 << 2,     // TOP is 0 and all tags are valid
    X87_MM_EMPTY = 1 << 3,    // if not used since, TOP is 0 and all tags are empty
    X87_MM_WRITTEN = 1 << 4,  // and 7 more: the exponent is all ones
};

struct x86_fpu {
    alignas(16) uint8_t st[8][16]; // physical registers; the low 8 bytes are MM0 to MM7
    alignas(16) uint64_t mm[8][2]; // upper halves are anything
    uint16_t control, status;      // status without TOP
    uint8_t top;
    uint8_t valid;                 // a bit for each physical register that is not empty
    uint16_t opcode;
    uint64_t ip, dp;
    uint32_t cs, ds;               // selectors: their low 16 bits
    uint32_t place; // enum x86_fpu_place
    // Stands for ip and opcode when it is not 0: translated code's note of the last instruction, see fpu.h.
    uint32_t note;
    uint64_t note_page;
};

struct x86_cpu {
    struct tcg_cpu tcg;

    // --- slots ---
    uint64_t gpr[16];
    uint64_t cc_dst, cc_src;
    uint32_t cc_src2, cc_cf, cc_of, cc_op;
    uint32_t eflags;        // all but FLAGS_ARITH
    uint32_t shadow;        // enum x86_shadow: held off until after the next instruction
    uint32_t single;        // see X86_BF_SINGLE
    struct x86_segment segs[X86_SEGS];
    alignas(16) uint64_t xmm[16][2];
    alignas(16) uint64_t ymmh[16][2]; // bits 255:128
    struct x86_fpu fpu;

    // --- modes ---
    uint64_t block_flags;   // cached, but for what x86_block_flags adds
    uint64_t space_key;     // soft-TLB key
    uint8_t private_code;   // not 0: privileged code was seen lately in a page that is not global
    bool smm, nmi_blocked, a20_masked, in_shutdown;
    uint8_t halt;           // enum x86_halt
    bool ferr;              // FERR# is up
    bool nmi_blocked_before_smm;
    int delivering;         // vector being delivered, -1 for none
    uint8_t interrupted, interrupted_vector; // enum x86_interrupted
    int64_t interrupted_error; // its error code, -1: none
    uint8_t watches, port_watches, watch_hits; // breakpoints on data, on ports; those that the instruction at hand has hit
    uint32_t mxcsr_masks;   // exception masks; the rest is in the host's register while code runs

    // --- system registers ---
    struct x86_segment ldtr, tr, gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, cr8, dr[8], efer, xcr0;
    uint64_t pdpte[4];      // what PAE paging loaded with CR3
    uint32_t pkru, pkey_rights_used; // the second: bits of PKRU that translations in the TLB may depend on
    uint64_t star, lstar, cstar, fmask, kernel_gs_base, tsc_aux, tsc_offset;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, pat, misc_enable, mtrr_def_type, debugctl, ucode_rev;
    uint64_t mtrr_fixed[11], mtrr_var[16];
    uint64_t smbase; // 32 bits

    // --- what reset keeps ---
    uint64_t resets;        // counts them
    uint32_t features[X86_FEATURE_WORDS];
    const struct x86_model *model;
    struct x86_cpu_config config;
    struct memory_map *memory;
    struct x86_native *native; // stubs of SIMD instructions
    struct x86_views *views;   // what debuggers are told of registers
    uint64_t pa_mask;       // physical address bits
    uint64_t tsc_hz;
};

static inline struct x86_cpu *x86_cpu_of(struct tcg_cpu *cpu)
{
    return (struct x86_cpu *)cpu;
}

static inline struct x86_cpu *x86_cpu_of_vcpu(struct vcpu *vcpu)
{
    return x86_cpu_of(tcg_cpu_of(vcpu));
}

static inline bool x86_has(const struct x86_cpu *cpu, enum x86_feature feature)
{
    return cpu->features[feature >> 5] >> (feature & 31) & 1;
}

// An edge has been taken.
static inline void x86_clear_line(struct x86_cpu *cpu, enum x86_cpu_input line)
{
    atomic_fetch_and(&cpu->tcg.vcpu.irq_lines, ~(1u << line));
}

static inline unsigned x86_cpl(const struct x86_cpu *cpu)
{
    return cpu->block_flags >> X86_BF_CPL & 3;
}

static inline bool x86_long_mode(const struct x86_cpu *cpu)
{
    return cpu->efer & EFER_LMA;
}

static inline bool x86_code64(const struct x86_cpu *cpu)
{
    return (cpu->block_flags & 3) == 2;
}

static inline bool x86_vm86(const struct x86_cpu *cpu)
{
    return cpu->eflags & FLAG_VM;
}

static inline uint64_t x86_rip(const struct x86_cpu *cpu)
{
    uint64_t rip = tcg_get_pc(&cpu->tcg) - cpu->segs[X86_CS].base;
    return x86_code64(cpu) ? rip : (uint32_t)rip;
}

// Goes on at RIP of the current code segment.
static inline void x86_set_rip(struct x86_cpu *cpu, uint64_t rip)
{
    uint64_t pc = cpu->segs[X86_CS].base + rip;
    tcg_set_pc(&cpu->tcg, x86_code64(cpu) ? pc : (uint32_t)pc);
}

extern const struct guest_ops x86_guest_ops;

// Recomputes what is cached after a mode, segment or system register has changed that code depends on. Cheap enough to
// call at any change.
void x86_modes_changed(struct x86_cpu *cpu);
// The same after a change of one segment alone. False: nothing has changed that code depends on.
bool x86_segment_changed(struct x86_cpu *cpu, unsigned segment);

// Whole EFLAGS.
uint32_t x86_eflags_get(const struct x86_cpu *cpu);
void x86_eflags_set(struct x86_cpu *cpu, uint32_t value);

// Puts the register at what RESET (or INIT, which keeps caches, MSRs and the x87/SSE state) leaves.
void x86_reset(struct x86_cpu *cpu, bool init);

// vcpu_ops entry (modes.c).
void x86_disassembler(struct vcpu *cpu, int *arch, int *mode);
