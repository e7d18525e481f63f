// SPDX-License-Identifier: MIT
// Semihosting calls ("Semihosting for AArch32 and AArch64", Arm): HLT #0xf000 with the operation in W0 and its argument in X1,
// as a rule the address of a block of 64-bit words. The result goes to X0. Private to target-arm.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arm_cpu;

// Whether HLT with this immediate is a call, of code at exception level `el`.
bool arm_semihost_is_call(const struct arm_cpu *cpu, unsigned immediate, unsigned el);

// An operation: its result, or an error number, negated. -EAGAIN: it is to be tried again after a look at what else there is to
// do.
typedef int64_t arm_semihost_fn(struct arm_cpu *cpu, uint64_t argument);

// semihost-files.c
arm_semihost_fn arm_semihost_open, arm_semihost_close, arm_semihost_write, arm_semihost_read, arm_semihost_is_tty,
    arm_semihost_seek, arm_semihost_flen, arm_semihost_tmpnam, arm_semihost_remove, arm_semihost_rename;

// --- guest memory, as the code that calls sees it (semihost-memory.c); false where it cannot be accessed ---

// Word `n` of a block.
bool arm_semihost_load(struct arm_cpu *cpu, uint64_t block, unsigned n, uint64_t *value);
bool arm_semihost_store(struct arm_cpu *cpu, uint64_t block, unsigned n, uint64_t value);
bool arm_semihost_copy_in(struct arm_cpu *cpu, uint64_t gva, void *data, size_t size);
bool arm_semihost_copy_out(struct arm_cpu *cpu, uint64_t gva, const void *data, size_t size);
// Memory at `gva` for as long as the call lasts, up to the end of its page: at most *size bytes, which then says how many. NULL
// where it is not RAM.
void *arm_semihost_host(struct arm_cpu *cpu, uint64_t gva, bool write, size_t *size);
