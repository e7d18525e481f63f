// SPDX-License-Identifier: MIT
// The table of what each interrupt input of a KVM virtual machine (a GSI) leads to: a pin of one of the kernel's interrupt
// controllers, or a message (Documentation/virt/kvm/api.rst, KVM_SET_GSI_ROUTING). There is one table for a machine and the kernel
// takes it only as a whole, which takes longer the more entries there are, so all who need inputs share this one.
//
//   0 .. KVM_ROUTES_FIXED - 1   the interrupt controllers choose the numbers; they change entries, then commit
//   KVM_ROUTES_FIXED ..         handed out, for messages (hw/core/kvm-messages.h)
//
// Any thread; it has a lock of its own.
#pragma once

#include "hw/core/kvm-guest.h"

struct kvm_irq_routing_entry;
struct kvm_routes;

enum { KVM_ROUTES_FIXED = 64, KVM_ROUTES_MAX = 128 };

// Of a virtual machine that has been made. Empty, and not committed: the kernel keeps the
// routes that it has by itself until the first commit.
struct kvm_routes *kvm_routes_create(const struct kvm_vm *vm);
void kvm_routes_destroy(struct kvm_routes *routes);

// What the input entry->gsi, below KVM_ROUTES_FIXED, leads to from the next commit on.
void kvm_routes_set(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry);
// It leads nowhere.
void kvm_routes_clear(struct kvm_routes *routes, unsigned gsi);
// Hands the table to the kernel, if it has changed. Negative errno; the next commit tries again.
int kvm_routes_commit(struct kvm_routes *routes);

// Takes an input that nobody has, which leads where `entry` says as soon as this returns; sets entry->gsi. Negative errno: none is
// taken, -ENOSPC if there are no more.
int kvm_routes_take(struct kvm_routes *routes, struct kvm_irq_routing_entry *entry);
// What such an input leads to from now on. Negative errno: it stays as it was.
int kvm_routes_change(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry);
// Gives one back, which nobody signals any more. The kernel hears of it with the next table.
void kvm_routes_give_back(struct kvm_routes *routes, unsigned gsi);
