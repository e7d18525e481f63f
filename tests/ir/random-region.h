// SPDX-License-Identifier: MIT
// Random IR regions over a small made-up state, from a seed.
#pragma once

#include "tcg/builder.h"
#include "tcg/exec/guest.h"

enum { TEST_INTS = 12, TEST_WORDS = 4, TEST_VECTORS = 6 };

struct test_state {
    struct tcg_cpu cpu;
    uint64_t x[TEST_INTS];
    uint32_t w[TEST_WORDS];
    _Alignas(16) uint8_t v[TEST_VECTORS][16];
    uint64_t raised; // code + 1 of the IR_RAISE_IF that ended the region, or 0
    uint64_t calls; // counts helper calls and folds their arguments in
};

extern const struct ir_slot test_slots[];
extern const unsigned test_slot_count;

struct random_options {
    uint64_t seed;
    unsigned length;  // operations, about
    bool vectors, branches, calls, floats, host_ops, raises;
    uint8_t *stubs;   // where stubs of host operations may be written, NULL for none of them
    ptrdiff_t stubs_exec_delta;
};

// Fills `region` (fresh from ir_region_init with test_slots). It ends by leaving for pc offset 0x10 or 0x20.
void random_region(struct ir_region *region, const struct random_options *options);

uint64_t random_next(uint64_t *seed);
// A value that is often near an edge.
uint64_t random_value(uint64_t *seed);
