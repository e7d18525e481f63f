// SPDX-License-Identifier: MIT
// The host's side of semihosting (hw/core/semihost.h): a console, and files below one folder that the user names, or none.
#pragma once

#include "tcg/base/error.h"

struct machine;
struct settings;

// Before machine_build and after chardevs are there: sets machine->semihost when -semihosting asks for it.
int semihost_create(struct machine *machine, const struct settings *settings, struct error *error);
// Before machine_destroy. vCPU threads must have ended.
void semihost_destroy(struct machine *machine);
