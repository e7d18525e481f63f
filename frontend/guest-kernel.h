// SPDX-License-Identifier: MIT
// The kernel that the guest of a machine runs, as its memory shows it (kernel-finder.h): looked for when somebody asks, and kept
// as long as it stays where it is. On the I/O thread with the device lock, unless said otherwise; with all vCPUs out of run().
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct guest_kernel;
struct kernel_info;
struct kernel_ram;
struct kernel_task;
struct machine;
struct vcpu;

// `symbols_path` is of a file with the addresses that the kernel was linked at (vmlinux, System.map), or NULL; `kernel_path`
// is of what was loaded, or NULL, and a vmlinux that it was made of may be near.
struct guest_kernel *guest_kernel_create(struct machine *machine, const char *symbols_path, const char *kernel_path);
void guest_kernel_destroy(struct guest_kernel *kernel); // NULL is fine

// What runs now, with its modules; looked for if need be, from where the vCPU is. NULL: there is none yet, or none that is known.
// The result is good until the next call of any of these.
const struct kernel_info *guest_kernel_find(struct guest_kernel *kernel, struct vcpu *cpu);
// The same, if it is known already: fast.
const struct kernel_info *guest_kernel_known(const struct guest_kernel *kernel);
// Count finds of a kernel at another place than before, and changes of its modules.
uint64_t guest_kernel_generation(const struct guest_kernel *kernel);
uint64_t guest_kernel_modules_generation(const struct guest_kernel *kernel);
// The path of the kernel's own ELF file on this host; NULL where none is known to be of the very build that runs.
const char *guest_kernel_file(const struct guest_kernel *kernel);
bool guest_kernel_task(struct guest_kernel *kernel, struct vcpu *cpu, struct kernel_task *task);

// "NAME", or "NAME+OFFSET" by guest_kernel_print. False: there is no such symbol.
bool guest_kernel_address(const struct guest_kernel *kernel, const char *name, size_t length, uint64_t *address);
void guest_kernel_print(const struct guest_kernel *kernel, uint64_t address, FILE *out);

// The machine's RAM, at most `limit` ranges of it; how many there are.
unsigned guest_kernel_ram(const struct machine *machine, struct kernel_ram *ram, unsigned limit);
