// SPDX-License-Identifier: MIT
// The monitor: a command line, on a character device or of a debugger, that looks at and controls the machine. Commands and their
// meaning are QEMU's. It runs on the I/O thread.
#pragma once

struct accel;
struct chardev;
struct gdb;
struct guest_kernel;
struct machine;
struct monitor;
struct settings;

// `settings` must outlive it. `accel` may be NULL: then `info jit` and `info tlb` have nothing to tell; so may `chardev`, for
// commands that come by monitor_run alone. `kernel`
// knows symbols of the guest; NULL: nobody does. *gdb is the GDB server, which `gdbserver` replaces; NULL: that is not offered.
struct monitor *monitor_create(struct machine *machine, struct accel *accel, const struct settings *settings,
                               struct guest_kernel *kernel, struct chardev *chardev, struct gdb **gdb);
void monitor_destroy(struct monitor *monitor);
// Runs one line and returns what it prints (free it). With the device lock, which it may let go of meanwhile.
char *monitor_run(struct monitor *monitor, const char *line);
// The vCPU that commands look at.
void monitor_choose_cpu(struct monitor *monitor, unsigned index);
