// SPDX-License-Identifier: MIT
// x86 processors under KVM, on hosts of that kind.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef X86_KVM
#include <linux/kvm.h>

#include "hw/core/kvm-guest.h"
#include "target-x86/models.h"
#define X86_KVM_GUEST_OPS (&x86_kvm_guest_ops)

enum { X86_KVM_MSRS = 64, X86_KVM_XSAVE_WORDS = 1024 };

// A processor's state in the forms that KVM has it.
struct x86_kvm_image {
    struct kvm_regs regs;
    struct kvm_sregs system;
    struct kvm_xcrs xcrs;
    uint32_t vectors[X86_KVM_XSAVE_WORDS]; // struct kvm_xsave
    uint64_t msrs[X86_KVM_MSRS];
    struct kvm_debugregs debug;
    struct kvm_vcpu_events events;
    struct kvm_mp_state waiting;
};

struct x86_kvm_power_up;

// struct kvm_vcpu.guest
struct x86_kvm {
    bool has_xcrs, has_smm;
    unsigned avx_offset, pkru_offset; // in the area of XSAVE; 0: it is not there
    unsigned msr_count;
    uint32_t msrs[X86_KVM_MSRS]; // those of x86_msr_field that the host has
    struct x86_kvm_image kernel; // what the kernel has, if it is known
    bool known;
    uint64_t resets;                   // of the processor, that the kernel has heard of
    struct x86_kvm_power_up *power_up; // the rest of what the kernel keeps, as it was in the beginning
    // The model as it is here: of the host's vendor, and CPU 'host' all of it.
    struct x86_model model;
    char vendor[13];
    struct kvm_guest_debug debug; // as the kernel has it
};

extern const struct kvm_guest_ops x86_kvm_guest_ops;
extern const struct kvm_debug_ops x86_kvm_debug_ops; // kvm-debug.c

struct error;
struct x86_cpu;

// kvm-cpuid.c: features become those that the host has, too, and the kernel is told all leaves.
int x86_kvm_set_cpuid(struct kvm_vcpu *kvm, struct error *error);

// kvm-state.c: whether there is system management mode.
bool x86_kvm_has_smm(const struct kvm_vm *vm);
// As in struct kvm_guest_ops; and what has to be known before, of the host. What has not changed since it was saved
// is not loaded again.
void x86_kvm_probe_state(struct kvm_vcpu *kvm);
int x86_kvm_load(struct kvm_vcpu *kvm, struct error *error);
int x86_kvm_save(struct kvm_vcpu *kvm, struct error *error);

// kvm-image.c: from the processor's structure to an image, and back. The image's `waiting` and system.apic_base are not in there,
// nor are parts of `vectors` that the structure has no place for, which stay as they are in the image.
void x86_kvm_to_image(const struct x86_cpu *cpu, const struct x86_kvm *own, struct x86_kvm_image *image);
void x86_kvm_from_image(struct x86_cpu *cpu, const struct x86_kvm *own, const struct x86_kvm_image *image);

// kvm-power-up.c: what the kernel keeps of a processor beyond its structure (time stamps, paravirtual clocks, nested guests),
// noted when it has just been made; and put back at each reset.
struct x86_kvm_power_up *x86_kvm_note_power_up(const struct kvm_vcpu *kvm);
void x86_kvm_power_up(const struct kvm_vcpu *kvm, const struct x86_kvm_power_up *note);
void x86_kvm_power_up_free(struct x86_kvm_power_up *note);

// kvm-debug.c: what debug registers and controls a wish means.
struct kvm_guest_debug x86_kvm_debug_controls(const struct kvm_debug_wish *wish);
// kvm-debug-probe.c: what a machine of its own does with each kind of stop.
void x86_kvm_debug_probe(const struct kvm_vm *vm, struct kvm_debug_limits *limits);
#else
#define X86_KVM_GUEST_OPS NULL
#endif
