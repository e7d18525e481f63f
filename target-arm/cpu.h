// SPDX-License-Identifier: MIT
// State of an Arm processor in AArch64 state (Arm ARM, DDI 0487, parts C and D).
//
// One flat structure: first the engine's part and what translated code keeps in state slots (slots.h), then PSTATE,
// system registers and what stays over a reset. Translated code reaches slots only; everything else belongs to C
// functions on the vCPU's own thread, the timers' deadlines excepted (timer.c).
//
// PSTATE is spread out: NZCV, DAIF and BTYPE are slots in the form that translated code wants, the rest are small
// fields. arm_pstate_get and arm_pstate_set in exception.h convert to the architecture's form.
//
// The guest runs in AArch64 state at every exception level; the ID registers say so.
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/core/arm-cpu-if.h"
#include "hw/core/clock.h"
#include "tcg/exec/guest.h"

struct memory_map;
struct semihost;

// Architecture features as instructions and registers ask for them; computed from the ID registers (models.c), so
// that what is advertised and what works are one list.
enum arm_feature {
    ARM_FEAT_BASE, // always there
    ARM_FEAT_FP,
    ARM_FEAT_ASIMD,
    ARM_FEAT_AES,
    ARM_FEAT_PMULL,
    ARM_FEAT_SHA1,
    ARM_FEAT_SHA256,
    ARM_FEAT_SHA512,
    ARM_FEAT_SHA3,
    ARM_FEAT_SM3,
    ARM_FEAT_SM4,
    ARM_FEAT_CRC32,
    ARM_FEAT_LSE,
    ARM_FEAT_RDM,
    ARM_FEAT_DOTPROD,
    ARM_FEAT_FP16,
    ARM_FEAT_FHM,
    ARM_FEAT_JSCVT,
    ARM_FEAT_FCMA,
    ARM_FEAT_FRINTTS,
    ARM_FEAT_BF16,
    ARM_FEAT_I8MM,
    ARM_FEAT_LOR,
    ARM_FEAT_LRCPC,
    ARM_FEAT_LRCPC2,
    ARM_FEAT_FLAGM,
    ARM_FEAT_FLAGM2,
    ARM_FEAT_PAUTH,
    ARM_FEAT_BTI,
    ARM_FEAT_PAN,
    ARM_FEAT_PAN2,
    ARM_FEAT_PAN3,
    ARM_FEAT_UAO,
    ARM_FEAT_DIT,
    ARM_FEAT_SB,
    ARM_FEAT_SSBS,
    ARM_FEAT_SPECRES,
    ARM_FEAT_DPB,
    ARM_FEAT_DPB2,
    ARM_FEAT_RNG,
    ARM_FEAT_TLBIOS,
    ARM_FEAT_TLBIRANGE,
    ARM_FEAT_HAFDBS,
    ARM_FEAT_HPDS,
    ARM_FEAT_E0PD,
    ARM_FEAT_LVA,
    ARM_FEAT_LPA2_4K,
    ARM_FEAT_LPA2_16K,
    ARM_FEAT_VHE,
    ARM_FEAT_EL2,
    ARM_FEAT_EL3,
    ARM_FEAT_PMU,
    ARM_FEAT_GICV3,
    ARM_FEAT_ASID16,
    ARM_FEAT_COUNT,
};
_Static_assert(ARM_FEAT_COUNT <= 64, "features are a 64-bit set");

// Bits of a block's flags: what translated code depends on. See arm_block_flags.
enum {
    ARM_BF_EL = 0,          // 2 bits
    ARM_BF_MMU = 2,         // 2 bits: mmu index of ordinary accesses
    ARM_BF_MMU_UNPRIV = 4,  // 2 bits: of LDTR and STTR
    ARM_BF_FP_TRAP = 6,     // 2 bits: exception level that FP and SIMD instructions trap to, 0 for none
    ARM_BF_SP_CHECK = 8,    // SCTLR_ELx.SA, or SA0
    ARM_BF_ALIGN_CHECK = 9, // SCTLR_ELx.A
    ARM_BF_BIG_ENDIAN = 10, // data accesses
    ARM_BF_BTYPE = 11,      // PSTATE.BTYPE is tracked
    ARM_BF_BT = 12,         // PACIxSP are not landing pads for BTYPE 0b11 (SCTLR_ELx.BT)
    ARM_BF_STEP = 13,       // software step is active
    ARM_BF_STEP_PENDING = 14, // and PSTATE.SS is 0: the step exception is due
    ARM_BF_ILLEGAL = 15,    // PSTATE.IL
    ARM_BF_FPCR_AHP = 16,
    ARM_BF_FPCR_DN = 17,
    ARM_BF_FPCR_FZ = 18,
    ARM_BF_FPCR_FZ16 = 19,
    ARM_BF_SPSEL = 20,      // SP is SP_ELx
    ARM_BF_KEYS = 21,       // 4 bits: SCTLR_ELx.{EnIA, EnIB, EnDA, EnDB}
    ARM_BF_PAGE_GUARDED = 56, // of the code's page, from tlb_translation.code_flags
};
enum { ARM_CODE_GUARDED = 1 << 0 }; // tlb_translation.code_flags

