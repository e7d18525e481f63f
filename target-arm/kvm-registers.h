// SPDX-License-Identifier: MIT
// KVM's numbers for the registers of an AArch64 processor (Documentation/virt/kvm/api.rst, 4.68 KVM_SET_ONE_REG), and where
// struct arm_cpu has what is in them. Knows no host, so that it can be tested on any.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

// An id: 0x60 in the highest byte, the bytes as a power of two in bits 55:52, the group in 31:16, the register in 15:0.
#define ARM_KVM_ID(size_log2, group, number)                                                                                       \
    (UINT64_C(0x6000000000000000) | (uint64_t)(size_log2) << 52 | (uint64_t)(group) << 16 | (uint64_t)(number))

enum arm_kvm_group {
    ARM_KVM_CORE = 0x10,     // words from the start of struct kvm_regs
    ARM_KVM_DEMUX = 0x11,    // CCSIDR_EL1 by CSSELR_EL1
    ARM_KVM_SYSREG = 0x13,   // ARM_SYSREG()
    ARM_KVM_FIRMWARE = 0x14, // what PSCI and its like offer
    ARM_KVM_SVE = 0x15,
    ARM_KVM_FIRMWARE_BITS = 0x16,
};

// Word numbers of ARM_KVM_CORE.
enum {
    ARM_KVM_CORE_X0 = 0,
    ARM_KVM_CORE_SP_EL0 = 62,
    ARM_KVM_CORE_PC = 64,
    ARM_KVM_CORE_PSTATE = 66,
    ARM_KVM_CORE_SP_EL1 = 68,
    ARM_KVM_CORE_ELR_EL1 = 70,
    ARM_KVM_CORE_SPSR_EL1 = 72, // and behind it those of AArch32's modes
    ARM_KVM_CORE_V0 = 84,
    ARM_KVM_CORE_FPSR = 212,
    ARM_KVM_CORE_FPCR = 213,
};

// Z0 is number 0, Z1 0x20 and so on, in slices, of which there is one.
enum { ARM_KVM_SVE_Z_END = 0x400, ARM_KVM_SVE_LENGTHS = 0xffff };

#define ARM_KVM_SYSREG_ID(encoding) ARM_KVM_ID(3, ARM_KVM_SYSREG, encoding)
#define ARM_KVM_CCSIDR_ID(csselr) ARM_KVM_ID(2, ARM_KVM_DEMUX, csselr)

enum arm_kvm_place {
    ARM_KVM_LEFT_ALONE, // what identifies the processor and its firmware, and the counters
    ARM_KVM_RAW,        // only the kernel knows it
    ARM_KVM_FIELD,      // bytes at `offset` of struct arm_cpu
    ARM_KVM_Z,          // the low half of it is struct arm_cpu's, at `offset`
    ARM_KVM_SP_EL0,
    ARM_KVM_SP_EL1,
    ARM_KVM_PC,
    ARM_KVM_PSTATE,
    ARM_KVM_FPSR,
    ARM_KVM_FPCR,
    ARM_KVM_TIMER_CTL,  // at `offset`, with a condition that is computed
    ARM_KVM_PMCR,       // identification and control
};

struct arm_kvm_register {
    uint64_t id;
    uint32_t offset;      // of a field
    uint32_t at;          // of the value in struct arm_kvm.raw
    uint16_t bytes;
    uint8_t place;        // enum arm_kvm_place
    bool keeps_power_up;  // a reset makes it what it was when the kernel made the processor
};

enum { ARM_KVM_VALUE_BYTES = 256 }; // of the longest register

// Everything of the register but `at`. Of what is not known the place is RAW.
struct arm_kvm_register arm_kvm_describe(uint64_t id);
