// SPDX-License-Identifier: MIT
// An accelerator: what executes guest instructions (translator, interpreter, KVM).
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "tcg/base/error.h"

struct accel;
struct machine;
struct stop;
struct vcpu;

struct accel_ops {
    const char *name, *help;
    // Before any vCPU exists. Negative errno with a message.
    int (*init)(struct accel *accel, struct machine *machine, struct error *error);
    // Prepares a vCPU that its factory made; then frees what that made.
    int (*vcpu_init)(struct accel *accel, struct vcpu *cpu, struct error *error);
    void (*vcpu_destroy)(struct accel *accel, struct vcpu *cpu);
    // Runs guest code on the vCPU's thread until cpu->exit_request is seen or the vCPU halts or powers off.
    void (*run)(struct accel *accel, struct vcpu *cpu);
    // Interrupts run(), if the vCPU is there, beyond setting exit_request. NULL where polling is enough. Any thread, any
    // lock held.
    void (*kick)(struct accel *accel, struct vcpu *cpu);
    // Has devices told of stores that were held back (hw/core/memory-map.h), so that they are as the guest has left them. NULL:
    // none ever are. Device lock held, and not from a device's handler.
    void (*flush)(struct accel *accel);
    // Whether a stop can be added to those of the machine; `stop` is NULL: whether exceptions can be caught. Negative errno with a
    // message. NULL where all can. With all vCPUs out of run().
    int (*can_stop)(struct accel *accel, const struct stop *stop, struct error *error);
    // For the monitor: `what` is "jit", "tlb", "profile" or "kvm". NULL when there is nothing to tell.
    void (*print_info)(struct accel *accel, const char *what, struct vcpu *cpu, FILE *out);
    // Begins to note where vCPUs spend their time, or ends it. NULL when that cannot be told. Not from a vCPU's thread.
    void (*profile)(struct accel *accel, bool on);
    void (*destroy)(struct accel *accel);
};

struct accel {
    const struct accel_ops *ops;
    struct machine *machine;
    // Processors that are halted or powered off are in run(), too, which wakes and starts them by itself.
    bool waits_inside;
};
