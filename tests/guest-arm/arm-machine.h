// SPDX-License-Identifier: MIT
// A machine with RAM at 0x40000000 and one AArch64 processor, run on the test's own thread until it calls HVC. The
// virtual timer drives IRQ, the physical one FIQ; they fire while the processor waits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"
#include "tests/base/test-machine.h"

struct arm_machine {
    struct test_machine base;
    struct arm_cpu *cpu;
    bool hvc_seen;
    atomic_bool stop; // ends a run from another thread, together with the vCPU's exit_request
    uint64_t vbar;    // VBAR_EL1 at the start
    bool kernel_like; // start with the MMU on (RAM mapped flat, as Normal memory, no access from EL0) and FP enabled
    void (*starts)(void *opaque, struct arm_cpu *cpu); // if not NULL, changes how the processor starts
    void *opaque;
};

#define ARM_MACHINE_RAM UINT64_C(0x40000000)

// `accel` as test_machine_create takes it; max_insns 0 for the default. Ends the program with a message when it cannot.
struct arm_machine *arm_machine_create(const char *accel, const char *model, unsigned max_insns);
void arm_machine_destroy(struct arm_machine *m);
// Resets the processor and lets it run at `entry`. False when it has not come to an HVC within some seconds.
bool arm_machine_run(struct arm_machine *m, uint64_t entry);
