// SPDX-License-Identifier: MIT
// What an Arm board and its interrupt controller know of a CPU, and the CPU of them. The board fills in one
// `struct arm_cpu_config` a CPU and passes it to the machine's CPU factory; target-arm keeps the pointers.
//
// Interrupts go to the CPU by vcpu_irq_set(cpu, ARM_CPU_IRQ, level) and so on, from any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/irq.h"

struct vcpu;

// Input lines of a CPU, numbers for vcpu_irq_set.
enum arm_cpu_input { ARM_CPU_IRQ = 0, ARM_CPU_FIQ = 1, ARM_CPU_VIRQ = 2, ARM_CPU_VFIQ = 3 };

// Output lines of a CPU: its generic timers and its performance monitor.
enum arm_cpu_output {
    ARM_TIMER_PHYS,     // CNTP non-secure EL1
    ARM_TIMER_VIRT,     // CNTV
    ARM_TIMER_HYP,      // CNTHP
    ARM_TIMER_SECURE,   // CNTPS
    ARM_TIMER_HYP_VIRT, // CNTHV
    ARM_PMU_OVERFLOW,
    ARM_CPU_OUTPUTS,
};

// A system register's number: op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2.
#define ARM_SYSREG(op0, op1, crn, crm, op2)                                                                  \
    ((uint32_t)(op0) << 14 | (uint32_t)(op1) << 11 | (uint32_t)(crn) << 7 | (uint32_t)(crm) << 3 |           \
     (uint32_t)(op2))

// The GIC CPU interface as system registers (ICC_*, ICH_*), provided by the interrupt controller. Called on
// the CPU's thread with no lock held. False: there is no such register (the CPU takes an Undefined
// exception); the CPU has checked exception level and traps before it asks. ICC_SRE_ELx are the provider's
// too.
//
// `el` is the exception level that executes the access and `secure` its security state, which choose between
// banked views; HCR_EL2.IMO/FMO redirection of ICC_ to ICV_ registers is asked for by `virtual`.
struct arm_sysreg_access {
    uint32_t encoding;
    uint16_t cpu;
    uint8_t el;
    bool secure;
    bool virtual;
};

struct arm_sysreg_bank_ops {
    bool (*read)(void *opaque, struct arm_sysreg_access access, uint64_t *value);
    bool (*write)(void *opaque, struct arm_sysreg_access access, uint64_t value);
};

// Firmware calls: HVC or SMC, whichever `conduit` names, with x0-x17 in `regs`; the callee leaves results
// there. Called on the CPU's thread with no lock held, with the guest's pc after the instruction. False: the
// firmware does not answer such calls (the CPU proceeds as without firmware).
enum arm_conduit { ARM_CONDUIT_NONE, ARM_CONDUIT_HVC, ARM_CONDUIT_SMC };

struct arm_firmware_ops {
    bool (*call)(void *opaque, struct vcpu *cpu, uint64_t regs[18]);
};

struct arm_cpu_config {
    unsigned index; // the CPU's number in the machine
    uint64_t mpidr; // affinity fields, without the RES1 bit 31
    bool has_el2, has_el3;
    bool has_gicv3; // ID_AA64PFR0_EL1.GIC, and the register bank below
    bool has_pmu;
    uint64_t reset_pc;    // RVBAR
    uint64_t periph_base; // CBAR, 0: none
    struct irq_line outputs[ARM_CPU_OUTPUTS];
    uint8_t output_intids[ARM_CPU_OUTPUTS]; // which private interrupts those lines are
    const struct arm_sysreg_bank_ops *gic_sysregs; // NULL: none
    void *gic_opaque;
    enum arm_conduit conduit;
    const struct arm_firmware_ops *firmware;
    void *firmware_opaque;
};
