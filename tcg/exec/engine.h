// SPDX-License-Identifier: MIT
// The translating accelerators: `tcg` (host code) and `interp` (the same IR, interpreted).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/accel.h"

struct perf_symbols;
struct tcg_cpu;

// What the program offers as -accel tcg and -accel interp.
extern const struct accel_ops tcg_accel_ops;
extern const struct accel_ops interp_accel_ops;

struct tcg_options {
    uint32_t code_mib;     // size of the code buffer, 8..2047
    uint32_t max_insns;    // guest instructions in a block, 1..512
    uint32_t host_features; // mask of host features to use
    bool tier2;            // compile regions of code that has run hot
    uint32_t tier2_threshold; // entries of a block before it is hot; 1: regions at once, of all that hangs together
    uint32_t tier2_threads;   // that compile regions, 0..4; 0: the vCPU's own
    bool verify;           // check the IR of every block
    bool perfmap, jitdump; // files for perf: see tcg/exec/perf-records.h
    const struct perf_symbols *perf_symbols; // for them; NULL or outliving the accelerator
};

// An accelerator with these options; `options` NULL for the defaults. Free with its ops' destroy.
struct accel *tcg_accel_create(const struct accel_ops *ops, const struct tcg_options *options);
struct tcg_options tcg_default_options(void);
