// SPDX-License-Identifier: MIT
// A PC's interrupt controllers where the host's kernel does their work (Documentation/virt/kvm/api.rst, 4.24 to 4.27, 4.57, 7.5).
// Each is the device that it replaces, with its structure, state table and functions; the state is in the kernel, and in the
// structure as of the last fetch_state, reset or state load.
#pragma once

#include "hw/core/device.h"

// Interrupt inputs, as hw/kvm/irqchip-x86.c routes them (hw/core/kvm-routes.h).
enum {
    KVM_GSI_IOAPIC = 0, // pins of the I/O APIC; split: their messages, two I/O APICs' at most
    KVM_GSI_PIC = 48,   // inputs of the 8259s
};

extern const struct device_type kvm_apic_type;          // local APICs
extern const struct device_type kvm_ioapic_type;        // the kernel's
extern const struct device_type kvm_split_ioapic_type;  // our own next to the kernel's APICs, which must know its entries
extern const struct device_type kvm_i8259_type;
