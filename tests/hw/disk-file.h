// SPDX-License-Identifier: MIT
// Disk images for tests: sector n of `sector` bytes starts with its number.
#pragma once

#include "bare-machine.h"

// A backend called `id` of the machine, over a temporary file that is unlinked at once.
struct block_backend *disk_file(struct machine *machine, const char *id, unsigned sectors, unsigned sector,
                                bool readonly);
