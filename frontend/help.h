// SPDX-License-Identifier: MIT
// Help texts and shell completion, made from the tables of options, machines, devices, processors and log items.
#pragma once

#include <stdio.h>

#include "tcg/base/error.h"

struct settings;

#define LYREBIRD_VERSION "0.1.0"

// Prints what settings->help asks for. Negative errno with a message when that names something unknown.
int help_print(const struct settings *settings, FILE *out, struct error *error);
