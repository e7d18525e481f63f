// SPDX-License-Identifier: MIT
// What guests may ask of the host by semihosting, the debuggers' protocol of calls for bare-metal programs ("Semihosting for
// AArch32 and AArch64", Arm). A guest family decodes the calls; this is what the program offers for them.
//
// Calls come from vCPU threads, several at a time, with no lock held. Results that are negative are error numbers, negated.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct semihost;

struct semihost_ops {
    // The console of calls that name no handle. Output that finds no room for a second is lost.
    void (*console_write)(struct semihost *semihost, const void *data, size_t length);
    // A character. -EAGAIN: none came within some milliseconds, ask again; -EPIPE: none will.
    int (*console_read)(struct semihost *semihost);

    // A file, the console (":tt") or what there is beyond the basic calls (":semihosting-features"). The mode is the calls', 0 to
    // 11. A handle from 1 on.
    int (*open)(struct semihost *semihost, const char *name, unsigned mode);
    int (*close)(struct semihost *semihost, uint64_t handle);
    // How many bytes; 0 at the end of a file. From the console as many as there are; -EAGAIN as above.
    int64_t (*read)(struct semihost *semihost, uint64_t handle, void *data, size_t length);
    int64_t (*write)(struct semihost *semihost, uint64_t handle, const void *data, size_t length);
    int (*is_console)(struct semihost *semihost, uint64_t handle);
    int64_t (*length)(struct semihost *semihost, uint64_t handle);
    int (*seek)(struct semihost *semihost, uint64_t handle, uint64_t position);
    int (*remove)(struct semihost *semihost, const char *name);
    int (*rename)(struct semihost *semihost, const char *from, const char *to);
};

// Embedded as the first member by who implements it.
struct semihost {
    const struct semihost_ops *ops;
    bool userspace;           // unprivileged code may call too
    const char *command_line; // the program's
};
