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

void arm_debug_describe_exception(const struct debug_exception *exception, char *text, size_t size);
bool arm_debug_find_exception(const char *word, uint32_t *class);
uint32_t arm_debug_exception_class(const struct debug_exception *exception);

// "translation fault, level 2" and so on, of a DFSC or IFSC.
const char *arm_debug_fault_name(uint32_t status);
