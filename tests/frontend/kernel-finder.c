// SPDX-License-Identifier: MIT
// A kernel is found in memory: of every layout, damaged, hostile, half made.
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/kernel-finder.h"
#include "kernel-maker.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const struct maker makers[] = {
    {KERNEL_ARM64, MAKER_BEFORE, false, false, true, 0, 0, 1000, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_ARM64, MAKER_SEQUENCES, false, false, false, 0, 0, 513, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_ARM64, MAKER_BEHIND, false, false, true, 0, 0, 512, UINT64_C(0xffff800080000000)},
    {KERNEL_X86_64, MAKER_BEFORE, true, false, false, 0, 0, 1000, UINT64_C(0xffffffff9a800000)},
    {KERNEL_X86_64, MAKER_SEQUENCES, true, false, false, 0, 0, 2000, UINT64_C(0xffffffff81000000)},
    {KERNEL_X86_64, MAKER_BEHIND, true, false, false, 0, 0, 3001, UINT64_C(0xffffffffb0000000)},
    {KERNEL_X86_64, MAKER_BEHIND, false, false, false, 0, 0, 3001, UINT64_C(0xffffffff81000000)},
    {KERNEL_I386, MAKER_BEFORE, false, false, false, 0, 0, 1000, 0xc1000000},
    {KERNEL_I386, MAKER_SEQUENCES, false, false, false, 0, 0, 1001, 0xd3000000},
    {KERNEL_I386, MAKER_BEHIND, false, false, false, 0, 0, 1002, 0xc1000000},
};

static void check(const struct kernel_info *kernel, const struct maker *maker, unsigned number)
{
    cr_assert_not_null(kernel, "layout %u", number);
    // The banner is one, which has no name in the kernel.
    cr_assert_eq(kernel->symbol_count, maker->symbols + 1, "layout %u: %zu symbols", number, kernel->symbol_count);
    cr_assert_eq(kernel->text, maker->text, "layout %u: text at %llx", number, (unsigned long long)kernel->text);
    cr_assert_str_eq(kernel->banner, "Linux version 6.1.0-test (someone@somewhere) #1 SMP");
    cr_assert_str_eq(kernel->release, "6.1.0-test");
    cr_assert_not_null(kernel_symbol(kernel, "linux_banner"));
    cr_assert_eq(kernel_symbol(kernel, "linux_banner")->address, maker->text + MAKER_BANNER_AT);
    for (unsigned i = 0; i < maker->symbols; i++) {
        uint64_t address;
        char type, name[600];
        maker_symbol(maker, i, &address, &type, name);
        const struct kernel_symbol *found = &kernel->symbols[i];
        cr_assert(found->address == address && found->type == type && !strcmp(found->name, name),
                  "layout %u: symbol %u is %llx %c %s", number, i, (unsigned long long)found->address, found->type,
                  found->name);
    }
}

Test(kernel_finder, every_layout_is_read)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        struct kernel_info *kernel = kernel_find(&made->memory);
        check(kernel, &makers[i], i);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

