// SPDX-License-Identifier: MIT
// What the kernel's interrupt controllers have in common: attributes, registers of interrupts, lines.
#include "hw/intc/kvm-gic.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

int kvm_gic_create(struct kvm_gic *kernel, struct machine *machine, unsigned type, const char *what, struct error *error)
{
    struct kvm_create_device create = {.type = type};
    *kernel = (struct kvm_gic){.vm = machine->kvm, .fd = -1};
    if (ioctl(machine->kvm->fd, KVM_CREATE_DEVICE, &create) < 0)
        return kvm_refused(what, error);
    kernel->fd = (int)create.fd;
    return 0;
}

void kvm_gic_destroy(struct kvm_gic *kernel)
{
    if (kernel->fd >= 0)
        close(kernel->fd);
    kernel->fd = -1;
}

static bool access_attribute(const struct kvm_gic *kernel, unsigned long request, uint32_t group, uint64_t attribute,
                             const void *value)
{
    struct kvm_device_attr attr = {.group = group, .attr = attribute, .addr = (uint64_t)(uintptr_t)value};
    return !ioctl(kernel->fd, request, &attr);
}

bool kvm_gic_get(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute, void *value)
{
    return access_attribute(kernel, KVM_GET_DEVICE_ATTR, group, attribute, value);
}

bool kvm_gic_set(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute, const void *value)
{
    return access_attribute(kernel, KVM_SET_DEVICE_ATTR, group, attribute, value);
}

bool kvm_gic_has(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute)
{
    return access_attribute(kernel, KVM_HAS_DEVICE_ATTR, group, attribute, NULL);
}

void kvm_gic_report(struct kvm_gic *kernel, const char *what, bool good)
{
    if (!good && !kernel->refused)
        fprintf(stderr, "lyrebird: KVM: the %s cannot be set: %s\n", what, strerror(errno));
    kernel->refused |= !good;
}

// --- registers ---

uint32_t kvm_gic_read(const struct kvm_gic_frame *frame, uint64_t offset)
{
    uint32_t value = 0;
    kvm_gic_get(frame->kernel, frame->group, frame->base | offset, &value);
    return value;
}

bool kvm_gic_write(const struct kvm_gic_frame *frame, uint64_t offset, uint32_t value)
{
    return kvm_gic_set(frame->kernel, frame->group, frame->base | offset, &value);
}

// Frames begin where these registers' numbers count from, or at the multiple of 64K that `base` has.
static uint64_t place(enum gic_bank_register reg, unsigned index, unsigned word)
{
    unsigned words = reg == GIC_IPRIORITYR ? 8 : reg == GIC_ICFGR ? 2 : 1;
    return (uint64_t)reg + (index * words + word) * 4;
}

void kvm_gic_fetch_bank(const struct kvm_gic_frame *frame, unsigned index, struct gic_bank *bank)
{
    bank->group = kvm_gic_read(frame, place(GIC_IGROUPR, index, 0));
    bank->enabled = kvm_gic_read(frame, place(GIC_ISENABLER, index, 0));
    bank->active = kvm_gic_read(frame, place(GIC_ISACTIVER, index, 0));
    bank->edge = 0;
    for (unsigned half = 0; half < 2; half++) {
        uint32_t config = kvm_gic_read(frame, place(GIC_ICFGR, index, half));
        for (unsigned n = 0; n < 16; n++)
            bank->edge |= (config >> (2 * n + 1) & 1) << (half * 16 + n);
    }
    for (unsigned word = 0; word < 8; word++) {
        uint32_t priorities = kvm_gic_read(frame, place(GIC_IPRIORITYR, index, word));
        for (unsigned n = 0; n < 4; n++)
            bank->priority[word * 4 + n] = (uint8_t)(priorities >> (8 * n));
    }
}

bool kvm_gic_push_bank(const struct kvm_gic_frame *frame, unsigned index, const struct gic_bank *bank)
{
    bool good = kvm_gic_write(frame, place(GIC_IGROUPR, index, 0), bank->group);
    good &= kvm_gic_write(frame, place(GIC_ICENABLER, index, 0), ~bank->enabled);
    good &= kvm_gic_write(frame, place(GIC_ISENABLER, index, 0), bank->enabled);
    good &= kvm_gic_write(frame, place(GIC_ICACTIVER, index, 0), ~bank->active);
    good &= kvm_gic_write(frame, place(GIC_ISACTIVER, index, 0), bank->active);
    for (unsigned half = 0; half < 2; half++) {
        uint32_t config = 0;
        for (unsigned n = 0; n < 16; n++)
            config |= (bank->edge >> (half * 16 + n) & 1) << (2 * n + 1);
        good &= kvm_gic_write(frame, place(GIC_ICFGR, index, half), config);
    }
    for (unsigned word = 0; word < 8; word++) {
        uint32_t priorities = 0;
        for (unsigned n = 0; n < 4; n++)
            priorities |= (uint32_t)bank->priority[word * 4 + n] << (8 * n);
        good &= kvm_gic_write(frame, place(GIC_IPRIORITYR, index, word), priorities);
    }
    return good;
}

// --- lines ---

static void drive_spi(const struct kvm_vm *vm, unsigned spi, bool level)
{
    kvm_set_gsi(vm, (uint32_t)KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (32 + spi), level);
}

void kvm_gic_set_line(const struct kvm_vm *vm, struct gic_bank *banks, unsigned spi, bool level)
{
    struct gic_bank *bank = &banks[spi / 32];
    if ((bank->line >> (spi % 32) & 1) == level)
        return; // devices say it often
    bank->line = deposit32(bank->line, spi % 32, 1, level);
    drive_spi(vm, spi, level);
}

void kvm_gic_drive_ppi(const struct kvm_vm *vm, unsigned cpu, uint32_t intid, bool level)
{
    uint32_t number = (cpu & KVM_ARM_IRQ_VCPU_MASK) << KVM_ARM_IRQ_VCPU_SHIFT |
                      (cpu >> 8 & KVM_ARM_IRQ_VCPU2_MASK) << KVM_ARM_IRQ_VCPU2_SHIFT;
    kvm_set_gsi(vm, (uint32_t)KVM_ARM_IRQ_TYPE_PPI << KVM_ARM_IRQ_TYPE_SHIFT | number | intid, level);
}

bool kvm_gic_push_lines(const struct kvm_gic_frame *frame, const struct gic_bank *banks, unsigned count)
{
    bool good = true;
    for (unsigned b = 0; b < count; b++)
        for (unsigned half = 0; half < 2; half++)
            good &= kvm_gic_write(frame, place(GIC_ICFGR, b + 1, half), 0);
    for (unsigned n = 0; n < count * 32; n++)
        drive_spi(frame->kernel->vm, n, banks[n / 32].line >> (n % 32) & 1);
    return good;
}
