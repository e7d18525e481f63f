// SPDX-License-Identifier: MIT
// The guest's symbols, where the options ask for names of its code.
#pragma once

#include "tcg/base/error.h"

struct perf_symbols;
struct settings;

// From -guest-symbols, or from the kernel when that is an ELF program; *symbols is NULL when neither has any or none are
// wanted. Free with perf_symbols_destroy.
int guest_symbols_load(const struct settings *settings, struct perf_symbols **symbols, struct error *error);
