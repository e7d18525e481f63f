// SPDX-License-Identifier: MIT
// Debuggers' stops (hw/core/stops.h) in a program of two processes, for any guest. Each process in its turn, called a slice, runs
// a loop STOP_SLICE times as a user, and makes a system call; the kernel then goes through that loop once by itself, in the same
// address space. Both see the code in one page, at one address, and write to pages of their own, at one address too.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/base/test-machine.h"

enum { STOP_SLICE = 100, STOP_IN_KERNEL = 0x80 };

struct stop_guest {
    struct test_machine *machine;
    struct vcpu *vcpu;
    void *opaque;
    // Resets the processor and puts it at the start, before any MMU is on; each process then has this many slices.
    void (*start)(void *opaque, uint32_t slices);
    bool (*has_ended)(void *opaque);
    bool (*has_passed)(void *opaque);         // its own checks
    void (*interrupt)(void *opaque, bool on); // an input that is not masked from now on; its handler is at `interrupt_handler`
    uint64_t spaces[2];                       // of the processes, as debug_ops.space gives them
    uint64_t loop, store, loop_end;           // the loop's first instruction, the one that writes, and the one behind the loop
    uint64_t data, data_length;               // what that writes to
    const char *process;                      // the register that is 1 or 2, and more by STOP_IN_KERNEL while the kernel is in the loop
    const char *system_call;                  // as `catch` has it
    uint64_t handler, interrupt_handler;
    unsigned user;                            // its privilege level
    bool watch_after;                         // watchpoints are hit behind the instruction
};

// Goes through all cases, the one of the most executions with this many slices. Prints what is wrong; true if nothing is.
bool stop_cases_run(const struct stop_guest *guest, uint32_t slices);
