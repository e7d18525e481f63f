// SPDX-License-Identifier: MIT
// The `microvm` machine.
#pragma once

#include "hw/core/machine.h"

extern const struct machine_type microvm_type;
