// SPDX-License-Identifier: MIT
// Between KVM as an accelerator (hw/kvm) and the families of guests that can run under it. The state of a vCPU is in the family's
// own structure, as with any engine, whenever the vCPU is out of run(); inside it is the kernel's.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;
struct kvm_run;
struct machine;
struct vcpu;

struct kvm_vm {
    int host, fd; // /dev/kvm, and the virtual machine
    struct machine *machine;
};

struct kvm_vcpu {
    struct vcpu *vcpu;
    const struct kvm_vm *vm;
    int fd;
    struct kvm_run *run; // shared with the kernel
    size_t run_bytes;
    bool unfinished;     // an access that KVM_RUN has come back with is done only when it is next called
    bool failed;         // it cannot run on
    void *guest;         // the family's own
};

// What a family supplies. On the vCPU's thread, but for the making and freeing. Negative errno, with a message where there is room
// for one.
struct kvm_guest_ops {
    // Once, before the first vCPU exists.
    int (*vm_init)(const struct kvm_vm *vm, struct error *error);
    int (*vcpu_init)(struct kvm_vcpu *kvm, struct error *error);
    void (*vcpu_destroy)(struct kvm_vcpu *kvm); // what vcpu_init has made
    // Hands the state to the kernel, and takes it back.
    int (*load)(struct kvm_vcpu *kvm, struct error *error);
    int (*save)(struct kvm_vcpu *kvm, struct error *error);
    // Before and after each KVM_RUN: interrupts.
    void (*enter)(struct kvm_vcpu *kvm);
    void (*leave)(struct kvm_vcpu *kvm);
    // Why KVM_RUN has come back, if that is the family's to know; false: it is not.
    bool (*handle_exit)(struct kvm_vcpu *kvm);
};
