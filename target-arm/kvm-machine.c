// SPDX-License-Identifier: MIT
// What concerns all processors of a guest under KVM. The virtual counter is one for all; the kernel's runs on while the machine is
// paused, so it is noted when the machine stops and set again before it goes on. And a reset switches off all processors but the
// first, before that one runs and may switch them on.
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "target-arm/kvm.h"
#include "tcg/base/alloc.h"

struct arm_kvm_machine {
    struct kvm_vcpu *first;
    struct machine_listener listener;
    uint64_t count;
    bool stopped; // at `count`
};

static void state_changed(void *opaque, enum run_state state)
{
    struct arm_kvm_machine *all = opaque;
    if (state != RUN_RUNNING) {
        all->stopped |= !arm_kvm_get(all->first, KVM_REG_ARM_TIMER_CNT, &all->count);
    } else if (all->stopped) {
        arm_kvm_set(all->first, KVM_REG_ARM_TIMER_CNT, &all->count);
        all->stopped = false;
    }
}

static void reset(void *opaque)
{
    const struct arm_kvm_machine *all = opaque;
    const struct vcpu_group *group = &all->first->vcpu->machine->vcpus;
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_STOPPED};
    for (unsigned i = 1; i < group->count; i++) {
        const struct kvm_vcpu *k = group->cpus[i]->accel_data;
        ioctl(k->fd, KVM_SET_MP_STATE, &state);
    }
}

void arm_kvm_listen(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    struct arm_kvm_machine *all = own->machine = ALLOC(struct arm_kvm_machine);
    all->first = k;
    all->listener = (struct machine_listener){.state_changed = state_changed, .reset = reset, .opaque = all};
    machine_listen(k->vcpu->machine, &all->listener);
}

void arm_kvm_unlisten(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    if (own->machine)
        machine_unlisten(k->vcpu->machine, &own->machine->listener);
    free(own->machine);
    own->machine = NULL;
}
