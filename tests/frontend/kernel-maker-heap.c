// SPDX-License-Identifier: MIT
// Modules and tasks in a made kernel's memory, and the description of their structures. All are of 64 bits.
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel-maker.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MODULE_LIST = 8, MODULE_NAME = 24, MODULE_KOBJECT = 80, KOBJECT_SELF = 16, MODULE_KALLSYMS = 112, MODULE_SECTIONS = 120,
    MODULE_MEMORY = 128, MEMORY_BYTES = 32,
    TASK_STACK = 0x18, TASK_TASKS = 0x20, TASK_SIGNAL = 0x30, TASK_PID = 0x40, TASK_THREADS = 0x50, TASK_COMM = 0x60,
    RQ_CURR = 0x10, PERCPU_AT = 0x80000, PERCPU_BYTES = 0x1000, SIGNAL_AT = 0x98000, SIGNAL_THREADS = 0x20,
    TASK_BYTES = 0x1000, STACK_BYTES = 0x4000, HEAD_AT = MAKER_DATA_AT + 0x1000, BTF_AT = 0x280000,
};

uint64_t maker_heap(const struct maker *maker)
{
    return maker->text + (64 << 20);
}

// --- the description ---

struct member {
    const char *name;
    unsigned offset, type;
};

struct description {
    uint8_t types[4096], strings[4096];
    size_t types_bytes, strings_bytes;
};

static uint32_t string(struct description *d, const char *text)
{
    if (!*text)
        return 0;
    char key[64];
    size_t length = (size_t)sprintf(key + 1, "%s", text) + 2;
    key[0] = 0;
    uint8_t *found = memmem(d->strings, d->strings_bytes, key, length);
    if (found)
        return (uint32_t)(found + 1 - d->strings);
    uint32_t at = (uint32_t)d->strings_bytes;
    strcpy((char *)d->strings + at, text);
    d->strings_bytes += length - 1;
    return at;
}

static void put(struct description *d, uint32_t value)
{
    store_le32(d->types + d->types_bytes, value);
    d->types_bytes += 4;
}

static void put_struct(struct description *d, const char *name, unsigned bytes, const struct member *members, unsigned count)
{
    put(d, string(d, name));
    put(d, 4u << 24 | count);
    put(d, bytes);
    for (unsigned i = 0; i < count; i++) {
        put(d, string(d, members[i].name));
        put(d, members[i].type);
        put(d, members[i].offset * 8);
    }
}

static void put_array(struct description *d, unsigned of)
{
    put(d, 0);
    put(d, 3u << 24);
    put(d, 0);
    put(d, of);
    put(d, 1);
    put(d, 7);
}

