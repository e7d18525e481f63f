// SPDX-License-Identifier: MIT
// What the monitor's commands share. A command writes to monitor->out; the text is sent when it returns.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "frontend/line-editor.h"
#include "hw/core/machine.h"

struct accel;
struct chardev;
struct gdb;
struct guest_kernel;
struct machine;
struct monitor_input;
struct settings;
struct vcpu;

struct monitor {
    struct machine *machine;
    struct accel *accel;
    const struct settings *settings;
    struct guest_kernel *kernel; // NULL: none
    struct chardev *chardev; // NULL: none
    struct machine_listener listener;
    struct gdb **gdb;        // NULL: not to be touched
    struct line_editor editor;
    unsigned cpu_index; // chosen by `cpu`
    FILE *out;          // of the command that runs
    char *pending;      // output that the device has not taken yet
    size_t pending_length, pending_sent;
    struct monitor_input *input; // of monitor-input.c; NULL: not used yet
};

// `arguments` has no blanks around it; "" when there are none.
typedef void monitor_command_fn(struct monitor *monitor, const char *arguments);

struct monitor_command {
    const char *name, *alias, *arguments, *help;
    bool stops_cpus; // runs with all vCPUs stopped and without the device lock
    monitor_command_fn *run;
};

// Tables ended by a NULL name.
extern const struct monitor_command monitor_commands[];
extern const struct monitor_command monitor_infos[];

// Runs one command of a table, or says what is wrong. `prefix` ("info ") is for messages.
void monitor_dispatch(struct monitor *monitor, const struct monitor_command *table, const char *prefix,
                      const char *line);
void monitor_print_help(struct monitor *monitor, const struct monitor_command *table, const char *prefix);
struct vcpu *monitor_cpu(struct monitor *monitor); // the chosen one, NULL when there is none

// A number, $REGISTER or symbol, with more added or taken away: "$pc - 16", "start_kernel+0x20".
bool monitor_parse_address(struct monitor *monitor, const char *text, uint64_t *address);
// The address, and the symbol that it is near.
void monitor_print_address(struct monitor *monitor, uint64_t address);
// Why a held vCPU has stopped.
void monitor_describe_stop(struct monitor *monitor, const struct vcpu *cpu);

// monitor-memory.c: x and xp; `format` is what stands behind the slash.
monitor_command_fn monitor_x, monitor_xp;
// monitor-debug.c
monitor_command_fn monitor_break, monitor_watch, monitor_delete, monitor_catch, monitor_info_breakpoints, monitor_info_walk,
    monitor_info_pg, monitor_info_exceptions;
// monitor-input.c
monitor_command_fn monitor_sendkey, monitor_mouse_move, monitor_mouse_position, monitor_mouse_button;
void monitor_input_end(struct monitor *monitor); // lets go of what is held
// monitor-screen.c
monitor_command_fn monitor_screendump, monitor_info_displays, monitor_info_screen;
// monitor-uefi.c
monitor_command_fn monitor_info_images;
// monitor-kernel.c
monitor_command_fn monitor_info_kernel, monitor_info_cpus;
