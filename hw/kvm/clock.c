// SPDX-License-Identifier: MIT
// The paravirtual clock of guests (kvmclock) stands still while the machine does (Documentation/virt/kvm/api.rst, KVM_GET_CLOCK and
// KVM_KVMCLOCK_CTRL); guests' counters of time stamps go on.
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"

static void hold(struct kvm_accel *kvm)
{
    kvm->clock_known = ioctl(kvm->vm.fd, KVM_GET_CLOCK, &kvm->clock) == 0;
}

// Guests' watchdogs are told that they have not been asleep.
static void release(struct kvm_accel *kvm)
{
    const struct vcpu_group *vcpus = &kvm->vm.machine->vcpus;
    if (!kvm->clock_known)
        return;
    kvm->clock_known = false;
    kvm->clock.flags = 0;
    ioctl(kvm->vm.fd, KVM_SET_CLOCK, &kvm->clock);
    for (unsigned i = 0; i < vcpus->count; i++) {
        const struct kvm_vcpu *k = vcpus->cpus[i]->accel_data;
        if (k)
            ioctl(k->fd, KVM_KVMCLOCK_CTRL, 0); // refused where the guest does not use the clock
    }
}

static void state_changed(void *opaque, enum run_state state)
{
    struct kvm_accel *kvm = opaque;
    if (state == RUN_RUNNING)
        release(kvm);
    else if (state == RUN_PAUSED)
        hold(kvm);
}

void kvm_clock_init(struct kvm_accel *kvm)
{
    struct machine *machine = kvm->vm.machine;
    if (kvm_capability(&kvm->vm, KVM_CAP_ADJUST_CLOCK) <= 0)
        return;
    kvm->clock_listener = (struct machine_listener){.state_changed = state_changed, .opaque = kvm};
    device_lock_acquire(&machine->lock);
    machine_listen(machine, &kvm->clock_listener);
    device_lock_release(&machine->lock);
}
