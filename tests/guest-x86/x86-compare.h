// SPDX-License-Identifier: MIT
// Code with all its state, run on the host processor and by the guest, and the comparison of what they did.
#pragma once

#include "host-oracle.h"
#include "target-x86/decode.h"
#include "x86-machine.h"

// The same addresses on both sides. Data lies between pages that are not mapped.
#define CASE_CODE (X86_MACHINE_RAM + 0x100000)
#define CASE_DATA (X86_MACHINE_RAM + 0x200000)
enum { CASE_CODE_BYTES = 0x1000, CASE_DATA_BYTES = 0x2000 };

struct test {
    uint8_t code[256];
    unsigned bytes;
    struct x86_decoded insn; // the one that there is, or the last
    struct oracle_state state;
    uint8_t data[CASE_DATA_BYTES];
};

struct case_runner;
// NULL when the host does not give the addresses. `accel` as for x86_machine_create; `wide` is 64-bit code.
struct case_runner *case_runner_create(const char *accel, bool wide);
void case_runner_destroy(struct case_runner *r);
// Whether the guest's processor has what the test needs; where it has no AVX, the test's upper halves are emptied.
bool case_fits(const struct case_runner *r, struct test *t);
void case_run_host(struct case_runner *r, struct test *t);
void case_run_guest(struct case_runner *r, struct test *t);
// Whether both did the same, but for the flags in `undefined`. With `report`, prints the differences.
bool case_same(const struct test *guest, const struct test *host, uint32_t undefined, bool report);
// Prints code and registers.
void case_print(struct case_runner *r, const struct test *t);
