// SPDX-License-Identifier: MIT
// Makes the machine that the settings ask for, ready to run, and takes it apart again.
#pragma once

#include "tcg/base/error.h"

struct accel;
struct displays;
struct gdb;
struct guest_kernel;
struct machine;
struct monitor;
struct perf_symbols;
struct settings;

struct setup {
    struct machine *machine;
    struct accel *accel;
    struct monitor *monitor;
    struct guest_kernel *kernel;
    struct displays *displays;    // windows and servers of the screen; NULL: none
    struct gdb *gdb;              // the GDB server; NULL: none
    struct perf_symbols *symbols; // of the guest, for perf; NULL: none
};

// On failure everything made so far is undone. `settings` must outlive the machine.
int setup_create(struct setup *setup, struct settings *settings, struct error *error);
// vCPU threads must have ended.
void setup_destroy(struct setup *setup);
