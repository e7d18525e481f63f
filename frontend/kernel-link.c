// SPDX-License-Identifier: MIT
// How far a kernel is from where it was linked, by a file that has the addresses it was linked at. All of it moves by the
// same distance, so that a file of another kernel is noticed.
#include "frontend/kernel-finder.h"

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

int kernel_read_link_addresses(struct kernel_info *kernel, const uint8_t *data, size_t size, struct error *error)
{
    uint8_t *copy = malloc(size + 1); // for the parser to keep
    if (!copy)
        return error_set(error, ENOMEM, "no memory for %zu bytes of symbols", size);
    memcpy(copy, data, size);
    struct perf_symbols *file = perf_symbols_parse(copy, size, error);
    int status = file ? take(kernel, file, error) : -EINVAL;
    perf_symbols_destroy(file);
    return status;
}
