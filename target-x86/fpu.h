// SPDX-License-Identifier: MIT
// x87 and SSE state: reset, and the images that FXSAVE and its like write. Private to target-x86.
#pragma once

#include "target-x86/cpu.h"

void x86_fpu_reset(struct x86_cpu *cpu);
