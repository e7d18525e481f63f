// SPDX-License-Identifier: MIT
// Puts what the user wants started into guest memory: kernel, initrd, command line, firmware, device tree.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct settings;

// Between machine_build and machine_finish: adds the blobs and fills in machine->boot.
int loader_load(struct machine *machine, const struct settings *settings, struct error *error);
