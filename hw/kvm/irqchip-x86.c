// SPDX-License-Identifier: MIT
// Which of a PC's interrupt controllers are the kernel's.
#include <errno.h>
#include <linux/kvm.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "tcg/base/error.h"

int kvm_irqchip_init(struct kvm_accel *kvm, struct error *error)
{
    struct kvm_vm *vm = &kvm->vm;
    if (vm->irqchip == KVM_IRQCHIP_AUTO)
        vm->irqchip = KVM_IRQCHIP_OFF;
    if (vm->irqchip != KVM_IRQCHIP_OFF)
        return error_set(error, ENOTSUP, "kernel-irqchip=on and split are not built yet; use off");
    return 0;
}
