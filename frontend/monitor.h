// SPDX-License-Identifier: MIT
// The monitor: a command line on a character device that looks at and controls the machine. Commands and their
// meaning are QEMU's. It runs on the I/O thread.
#pragma once

struct accel;
struct chardev;
struct machine;
struct monitor;
struct settings;

// `settings` must outlive it. `accel` may be NULL: then `info jit` and `info tlb` have nothing to tell.
struct monitor *monitor_create(struct machine *machine, struct accel *accel, const struct settings *settings,
                               struct chardev *chardev);
void monitor_destroy(struct monitor *monitor);
