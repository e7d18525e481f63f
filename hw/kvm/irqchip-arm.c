// SPDX-License-Identifier: MIT
// An Arm board's interrupt controllers are the kernel's, all of them: without, the kernel's timers would have no way to processors
// that sleep in it.
#include <errno.h>
#include <linux/kvm.h>

#include "hw/core/machine.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3-its.h"
#include "hw/intc/gicv3.h"
#include "hw/intc/kvm-gic.h"
#include "hw/kvm/internal.h"
#include "tcg/base/error.h"

static const struct part_replacement replacements[] = {
    {&gicv2_type, &kvm_gicv2_type}, {&gicv3_type, &kvm_gicv3_type}, {&gicv3_its_type, &kvm_its_type}, {0}};

int kvm_irqchip_init(struct kvm_accel *kvm, struct error *error)
{
    struct kvm_vm *vm = &kvm->vm;
    if (vm->irqchip == KVM_IRQCHIP_OFF || vm->irqchip == KVM_IRQCHIP_SPLIT)
        return error_set(error, ENOTSUP, "kernel-irqchip=%s: on this kind of host the interrupt controllers are the kernel's; use on",
                         vm->irqchip == KVM_IRQCHIP_OFF ? "off" : "split");
    if (!kvm_has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2) && !kvm_has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3))
        return error_set(error, ENOTSUP, "cannot use KVM: the host's has neither a GICv2 nor a GICv3");
    vm->irqchip = KVM_IRQCHIP_ON;
    vm->machine->replacements = replacements;
    return 0;
}
