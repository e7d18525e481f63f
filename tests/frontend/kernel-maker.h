// SPDX-License-Identifier: MIT
// Makes the memory of a guest with a small kernel in it, of the layouts that Linux has had.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/kernel-finder.h"

enum maker_order { MAKER_BEFORE, MAKER_SEQUENCES, MAKER_BEHIND }; // up to 6.1; 6.2 and 6.3; from 6.4 on

struct maker {
    enum kernel_arch arch;
    enum maker_order order;
    bool absolute_percpu;
    bool unrelocated; // relative_base is still 0
    bool header;      // of AArch64 images
    unsigned exports; // variables that are in no other table, "export_000" and so on, 8 bytes apart
    unsigned symbols;
    uint64_t text; // where the kernel runs
};

enum { MAKER_RAM_BYTES = 8 << 20, MAKER_KERNEL_AT = 2 << 20, MAKER_KERNEL_BYTES = 4 << 20, MAKER_ABSOLUTE = 20, MAKER_DATA_AT = 3 << 20 };
static const uint64_t MAKER_RAM_AT = 0x40000000;

struct made {
    struct maker maker;
    uint8_t *ram;
    size_t kallsyms_at, kallsyms_end; // offsets in RAM
    size_t token_table_at, token_index_at, markers_at, names_at, num_syms_at, offsets_at, base_at;
    struct kernel_ram range;
    uint64_t hint;
    struct kernel_memory memory;
    unsigned reads, translations; // how much was asked for
};

struct made *maker_make(const struct maker *maker);
void maker_free(struct made *made);
// What the symbol of a number is; the first MAKER_ABSOLUTE are absolute with absolute_percpu.
void maker_symbol(const struct maker *maker, unsigned number, uint64_t *address, char *type, char name[600]);
