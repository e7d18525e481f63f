// SPDX-License-Identifier: MIT
// Between the files of the accelerator.
#pragma once

#include "hw/core/accel.h"
#include "hw/core/kvm-guest.h"
#include "hw/core/memory-map.h"

struct kvm_slot {
    uint64_t base, size, ram_offset; // size 0: free
    bool readonly;
};

struct kvm_accel {
    struct accel accel;
    struct kvm_vm vm;
    const struct kvm_guest_ops *guest; // of the first vCPU, NULL before
    struct kvm_slot *slots;
    unsigned slot_count, slot_most; // in use or free; that the kernel has
    struct memory_map_listener map_listener;
};

// --- memory.c: the guest's memory as the kernel sees it ---

// From now on the kernel's slots follow the machine's map.
void kvm_memory_init(struct kvm_accel *kvm);
