// SPDX-License-Identifier: MIT
// Arm interrupt controllers where the host's kernel does their work (Documentation/virt/kvm/devices/arm-vgic.rst, arm-vgic-v3.rst,
// arm-vgic-its.rst). Each is the device that it replaces, with its structure, state table and functions; the state is in the
// kernel, and in the structure as of the last fetch_state, reset or state load. Its places in the guest's memory are the kernel's.
#pragma once

#include "hw/core/device.h"
#include "hw/core/kvm-guest.h"
#include "hw/intc/gic-bank.h"

extern const struct device_type kvm_gicv2_type, kvm_gicv3_type, kvm_its_type; // for gicv2_type, gicv3_type, gicv3_its_type

// --- between them ---

// A device of the kernel's.
struct kvm_gic {
    const struct kvm_vm *vm;
    int fd;
    struct kvm_ready ready;
    bool refused; // somebody has been told that it does not take its state
};

// Negative errno with a message: `what` could not be made.
int kvm_gic_create(struct kvm_gic *kernel, struct machine *machine, unsigned type, const char *what, struct error *error);
void kvm_gic_destroy(struct kvm_gic *kernel);
// Attributes; the value's type is the group's. False, with errno: the kernel does not want to.
bool kvm_gic_get(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute, void *value);
bool kvm_gic_set(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute, const void *value);
bool kvm_gic_has(const struct kvm_gic *kernel, uint32_t group, uint64_t attribute);
// Says once that the kernel did not take some of its state.
void kvm_gic_report(struct kvm_gic *kernel, const char *what, bool good);

// A frame of 32-bit registers: the group, and what all attributes in it have in common.
struct kvm_gic_frame {
    const struct kvm_gic *kernel;
    uint32_t group;
    uint64_t base;
};

uint32_t kvm_gic_read(const struct kvm_gic_frame *frame, uint64_t offset);
bool kvm_gic_write(const struct kvm_gic_frame *frame, uint64_t offset, uint32_t value);
// The registers of interrupts 32 * index and up, but for lines and latches, which differ between versions.
void kvm_gic_fetch_bank(const struct kvm_gic_frame *frame, unsigned index, struct gic_bank *bank);
bool kvm_gic_push_bank(const struct kvm_gic_frame *frame, unsigned index, const struct gic_bank *bank);

// Drives the input of shared interrupt `spi` (INTID 32 + spi), whose level the banks of shared interrupts know, or that of a private
// one of a CPU (16 to 31).
void kvm_gic_set_line(const struct kvm_vm *vm, struct gic_bank *banks, unsigned spi, bool level);
void kvm_gic_drive_ppi(const struct kvm_vm *vm, unsigned cpu, uint32_t intid, bool level);
// All lines of `count` banks of shared interrupts as they are, before those are pushed with the distributor off: the interrupts are
// levels then, as the kernel takes a line that is high for an edge of others, and does not notice how theirs fall.
bool kvm_gic_push_lines(const struct kvm_gic_frame *frame, const struct gic_bank *banks, unsigned count);
