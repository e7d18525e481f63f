// SPDX-License-Identifier: MIT
// Makes the host's side of serial ports and the monitor from -chardev, -serial, -monitor and -nographic.
#pragma once

#include "tcg/base/error.h"

struct chardev;
struct machine;
struct settings;

// Before machine_build: fills in machine->serials and adds everything to machine->backends, which close it.
// *monitor is what the monitor is to listen on, NULL for nowhere.
int consoles_create(struct machine *machine, const struct settings *settings, struct chardev **monitor,
                    struct error *error);
