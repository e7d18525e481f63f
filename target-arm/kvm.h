// SPDX-License-Identifier: MIT
// AArch64 processors under KVM, on hosts of that kind: kvm.c makes them and knows why they come back, kvm-id.c chooses what they
// are, kvm-state.c moves their state, by the map of kvm-registers.c; kvm-debug.c is for debuggers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/kvm-guest.h"
#include "target-arm/kvm-registers.h"

#ifdef ARM_KVM
#define ARM_KVM_GUEST_OPS (&arm_kvm_guest_ops)
#else
#define ARM_KVM_GUEST_OPS NULL
#endif

extern const struct kvm_guest_ops arm_kvm_guest_ops;
extern const struct kvm_debug_ops arm_kvm_debug_ops; // kvm-debug.c

// A value of the kernel's and what the structure made of it, which keeps less: as long as the structure still says that, the
// kernel is handed its own value back.
struct arm_kvm_shadow {
    uint64_t kernels, ours;
};

// A step that takes no interrupt.
struct arm_kvm_step {
    bool masked;         // PSTATE is not as it was
    uint32_t instruction;
    uint64_t pc, pstate; // before
};

// struct kvm_vcpu.guest
struct arm_kvm {
    uint32_t target, features[7]; // of struct kvm_vcpu_init
    struct arm_kvm_register *registers;
    uint32_t count;
    uint8_t *raw, *power_up;      // values of all of them; what the kernel made the processor with
    struct arm_kvm_shadow pstate, fpsr, fpcr;
    bool has_events, error_pending, error_has_syndrome; // SError
    uint64_t error_syndrome;
    struct kvm_ready ready;
    struct arm_kvm_machine *machine; // the first processor's
    struct kvm_debug_wish wish;      // what the kernel was told last
    struct arm_kvm_step step;
};

#define ARM_KVM_PMCR_IDENTITY UINT64_C(0xfffff800) // IMP, IDCODE and N of PMCR_EL0

struct error;

// The kernel's registers of a vCPU, one at a time. Negative errno.
int arm_kvm_get(const struct kvm_vcpu *kvm, uint64_t id, void *value);
int arm_kvm_set(const struct kvm_vcpu *kvm, uint64_t id, const void *value);
// One of 64 bits; 0 if there is none.
uint64_t arm_kvm_word(const struct kvm_vcpu *kvm, uint64_t id);
// KVM_ARM_VCPU_INIT: makes the vCPU what own->target and features say, or that once more. Negative errno.
int arm_kvm_power_up(struct kvm_vcpu *kvm);

// kvm-id.c: the registers that identify the processor become those of the model and the host, in the kernel and the structure.
int arm_kvm_identify(struct kvm_vcpu *kvm, struct error *error);
// kvm-machine.c: pauses and resets of the machine, for all vCPUs, by way of the first.
void arm_kvm_listen(struct kvm_vcpu *kvm);
void arm_kvm_unlisten(struct kvm_vcpu *kvm);
// kvm-state.c: as in struct kvm_guest_ops; and before, which registers there are.
int arm_kvm_list_registers(struct kvm_vcpu *kvm, struct error *error);
int arm_kvm_load(struct kvm_vcpu *kvm, struct error *error);
int arm_kvm_save(struct kvm_vcpu *kvm, struct error *error);
// kvm-step.c: before and after a KVM_RUN in which no interrupt is to be taken.
void arm_kvm_step_begin(struct kvm_vcpu *kvm);
void arm_kvm_step_end(struct kvm_vcpu *kvm);
