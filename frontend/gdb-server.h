// SPDX-License-Identifier: MIT
// The GDB server: GDB's remote serial protocol (GDB manual, appendix E) on a character device, for GDB and LLDB. Everything in it
// runs on the I/O thread with the device lock.
#pragma once

#include "tcg/base/error.h"

struct accel;
struct chardev;
struct gdb;
struct guest_kernel;
struct machine;
struct settings;

// Takes `chardev` over, which it closes in the end. `settings` must outlive it.
struct gdb *gdb_create(struct machine *machine, struct accel *accel, const struct settings *settings,
                       struct guest_kernel *kernel, struct chardev *chardev);
void gdb_destroy(struct gdb *gdb); // NULL is fine
// Where `-gdb` and the monitor's `gdbserver` say: "tcp:[HOST]:PORT", "unix:PATH", "stdio"; options behind a comma.
int gdb_open(struct machine *machine, const char *where, struct chardev **chardev, struct error *error);
