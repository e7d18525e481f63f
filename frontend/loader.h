// SPDX-License-Identifier: MIT
// Puts what the user wants started into guest memory: kernel, initrd, command line, firmware, device tree.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct settings;

// Between machine_build and machine_finish: adds the blobs and fills in machine->boot.
int loader_load(struct machine *machine, struct settings *settings, struct error *error);
// After machine_finish, with -dtb: puts the user's device tree in place of the board's, with the command line, the
// initrd and the memory of this machine filled in.
int loader_load_dtb(struct machine *machine, const struct settings *settings, struct error *error);