static void describe(struct made *made)
{
    enum { WORD = 1, KOBJECT, LAYOUT, MEMORY, MEMORIES, ATTRIBUTE, BINARY, SECTION, SECTIONS, INNER };
    struct description d = {.strings_bytes = 1};
    put(&d, string(&d, "word"));
    put(&d, 1u << 24);
    put(&d, 8);
    put(&d, 64);
    put_struct(&d, "module_kobject", 24, (struct member[]){{"mod", KOBJECT_SELF, WORD}}, 1);
    put_struct(&d, "module_layout", MEMORY_BYTES,
               (struct member[]){{"base", 0, WORD}, {"size", 8, WORD}, {"text_size", 12, WORD}}, 3);
    put_struct(&d, "module_memory", MEMORY_BYTES, (struct member[]){{"base", 0, WORD}, {"size", 8, WORD}}, 2);
    put_array(&d, MEMORY);
    put_struct(&d, "attribute", 8, (struct member[]){{"name", 0, WORD}}, 1);
    put_struct(&d, "bin_attribute", 16, (struct member[]){{"attr", 0, ATTRIBUTE}}, 1);
    put_struct(&d, "module_sect_attr", 24, (struct member[]){{"battr", 0, BINARY}, {"address", 16, WORD}}, 2);
    put_array(&d, SECTION);
    // Some members are in a structure without a name, as randomised ones are.
    put_struct(&d, "", 0, (struct member[]){{"stack", 0, WORD}, {"tasks", TASK_TASKS - TASK_STACK, WORD}}, 2);
    struct member module[] = {{"list", MODULE_LIST, WORD}, {"name", MODULE_NAME, WORD}, {"mkobj", MODULE_KOBJECT, KOBJECT},
                              {"kallsyms", MODULE_KALLSYMS, WORD}, {"sect_attrs", MODULE_SECTIONS, WORD},
                              {"core_layout", MODULE_MEMORY, LAYOUT}, {"init_layout", MODULE_MEMORY + MEMORY_BYTES, LAYOUT}};
    bool rows = made->maker.order == MAKER_BEHIND;
    if (rows)
        module[5] = (struct member){"mem", MODULE_MEMORY, MEMORIES};
    put_struct(&d, "module", 0x200, module, rows ? 6 : 7);
    put_struct(&d, "mod_kallsyms", 32,
               (struct member[]){{"symtab", 0, WORD}, {"num_symtab", 8, WORD}, {"strtab", 16, WORD}, {"typetab", 24, WORD}},
               4);
    put_struct(&d, "module_sect_attrs", 16, (struct member[]){{"nsections", 8, WORD}, {"attrs", 16, SECTIONS}}, 2);
    put_struct(&d, "task_struct", TASK_BYTES,
               (struct member[]){{"", TASK_STACK, INNER},
                                 {"signal", TASK_SIGNAL, WORD},
                                 {"pid", TASK_PID, WORD},
                                 {"thread_node", TASK_THREADS, WORD},
                                 {"comm", TASK_COMM, WORD}},
               5);
    put_struct(&d, "signal_struct", 64, (struct member[]){{"thread_head", SIGNAL_THREADS, WORD}}, 1);
    put_struct(&d, "rq", 64, (struct member[]){{"curr", RQ_CURR, WORD}}, 1);
    uint8_t *out = made->ram + MAKER_KERNEL_AT + BTF_AT;
    store_le32(out, 0x1eb9f);
    store_le32(out + 4, 24);
    store_le32(out + 8, 0);
    store_le32(out + 12, (uint32_t)d.types_bytes);
    store_le32(out + 16, (uint32_t)d.types_bytes);
    store_le32(out + 20, (uint32_t)d.strings_bytes);
    memcpy(out + 24, d.types, d.types_bytes);
    memcpy(out + 24 + d.types_bytes, d.strings, d.strings_bytes);
}

// --- what is described ---

static void put_list(uint64_t gva, uint8_t *node, uint64_t *last, uint8_t **last_node)
{
    store_le64(*last_node, gva);
    store_le64(node + 8, *last);
    *last = gva;
    *last_node = node;
}

// "module_0" and so on, each with the function "run_0", which others can call, and the variable "count_0".
static void put_module(struct made *made, unsigned number, uint64_t *last, uint8_t **last_node)
{
    enum { CODE = 0x1000, SYMTAB = 0x2000, STRTAB = 0x2ff0, TYPETAB = 0x2800, KALLSYMS = 0x2c00, SECTIONS = 0x2e00 };
    uint64_t gva = maker_heap(&made->maker) + number * MAKER_MODULE_BYTES;
    uint8_t *module = made->ram + MAKER_HEAP_AT + number * MAKER_MODULE_BYTES;
    sprintf((char *)module + MODULE_NAME, "module_%u", number);
    store_le64(module + MODULE_KOBJECT + KOBJECT_SELF, gva);
    store_le64(module + MODULE_KALLSYMS, gva + KALLSYMS);
    store_le64(module + MODULE_SECTIONS, gva + SECTIONS);
    store_le64(module + MODULE_MEMORY, gva + CODE);
    store_le32(module + MODULE_MEMORY + 8, made->maker.order == MAKER_BEHIND ? 0x800 : 0x1000);
    if (made->maker.order != MAKER_BEHIND)
        store_le32(module + MODULE_MEMORY + 12, 0x800);
    store_le64(module + MODULE_MEMORY + MEMORY_BYTES, made->maker.order == MAKER_BEHIND ? gva + CODE + 0x800 : 0);
    store_le32(module + MODULE_MEMORY + MEMORY_BYTES + 8, made->maker.order == MAKER_BEHIND ? 0x800 : 0);
    store_le64(module + KALLSYMS, gva + SYMTAB);
    store_le32(module + KALLSYMS + 8, 3);
    store_le64(module + KALLSYMS + 16, gva + STRTAB);
    store_le64(module + KALLSYMS + 24, gva + TYPETAB);
    memcpy(module + TYPETAB, "ntd", 3);
    // The texts go over a page's end.
    sprintf((char *)module + STRTAB + 1, "run_%u", number);
    sprintf((char *)module + STRTAB + 12, "count_%u", number);
    Elf64_Sym symbols[3] = {
        {0},
        {.st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_value = gva + CODE + 0x20},
        {.st_name = 12, .st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT), .st_value = gva + CODE + 0x900},
    };
    memcpy(module + SYMTAB, symbols, sizeof(symbols));
    store_le32(module + SECTIONS + 8, 2);
    store_le64(module + SECTIONS + 16, gva + SECTIONS + 0x100);
    store_le64(module + SECTIONS + 16 + 16, gva + CODE + 0x800);
    store_le64(module + SECTIONS + 40, gva + SECTIONS + 0x110);
    store_le64(module + SECTIONS + 40 + 16, gva + CODE);
    strcpy((char *)module + SECTIONS + 0x100, ".data");
    strcpy((char *)module + SECTIONS + 0x110, ".text");
    put_list(gva + MODULE_LIST, module + MODULE_LIST, last, last_node);
}

