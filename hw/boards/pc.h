// SPDX-License-Identifier: MIT
// The PC machines: `pc` (i440FX with PIIX3 and PIIX4) and `q35` (with ICH9).
#pragma once

#include "hw/core/machine.h"

// Where a Linux kernel that is started after firmware finds its command line.
enum { PC_COMMAND_LINE_GPA = 0x20000 };

extern const struct machine_type pc_type;
extern const struct machine_type q35_type;
