// SPDX-License-Identifier: MIT
// Runs one instruction on the host processor: a signal handler starts it with all registers as asked for, and catches the
// HLT behind it, or the fault.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oracle_state {
    uint64_t gpr[16]; // in the order of encodings
    uint64_t rip, flags;
    uint8_t xmm[16][16], ymmh[16][16];
    uint8_t st[8][16];       // ST(0) to ST(7)
    uint16_t control, status, tags; // x87; abridged tags
    uint32_t mxcsr;
    unsigned vector;         // out: of the exception; ORACLE_END for the HLT
    uint64_t address;        // out: of a page fault
};
enum { ORACLE_END = 256 };

// Pages for code and data at these addresses; false when the host does not give them.
bool oracle_init(uint64_t code, uint64_t code_bytes, uint64_t data, uint64_t data_bytes);
// Runs from `state` until HLT or a fault. `wide` is 64-bit code, else 32-bit.
void oracle_run(struct oracle_state *state, bool wide);
// Whether the test program itself has memory there, as a sanitizer's, so that the host finds what a guest does not.
bool oracle_has_other(uint64_t address);