Test(kernel_finder, the_slide_is_that_of_text)
{
    static const uint64_t slides[ARRAY_SIZE(makers)] = {
        [0] = UINT64_C(0x3fc625800000), [2] = 0, [3] = 0x19800000, [8] = 0x12000000,
    };
    static const unsigned looked_at[] = {0, 3, 8};
    for (unsigned i = 0; i < ARRAY_SIZE(looked_at); i++) {
        struct made *made = maker_make(&makers[looked_at[i]]);
        struct kernel_info *kernel = kernel_find(&made->memory);
        cr_assert_not_null(kernel);
        cr_assert(kernel->slide_known);
        cr_assert_eq(kernel->slide, slides[looked_at[i]]);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// Without an address of its code: by the header, or by what is mapped where x86-64 has its kernel.
Test(kernel_finder, hints_are_not_always_needed)
{
    static const unsigned looked_at[] = {0, 2, 3, 6, 7, 9};
    for (unsigned i = 0; i < ARRAY_SIZE(looked_at); i++) {
        struct made *made = maker_make(&makers[looked_at[i]]);
        made->memory.hint_count = 0;
        struct kernel_info *kernel = kernel_find(&made->memory);
        check(kernel, &makers[looked_at[i]], looked_at[i]);
        kernel_destroy(kernel);
        made->memory.hint_count = 1;
        made->hint = 0x1234; // a program's
        kernel = kernel_find(&made->memory);
        check(kernel, &makers[looked_at[i]], looked_at[i]);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// Without the names of data, those that are exported are there.
Test(kernel_finder, exports_are_symbols)
{
    enum { COUNT = 200 };
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct maker maker = makers[i];
        maker.exports = COUNT;
        struct made *made = maker_make(&maker);
        struct kernel_info *kernel = kernel_find(&made->memory);
        cr_assert_not_null(kernel);
        cr_assert_eq(kernel->symbol_count, maker.symbols + 1 + COUNT, "layout %u: %zu", i, kernel->symbol_count);
        for (unsigned n = 0; n < COUNT; n++) {
            const struct kernel_symbol *found = &kernel->symbols[maker.symbols + 1 + n];
            char name[20];
            maker_export(&maker, n, name);
            cr_assert_str_eq(found->name, name);
            cr_assert_eq(found->address, maker.text + MAKER_DATA_AT + MAKER_EXPORT_BYTES * n);
            cr_assert(found->exported && found->type == 'D');
        }
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// An AArch64 kernel that has not corrected its own addresses is where it runs.
Test(kernel_finder, before_it_has_moved_itself)
{
    struct maker maker = makers[0];
    maker.unrelocated = true;
    struct made *made = maker_make(&maker);
    struct kernel_info *kernel = kernel_find(&made->memory);
    check(kernel, &maker, 0);
    kernel_destroy(kernel);
    maker_free(made);
}

Test(kernel_finder, damage_is_noticed)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        uint8_t *const damaged[] = {
            made->ram + made->num_syms_at,        made->ram + made->markers_at + 4,
            made->ram + made->token_index_at + 9, made->ram + made->token_table_at + 2,
            made->ram + made->names_at,           made->ram + made->offsets_at + 4 * 400 + 2,
        };
        for (unsigned n = 0; n < ARRAY_SIZE(damaged); n++) {
            uint8_t before = *damaged[n];
            *damaged[n] ^= 0xa5;
            cr_assert_null(kernel_find(&made->memory), "layout %u, damage %u", i, n);
            *damaged[n] = before;
        }
        struct kernel_info *kernel = kernel_find(&made->memory);
        check(kernel, &makers[i], i);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// Memory that ends anywhere in the tables, or begins there.
Test(kernel_finder, what_is_cut_is_no_kernel)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        size_t size = made->kallsyms_end - made->kallsyms_at;
        if (makers[i].order == MAKER_BEHIND)
            size -= round_up(3 * makers[i].symbols, 8) + 8; // what is last is not needed
        for (size_t cut = 0; cut < size; cut += size / 40 + 1) {
            made->range.bytes = made->kallsyms_at + cut;
            cr_assert_null(kernel_find(&made->memory), "layout %u, cut at %zu", i, cut);
        }
        maker_free(made);
    }
}

Test(kernel_finder, no_memory_is_no_kernel)
{
    struct made *made = maker_make(&makers[3]);
    made->memory.ram_count = 0;
    cr_assert_null(kernel_find(&made->memory));
    maker_free(made);
}

// Bytes that are changed at random: it may be found or not.
Test(kernel_finder, noise_does_no_harm)
{
    srand(1);
    for (unsigned round = 0; round < 100; round++) {
        struct made *made = maker_make(&makers[round % ARRAY_SIZE(makers)]);
        size_t size = made->kallsyms_end - made->kallsyms_at;
        for (unsigned i = 0; i < 1u << round % 12; i++)
            made->ram[made->kallsyms_at + (size_t)rand() % size] = (uint8_t)(rand() & 1 ? rand() : 0);
        struct kernel_info *kernel = kernel_find(&made->memory);
        for (size_t i = 0; kernel && i < kernel->symbol_count; i++)
            cr_assert_lt(strlen(kernel->symbols[i].name), 1024);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// --- with a file of the addresses that it was linked at ---

Test(kernel_finder, a_file_tells_the_slide)
{
    // The functions are at 0x40 and 0x60 of the text.
    static const struct {
        const char *file;
        int status;
    } files[] = {
        {"ffff800012340000 T _text\nffff800012350040 T start_kernel\nffff800012350060 t vfs_read\n", 0},
        {"ffff800012350040 T start_kernel\nffff800012350080 t vfs_read\n", -EINVAL},
        {"ffff800012350040 T main\n", -EINVAL},
        {"\177ELF", -EINVAL},
    };
    struct maker maker = makers[0];
    struct made *made = maker_make(&maker);
    struct kernel_info *kernel = kernel_find(&made->memory);
    cr_assert_not_null(kernel);
    kernel->symbols[3].name = "start_kernel";
    kernel->symbols[4].name = "vfs_read";
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
        struct error error;
        kernel->slide_known = false;
        bool same_build = true;
        uint8_t *copy = (uint8_t *)strdup(files[i].file);
        cr_assert_eq(kernel_read_link_addresses(kernel, copy, strlen(files[i].file), &same_build, &error), files[i].status);
        cr_assert_not(same_build);
        cr_assert_eq(kernel->slide_known, !files[i].status);
        if (!files[i].status)
            cr_assert_eq(kernel->link_text, UINT64_C(0xffff800012340000));
        cr_assert_eq(kernel->slide, kernel->text - kernel->link_text);
    }
    kernel_destroy(kernel);
    maker_free(made);
}

// --- memory made to take long ---

Test(kernel_finder, hostile_memory_takes_no_time)
{
    enum { PATTERNS = 6, SECONDS = 5 };
    for (unsigned pattern = 0; pattern < PATTERNS; pattern++) {
        struct made *made = maker_make(&makers[3]);
        uint8_t *start = made->ram + made->kallsyms_end, *end = made->ram + MAKER_KERNEL_AT + MAKER_KERNEL_BYTES;
        for (uint8_t *at = start; at + 32 <= end; at += 4)
            switch (pattern) {
            case 0: // digits, where tokens could be
                at[0] = (uint8_t)('0' + (at - start) / 2 % 10);
                at[2] = (uint8_t)(at[0] + 1);
                at[1] = at[3] = 0;
                break;
            case 1: // numbers of symbols
                store_le32(at, 0x000baa03);
                break;
            case 2: // distances to a long name
                store_le32(at, end - at < 4096 ? 0x61616161 : (uint32_t)(end - at - 2048));
                break;
            case 3: // descriptions of structures
                memcpy(at, &"\x9f\xeb\1\0\x18\0\0\0"[(at - start) % 8], 4);
                break;
            case 4: // pointers to modules
                store_le64(at, maker_heap(&makers[3]));
                break;
            case 5: // growing numbers
                store_le32(at, (uint32_t)(at - start) * 200);
                break;
            }
        clock_t began = clock();
        struct kernel_info *kernel = kernel_find(&made->memory);
        if (kernel)
            kernel_read_modules(kernel, &made->memory);
        cr_assert_lt(clock() - began, SECONDS * CLOCKS_PER_SEC, "pattern %u", pattern);
        kernel_destroy(kernel);
        // The same without a kernel.
        memset(made->ram + made->kallsyms_at, 0, made->kallsyms_end - made->kallsyms_at);
        began = clock();
        cr_assert_null(kernel_find(&made->memory), "pattern %u", pattern);
        cr_assert_lt(clock() - began, SECONDS * CLOCKS_PER_SEC, "pattern %u", pattern);
        maker_free(made);
    }
}
