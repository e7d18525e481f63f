// SPDX-License-Identifier: MIT
// Which of a PC's interrupt controllers are the kernel's, and what its lines lead to.
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-routes.h"
#include "hw/core/machine.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/kvm-pc.h"
#include "hw/kvm/internal.h"
#include "tcg/base/error.h"

static const struct part_replacement all[] = {
    {&apic_type, &kvm_apic_type}, {&ioapic_type, &kvm_ioapic_type}, {&i8259_type, &kvm_i8259_type}, {0}};
static const struct part_replacement split[] = {{&apic_type, &kvm_apic_type}, {&ioapic_type, &kvm_split_ioapic_type}, {0}};

static bool can(const struct kvm_vm *vm, enum kvm_irqchip_mode mode)
{
    if (kvm_capability(vm, KVM_CAP_IRQCHIP) <= 0 || kvm_capability(vm, KVM_CAP_SIGNAL_MSI) <= 0 ||
        kvm_capability(vm, KVM_CAP_IRQ_ROUTING) <= 0)
        return false;
    return mode == KVM_IRQCHIP_SPLIT ? kvm_capability(vm, KVM_CAP_SPLIT_IRQCHIP) > 0 : !vm->machine->type->many_ioapics;
}

static enum kvm_irqchip_mode best(const struct kvm_vm *vm)
{
    return can(vm, KVM_IRQCHIP_ON) ? KVM_IRQCHIP_ON : can(vm, KVM_IRQCHIP_SPLIT) ? KVM_IRQCHIP_SPLIT : KVM_IRQCHIP_OFF;
}

static void set_pin(const struct kvm_vm *vm, unsigned gsi, unsigned chip, unsigned pin)
{
    struct kvm_irq_routing_entry route = {.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP};
    route.u.irqchip.irqchip = chip;
    route.u.irqchip.pin = pin;
    kvm_routes_set(vm->routes, &route);
}

static int make_all(struct kvm_accel *kvm, struct error *error)
{
    if (ioctl(kvm->vm.fd, KVM_CREATE_IRQCHIP, 0) < 0)
        return kvm_refused("no interrupt controllers (kernel-irqchip=off does without)", error);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        set_pin(&kvm->vm, KVM_GSI_IOAPIC + pin, KVM_IRQCHIP_IOAPIC, pin);
    for (unsigned irq = 0; irq < 16; irq++)
        set_pin(&kvm->vm, KVM_GSI_PIC + irq, irq < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, irq % 8);
    if (kvm_routes_commit(kvm->vm.routes) < 0)
        return kvm_refused("no lines of interrupt controllers (kernel-irqchip=off does without)", error);
    kvm->vm.machine->replacements = all;
    return 0;
}

static int make_split(struct kvm_accel *kvm, struct error *error)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {2 * IOAPIC_PINS}};
    if (ioctl(kvm->vm.fd, KVM_ENABLE_CAP, &cap) < 0)
        return kvm_refused("no APICs of processors (kernel-irqchip=off does without)", error);
    kvm->vm.machine->replacements = split;
    return 0;
}

int kvm_irqchip_init(struct kvm_accel *kvm, struct error *error)
{
    struct kvm_vm *vm = &kvm->vm;
    if (vm->irqchip == KVM_IRQCHIP_AUTO)
        vm->irqchip = best(vm);
    if (vm->irqchip == KVM_IRQCHIP_OFF)
        return 0;
    if (vm->irqchip == KVM_IRQCHIP_ON && vm->machine->type->many_ioapics)
        return error_set(error, ENOTSUP, "kernel-irqchip=on: machine '%s' has two I/O APICs, the kernel one; use split or off",
                         vm->machine->type->name);
    if (!can(vm, vm->irqchip))
        return error_set(error, ENOTSUP, "cannot use KVM: the host's has no interrupt controllers for kernel-irqchip=%s; use off",
                         vm->irqchip == KVM_IRQCHIP_ON ? "on" : "split");
    return vm->irqchip == KVM_IRQCHIP_ON ? make_all(kvm, error) : make_split(kvm, error);
}
