// SPDX-License-Identifier: MIT
// AArch64 processors under KVM, whose interrupt controller, timers and power state (PSCI) are the kernel's: making them, and why
// they come back.
#include "target-arm/kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "target-arm/cpu.h"
#include "tcg/base/alloc.h"
#include "tcg/base/error.h"

// --- the virtual machine ---

// As large as boards are, if the host can.
static unsigned long vm_type(struct kvm_vm *vm)
{
    enum { BOARD_BITS = 40, OLD_BITS = 40 };
    int most = kvm_capability(vm, KVM_CAP_ARM_VM_IPA_SIZE);
    vm->address_bits = most <= 0 ? OLD_BITS : most < BOARD_BITS ? (unsigned)most : BOARD_BITS;
    return most <= 0 ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(vm->address_bits);
}

static int vm_init(struct kvm_vm *vm, struct error *error)
{
    static const struct kvm_need needs[] = {{KVM_CAP_ONE_REG, "registers of processors"},
                                            {KVM_CAP_ARM_PSCI_0_2, "PSCI 0.2"},
                                            {KVM_CAP_DEVICE_CTRL, "devices"},
                                            {0}};
    int status = kvm_check_needs(vm, needs, error);
    // An access that the processor does not describe comes to us, to be told of, rather than end KVM_RUN.
    struct kvm_enable_cap cap = {.cap = KVM_CAP_ARM_NISV_TO_USER};
    if (!status && kvm_capability(vm, KVM_CAP_ARM_NISV_TO_USER) > 0)
        ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
    return status;
}

// --- a processor ---

static void set_feature(struct arm_kvm *own, unsigned feature)
{
    own->features[feature / 32] |= UINT32_C(1) << feature % 32;
}

static bool has_feature(const struct arm_kvm *own, unsigned feature)
{
    return own->features[feature / 32] >> feature % 32 & 1;
}

