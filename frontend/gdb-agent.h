// SPDX-License-Identifier: MIT
// Agent expressions: the bytecode in which GDB hands over conditions of breakpoints (GDB manual, appendix F).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where an expression finds what it asks for.
struct gdb_agent_access {
    bool (*read_register)(void *opaque, unsigned number, uint64_t *value);
    bool (*read_memory)(void *opaque, uint64_t address, void *out, size_t length);
    void *opaque;
};

// Evaluates an expression; its value is the top of the stack at the end. False when it cannot be: it asks for what is not there,
// divides by zero, takes too long, or is none.
bool gdb_agent_evaluate(const uint8_t *code, size_t length, const struct gdb_agent_access *access, uint64_t *value);