// mmu indexes
enum { ARM_MMU_EL0, ARM_MMU_PRIVILEGED, ARM_MMU_PAN };

// PSTATE.DAIF in the place that the DAIF register and SPSR have it.
enum { PSTATE_F = 1 << 6, PSTATE_I = 1 << 7, PSTATE_A = 1 << 8, PSTATE_D = 1 << 9, PSTATE_DAIF = 0xf << 6 };

// Identification registers, fixed when the CPU is made.
struct arm_id {
    uint64_t midr, revidr, mpidr, ctr, dczid, clidr, aidr;
    uint64_t pfr0, pfr1, dfr0, dfr1, isar0, isar1, isar2, mmfr0, mmfr1, mmfr2; // ID_AA64*
    uint64_t ccsidr[8]; // by CSSELR_EL1.{Level, InD}
    uint64_t pmceid[2];
    uint64_t pmcr;
    uint64_t rvbar, cbar;
    uint64_t zero;      // registers that read as zero
    uint8_t dbg_breakpoints, dbg_watchpoints;
};

enum arm_timer_id { ARM_TIMER_ID_PHYS, ARM_TIMER_ID_VIRT, ARM_TIMER_ID_HYP, ARM_TIMER_ID_SECURE, ARM_TIMER_ID_COUNT };

struct arm_timer {
    uint64_t cval;
    uint32_t ctl;  // ENABLE, IMASK; ISTATUS is computed
    bool level;    // of the output line
    struct event event;
    struct arm_cpu *cpu;
};

enum arm_pauth_algorithm { ARM_PAUTH_QARMA5, ARM_PAUTH_IMPDEF, ARM_PAUTH_QARMA3 };

enum { ARM_KEY_IA, ARM_KEY_IB, ARM_KEY_DA, ARM_KEY_DB, ARM_KEY_GA, ARM_KEYS };

struct arm_pauth_key {
    uint64_t lo, hi;
};

enum { ARM_MAX_BREAKPOINTS = 16 };

// What a processor under KVM is asked to be, beyond the identification registers.
struct arm_wishes {
    bool host; // whatever the host has
    bool pmu, pauth, sve;
};

// Bits of a virtual address that are neither translated nor ignored, by bit 55 of the address (2) and data or
// instruction (1): the place of pointer authentication codes. Valid for one value of TCR; see arm_address_extension.
struct arm_address_layout {
    uint64_t tcr, extension[4];
    uint8_t el; // of the regime; 0: not valid
};

// RAM that descriptors were last read from: [base, base + size) can hold the start of one.
struct arm_walk_memory {
    uint64_t generation, base, size;
    uint8_t *host;
};

struct arm_cpu {
    struct tcg_cpu tcg;

    // --- slots ---
    uint64_t x[31];
    uint64_t sp;          // the current one; banked ones are in sp_el
    uint32_t nzcv;        // IR_FLAG_*
    uint32_t daif;        // PSTATE_DAIF bits
    uint32_t btype;       // PSTATE.BTYPE, kept only where ARM_BF_BTYPE is set
    uint64_t excl_address; // ~0: the monitor is open
    uint64_t excl_lo, excl_hi; // what the load exclusive read
    alignas(16) uint64_t v[32][2];
    alignas(16) uint64_t qc[2]; // FPSR.QC is set when this is not zero
    uint64_t tpidr_el0, tpidrro_el0;
    uint64_t sp_el[4];    // SP_ELx other than the current one
    uint64_t tpidr_el[4]; // from EL1 up
    uint64_t elr_el[4];
    uint64_t spsr_el[4];
    uint64_t esr_el[4];
    uint64_t far_el[4];
    uint64_t vbar_el[4];

