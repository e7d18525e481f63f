// SPDX-License-Identifier: MIT
// Exceptions: syndromes, PSTATE, entry and return (Arm ARM, D1.3, D24.2.40 for ESR_ELx).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"

enum arm_exception_class {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP_ACCESS = 0x07,
    EC_PAUTH_ACCESS = 0x09,
    EC_BRANCH_TARGET = 0x0d,
    EC_ILLEGAL_STATE = 0x0e,
    EC_SVC64 = 0x15,
    EC_HVC64 = 0x16,
    EC_SMC64 = 0x17,
    EC_SYSREG = 0x18,
    EC_INSTRUCTION_ABORT = 0x20, // from a lower EL; + 1 from the same
    EC_PC_ALIGNMENT = 0x22,
    EC_DATA_ABORT = 0x24,        // from a lower EL; + 1 from the same
    EC_SP_ALIGNMENT = 0x26,
    EC_BREAKPOINT = 0x30,
    EC_STEP = 0x32,              // from a lower EL; + 1 from the same
    EC_WATCHPOINT = 0x34,
    EC_BKPT32 = 0x38,
    EC_BRK64 = 0x3c,
};

// Condition "always" with its valid bit, as AArch64 reports it.
enum { ISS_FP_ACCESS = 1 << 24 | 0xe << 20 };
enum { ESR_IL = 1 << 25 };

// The syndrome of a class with its ISS, for a 32-bit instruction.
static inline uint32_t arm_syndrome(enum arm_exception_class ec, uint32_t iss)
{
    return (uint32_t)ec << 26 | ESR_IL | iss;
}

// Of a trapped MSR, MRS or SYS.
uint32_t arm_syndrome_sysreg(uint32_t encoding, unsigned rt, bool read);

enum arm_vector { ARM_VECTOR_SYNC = 0x000, ARM_VECTOR_IRQ = 0x080, ARM_VECTOR_FIQ = 0x100, ARM_VECTOR_SERROR = 0x180 };

// PSTATE in the form of SPSR_ELx.
uint64_t arm_pstate_get(const struct arm_cpu *cpu);
// Sets all of it, EL and SP included. The caller has checked that it is legal and calls arm_modes_changed.
void arm_pstate_set(struct arm_cpu *cpu, uint64_t spsr);
// The packed flags in bits 31:28, and back.
uint32_t arm_nzcv_unpack(uint32_t packed);
uint32_t arm_nzcv_pack(uint32_t nzcv);
// Changes the current EL or stack pointer selection.
void arm_select_sp(struct arm_cpu *cpu, unsigned el, unsigned spsel);

// Where SP_ELx is kept now.
static inline uint64_t *arm_stack_pointer(struct arm_cpu *cpu, unsigned el)
{
    return el == (cpu->spsel ? cpu->el : 0) ? &cpu->sp : &cpu->sp_el[el];
}

// Takes an exception: state is in memory; afterwards pc and modes are the handler's. `far` is written for those
// classes that have one.
void arm_take_exception(struct arm_cpu *cpu, unsigned target_el, enum arm_vector vector, uint32_t esr, uint64_t far,
                        uint64_t return_address);
// The exception level that a synchronous exception of the current instruction goes to.
unsigned arm_sync_target(const struct arm_cpu *cpu);
// A synchronous exception at the current instruction to the level that arm_sync_target says.
void arm_take_sync(struct arm_cpu *cpu, uint32_t esr, uint64_t far);

// Whether debug exceptions are enabled from an EL (D2.3), the OS lock included.
bool arm_debug_enabled(const struct arm_cpu *cpu, unsigned el);
// Interrupt lines that are up and not masked by anything but PSTATE, as a set of PSTATE_I and PSTATE_F.
uint32_t arm_interrupts_pending(struct arm_cpu *cpu);

// guest_ops entries.
bool arm_take_interrupt(struct tcg_cpu *cpu);

// An interrupt input: to which exception level it goes, and what holds it off while it is up.
enum arm_interrupt_hold {
    ARM_NOT_HELD,
    ARM_HELD_BY_MASK,  // PSTATE
    ARM_HELD_BY_LEVEL, // the processor is above the target
    ARM_HELD_BY_HCR,   // virtual ones: HCR_EL2 does not let them in
};

struct arm_interrupt {
    bool up;
    unsigned target;
    enum arm_interrupt_hold hold;
};

struct arm_interrupt arm_interrupt_state(const struct arm_cpu *cpu, enum arm_cpu_input input);
void arm_raise_fault(struct tcg_cpu *cpu, const struct tlb_fault *fault, unsigned mmu_index, unsigned size_log2);
void arm_raise(struct tcg_cpu *cpu, uint32_t syndrome);
void arm_raise_alignment(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index);
void arm_raise_bus_error(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access,
                         unsigned mmu_index);
