// SPDX-License-Identifier: MIT
// Names of translated code for Linux perf, in either or both of the files that it understands.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct perf_records;
struct perf_symbols;

// Makes the files asked for: /tmp/perf-PID.map and jit-PID.dump in the working directory. `symbols` of the guest may be NULL;
// they must outlive the records. NULL with a message.
struct perf_records *perf_records_create(bool map, bool jitdump, const struct perf_symbols *symbols, struct error *error);
void perf_records_destroy(struct perf_records *records);
// `bytes` of code that can be read at `code` run at `address`: a part of the engine, or the block of guest code at `pc`. One
// caller at a time.
void perf_records_add_stub(struct perf_records *records, const char *name, const void *code, uint64_t address, size_t bytes);
void perf_records_add_block(struct perf_records *records, uint64_t pc, const void *code, uint64_t address, size_t bytes);
// All code is gone; its addresses will be used anew.
void perf_records_restart(struct perf_records *records);
