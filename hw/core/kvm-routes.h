// SPDX-License-Identifier: MIT
// The table of what each interrupt input of a KVM virtual machine (a GSI) leads to: a pin of one of the kernel's interrupt
// controllers, or a message (Documentation/virt/kvm/api.rst, KVM_SET_GSI_ROUTING). There is one table for a machine and the kernel
// takes it only as a whole, so all who need inputs share this one: change entries, then commit.
//
//   0 .. KVM_ROUTES_FIXED - 1   pins, whose numbers the interrupt controllers choose
//   KVM_ROUTES_FIXED ..         handed out by kvm_routes_alloc
//
// Any thread; it has a lock of its own.
#pragma once

#include "hw/core/kvm-guest.h"

struct kvm_irq_routing_entry;
struct kvm_routes;

enum { KVM_ROUTES_FIXED = 64 };

// Of a virtual machine that has been made, whether or not its kernel can route. Empty, and not committed: the kernel keeps the
// routes that it has by itself until the first commit.
struct kvm_routes *kvm_routes_create(const struct kvm_vm *vm);
void kvm_routes_destroy(struct kvm_routes *routes);

// Takes an input that nobody has, without an entry. -ENOSPC when the kernel has no more, -ENOTSUP when it cannot route.
int kvm_routes_alloc(struct kvm_routes *routes);
// Gives it back, and drops its entry.
void kvm_routes_free(struct kvm_routes *routes, int gsi);
// What the input entry->gsi leads to from the next commit on.
void kvm_routes_set(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry);
// It leads nowhere.
void kvm_routes_clear(struct kvm_routes *routes, int gsi);
// Hands the table to the kernel, if it has changed. Negative errno; the next commit tries again.
int kvm_routes_commit(struct kvm_routes *routes);
