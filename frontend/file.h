// SPDX-License-Identifier: MIT
// Reading whole files that the user named.
#pragma once

#include <stdint.h>

#include "tcg/base/error.h"

// Opens a regular file for reading: its descriptor, and its size in *total; or a negative errno. `what` ("kernel") and the path
// open the message: no such file, a directory, for file_read too large for what it is for.
int file_open(const char *what, const char *path, uint64_t *total, struct error *error);
// The contents of a regular file of at most `limit` bytes, in memory for the caller to free; the same errors.
int file_read(const char *what, const char *path, uint64_t limit, uint8_t **data, uint64_t *size, struct error *error);
// The first `limit` bytes, or fewer; the same errors, but any size is fine. *size is what was read, *total the file's.
int file_peek(const char *what, const char *path, void *buffer, uint64_t limit, uint64_t *size, uint64_t *total,
              struct error *error);
