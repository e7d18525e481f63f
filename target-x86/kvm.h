// SPDX-License-Identifier: MIT
// x86 processors under KVM, on hosts of that kind.
#pragma once

#include <stdint.h>

#include "hw/core/kvm-guest.h"

#ifdef X86_KVM
#define X86_KVM_GUEST_OPS (&x86_kvm_guest_ops)
#else
#define X86_KVM_GUEST_OPS NULL
#endif

enum { X86_KVM_MSRS = 64 };

// struct kvm_vcpu.guest
struct x86_kvm {
    bool has_xcrs;
    unsigned avx_offset, pkru_offset; // in the area of XSAVE; 0: it is not there
    unsigned msr_count;
    uint32_t msrs[X86_KVM_MSRS]; // those of x86_msr_field that the host has
};

extern const struct kvm_guest_ops x86_kvm_guest_ops;

struct error;
struct x86_cpu;

// kvm-cpuid.c: features become those that the host has, too, and the kernel is told all leaves.
int x86_kvm_set_cpuid(struct kvm_vcpu *kvm, struct error *error);
// kvm-state.c: as in struct kvm_guest_ops; and what has to be known before, of the host.
void x86_kvm_probe_state(struct kvm_vcpu *kvm);
int x86_kvm_load(struct kvm_vcpu *kvm, struct error *error);
int x86_kvm_save(struct kvm_vcpu *kvm, struct error *error);
