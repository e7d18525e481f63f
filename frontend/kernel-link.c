// SPDX-License-Identifier: MIT
// How far a kernel is from where it was linked, by a file that has the addresses it was linked at. All of it moves by the
// same distance, so that a file of another kernel is noticed.
#include "frontend/kernel-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/exec/perf-symbols.h"

static int take(struct kernel_info *kernel, const struct perf_symbols *file, struct error *error)
{
    // Functions that every kernel has, far from each other.
    static const char *const names[] = {"start_kernel", "kernel_init", "rest_init", "schedule", "do_exit",
                                        "vfs_read",     "vfs_write",   "kfree",     "printk",   "panic"};
    uint64_t slide = 0;
    bool known = false;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        const struct kernel_symbol *symbol = kernel_symbol(kernel, names[i]);
        uint64_t linked;
        if (!symbol || symbol->module || !perf_symbols_address(file, names[i], &linked))
            continue;
        if (known && symbol->address - linked != slide)
            return error_set(error, EINVAL, "it is of another kernel than %s, which runs", kernel->release);
        slide = symbol->address - linked;
        known = true;
    }
    if (!known)
        return error_set(error, EINVAL, "it has none of the functions that every Linux kernel has, such as start_kernel");
    kernel->slide_known = true;
    kernel->slide = slide;
    kernel->link_text = kernel->text - slide;
    return 0;
}

// Not each CPU's own data, whose addresses count from there.
static void take_sections(struct kernel_info *kernel, struct kernel_file *file)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < file->section_count; i++) {
        struct kernel_section section = file->sections[i];
        section.address += kernel->slide;
        if (section.address >= kernel->text && section.address < kernel->end)
            file->sections[kept++] = section;
    }
    free(kernel->sections);
    kernel->sections = file->sections;
    kernel->section_count = kept;
    file->sections = NULL;
}

int kernel_read_link_addresses(struct kernel_info *kernel, uint8_t *data, size_t size, bool *same_build, struct error *error)
{
    struct kernel_file file;
    bool elf = kernel_file_read(data, size, &file);
    *same_build = elf && kernel_same_build(&file.build_id, &kernel->build_id);
    int status = 0;
    if (!*same_build && elf && file.build_id.size && kernel->build_id.size) {
        status = error_set(error, EINVAL, "it is of another build than %s, which runs", kernel->release);
        free(data);
    } else {
        struct perf_symbols *symbols = perf_symbols_parse(data, size, error);
        status = symbols ? take(kernel, symbols, error) : -EINVAL;
        perf_symbols_destroy(symbols);
    }
    if (elf && !status)
        take_sections(kernel, &file);
    free(file.sections);
    return status;
}
