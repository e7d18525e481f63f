// SPDX-License-Identifier: MIT
// Tests that have a guest make single accesses (programs/accesses.S): to memory, to devices, to ports.
#pragma once

#include "x86-machine.h"

enum access_kind { STORE = 0, OUT = 0x10, LOAD = 0x20, IN = 0x30 }; // or'ed with the size

struct access {
    uint32_t what, address, value, times; // `value` is what was read, then
};

// The machine of a test program with arguments ACCEL IMAGE. Ends the program where there is no such engine, with 77 for KVM.
struct x86_machine *accesses_begin(int argc, char **argv);
// Has the guest make them. Ends the program when it does not get through.
void accesses_make(struct x86_machine *m, struct access *list, unsigned count);
// One of them. What was read, or `value`.
uint32_t access_make(struct x86_machine *m, uint32_t what, uint32_t address, uint32_t value);
// Ends the program with a message unless it is so.
void expect(bool is, const char *format, ...) __attribute__((format(printf, 2, 3)));
