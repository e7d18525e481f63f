// SPDX-License-Identifier: MIT
// Memory for generated code: one piece mapped twice, writable and executable, so that no address is both.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct exec_memory {
    uint8_t *write; // writable mapping
    uint8_t *exec;  // executable mapping of the same bytes
    size_t bytes;
};

// Maps `bytes` (a multiple of the page size). Negative errno with a message.
int exec_memory_create(struct exec_memory *memory, size_t bytes, struct error *error);
void exec_memory_destroy(struct exec_memory *memory);
