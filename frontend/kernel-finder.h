// SPDX-License-Identifier: MIT
// The Linux kernel that a guest runs, found by looking at its memory alone: no symbol file, no help from the guest. What is
// read may be half made or hostile: all of it is checked, and the work is bounded.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcg/base/error.h"

enum kernel_arch { KERNEL_ARM64, KERNEL_X86_64, KERNEL_I386 };

struct kernel_ram {
    uint64_t gpa, bytes;
};

// Page tables for the kernel's half of the address space: see kernel_tables_arm64 and kernel_tables_x86.
struct kernel_tables {
    uint64_t root;
    unsigned levels, page_log2, address_bits; // no levels: not known
};

// How to read the guest. It should stand still meanwhile.
struct kernel_memory {
    enum kernel_arch arch;
    // Where a virtual address lies by the page tables in use; false where nothing is mapped.
    bool (*translate)(void *opaque, uint64_t gva, uint64_t *gpa);
    bool (*read_physical)(void *opaque, uint64_t gpa, void *out, size_t bytes);
    void *opaque;
    // Of the same processor. With them, kernels are read also while it runs a program with page tables that leave them out.
    struct kernel_tables tables;
    const struct kernel_ram *ram;
    unsigned ram_count;
    // Virtual addresses that are likely to be the kernel's code: pc, and where exceptions and system calls enter it
    // (VBAR_EL1; MSR LSTAR, handlers in the IDT). Others do no harm. A 32-bit kernel that has moved itself is found by these
    // only.
    const uint64_t *hints;
    unsigned hint_count;
};

// From what the registers hold.
struct kernel_tables kernel_tables_arm64(uint64_t ttbr1_el1, uint64_t tcr_el1);
struct kernel_tables kernel_tables_x86(enum kernel_arch arch, uint64_t cr3, uint64_t cr4);
// A walk of these alone, and of the kernel's where these are a program's.
bool kernel_tables_translate(const struct kernel_memory *memory, uint64_t gva, uint64_t *gpa);

struct kernel_symbol {
    uint64_t address;
    const char *name;
    char type;         // as nm has it: T, t, D, ..; A is an offset into each CPU's own data
    bool exported;     // not in the kernel's own list of names, but among what modules can use
    uint16_t module;   // 1 + its number among the modules, 0 for the kernel itself
};

struct kernel_section {
    char name[64];
    uint64_t address;
};

struct kernel_region {
    uint64_t address, bytes;
    bool code;
    bool init; // goes when the module has started
};

enum { KERNEL_BUILD_ID_BYTES = 32 };

// The linker's number of a program, by which debuggers know the file with its debugging information. No bytes: not known.
struct kernel_build_id {
    uint8_t bytes[KERNEL_BUILD_ID_BYTES];
    unsigned size;
};

enum { KERNEL_MODULE_REGIONS = 8 };

struct kernel_module {
    char name[64];
    struct kernel_region regions[KERNEL_MODULE_REGIONS]; // its memory; the first is that of its code
    unsigned region_count;
    bool starts; // it has not started, or not all of that is done
    struct kernel_section *sections; // by address
    unsigned section_count;
    struct kernel_build_id build_id;
    char *names; // of its symbols
};

struct kernel_task {
    bool known;
    uint64_t address;
    uint32_t pid;
    char comm[17];
};

struct kernel_info {
    enum kernel_arch arch;
    char banner[512]; // "Linux version ...", without the newline
    char release[65]; // the banner's third word
    uint64_t text;    // where the kernel begins: _text
    uint64_t end;     // behind all of it
    uint64_t link_text, slide; // _text as it was linked, and how far it is from there, where that is known:
    bool slide_known;
    struct kernel_build_id build_id;
    struct kernel_section *sections; // by address, where its file has told; those that moved with it
    unsigned section_count;
    struct kernel_symbol *symbols; // by address, those of the modules that were read included
    size_t symbol_count;
    struct kernel_module *modules;
    unsigned module_count;
    const char *modules_missing; // why there are none, or NULL
    struct kernel_layout *layout;
    struct kernel_names *names;
};

// NULL while no kernel is there. Free with kernel_destroy.
struct kernel_info *kernel_find(const struct kernel_memory *memory);
void kernel_destroy(struct kernel_info *kernel);
// The kernel's own before a module's; NULL where no symbol has the name.
const struct kernel_symbol *kernel_symbol(const struct kernel_info *kernel, const char *name);

// Reads the modules that are loaded now, and their symbols, in place of those known before.
void kernel_read_modules(struct kernel_info *kernel, const struct kernel_memory *memory);
// The task that a CPU runs. `cpu` is its number as the kernel counts them, `hint` on AArch64 its SP_EL0 while it is at EL1,
// SP_EL1 while it is at EL0, and elsewhere of no interest.
struct kernel_task kernel_current_task(const struct kernel_info *kernel, const struct kernel_memory *memory, unsigned cpu,
                                       uint64_t hint);

// Takes the addresses that it was linked at from the contents of its vmlinux or System.map, for the slide, and a vmlinux's
// sections; `data` is from malloc and the callee's from now on. *same_build: that is known to be of this very build. -EINVAL
// with a message where those are of another kernel.
int kernel_read_link_addresses(struct kernel_info *kernel, uint8_t *data, size_t size, bool *same_build, struct error *error);

// ELF programs without contents whose symbols and sections are where they are now, for debuggers: of the kernel without its
// modules, and of one module, which begins at *address. NULL without memory for it, or where nothing is known of the module's
// place; free() it.
uint8_t *kernel_make_elf(const struct kernel_info *kernel, size_t *size);
uint8_t *kernel_make_module_elf(const struct kernel_info *kernel, unsigned number, size_t *size, uint64_t *address);
