// SPDX-License-Identifier: MIT
// The guest's symbols by address, from a file that is not trusted: an ELF program or what nm prints (System.map).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct perf_symbols;

// Reads a file of `size` bytes in `data`, from malloc, which is the callee's from now on. NULL with a message when there are
// no symbols of code in it.
struct perf_symbols *perf_symbols_parse(uint8_t *data, uint64_t size, struct error *error);
void perf_symbols_destroy(struct perf_symbols *symbols);
// The name of the symbol that covers `address`, and how far behind its start that is; NULL when there is none. `symbols` may be
// NULL. The name holds whatever the file does.
const char *perf_symbols_find(const struct perf_symbols *symbols, uint64_t address, uint64_t *offset);
// The address of the first symbol of a name.
bool perf_symbols_address(const struct perf_symbols *symbols, const char *name, uint64_t *address);
