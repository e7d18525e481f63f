// SPDX-License-Identifier: MIT
// Opens the disk images of -drive.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct settings;

// Before machine_build: adds each drive to machine->backends, pflash ones to machine->flashes, and for if=virtio a
// device to settings->devices.
int drives_create(struct machine *machine, struct settings *settings, struct error *error);
