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

// Fields of arm_debug_space's value.
#define ARM_DEBUG_SPACE_TABLES UINT64_C(0x0000fffffffffffe)
#define ARM_DEBUG_SPACE_ID UINT64_C(0xffff000000000000)
uint64_t arm_debug_space(const struct vcpu *cpu);
void arm_debug_print_walk(struct vcpu *cpu, uint64_t gva, FILE *out);
bool arm_debug_next_mapping(struct vcpu *cpu, uint64_t gva, struct debug_mapping *mapping);

void arm_debug_describe_exception(const struct debug_exception *exception, char *text, size_t size);
bool arm_debug_find_exception(const char *word, uint32_t *class);
uint32_t arm_debug_exception_class(const struct debug_exception *exception);

void arm_debug_print_irq(struct vcpu *cpu, FILE *out); // gdb-interrupts.c

// "translation fault, level 2" and so on, of a DFSC or IFSC.
const char *arm_debug_fault_name(uint32_t status);
