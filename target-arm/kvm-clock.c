// SPDX-License-Identifier: MIT
// The virtual counter of a guest under KVM, which all its processors share. The kernel's runs on while the machine is paused, so it
// is noted when the machine stops and set again before it goes on.
#include <linux/kvm.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "target-arm/kvm.h"
#include "tcg/base/alloc.h"

struct arm_kvm_clock {
    struct kvm_vcpu *kvm;
    struct machine_listener listener;
    uint64_t count;
    bool stopped; // at `count`
};

static void state_changed(void *opaque, enum run_state state)
{
    struct arm_kvm_clock *clock = opaque;
    if (state != RUN_RUNNING) {
        clock->stopped |= !arm_kvm_get(clock->kvm, KVM_REG_ARM_TIMER_CNT, &clock->count);
    } else if (clock->stopped) {
        arm_kvm_set(clock->kvm, KVM_REG_ARM_TIMER_CNT, &clock->count);
        clock->stopped = false;
    }
}

void arm_kvm_clock_create(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    struct arm_kvm_clock *clock = own->clock = ALLOC(struct arm_kvm_clock);
    clock->kvm = k;
    clock->listener = (struct machine_listener){.state_changed = state_changed, .opaque = clock};
    machine_listen(k->vcpu->machine, &clock->listener);
}

void arm_kvm_clock_destroy(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    if (own->clock)
        machine_unlisten(k->vcpu->machine, &own->clock->listener);
    free(own->clock);
    own->clock = NULL;
}
