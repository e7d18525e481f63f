// SPDX-License-Identifier: MIT
// Debuggers' stops and single steps under KVM: what run.c and kvm.c call, and what is between debug.c and debug-memory.c.
#pragma once

#include <time.h>

#include "hw/kvm/internal.h"

struct stop;
struct stops;

void kvm_debug_init(struct kvm_accel *kvm);
void kvm_debug_destroy(struct kvm_accel *kvm);
void kvm_debug_forget_vcpu(struct kvm_vcpu *k);
// accel_ops.can_stop
int kvm_debug_can_stop(struct accel *accel, const struct stop *stop, struct error *error);

// Of run(): when the state is the kernel's; and before that is taken back.
void kvm_debug_begin(struct kvm_accel *kvm, struct kvm_vcpu *k);
void kvm_debug_end(struct kvm_accel *kvm, struct kvm_vcpu *k);
// At last, when the state is the family's: whether the stop at hand counts.
void kvm_debug_settle(struct kvm_vcpu *k);

// Before each KVM_RUN; at KVM_EXIT_DEBUG; and when that has been dealt with, as any exit. They set k->leaves where run() is to end.
void kvm_debug_enter(struct kvm_accel *kvm, struct kvm_vcpu *k);
void kvm_debug_exit(struct kvm_accel *kvm, struct kvm_vcpu *k);
void kvm_debug_left(struct kvm_accel *kvm, struct kvm_vcpu *k);

// --- debug-memory.c: breakpoint instructions in the guest's memory, which are there only while vCPUs are in run() ---

struct kvm_plants;

struct kvm_plants *kvm_plants_create(const struct kvm_debug_ops *ops, struct memory_map *map);
void kvm_plants_destroy(struct kvm_plants *plants);
// One vCPU more, or less, is in run(): when the last one goes, memory is as it was.
void kvm_plants_enter(struct kvm_plants *plants);
void kvm_plants_leave(struct kvm_plants *plants);
// Whether there can be one at this physical address; puts it there, for as long as a vCPU is inside.
bool kvm_plants_can_add(struct kvm_plants *plants, uint64_t gpa);
void kvm_plants_add(struct kvm_plants *plants, uint64_t gpa);
// Whether there is one.
bool kvm_plants_has(struct kvm_plants *plants, uint64_t gpa);
// Takes one out for a moment, in which no other vCPU runs, and puts it back.
void kvm_plants_lift(struct kvm_plants *plants, uint64_t gpa, bool lifted);

// --- debug-timer.c ---

// One that sends the signal to the calling thread. False: the host has none left.
bool kvm_debug_timer_create(timer_t *timer, int signal);
// Sets it to 0.1 ms from now, or to never. It comes again 2 ms later: the first one may find the thread on its way into KVM_RUN.
void kvm_debug_timer_set(timer_t timer, bool on);
