// SPDX-License-Identifier: MIT
// A machine with RAM at 0x40000000 and one AArch64 processor, run on the test's own thread until it calls HVC. The
// virtual timer drives IRQ, the physical one FIQ; they fire while the processor waits. Or several processors, without timers.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"
#include "tests/base/test-machine.h"

struct arm_machine {
    struct test_machine base;
    struct arm_cpu *cpu; // the first one
    atomic_bool ending, hvc_seen; // somebody is at HVC; `result` is there
    uint64_t result[3]; // X0 to X2 at the first HVC
    atomic_bool stop; // ends a run from another thread, together with the vCPU's exit_request
    uint64_t vbar;    // VBAR_EL1 at the start
    bool kernel_like; // start with the MMU on (RAM mapped flat, as Normal memory, no access from EL0) and FP enabled
    void (*starts)(void *opaque, struct arm_cpu *cpu); // if not NULL, changes how the processor starts
    void *opaque;
};

#define ARM_MACHINE_RAM UINT64_C(0x40000000)

// `accel` as test_machine_create takes it; max_insns 0 for the default. Ends the program with a message when it cannot.
struct arm_machine *arm_machine_create(const char *accel, const char *model, unsigned max_insns);
// With several processors, for arm_machine_run_all. Their numbers are MPIDR_EL1.Aff0.
struct arm_machine *arm_machine_create_smp(const char *accel, const char *model, unsigned max_insns, unsigned cpus);
void arm_machine_destroy(struct arm_machine *m);
// Resets the processor and lets it run at `entry`. False when it has not come to an HVC within some seconds.
bool arm_machine_run(struct arm_machine *m, uint64_t entry);
// Lets every processor run from `entry`, as it is after a reset, on a thread of its own, until one calls HVC. Once for a machine;
// false when that takes minutes.
bool arm_machine_run_all(struct arm_machine *m, uint64_t entry);
