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
    unsigned exports; // an even number of variables in no other table, MAKER_EXPORT_BYTES apart
    unsigned modules; // with a description of structures, and tasks
    unsigned symbols;
    uint64_t text; // where the kernel runs
};

enum {
    MAKER_RAM_BYTES = 8 << 20,
    MAKER_KERNEL_AT = 2 << 20,
    MAKER_KERNEL_BYTES = 4 << 20,
    MAKER_DATA_AT = 3 << 20, // in the kernel
    MAKER_BANNER_AT = 0x80008,
    MAKER_EXPORT_BYTES = 16,
    MAKER_ABSOLUTE = 20,
    MAKER_HEAP_AT = 7 << 20,
    MAKER_HEAP_BYTES = 1 << 20,
    MAKER_MODULE_BYTES = 0x4000,
    MAKER_FIRST_TASK = 0x90000, // in the heap
    MAKER_FIRST_STACK = 0xa0000,
};
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

// The heap, which is mapped elsewhere than the kernel.
uint64_t maker_heap(const struct maker *maker);
void maker_fill_heap(struct made *made);
// The export's name: "__per_cpu_offset", "export_001" and so on, "init_task".
void maker_export(const struct maker *maker, unsigned number, char name[20]);
struct made *maker_make(const struct maker *maker);
void maker_free(struct made *made);
// What the symbol of a number is; the first MAKER_ABSOLUTE are absolute with absolute_percpu.
void maker_symbol(const struct maker *maker, unsigned number, uint64_t *address, char *type, char name[600]);
