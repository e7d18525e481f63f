// SPDX-License-Identifier: MIT
// Between KVM as an accelerator (hw/kvm) and the families of guests that can run under it. The state of a vCPU is in the family's
// own structure, as with any engine, whenever the vCPU is out of run(); inside it is the kernel's.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;
struct kvm_routes;
struct kvm_run;
struct machine;
struct memory_map;
struct vcpu;

// Which interrupt controllers are the kernel's.
enum kvm_irqchip_mode {
    KVM_IRQCHIP_AUTO,  // what suits host and machine best; the family's vm_init decides
    KVM_IRQCHIP_OFF,   // none
    KVM_IRQCHIP_SPLIT, // those next to processors (x86: the local APICs)
    KVM_IRQCHIP_ON,    // all of the board
};

struct kvm_vm {
    int host, fd; // /dev/kvm, and the virtual machine
    enum kvm_irqchip_mode irqchip;
    struct kvm_routes *routes; // where interrupt inputs lead (hw/core/kvm-routes.h)
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
    // Once, when the machine has nothing but its type: what the host must have, and what is set before there are vCPUs.
    int (*vm_init)(struct kvm_vm *vm, struct error *error);
    int (*vcpu_init)(struct kvm_vcpu *kvm, struct error *error);
    void (*vcpu_destroy)(struct kvm_vcpu *kvm); // what vcpu_init has made
    // The map of the processor's ports. NULL: the family has none.
    struct memory_map *(*ports)(struct kvm_vcpu *kvm);
    // Hands the state to the kernel, and takes it back.
    int (*load)(struct kvm_vcpu *kvm, struct error *error);
    int (*save)(struct kvm_vcpu *kvm, struct error *error);
    // Before and after each KVM_RUN: interrupts.
    void (*enter)(struct kvm_vcpu *kvm);
    void (*leave)(struct kvm_vcpu *kvm);
    // Why KVM_RUN has come back, if that is the family's to know; false: it is not.
    bool (*handle_exit)(struct kvm_vcpu *kvm);
};

// What the host says of a capability (KVM_CAP_...); not positive: it has none.
int kvm_capability(const struct kvm_vm *vm, int capability);

// Capabilities that there is no doing without. A table ends with a row without a name.
struct kvm_need {
    int capability;
    const char *name; // "cannot use KVM: the host's has no NAME"
};
int kvm_check_needs(const struct kvm_vm *vm, const struct kvm_need *needs, struct error *error);
// An error about what the host refused to do, from errno. Negative errno.
int kvm_refused(const char *what, struct error *error);
// Drives an interrupt line of the kernel's controllers, by its number among them (GSI). Any thread.
void kvm_set_gsi(const struct kvm_vm *vm, unsigned gsi, bool level);
