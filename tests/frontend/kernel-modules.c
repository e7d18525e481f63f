// SPDX-License-Identifier: MIT
// Modules and tasks of a kernel: found, half there, hostile.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/kernel-finder.h"
#include "kernel-maker.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { MODULES = 5 };

static const struct maker makers[] = {
    {KERNEL_ARM64, MAKER_BEFORE, false, false, true, 400, MODULES, 1000, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_ARM64, MAKER_BEHIND, false, false, false, 400, MODULES, 1000, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_X86_64, MAKER_SEQUENCES, true, false, false, 400, MODULES, 3000, UINT64_C(0xffffffff9a800000)},
    {KERNEL_X86_64, MAKER_BEHIND, true, false, false, 400, MODULES, 3000, UINT64_C(0xffffffffb0000000)},
};

static struct made *made;
static struct kernel_info *kernel;

static void begin(const struct maker *maker)
{
    made = maker_make(maker);
    kernel = kernel_find(&made->memory);
    cr_assert_not_null(kernel);
}

static void end(void)
{
    kernel_destroy(kernel);
    maker_free(made);
}

static void check_symbol(unsigned number, const char *format, char type, uint64_t address)
{
    char name[20];
    snprintf(name, sizeof(name), format, number);
    const struct kernel_symbol *symbol = kernel_symbol(kernel, name);
    cr_assert_not_null(symbol, "%s", name);
    cr_assert_eq(symbol->module, number + 1);
    cr_assert_eq(symbol->type, type);
    cr_assert_eq(symbol->address, address);
}

static void check_module(unsigned number)
{
    const struct kernel_module *module = &kernel->modules[number];
    uint64_t code = maker_heap(&made->maker) + number * MAKER_MODULE_BYTES + 0x1000;
    char name[20];
    snprintf(name, sizeof(name), "module_%u", number);
    cr_assert_str_eq(module->name, name);
    cr_assert_eq(module->region_count, 2);
    cr_assert(module->regions[0].code && !module->regions[1].code);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(module->regions[i].address, code + 0x800 * i);
        cr_assert_eq(module->regions[i].bytes, 0x800);
    }
    cr_assert_eq(module->section_count, 2);
    cr_assert_str_eq(module->sections[0].name, ".text");
    cr_assert_eq(module->sections[0].address, code);
    cr_assert_str_eq(module->sections[1].name, ".data");
    check_symbol(number, "run_%u", 'T', code + 0x20);
    check_symbol(number, "count_%u", 'd', code + 0x900);
}

Test(kernel_modules, they_are_read)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        begin(&makers[i]);
        size_t before = kernel->symbol_count, size;
        // Again and again: the old ones go.
        for (unsigned round = 0; round < 2; round++) {
            kernel_read_modules(kernel, &made->memory);
            cr_assert_null(kernel->modules_missing, "layout %u: %s", i, kernel->modules_missing);
            cr_assert_eq(kernel->module_count, MODULES);
            cr_assert_eq(kernel->symbol_count, before + 2 * MODULES);
            for (unsigned n = 0; n < MODULES; n++)
                check_module(n);
            for (size_t n = 1; n < kernel->symbol_count; n++)
                cr_assert_leq(kernel->symbols[n - 1].address, kernel->symbols[n].address);
        }
        uint8_t *elf = kernel_make_elf(kernel, &size);
        cr_assert_not_null(elf);
        cr_assert_null(memmem(elf, size, "run_3", sizeof("run_3")));
        free(elf);
        uint64_t address;
        elf = kernel_make_module_elf(kernel, 3, &size, &address);
        cr_assert_not_null(elf);
        cr_assert_eq(address, kernel->modules[3].sections[0].address);
        cr_assert_not_null(memmem(elf, size, "run_3", sizeof("run_3")));
        cr_assert_null(memmem(elf, size, "run_2", sizeof("run_2")));
        free(elf);
        end();
    }
}

Test(kernel_modules, without_a_description_there_are_none)
{
    struct maker maker = makers[0];
    maker.modules = 0;
    begin(&maker);
    kernel_read_modules(kernel, &made->memory);
    cr_assert_eq(kernel->module_count, 0);
    cr_assert_not_null(kernel->modules_missing);
    cr_assert_not(kernel_current_task(kernel, &made->memory, 0, 0).known);
    end();
}

static void check_task(unsigned cpu, uint64_t hint, uint32_t pid, const char *comm)
{
    struct kernel_task task = kernel_current_task(kernel, &made->memory, cpu, hint);
    cr_assert(task.known);
    cr_assert_eq(task.pid, pid, "%u", task.pid);
    cr_assert_str_eq(task.comm, comm);
}

Test(kernel_modules, tasks_of_x86_are_the_schedulers)
{
    begin(&makers[3]);
    check_task(0, 0, 42, "worker 0");
    check_task(1, 0, 43, "worker 1");
    cr_assert_not(kernel_current_task(kernel, &made->memory, UINT32_MAX, 0).known);
    end();
}

Test(kernel_modules, tasks_of_arm64_are_in_registers)
{
    begin(&makers[0]);
    uint64_t heap = maker_heap(&makers[0]);
    check_task(0, heap + MAKER_FIRST_TASK + 0x1000, 43, "worker 1");
    // At EL0: the ends of stacks. Idle ones are not in a list, nor what is before there are others.
    check_task(0, heap + MAKER_FIRST_STACK + 0x4000, 42, "worker 0");
    check_task(1, heap + MAKER_FIRST_STACK + 0xc000, 44, "worker 2");
    check_task(0, 0, 0, "swapper/0");
    cr_assert_not(kernel_current_task(kernel, &made->memory, 1, 0).known);
    cr_assert_not(kernel_current_task(kernel, &made->memory, 1, heap + 1000).known);
    end();
}

// Lists without an end, numbers without bounds, pointers to anywhere.
Test(kernel_modules, noise_does_no_harm)
{
    srand(2);
    for (unsigned round = 0; round < 100; round++) {
        made = maker_make(&makers[round % ARRAY_SIZE(makers)]);
        for (unsigned i = 0; i < 1u << round % 10; i++) {
            static const struct {
                size_t at, bytes;
            } parts[] = {{MAKER_HEAP_AT, MODULES * MAKER_MODULE_BYTES}, {MAKER_KERNEL_AT + 0x280000, 2048},
                         {MAKER_HEAP_AT + 0x90000, 0x9000}, {MAKER_HEAP_AT + 0x2c00, 256}, {MAKER_HEAP_AT, 256}};
            unsigned part = (unsigned)rand() % ARRAY_SIZE(parts);
            uint8_t *at = made->ram + parts[part].at + (size_t)rand() % parts[part].bytes / 8 * 8;
            uint64_t value = maker_heap(&made->maker) + (uint64_t)rand() % MAKER_HEAP_BYTES;
            store_le64(at, rand() % 3 ? value : rand() % 2 ? UINT64_MAX : (uint64_t)rand());
        }
        kernel = kernel_find(&made->memory);
        if (kernel) {
            size_t size;
            kernel_read_modules(kernel, &made->memory);
            kernel_current_task(kernel, &made->memory, 0, maker_heap(&made->maker) + MAKER_FIRST_STACK + 0x4000);
            kernel_current_task(kernel, &made->memory, 1, maker_heap(&made->maker) + MAKER_FIRST_TASK);
            free(kernel_make_elf(kernel, &size));
            for (unsigned i = 0; i < kernel->module_count; i++) {
                uint64_t address;
                free(kernel_make_module_elf(kernel, i, &size, &address));
            }
        }
        end();
    }
}
