// SPDX-License-Identifier: MIT
// What the command line asks for, before anything is made of it. Options fill it in; machine-setup.c acts on it.
// All strings and lists live in the arena or in argv.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frontend/keyval.h"

// What to print and exit, instead of running a machine.
enum help_topic {
    HELP_NONE,
    HELP_OPTIONS,
    HELP_VERSION,
    HELP_COMPLETION,
    HELP_MACHINES,
    HELP_MACHINE, // the properties of settings.machine
    HELP_CPUS,
    HELP_DEVICES,
    HELP_DEVICE, // the properties of settings.help_name
    HELP_ACCELS,
    HELP_CHARDEVS,
    HELP_DISPLAYS,
    HELP_DISPLAY, // the properties of settings.help_name
    HELP_LOG,
};

// An option that can be given many times, in order.
struct setting_group {
    struct keyval_list *items;
    size_t count;
};

// -boot. Times in milliseconds; negative: not given.
struct boot_settings {
    const char *order, *once; // letters of kinds of drives; NULL: not given
    bool menu, strict;
    int64_t menu_wait_ms, retry_ms;
};

struct setting_names {
    const char **items;
    size_t count;
};

// -semihosting-config. NULL: not given.
struct semihosting_settings {
    bool enabled, userspace;
    const char *chardev, *root;
    struct setting_names arguments; // of the guest's program
};

struct settings {
    struct arena arena;
    const char *program;  // how it was started, without folders
    const char *qemu_arch; // "aarch64" when started as qemu-system-aarch64, else NULL
    enum help_topic help;
    const char *help_name;

    const char *machine;
    struct keyval_list machine_properties;
    const char *cpu; // model and features
    uint64_t cpus;   // 0: the machine's default
    uint64_t ram_bytes;
    struct setting_group accels; // in order of preference, each with "accel", which may be a list itself ("kvm:tcg"); none: the default
    const char *kernel_irqchip; // of the machine's properties, which is the accelerator's; NULL: not given

    const char *file; // without an option: to be looked at
    const char *kernel, *initrd, *append, *dtb, *bios;
    struct boot_settings boot;

    struct setting_group drives, devices, chardevs;
    bool snapshot; // unless a drive says otherwise
    struct setting_group board_devices; // made before `devices`: what short options and defaults mean
    const char *vga;                    // kind of display device; NULL: the machine's
    struct setting_names serials;
    const char *monitor;
    bool nographic, nodefaults;
    struct keyval_list display, vnc; // of -display and -vnc, with the "type"; empty: not given
    const char *keyboard_layout;     // NULL: keys are told by their places
    bool full_screen;
    uint8_t escape_character; // Ctrl-A

    bool no_reboot, no_shutdown, start_paused;
    const char *gdb; // where its server listens; NULL: nowhere
    const char *name, *uuid, *pidfile;
    uint32_t log_mask;
    const char *log_file;
    bool perfmap, jitdump;
    const char *guest_symbols;
    struct semihosting_settings semihosting;
};

void settings_init(struct settings *settings, const char *argv0);
void settings_free(struct settings *settings);
void setting_group_add(struct settings *settings, struct setting_group *group, struct keyval_list list);
void setting_names_add(struct settings *settings, struct setting_names *names, const char *name);
