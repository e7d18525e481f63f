// SPDX-License-Identifier: MIT
// How a vCPU is to find each of the machine's stops: by a debug register, by a breakpoint instruction in memory, or by looking
// between single steps.
//
// Watchpoints can be had by registers alone, so they come first. Breakpoints that fit into what is left are in registers, too,
// which the guest's memory does not show. If they are too many, those stay there whose place in memory is not known now or cannot
// be written to; the others are put into memory. What has neither makes the vCPU go on by single steps.
//
// Hosts whose registers watch nothing (those that emulate instructions) compare the memory that is watched after each step: a store
// of what has been there before is not seen, nor are loads.
#pragma once

#include "hw/core/kvm-guest.h"
#include "hw/core/stops.h"

// Where a breakpoint is; the rest is of other kinds or for other processors.
enum kvm_debug_place { KVM_DEBUG_NOWHERE, KVM_DEBUG_IN_REGISTER, KVM_DEBUG_IN_MEMORY, KVM_DEBUG_BY_STEPS };

struct kvm_debug_plan {
    struct kvm_debug_register registers[KVM_DEBUG_REGISTERS];
    unsigned count;    // in registers
    unsigned compared; // pieces behind those, which are compared between steps
    bool scarce;       // there may be more breakpoints than registers for them, on any vCPU: some are in memory
    bool steps;        // each instruction is looked at
    uint8_t *places;   // enum kvm_debug_place of each stop; the plan's
    size_t place_count;
};

// Whether memory can hold a breakpoint now.
typedef bool kvm_debug_can_plant_fn(void *opaque, const struct stop *stop);

// Makes the plan anew, for the vCPU of this index. False: there are watchpoints that nothing is left for.
bool kvm_debug_plan_make(struct kvm_debug_plan *plan, const struct stops *stops, unsigned cpu, const struct kvm_debug_limits *limits,
                         kvm_debug_can_plant_fn *can_plant, void *opaque);
void kvm_debug_plan_clear(struct kvm_debug_plan *plan);
