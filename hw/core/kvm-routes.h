// SPDX-License-Identifier: MIT
// The table of what each interrupt input of a KVM virtual machine (a GSI) leads to: a pin of one of the kernel's interrupt
// controllers, or a message (Documentation/virt/kvm/api.rst, KVM_SET_GSI_ROUTING). There is one table for a machine and the kernel
// takes it only as a whole, so all who need inputs share this one: change entries, then commit. The interrupt controllers choose
// the numbers.
//
// Devices' messages need no inputs: KVM_SIGNAL_MSI takes four fifths of the time that a message behind an eventfd (KVM_IRQFD) does,
// and no table to change when the guest moves it. Those would be for other programs, and the kernel's own devices, to write to.
//
// Any thread; it has a lock of its own.
#pragma once

#include "hw/core/kvm-guest.h"

struct kvm_irq_routing_entry;
struct kvm_routes;

enum { KVM_ROUTES_MAX = 64 };

// Of a virtual machine that has been made. Empty, and not committed: the kernel keeps the
// routes that it has by itself until the first commit.
struct kvm_routes *kvm_routes_create(const struct kvm_vm *vm);
void kvm_routes_destroy(struct kvm_routes *routes);

// What the input entry->gsi, below KVM_ROUTES_MAX, leads to from the next commit on.
void kvm_routes_set(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry);
// It leads nowhere.
void kvm_routes_clear(struct kvm_routes *routes, unsigned gsi);
// Hands the table to the kernel, if it has changed. Negative errno; the next commit tries again.
int kvm_routes_commit(struct kvm_routes *routes);
