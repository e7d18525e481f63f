// SPDX-License-Identifier: MIT
// The I/O APIC in the kernel; and ours next to the kernel's local APICs, which tell of the end of a level-triggered interrupt only
// where a route says that the vector is one.
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-guest.h"
#include "hw/core/kvm-routes.h"
#include "hw/core/machine.h"
#include "hw/intc/ioapic-internal.h"
#include "hw/intc/kvm-pc.h"

static void fetch_state(struct device *device)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
    const struct kvm_ioapic_state *state = &chip.chip.ioapic;
    if (ioctl(device->machine->kvm->fd, KVM_GET_IRQCHIP, &chip) < 0)
        return;
    pthread_mutex_lock(&ioapic->lock);
    ioapic->select = (uint8_t)state->ioregsel;
    ioapic->id = (uint8_t)state->id;
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        ioapic->table[i] = state->redirtbl[i].bits;
    pthread_mutex_unlock(&ioapic->lock);
}

static void push(struct device *device)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
    struct kvm_ioapic_state *state = &chip.chip.ioapic;
    state->base_address = ioapic->base;
    state->ioregsel = ioapic->select;
    state->id = ioapic->id;
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        state->redirtbl[i].bits = ioapic->table[i];
        if (ioapic->table[i] & RTE_LEVEL)
            state->irr |= ioapic->lines & BIT32(i);
    }
    if (ioctl(device->machine->kvm->fd, KVM_SET_IRQCHIP, &chip) < 0)
        kvm_vm_fail(device->machine->kvm, "the I/O APIC cannot be set: %s", strerror(errno));
}

static void reset(struct device *device)
{
    ioapic_reset(device);
    push(device);
}

static void pin_set(void *opaque, unsigned pin, bool level)
{
    struct ioapic *ioapic = opaque;
    pthread_mutex_lock(&ioapic->lock);
    ioapic->lines = deposit32(ioapic->lines, pin, 1, level);
    kvm_set_gsi(ioapic->device.machine->kvm, KVM_GSI_IOAPIC + pin, level);
    pthread_mutex_unlock(&ioapic->lock);
}

static void init(struct device *device)
{
    ((struct ioapic *)device)->pin_set = pin_set;
}

static int realize(struct device *device, struct error *error)
{
    (void)error;
    pthread_mutex_init(&((struct ioapic *)device)->lock, NULL);
    return 0;
}

static void unrealize(struct device *device)
{
    pthread_mutex_destroy(&((struct ioapic *)device)->lock);
}

const struct device_type kvm_ioapic_type = {
    .name = "ioapic",
    .help = "I/O APIC, the kernel's",
    .instance_size = sizeof(struct ioapic),
    .state = ioapic_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = push,
    .print_irq = ioapic_print_irq,
};

// --- split ---

static void entry_changed(struct ioapic *ioapic, unsigned pin)
{
    const struct kvm_vm *vm = ioapic->device.machine->kvm;
    unsigned gsi = KVM_GSI_IOAPIC + (ioapic->base == IOAPIC_DEFAULT_BASE ? pin : IOAPIC_PINS + pin);
    uint64_t entry = ioapic->table[pin], address;
    uint32_t data;
    ioapic_entry_message(entry, &address, &data);
    struct kvm_irq_routing_entry route = {.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI};
    route.u.msi.address_lo = (uint32_t)address;
    route.u.msi.address_hi = (uint32_t)(address >> 32);
    route.u.msi.data = data;
    if (entry & RTE_MASKED)
        kvm_routes_clear(vm->routes, gsi);
    else
        kvm_routes_set(vm->routes, &route);
    kvm_routes_commit(vm->routes);
}

static void split_init(struct device *device)
{
    ioapic_init(device);
    ((struct ioapic *)device)->entry_changed = entry_changed;
}

static void split_state_loaded(struct device *device)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    pthread_mutex_lock(&ioapic->lock);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        entry_changed(ioapic, pin);
    pthread_mutex_unlock(&ioapic->lock);
}

static void split_reset(struct device *device)
{
    ioapic_reset(device);
    split_state_loaded(device);
}

const struct device_type kvm_split_ioapic_type = {
    .name = "ioapic",
    .help = "I/O APIC, version 0x20, next to the kernel's local APICs",
    .instance_size = sizeof(struct ioapic),
    .state = ioapic_state,
    .init = split_init,
    .realize = ioapic_realize,
    .unrealize = ioapic_unrealize,
    .reset = split_reset,
    .state_loaded = split_state_loaded,
    .print_irq = ioapic_print_irq,
};
