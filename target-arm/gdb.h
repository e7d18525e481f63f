// SPDX-License-Identifier: MIT
// What debuggers and the monitor see of an AArch64 processor (hw/core/debug.h): registers in gdb-registers.c, page walks in
// gdb-walk.c, exceptions in gdb-exceptions.c. Private to target-arm.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hw/core/debug.h"

struct arm_cpu;

extern const struct debug_ops arm_debug_ops;

// Makes cpu->debug_view, for a model that has been applied. Freed by free().
void arm_debug_view_create(struct arm_cpu *cpu);

// GDB's types, as XML elements (gdb-types.c).
extern const char arm_gdb_core_types[], arm_gdb_fpu_types[], arm_gdb_system_types[];

// Entries of struct debug_ops.
bool arm_debug_read(struct vcpu *cpu, const struct debug_view *view, const struct debug_register *reg, uint8_t *bytes);
bool arm_debug_write(struct vcpu *cpu, const struct debug_view *view, const struct debug_register *reg,
                     const uint8_t *bytes);
