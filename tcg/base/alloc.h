// SPDX-License-Identifier: MIT
// Small allocations that never fail: they end the program with a message when memory is out. Not for sizes that a
// guest or a file chose; those use malloc and report.
#pragma once

#include <stddef.h>

// Zeroed memory for `count` objects of `size` bytes.
void *alloc_zeroed(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
// Like realloc for `count` objects; the new part is not initialised.
void *alloc_resize(void *old, size_t count, size_t size) __attribute__((warn_unused_result));
char *alloc_string(const char *text) __attribute__((malloc, warn_unused_result));
char *alloc_format(const char *format, ...) __attribute__((malloc, warn_unused_result, format(printf, 1, 2)));

#define ALLOC(type) ((type *)alloc_zeroed(1, sizeof(type)))
#define ALLOC_ARRAY(type, count) ((type *)alloc_zeroed((count), sizeof(type)))
