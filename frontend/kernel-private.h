// SPDX-License-Identifier: MIT
// What the parts of the kernel finder share: a copy of the memory where a kernel may be, and the tables found in it.
#pragma once

#include "frontend/kernel-finder.h"

// --- the image (kernel-image.c) ---

// A stretch of guest memory, copied from its start on as far as it was asked for. The kernel lies in one piece, virtually
// as physically.
struct kernel_image {
    const struct kernel_memory *memory;
    uint64_t gpa, gva; // where it begins; gva counts only when known
    bool gva_known;
    bool headed; // it begins with the kernel's header, at _text
    size_t size, loaded;
    uint8_t *bytes;
};

enum { KERNEL_MAX_PLACES = 4 };

// Where a kernel may be, the likeliest first; nothing is copied yet. Returns how many places there are.
unsigned kernel_image_places(const struct kernel_memory *memory, struct kernel_image places[KERNEL_MAX_PLACES]);
// Copies on up to that offset, or to the end. False without memory for it.
bool kernel_image_load(struct kernel_image *image, size_t until);
void kernel_image_free(struct kernel_image *image);
// Where a virtual address is in a loaded image with `bytes` behind it.
bool kernel_image_find(const struct kernel_image *image, uint64_t gva, size_t bytes, size_t *offset);
// Whether an address is where this architecture's kernels keep their code and data.
bool kernel_address(enum kernel_arch arch, uint64_t gva);
// What AArch64 kernels begin with: its size, 0 where there is no such thing at that address.
uint64_t kernel_image_header(const struct kernel_memory *memory, uint64_t gpa);

static inline unsigned kernel_word(enum kernel_arch arch)
{
    return arch == KERNEL_I386 ? 4 : 8;
}

// --- names (kernel-kallsyms.c, kernel-exports.c) ---

// Texts of symbols; they do not move.
struct kernel_names {
    struct kernel_names *next;
    size_t bytes;
    char text[];
};

// Memory for texts that goes with the kernel; NULL without.
char *kernel_names_add(struct kernel_info *kernel, size_t bytes);

// Finds the table of symbols and fills in the kernel's. *at is where it was.
bool kernel_kallsyms_read(struct kernel_image *image, struct kernel_info *kernel, size_t *at);
// Finds the variables that modules can use, behind `from`, and adds them to the kernel's symbols.
void kernel_exports_read(struct kernel_image *image, struct kernel_info *kernel, size_t from);
// Puts these among the kernel's symbols, behind others at the same address; sorts them. False without memory for it.
bool kernel_add_symbols(struct kernel_info *kernel, struct kernel_symbol *symbols, size_t count);
