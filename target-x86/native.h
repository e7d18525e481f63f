// SPDX-License-Identifier: MIT
// SIMD instructions done by the host's own: a *stub* is the guest's instruction with its operands moved to fixed registers,
// followed by RET. Private to target-x86.
//
// ModRM.reg becomes register 0, VEX.vvvv 1, ModRM.rm 2 (or memory at RDI), imm8[7:4] 3. The host's MXCSR is the guest's
// while translated code runs, so results and flags are right by construction.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-x86/cpu.h"
#include "target-x86/decode.h"
#include "tcg/base/error.h"
#include "tcg/host-op.h"

struct x86_native;
struct x86_native *x86_native_create(struct error *error);
void x86_native_destroy(struct x86_native *native);

// Where the stub for a decoded instruction is. There are fewer instructions than room for stubs.
uint64_t x86_native_stub(struct x86_native *native, const struct x86_decoded *in);
// The same for an operation of the IR.
uint64_t x86_native_op(struct x86_native *native, struct host_op op);
// Whether the instruction needs VEX.W or REX.W.
bool x86_native_wide(const struct x86_decoded *in);
// Runs one; with `mmx`, MMX registers are loaded too, and the x87 state is lost.
void x86_native_run(struct host_frame *frame, uint64_t stub, bool mmx);
// Whether the host has a feature.
bool x86_native_has(enum x86_feature feature);
