// SPDX-License-Identifier: MIT
// From the settings to the accelerator.
#pragma once

#include "tcg/base/error.h"

struct accel;
struct machine;
struct perf_symbols;
struct settings;

// Makes the first of the accelerators asked for that works on this host, ready for the machine, which has its CPU factory. Where
// there was a choice, one line on stderr says which it is and what was wrong with those before it. Negative errno with a message.
int accel_setup(struct machine *machine, const struct settings *settings, const struct perf_symbols *symbols,
                struct accel **accel, struct error *error);
