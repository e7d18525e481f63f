// SPDX-License-Identifier: MIT
// What a guest's tests make their machine of: memory, an engine with its checks on, and processors that run on the test's own
// thread. What cannot be made ends the program with a message.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/accel.h"
#include "hw/core/machine.h"

enum {
    TEST_MACHINE_RAM_MIB = 16,
    TEST_MACHINE_DEVICES_MIB = 1, // more, for memory of devices
    TEST_MACHINE_CPUS = 4,
    TEST_MACHINE_TIERS_THRESHOLD = 250,
};

struct test_machine {
    struct machine *machine;
    struct accel *accel;
    uint64_t ram_offset; // of its RAM, which is mapped nowhere at first
};

// Whether the host's KVM makes virtual machines; says on stderr why not.
bool test_machine_host_has_kvm(void);
// Prints what went wrong, and ends the program.
_Noreturn void test_machine_give_up(const char *what, const struct error *error);
// `accel` is "tcg" (blocks only) or "interp", "regions" or "interp-regions" (regions of all code, at once), "hot" (regions of
// code that has run 8 times, on a thread of its own), or "tiers" (regions of code that has run TEST_MACHINE_TIERS_THRESHOLD
// times, made by the vCPU itself, so that they are always the same); max_insns 0 for the default.
void test_machine_create(struct test_machine *m, const struct cpu_factory *factory, const char *accel, unsigned max_insns);
void test_machine_destroy(struct test_machine *m);
// The first bytes of its RAM at this address too.
void test_machine_map_ram(struct test_machine *m, uint64_t base, uint64_t bytes);
// A processor that is not reset yet.
struct vcpu *test_machine_add_cpu(struct test_machine *m, const char *model, const void *config);
// Host address of guest RAM.
void *test_machine_ram(const struct test_machine *m, uint64_t gpa);
// Tells the engine that the test wrote there.
void test_machine_wrote(struct test_machine *m, uint64_t gpa, uint64_t bytes);
// Lets the processor run for as long as `goes_on`, which is asked whenever the engine comes back, says so; a halted one only
// waits. False when that takes more than some seconds.
bool test_machine_run(struct test_machine *m, struct vcpu *vcpu, bool (*goes_on)(void *opaque), void *opaque);
// The same for several processors from `entry` on, each on a thread of its own. Asked now and then by the caller's thread. Once
// for a machine; false when that takes minutes.
bool test_machine_run_all(struct test_machine *m, uint64_t entry, bool (*goes_on)(void *opaque), void *opaque);
