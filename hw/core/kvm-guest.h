// SPDX-License-Identifier: MIT
// Between KVM as an accelerator (hw/kvm) and the families of guests that can run under it. The state of a vCPU is in the family's
// own structure, as with any engine, whenever the vCPU is out of run(); inside it is the kernel's.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct kvm_messages;
struct kvm_routes;
struct kvm_run;
struct kvm_vcpu_debug;
struct machine;
struct memory_map;
struct vcpu;

// Which interrupt controllers are the kernel's.
enum kvm_irqchip_mode {
    KVM_IRQCHIP_AUTO,  // what suits host and machine best, until that is known
    KVM_IRQCHIP_OFF,   // none
    KVM_IRQCHIP_SPLIT, // those next to processors (x86: the local APICs)
    KVM_IRQCHIP_ON,    // all of the board
};

// What has to wait until all vCPUs are made. Negative errno with a message.
struct kvm_ready {
    int (*fn)(void *opaque, struct error *error);
    void *opaque;
    struct kvm_ready *next; // the virtual machine's
};

struct kvm_ready_list {
    struct kvm_ready *first, **last;
};

struct kvm_vm {
    int host, fd; // /dev/kvm, and the virtual machine
    unsigned address_bits; // of guest physical addresses; 0: as many as the guest's processors have
    struct kvm_ready_list *ready;
    atomic_bool *failed; // the user has been told why it ends
    enum kvm_irqchip_mode irqchip;
    struct kvm_routes *routes; // where interrupt inputs lead (hw/core/kvm-routes.h)
    struct kvm_messages *messages; // of devices (hw/core/kvm-messages.h); NULL: no interrupt controller of the kernel's takes any
    struct machine *machine;
};

struct kvm_vcpu {
    struct vcpu *vcpu;
    const struct kvm_vm *vm;
    int fd;
    struct kvm_run *run; // shared with the kernel
    size_t run_bytes;
    struct memory_map *memory; // as it sees it in its mode
    bool unfinished;     // an access that KVM_RUN has come back with is done only when it is next called
    bool failed;         // it cannot run on
    bool leaves;         // run() is to end, for debuggers
    bool takes_none;     // no interrupt is to be taken now
    struct kvm_vcpu_debug *debug; // hw/kvm/debug.c's; NULL: nobody has looked at it
    void *guest;         // the family's own
};

// --- debuggers (KVM_SET_GUEST_DEBUG) ---

enum { KVM_DEBUG_REGISTERS = 32, KVM_DEBUG_BYTES = 8 };
enum kvm_debug_kind { KVM_DEBUG_EXECUTE, KVM_DEBUG_WRITE, KVM_DEBUG_ACCESS };

// What one debug register finds: execution of, or stores and accesses to, `bytes` (a power of two) at an address that is a multiple
// of them. No bytes: nothing.
struct kvm_debug_register {
    uint64_t address;
    uint32_t bytes, kind; // enum kvm_debug_kind
};

// What the host can do. Registers for either, which may be the same ones: of both kinds there are `together`.
struct kvm_debug_limits {
    unsigned breakpoints, watchpoints, together;
    bool steps;    // single ones
    bool software; // breakpoint instructions in memory come to us
};

// What a vCPU is to come back for.
struct kvm_debug_wish {
    bool step, software, quiet;
    struct kvm_debug_register registers[KVM_DEBUG_REGISTERS];
};

// KVM_EXIT_DEBUG
struct kvm_debug_event {
    uint64_t pc;
    uint32_t registers; // which have found something, a bit each as in the wish
    bool stepped;       // behind a single instruction
    bool software;      // at a breakpoint instruction
    bool before, write; // what the registers have found is an access that is yet to be made; it is a store
};

// What a family supplies for them. Addresses are virtual as debuggers give them (x86: linear). On the vCPU's thread.
struct kvm_debug_ops {
    uint8_t instruction[4]; // the breakpoint's
    unsigned instruction_bytes;
    // Asks the host, and perhaps tries it out on a machine of its own. Any thread.
    void (*probe)(const struct kvm_vm *vm, struct kvm_debug_limits *limits);
    // As the kernel has them, inside run(). False: `gva` is not mapped.
    uint64_t (*pc)(struct kvm_vcpu *kvm);
    bool (*locate)(struct kvm_vcpu *kvm, uint64_t gva, uint64_t *gpa);
    // Negative errno: the kernel did not take it.
    int (*set)(struct kvm_vcpu *kvm, const struct kvm_debug_wish *wish);
    // The event that KVM_RUN has come back with; and hands it to the guest, whose own it is, now or when it runs next.
    struct kvm_debug_event (*event)(const struct kvm_vcpu *kvm);
    int (*give_back)(struct kvm_vcpu *kvm, const struct kvm_debug_event *event);
};

// What a family supplies. On the vCPU's thread, but for the making and freeing. Negative errno, with a message where there is room
// for one.
struct kvm_guest_ops {
    // The type of virtual machine to ask for, the argument of KVM_CREATE_VM; sets address_bits. NULL: 0.
    unsigned long (*vm_type)(struct kvm_vm *vm);
    // Once, when the machine has nothing but its type: what the host must have, and what is set before there are vCPUs.
    int (*vm_init)(struct kvm_vm *vm, struct error *error);
    int (*vcpu_init)(struct kvm_vcpu *kvm, struct error *error);
    void (*vcpu_destroy)(struct kvm_vcpu *kvm); // what vcpu_init has made
    // The map of the processor's ports. NULL: the family has none.
    struct memory_map *(*ports)(struct kvm_vcpu *kvm);
    // Memory in a special mode of the processor, which is the kernel's second address space. NULL, or NULL returned: as otherwise.
    struct memory_map *(*special_memory)(struct kvm_vcpu *kvm);
    // Hands the state to the kernel, and takes it back.
    int (*load)(struct kvm_vcpu *kvm, struct error *error);
    int (*save)(struct kvm_vcpu *kvm, struct error *error);
    // Before and after each KVM_RUN: interrupts.
    void (*enter)(struct kvm_vcpu *kvm);
    void (*leave)(struct kvm_vcpu *kvm);
    // Why KVM_RUN has come back, if that is the family's to know; false: it is not.
    bool (*handle_exit)(struct kvm_vcpu *kvm);
    const struct kvm_debug_ops *debug; // NULL: there are no debuggers for it
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
// Done in the order in which they are said, and never when the machine is not finished. `ready` stays the caller's.
void kvm_when_ready(const struct kvm_vm *vm, struct kvm_ready *ready);
// struct kvm_guest_debug.control of a wish: `software` and `registers` are the kernel's flags for breakpoint instructions and registers,
// as the host has them.
uint32_t kvm_debug_control(const struct kvm_debug_wish *wish, uint32_t software, uint32_t registers);
// Whether the kernel can make a device of this type (KVM_DEV_TYPE_...).
bool kvm_has_device(const struct kvm_vm *vm, unsigned type);
// The machine cannot go on: it ends, and the user is told why in one line, the first of all reasons. Any thread.
__attribute__((format(printf, 2, 3))) void kvm_vm_fail(const struct kvm_vm *vm, const char *format, ...);
// The same for a processor, which does not run again. On the vCPU's thread.
void kvm_fail(struct kvm_vcpu *kvm, const char *what);
