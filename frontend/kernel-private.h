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

// By the page tables in use or, where these do not say, the kernel's.
bool kernel_translate(const struct kernel_memory *memory, uint64_t gva, uint64_t *gpa);

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

// Makes the kernel end behind the page of an address at least.
void kernel_include(struct kernel_info *kernel, uint64_t address);

// --- structures (kernel-layout.c) ---

// Members of structures; `kernel-layout.c` has their names.
enum kernel_field {
    MODULE_LIST, MODULE_NAME, MODULE_SELF, MODULE_KALLSYMS, MODULE_SECTIONS,
    MODULE_CORE, MODULE_CORE_BYTES, MODULE_CORE_TEXT, MODULE_INIT, MODULE_INIT_BYTES, MODULE_INIT_TEXT, // up to 6.3
    MODULE_MEM, MODULE_MEM_BYTES, // from 6.4 on, of the first in a row
    KALLSYMS_SYMTAB, KALLSYMS_NUM_SYMTAB, KALLSYMS_STRTAB, KALLSYMS_TYPETAB,
    SECTIONS_COUNT, SECTIONS_FIRST, SECTION_NAME, SECTION_ADDRESS,
    TASK_PID, TASK_COMM, TASK_STACK, TASK_TASKS, TASK_SIGNAL, TASK_THREAD_NODE, SIGNAL_THREADS, RQ_CURR,
    KERNEL_FIELDS,
};
static const uint32_t KERNEL_NO_FIELD = UINT32_MAX;

struct kernel_layout {
    uint64_t gva, gpa, size; // the stretch of memory that the kernel lies in
    uint64_t modules_at;     // the list's head, where it was searched for and found
    uint32_t fields[KERNEL_FIELDS]; // offsets, KERNEL_NO_FIELD where this kernel has none
    uint32_t memory_bytes, section_bytes; // of an element of each row
};

// Notes where the kernel is and how its structures look.
bool kernel_layout_read(struct kernel_image *image, struct kernel_info *kernel, size_t from);
bool kernel_has_fields(const struct kernel_info *kernel, const enum kernel_field *fields, unsigned count);
// Reads memory of the kernel, also what the page tables in use leave out, as far as it can be known.
bool kernel_read(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, void *out,
                 size_t bytes);
// A pointer or other word of the kernel's size.
bool kernel_read_word(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, uint64_t *value);
// A text of at most size - 1 characters, all of them printable; false for others.
bool kernel_read_text(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, char *out,
                      size_t size);

// --- files (kernel-file.c) ---

struct kernel_file {
    struct kernel_section *sections; // by address as linked: those in memory; free()
    unsigned section_count;
    struct kernel_build_id build_id;
};

// False: it is no ELF file, or damaged.
bool kernel_file_read(const uint8_t *data, size_t size, struct kernel_file *file);
void kernel_sort_sections(struct kernel_section *sections, unsigned count);

// --- build ids (kernel-notes.c) ---

// Finds it among notes, as a file and memory have them. False: there is none.
bool kernel_parse_build_id(const uint8_t *notes, size_t bytes, struct kernel_build_id *id);
// Finds the one of a kernel somewhere in a copy of it, whose pages are those of the memory.
void kernel_find_build_id(const uint8_t *bytes, size_t size, struct kernel_build_id *id);
bool kernel_same_build(const struct kernel_build_id *a, const struct kernel_build_id *b); // known of both

// --- modules (kernel-modules.c) ---

void kernel_modules_free(struct kernel_info *kernel);

// --- tasks (kernel-tasks.c) ---

// For kernels that do not describe their structures: where the first task has its name and number.
void kernel_tasks_guess(const struct kernel_image *image, struct kernel_info *kernel);
