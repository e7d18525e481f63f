// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

// Whether this host can make virtual machines; says on stderr why not.
bool has_kvm(void);