    // --- PSTATE and FP control ---
    uint8_t el, spsel;
    bool pan, uao, dit, ssbs, ss, il;
    bool cache_op;            // a cache maintenance instruction is checking its address
    bool stepping;            // the instruction of a software step has begun
    bool btype_tracked;       // a guarded page has been seen: BTYPE matters from now on
    bool private_code;        // code at EL1 was seen in a page that is not global
    _Atomic bool event;       // the event register (SEV, WFE)
    uint64_t block_flags;     // cached; arm_modes_changed computes it
    struct arm_address_layout address_layout;
    struct arm_walk_memory walk_memory;
    uint64_t space_key;       // cached soft-TLB key of the current translation regime
    uint64_t fpcr;

    // --- system registers, [EL] ---
    uint64_t sctlr_el[4], actlr_el[4], tcr_el[4], ttbr0_el[4], ttbr1_el[4], mair_el[4], amair_el[4];
    uint64_t afsr0_el[4], afsr1_el[4], contextidr_el[4], rmr_el[4];
    uint64_t cpacr_el1, cptr_el[4];
    uint64_t par_el1, csselr_el1;
    uint64_t hcr_el2, hstr_el2, hpfar_el2, hacr_el2, vttbr_el2, vtcr_el2, vpidr_el2, vmpidr_el2;
    uint64_t scr_el3, mdcr_el2, mdcr_el3, sder_el3;
    uint64_t cntfrq_el0, cntkctl_el1, cnthctl_el2, cntvoff_el2;
    struct arm_timer timers[ARM_TIMER_ID_COUNT];
    struct arm_pauth_key pauth_keys[ARM_KEYS];

    // Debug and performance monitors, as far as operating systems touch them at start.
    uint64_t mdscr_el1, mdccint_el1, oslsr_el1, osdlr_el1, osdtrrx_el1, osdtrtx_el1, oseccr_el1, dbgclaim, dbgauth;
    uint64_t dbgbvr[ARM_MAX_BREAKPOINTS], dbgbcr[ARM_MAX_BREAKPOINTS];
    uint64_t dbgwvr[ARM_MAX_BREAKPOINTS], dbgwcr[ARM_MAX_BREAKPOINTS];
    uint64_t pmcr, pmcnten, pmovs, pmuserenr, pminten, pmselr, pmccfiltr;
    uint64_t pmccntr;         // the count at `pmccntr_ns`, or while stopped
    uint64_t pmccntr_ns;
    uint64_t impdef[8];       // implementation defined registers that keep what is written

    bool was_reset;           // since an accelerator that keeps the state elsewhere has looked

    // --- what reset keeps ---
    struct arm_id id;
    uint64_t features;        // bit set of enum arm_feature
    enum arm_pauth_algorithm pauth_algorithm;
    uint8_t pa_bits;          // of ID_AA64MMFR0_EL1.PARange
    const struct arm_model *model;
    struct arm_wishes wishes;
    const struct debug_view *debug_view;
    struct arm_cpu_config config;
    struct memory_map *memory;
    struct event_clock *clock;
    struct semihost *semihost; // NULL: no semihosting
    int semihost_errno;        // of the last call that failed
    pthread_mutex_t timer_lock;
};

static inline struct arm_cpu *arm_cpu_of(struct tcg_cpu *cpu)
{
    return (struct arm_cpu *)cpu;
}

static inline bool arm_has(const struct arm_cpu *cpu, enum arm_feature feature)
{
    return cpu->features >> feature & 1;
}

// The record that the engines call.
extern const struct guest_ops arm_guest_ops;

static inline struct arm_cpu *arm_cpu_of_vcpu(struct vcpu *vcpu)
{
    return arm_cpu_of(tcg_cpu_of(vcpu));
}

// Recomputes block_flags and the translation context after PSTATE or a register that they depend on has changed.
void arm_modes_changed(struct arm_cpu *cpu);

// vcpu_ops entry (modes.c).
void arm_disassembler(struct vcpu *cpu, int *arch, int *mode);
