// SPDX-License-Identifier: MIT
// What a guest is doing, in words for people who see nothing of it: for windows with an empty screen, and their titles.
#pragma once

#include <stddef.h>

struct machine;

// Why the guest does not run ("paused", "stopped at a breakpoint"); empty while it does. Any thread, no locks.
void guest_state_line(struct machine *machine, char *text, size_t size);
// A few lines: mode, pc and last exception of the first vCPUs, which are stopped for a moment. Any thread that is no vCPU's, no
// locks.
void guest_state_describe(struct machine *machine, char *text, size_t size);
