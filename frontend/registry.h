// SPDX-License-Identifier: MIT
// What is built into this program: machines, devices, accelerators and processor families, as plain lists.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tcg/base/error.h"

struct accel;
struct cpu_factory;
struct device_type;
struct machine_type;
struct perf_symbols;
struct property;
struct ui_type;

struct cpu_family {
    const char *arch; // matches machine_type.arch
    const struct cpu_factory *factory;
    void (*print_models)(FILE *out); // "  name  help" lines
    const char *const *models;       // ended by NULL
};

// What -accel NAME,property=value can say.
struct accel_options {
    uint32_t tb_size_mib;  // code buffer, 0: the accelerator's choice
    uint32_t max_insns;    // guest instructions in a block, 0: likewise
    bool one_insn_per_tb;
    bool tier2;
    uint32_t tier2_threshold, tier2_threads;
    bool verify;
    unsigned thread;
    unsigned kernel_irqchip; // enum kvm_irqchip_mode
    bool perfmap, jitdump; // options of their own, not properties
    const struct perf_symbols *symbols;
};

struct accel_type {
    const char *name, *help;
    const struct property *properties; // of struct accel_options
    struct accel *(*create)(const struct accel_options *options, struct error *error);
};

// Each list ends with a row without a name.
extern const struct machine_type *const registry_machines[];
extern const struct device_type *const registry_devices[];
extern const struct accel_type registry_accels[];
extern const struct cpu_family registry_cpu_families[];
extern const struct ui_type *const registry_uis[]; // ended by NULL
extern const char *const registry_default_ui;      // the window's name; NULL: this program was built without

// Lookups by name (aliases count). NULL with a message that suggests the nearest name.
const struct machine_type *registry_find_machine(const char *name, struct error *error);
const struct device_type *registry_find_device(const char *name, struct error *error);
const struct accel_type *registry_find_accel(const char *name, struct error *error);
const struct ui_type *registry_find_ui(const char *name, struct error *error);
// The machine that is made when none is named: of the architecture `qemu_arch` ("x86_64", "i386", "aarch64"), or of any if it
// is NULL. NULL when there are no machines of that architecture.
const struct machine_type *registry_default_machine(const char *qemu_arch);
// Whether a machine is one that a program named qemu-system-ARCH has; every machine is if qemu_arch is NULL.
bool registry_machine_fits(const struct machine_type *type, const char *qemu_arch);
// NULL when there is none for the architecture.
const struct cpu_family *registry_find_cpu_family(const char *arch);