static void choose_features(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    const struct arm_wishes *wishes = &arm_cpu_of_vcpu(k->vcpu)->wishes;
    set_feature(own, KVM_ARM_VCPU_PSCI_0_2);
    if (k->vcpu->index)
        set_feature(own, KVM_ARM_VCPU_POWER_OFF);
    if (wishes->pmu && kvm_capability(k->vm, KVM_CAP_ARM_PMU_V3) > 0)
        set_feature(own, KVM_ARM_VCPU_PMU_V3);
    if (wishes->sve && kvm_capability(k->vm, KVM_CAP_ARM_SVE) > 0)
        set_feature(own, KVM_ARM_VCPU_SVE);
    if (wishes->pauth && kvm_capability(k->vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
        kvm_capability(k->vm, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0) {
        set_feature(own, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
        set_feature(own, KVM_ARM_VCPU_PTRAUTH_GENERIC);
    }
}

int arm_kvm_power_up(struct kvm_vcpu *k)
{
    const struct arm_kvm *own = k->guest;
    struct kvm_vcpu_init init = {.target = own->target};
    _Static_assert(sizeof(init.features) == sizeof(own->features), "as many words of features");
    memcpy(init.features, own->features, sizeof(init.features));
    return ioctl(k->fd, KVM_ARM_VCPU_INIT, &init) < 0 ? -errno : 0;
}

static int set_attribute(const struct kvm_vcpu *k, uint32_t group, uint64_t attribute, const int *value)
{
    struct kvm_device_attr attr = {.group = group, .attr = attribute, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(k->fd, KVM_SET_DEVICE_ATTR, &attr);
}

// When there are all processors and the interrupt controller works: what interrupts them.
static int connect_interrupts(void *opaque, struct error *error)
{
    struct kvm_vcpu *k = opaque;
    const struct arm_kvm *own = k->guest;
    const uint8_t *intids = arm_cpu_of_vcpu(k->vcpu)->config.output_intids;
    int pmu = intids[ARM_PMU_OVERFLOW], timer_virt = intids[ARM_TIMER_VIRT], timer_phys = intids[ARM_TIMER_PHYS];
    // Said for one, it is for all. Kernels that cannot be told have them where boards have.
    if (k->vcpu->index == 0 && kvm_capability(k->vm, KVM_CAP_VCPU_ATTRIBUTES) > 0) {
        set_attribute(k, KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, &timer_virt);
        set_attribute(k, KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, &timer_phys);
    }
    if (has_feature(own, KVM_ARM_VCPU_PMU_V3) && (set_attribute(k, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &pmu) < 0 ||
                                                  set_attribute(k, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL) < 0))
        return kvm_refused("no performance monitors (-cpu MODEL,pmu=off does without)", error);
    return 0;
}

static void vcpu_destroy(struct kvm_vcpu *k)
{
    struct arm_kvm *own = k->guest;
    arm_kvm_unlisten(k);
    free(own->registers);
    free(own->raw);
    free(own->power_up);
    free(own);
    k->guest = NULL;
}

static int make(struct kvm_vcpu *k, struct error *error)
{
    struct arm_kvm *own = k->guest;
    struct kvm_vcpu_init preferred;
    int sve = KVM_ARM_VCPU_SVE;
    if (k->vcpu->machine->semihost)
        return error_set(error, ENOTSUP, "semihosting calls do not leave guests under KVM; use -accel tcg or interp");
    if (ioctl(k->vm->fd, KVM_ARM_PREFERRED_TARGET, &preferred) < 0)
        return kvm_refused("it has no kind of processor for guests", error);
    own->target = preferred.target;
    choose_features(k);
    if (arm_kvm_power_up(k))
        return kvm_refused("it makes no processor of the host's kind", error);
    if (has_feature(own, KVM_ARM_VCPU_SVE) && ioctl(k->fd, KVM_ARM_VCPU_FINALIZE, &sve) < 0)
        return kvm_refused("no vector registers (-cpu MODEL,sve=off does without)", error);
    int status = arm_kvm_identify(k, error);
    return status ? status : arm_kvm_list_registers(k, error);
}

static int vcpu_init(struct kvm_vcpu *k, struct error *error)
{
    struct arm_kvm *own = k->guest = ALLOC(struct arm_kvm);
    int status = make(k, error);
    if (status) {
        vcpu_destroy(k);
        return status;
    }
    if (k->vcpu->index == 0)
        arm_kvm_listen(k);
    own->ready = (struct kvm_ready){.fn = connect_interrupts, .opaque = k};
    kvm_when_ready(k->vm, &own->ready);
    return 0;
}

// The kernel delivers interrupts by itself.
static void enter(struct kvm_vcpu *k)
{
    if (k->takes_none)
        arm_kvm_step_begin(k);
}

static void leave(struct kvm_vcpu *k)
{
    if (k->takes_none)
        arm_kvm_step_end(k);
}

// --- exits ---

// The kernel has stopped all processors.
static bool system_event(struct kvm_vcpu *k)
{
    struct machine *machine = k->vcpu->machine;
    switch (k->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        machine_shutdown_request(machine, SHUTDOWN_GUEST);
        return true;
    case KVM_SYSTEM_EVENT_RESET:
        machine_reset_request(machine);
        return true;
    case KVM_SYSTEM_EVENT_CRASH:
        machine_shutdown_request(machine, SHUTDOWN_PANIC);
        return true;
    default:
        return false;
    }
}

static bool handle_exit(struct kvm_vcpu *k)
{
    char text[160];
    switch (k->run->exit_reason) {
    case KVM_EXIT_SYSTEM_EVENT:
        return system_event(k);
    case KVM_EXIT_ARM_NISV:
        snprintf(text, sizeof(text), "the guest uses a device at 0x%llx by an instruction that cannot be emulated (syndrome 0x%llx)",
                 (unsigned long long)k->run->arm_nisv.fault_ipa, (unsigned long long)k->run->arm_nisv.esr_iss);
        kvm_fail(k, text);
        return true;
    default:
        return false;
    }
}

const struct kvm_guest_ops arm_kvm_guest_ops = {
    .vm_type = vm_type,
    .vm_init = vm_init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .load = arm_kvm_load,
    .save = arm_kvm_save,
    .enter = enter,
    .leave = leave,
    .handle_exit = handle_exit,
    .debug = &arm_kvm_debug_ops,
};
