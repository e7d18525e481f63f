// SPDX-License-Identifier: MIT
// A machine with RAM at X86_MACHINE_RAM and, the first 2 MiB of it, at 0, x86 processors, and a port space, empty from 0x8000
// on, with the ports of programs/check.inc: 0xf4 ends the run with the byte written as its status. x87 errors work as on a PC.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "target-x86/cpu.h"
#include "tests/base/test-machine.h"

struct x86_machine {
    struct test_machine base;
    struct x86_cpu *cpu; // the first one
    unsigned cpus;
    struct memory_map *io;
    atomic_bool ended, shut_down;
    int status;      // written to port 0xf4, -1 when it was not
    uint8_t vector;  // of the interrupt that port 0xf5 asks for
    bool asked, x87_error; // interrupts that are waiting: by port 0xf5, IRQ 13
    uint8_t wakes;   // what ends the next halts, four bits each: 1 an SMI, 2 an NMI
};

#define X86_MACHINE_RAM UINT64_C(0x10000000)

// `accel` as test_machine_create takes it; max_insns 0 for the default. Ends the program with a message when it cannot.
struct x86_machine *x86_machine_create(const char *accel, const char *model, unsigned max_insns);
// With several processors, for x86_machine_run_all.
struct x86_machine *x86_machine_create_smp(const char *accel, const char *model, unsigned max_insns, unsigned cpus);
void x86_machine_destroy(struct x86_machine *m);
// Lets the processor run from the state it is in until it halts without a reason to go on, shuts down, or writes to port
// 0xf4. False when that takes more than some seconds.
bool x86_machine_run(struct x86_machine *m);
// Lets every processor run from `entry`, below 1 MiB, on a thread of its own, until port 0xf4 is written or one shuts down.
// Once for a machine; false when that takes minutes.
bool x86_machine_run_all(struct x86_machine *m, uint64_t entry);
