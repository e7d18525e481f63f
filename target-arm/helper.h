// SPDX-License-Identifier: MIT
// C functions that translated code calls. Each is described next to its function; private to target-arm.
#pragma once

#include "tcg/ir.h"

// Helpers get the state as their first argument; IR calls them through a plain function pointer.
#define ARM_HELPER_FN(fn) (void (*)(void))(fn)

// helper-exception.c
extern const struct ir_helper arm_helper_raise;               // (esr i32); at this instruction
extern const struct ir_helper arm_helper_raise_to;            // (esr i32, target el i32)
extern const struct ir_helper arm_helper_raise_branch_target; // BTYPE refused
extern const struct ir_helper arm_helper_raise_step;          // software step exception
extern const struct ir_helper arm_helper_raise_pc_alignment;
extern const struct ir_helper arm_helper_begin_step;          // before the instruction that is stepped over
extern const struct ir_helper arm_helper_svc;                 // (esr i32) -> pc to go on at
extern const struct ir_helper arm_helper_hvc;                 // (imm16 i32) -> pc
extern const struct ir_helper arm_helper_smc;                 // (imm16 i32) -> pc
extern const struct ir_helper arm_helper_semihost;            // () -> pc to go on at
extern const struct ir_helper arm_helper_read_elr;            // -> ELR of the current EL
extern const struct ir_helper arm_helper_eret;                // (return address i64) -> pc

// helper-system.c
extern const struct ir_helper arm_helper_wfi;
extern const struct ir_helper arm_helper_wfe;
extern const struct ir_helper arm_helper_sev;
extern const struct ir_helper arm_helper_sevl;
extern const struct ir_helper arm_helper_dsb;
extern const struct ir_helper arm_helper_interrupts_pending;  // -> i32 set of PSTATE_I, PSTATE_F
extern const struct ir_helper arm_helper_check_daif;          // (syndrome i32); EL0 access to DAIF, may trap
extern const struct ir_helper arm_helper_msr_pstate;          // (op1:op2 i32, value i32)
extern const struct ir_helper arm_helper_sysreg_read;         // (row i32, syndrome i32) -> i64
extern const struct ir_helper arm_helper_sysreg_read_plain;   // the same without checks, state slots or effects
extern const struct ir_helper arm_helper_sysreg_write;        // (row i32, value i64, syndrome i32)
extern const struct ir_helper arm_helper_sysreg_write_plain;
extern const struct ir_helper arm_helper_gic_read;            // (encoding i32) -> i64
extern const struct ir_helper arm_helper_gic_write;           // (encoding i32, value i64)
extern const struct ir_helper arm_helper_dc_zva;              // (address i64, syndrome i32)

// helper-integer.c; arm_crc_init before the first use
void arm_crc_init(void);
extern const struct ir_helper arm_helper_crc32;  // (accumulator i32, data i64, bytes i32) -> i32
extern const struct ir_helper arm_helper_crc32c;

// helper-atomic.c
enum { ARM_CAS16_BIG_ENDIAN = 1 << 4 };
// (address, expected v128, desired v128, mmu index | ARM_CAS16_BIG_ENDIAN) -> v128, what was there
extern const struct ir_helper arm_helper_cas16;

// helper-pauth.c; keys IA, IB, DA, DB by number
extern const struct ir_helper arm_helper_pauth_pac;     // (pointer, modifier, key i32) -> i64
extern const struct ir_helper arm_helper_pauth_aut;     // the same
extern const struct ir_helper arm_helper_pauth_strip;   // (pointer, data i32) -> i64
extern const struct ir_helper arm_helper_pauth_generic; // (value, modifier) -> i64
