// SPDX-License-Identifier: MIT
// Between the files of the accelerator.
#pragma once

#include <linux/kvm.h>
#include <stdio.h>
#include <signal.h>

#include "hw/core/accel.h"
#include "hw/core/kvm-guest.h"
#include "hw/core/machine.h"
#include "hw/core/memory-map.h"

struct vcpu;

enum { KVM_SPACES = 2 };

struct kvm_accel;

// What a map of memory is in the kernel.
struct kvm_space {
    struct kvm_accel *kvm;
    unsigned number; // of the kernel's address space
    struct memory_map *map;
    struct kvm_slot *slots;
    unsigned slot_count; // in use or free
    struct memory_map_listener listener;
};

struct kvm_slot {
    uint64_t base, size, ram_offset; // size 0: free
    bool readonly, logged;           // nobody stores; stores are noted
};

struct kvm_shown {
    uint64_t ram_offset, bytes;
};

struct kvm_debug;

struct kvm_accel {
    struct accel accel;
    struct kvm_vm vm;
    atomic_bool failed;
    uint64_t page_bytes; // of the host
    struct kvm_ready_list ready;
    const struct kvm_guest_ops *guest;
    struct kvm_space spaces[KVM_SPACES];
    unsigned space_count, slot_most; // the kernel has so many slots in each
    bool has_vcpu; // and with it all that follows the machine's maps
    struct machine_listener clock_listener;
    struct kvm_clock_data clock; // at which it was stopped
    bool clock_known;
    struct kvm_shown *shown; // watched pages
    unsigned shown_count;
    bool clears_log; // the log is cleared by pages, and not by reading it
    uint64_t *log;   // room for a slot's
    size_t log_words;
    struct kvm_doorbells *doorbells;
    struct kvm_coalesced *coalesced;
    struct kvm_debug *debug; // debug.c's
};

static inline struct kvm_accel *kvm_accel_of(struct accel *accel)
{
    return (struct kvm_accel *)accel;
}

// --- clock.c ---

// From now on the guest's paravirtual clock stops when the machine does.
void kvm_clock_init(struct kvm_accel *kvm);

// --- irqchip-<host>.c: interrupt controllers of the kernel ---

// Makes those that vm.irqchip says, and has the board make devices for them. Before vCPUs.
int kvm_irqchip_init(struct kvm_accel *kvm, struct error *error);

// --- doorbells.c: stores that only notify (struct mem_doorbell), taken by the kernel ---

// Once for the machine. `ports` may be NULL. NULL: the host cannot.
struct kvm_doorbells *kvm_doorbells_create(const struct kvm_vm *vm, struct memory_map *ports);
// When the machine is gone.
void kvm_doorbells_destroy(struct kvm_doorbells *doorbells);
// Those that have been stored to ring. Device lock held.
void kvm_doorbells_flush(struct kvm_doorbells *doorbells);
void kvm_doorbells_print(const struct kvm_doorbells *doorbells, FILE *out);

// --- coalesced.c: stores that may wait (struct mem_region_desc), held back by the kernel ---

// Once for the machine. `vcpu` is any. NULL: the host cannot.
struct kvm_coalesced *kvm_coalesced_create(const struct kvm_vcpu *vcpu);
// When the machine is gone; and before, when the vCPU is about to.
void kvm_coalesced_destroy(struct kvm_coalesced *coalesced);
void kvm_coalesced_forget_ring(struct kvm_coalesced *coalesced);
// Devices get what has been held back. For a vCPU's thread, whenever KVM_RUN has come back; and with the device lock held.
void kvm_coalesced_drain(struct kvm_coalesced *coalesced);
void kvm_coalesced_flush(struct kvm_coalesced *coalesced);
void kvm_coalesced_print(const struct kvm_coalesced *coalesced, FILE *out);

// --- dirty.c: which pages processors have stored to (hw/core/ram-watch.h) ---

// Once for the machine, before there are slots.
void kvm_dirty_init(struct kvm_accel *kvm);
void kvm_dirty_destroy(struct kvm_accel *kvm);
// Whether stores to the slot are to be noted.
bool kvm_dirty_wants(const struct kvm_accel *kvm, const struct kvm_slot *slot);
// The slot goes with its log.
void kvm_dirty_lost(struct kvm_accel *kvm, const struct kvm_slot *slot);

// --- memory.c: the guest's memory as the kernel sees it ---

// From now on the kernel's slots follow the machine's map, and `special` (kvm_guest_ops.special_memory; NULL: there is none). Once for
// the machine.
void kvm_memory_init(struct kvm_accel *kvm, struct memory_map *special);
void kvm_memory_destroy(struct kvm_accel *kvm);
// What the kernel calls a slot of the space.
uint32_t kvm_slot_name(const struct kvm_space *space, unsigned index);
// Tells the kernel what the slot is. Negative errno.
int kvm_slot_set(const struct kvm_space *space, unsigned index, const struct kvm_slot *slot);

// --- run.c: accel_ops ---

enum { KVM_KICK_SIGNAL = SIGUSR1 }; // ends KVM_RUN

// Once for the program.
void kvm_run_init(void);
void kvm_run(struct accel *accel, struct vcpu *vcpu);
void kvm_kick(struct accel *accel, struct vcpu *vcpu);
// What the guest has read from a device gets into its registers.
void kvm_finish_access(struct kvm_accel *kvm, struct kvm_vcpu *k);