// The first, a process, has the others as threads.
static void put_task(struct made *made, unsigned number)
{
    uint64_t heap = maker_heap(&made->maker);
    uint8_t *ram = made->ram + MAKER_HEAP_AT, *task = ram + MAKER_FIRST_TASK + number * TASK_BYTES;
    sprintf((char *)task + TASK_COMM, "worker %u", number);
    store_le32(task + TASK_PID, 42 + number);
    store_le64(task + TASK_STACK, heap + MAKER_FIRST_STACK + number * STACK_BYTES);
    store_le64(task + TASK_SIGNAL, heap + SIGNAL_AT);
    store_le32(ram + MAKER_FIRST_STACK + number * STACK_BYTES, 0x57ac6e9d);
}

static void put_tasks(struct made *made)
{
    uint64_t heap = maker_heap(&made->maker), init_at = MAKER_DATA_AT + MAKER_EXPORT_BYTES * (made->maker.exports - 1);
    uint8_t *ram = made->ram + MAKER_HEAP_AT, *init = made->ram + MAKER_KERNEL_AT + init_at;
    uint64_t first = heap + MAKER_FIRST_TASK;
    for (unsigned i = 0; i < 3; i++)
        put_task(made, i);
    strcpy((char *)init + TASK_COMM, "swapper/0");
    store_le64(init + TASK_TASKS, first + TASK_TASKS);
    store_le64(ram + MAKER_FIRST_TASK + TASK_TASKS, made->maker.text + init_at + TASK_TASKS);
    uint8_t *node = ram + SIGNAL_AT + SIGNAL_THREADS;
    uint64_t last = heap + SIGNAL_AT + SIGNAL_THREADS, head = last;
    for (unsigned i = 0; i < 3; i++)
        put_list(first + i * TASK_BYTES + TASK_THREADS, ram + MAKER_FIRST_TASK + i * TASK_BYTES + TASK_THREADS, &last,
                 &node);
    store_le64(node, head);
    uint8_t *offsets = made->ram + MAKER_KERNEL_AT + MAKER_DATA_AT;
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        store_le64(offsets + 8 * cpu, heap + PERCPU_AT + cpu * PERCPU_BYTES);
        store_le64(ram + PERCPU_AT + cpu * PERCPU_BYTES + 5 * 0x40 + RQ_CURR, first + cpu * TASK_BYTES);
    }
}

void maker_fill_heap(struct made *made)
{
    uint8_t *head = made->ram + MAKER_KERNEL_AT + HEAD_AT, *node = head;
    uint64_t head_gva = made->maker.text + HEAD_AT, last = head_gva;
    describe(made);
    for (unsigned i = 0; i < made->maker.modules; i++)
        put_module(made, i, &last, &node);
    store_le64(node, head_gva);
    store_le64(head + 8, last);
    put_tasks(made);
}
