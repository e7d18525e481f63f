// SPDX-License-Identifier: MIT
// Hosts whose kernels' interrupt controllers no board can use.
#include "hw/kvm/internal.h"

int kvm_irqchip_init(struct kvm_accel *kvm, struct error *error)
{
    (void)error;
    kvm->vm.irqchip = KVM_IRQCHIP_OFF;
    return 0;
}
