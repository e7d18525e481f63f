// SPDX-License-Identifier: MIT
// Build ids and a kernel's own file: found, taken for what they are, and no harm in damaged ones.
#include <criterion/criterion.h>

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/kernel-private.h"
#include "kernel-maker.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const struct maker makers[] = {
    {KERNEL_ARM64, MAKER_BEFORE, false, false, true, 0, 0, 1000, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_X86_64, MAKER_BEHIND, true, false, false, 0, 0, 3001, UINT64_C(0xffffffffb0000000)},
    {KERNEL_I386, MAKER_BEFORE, false, false, false, 0, 0, 1000, 0xc1000000},
};

static size_t put_note(uint8_t *at, const char *owner, uint32_t type, uint32_t bytes, uint8_t first)
{
    uint32_t name_bytes = (uint32_t)strlen(owner) + 1;
    store_le32(at, name_bytes);
    store_le32(at + 4, bytes);
    store_le32(at + 8, type);
    memcpy(at + 12, owner, name_bytes);
    uint8_t *data = at + 12 + round_up(name_bytes, 4);
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(first + i);
    return (size_t)(data - at) + round_up(bytes, 4);
}

// --- notes ---

Test(kernel_file, the_build_id_is_one_of_the_notes)
{
    uint8_t notes[256] = {0};
    size_t at = put_note(notes, "Linux", 0x100, 5, 1);
    at += put_note(notes + at, "GNU", NT_GNU_ABI_TAG, 16, 2);
    size_t start = at;
    at += put_note(notes + at, "GNU", NT_GNU_BUILD_ID, 20, 3);
    size_t end = at;
    at += put_note(notes + at, "Xen", 1, 4, 4);
    struct kernel_build_id id = {0};
    cr_assert(kernel_parse_build_id(notes, at, &id));
    cr_assert_eq(id.size, 20);
    cr_assert_eq(id.bytes[0], 3);
    cr_assert_eq(id.bytes[19], 22);
    for (size_t size = 0; size < end; size++)
        cr_assert_not(kernel_parse_build_id(notes, size, &id));
    // Of more bytes than there are, or than any has.
    store_le32(notes + start + 4, UINT32_MAX);
    cr_assert_not(kernel_parse_build_id(notes, at, &id));
    put_note(notes, "GNU", NT_GNU_BUILD_ID, KERNEL_BUILD_ID_BYTES + 1, 0);
    cr_assert_not(kernel_parse_build_id(notes, sizeof(notes), &id));
}

// A program with a note, as kernels have for their processes.
static void put_program(uint8_t *at, bool wide)
{
    enum { NOTE_AT = 0x400, NOTE_BYTES = 36 };
    memcpy(at, ELFMAG, SELFMAG);
    at[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
    size_t table = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    at[wide ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff)] = (uint8_t)table;
    at[wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)] = 1;
    store_le32(at + table, PT_NOTE);
    if (wide) {
        store_le64(at + table + offsetof(Elf64_Phdr, p_offset), NOTE_AT);
        store_le64(at + table + offsetof(Elf64_Phdr, p_filesz), NOTE_BYTES);
    } else {
        store_le32(at + table + offsetof(Elf32_Phdr, p_offset), NOTE_AT);
        store_le32(at + table + offsetof(Elf32_Phdr, p_filesz), NOTE_BYTES);
    }
    put_note(at + NOTE_AT, "GNU", NT_GNU_BUILD_ID, 20, 100);
}

Test(kernel_file, the_kernels_own_build_id_is_found_in_it)
{
    enum { SIZE = 64 << 10 };
    uint8_t *memory = calloc(1, SIZE);
    struct kernel_build_id id = {.size = 1};
    put_program(memory + 0x2000, true);
    put_program(memory + 0x9000, false);
    kernel_find_build_id(memory, SIZE, &id);
    cr_assert_eq(id.size, 0);
    put_note(memory + 0x7004, "GNU", NT_GNU_BUILD_ID, 20, 7);
    kernel_find_build_id(memory, SIZE, &id);
    cr_assert_eq(id.size, 20);
    cr_assert_eq(id.bytes[0], 7);
    put_note(memory + SIZE - 36, "GNU", NT_GNU_BUILD_ID, 20, 8);
    kernel_find_build_id(memory, SIZE, &id);
    cr_assert_eq(id.size, 0); // which of the two?
    free(memory);
}

// --- the file ---

static struct kernel_info *make_kernel(struct made *made)
{
    struct kernel_info *kernel = kernel_find(&made->memory);
    cr_assert_not_null(kernel);
    kernel->build_id.size = 20;
    for (unsigned i = 0; i < 20; i++)
        kernel->build_id.bytes[i] = (uint8_t)(i * 7);
    // Two that every kernel has.
    kernel->symbols[kernel->symbol_count / 2].name = "start_kernel";
    kernel->symbols[kernel->symbol_count / 2 + 1].name = "vfs_read";
    return kernel;
}

Test(kernel_file, a_file_of_the_same_build_is_known)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        struct kernel_info *kernel = make_kernel(made);
        struct kernel_file file;
        size_t size;
        bool same;
        uint8_t *data = kernel_make_elf(kernel, &size), *copy = malloc(size);
        memcpy(copy, data, size);
        cr_assert(kernel_file_read(data, size, &file));
        cr_assert(kernel_same_build(&file.build_id, &kernel->build_id));
        // AArch64 kernels have a header before their code.
        bool headed = makers[i].header;
        cr_assert_eq(file.section_count, headed ? 2 : 1);
        cr_assert_str_eq(file.sections[0].name, headed ? ".head.text" : ".text");
        cr_assert_eq(file.sections[0].address, kernel->text);
        cr_assert_eq(kernel_read_link_addresses(kernel, copy, size, &same, NULL), 0);
        cr_assert(same);
        cr_assert_eq(kernel->slide, 0);
        cr_assert_eq(kernel->section_count, file.section_count);
        cr_assert_str_eq(kernel->sections[0].name, file.sections[0].name);
        free(file.sections);
        kernel->build_id.bytes[19]++;
        cr_assert_eq(kernel_read_link_addresses(kernel, data, size, &same, NULL), -EINVAL);
        cr_assert_not(same);
        kernel_destroy(kernel);
        maker_free(made);
    }
}

// Its sections move with it, by the names that they have.
Test(kernel_file, sections_are_where_the_file_says)
{
    struct made *made = maker_make(&makers[1]);
    struct kernel_info *kernel = make_kernel(made);
    struct kernel_section sections[] = {{".text", kernel->text}, {".rodata", kernel->text + 0x1000},
                                        {".init.text", kernel->text + 0x8000}};
    size_t size;
    kernel->sections = sections;
    kernel->section_count = ARRAY_SIZE(sections);
    uint8_t *data = kernel_make_elf(kernel, &size);
    struct kernel_file file;
    cr_assert(kernel_file_read(data, size, &file));
    cr_assert_eq(file.section_count, ARRAY_SIZE(sections));
    for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
        cr_assert_str_eq(file.sections[i].name, sections[i].name);
        cr_assert_eq(file.sections[i].address, sections[i].address);
    }
    free(file.sections);
    free(data);
    kernel->sections = NULL;
    kernel_destroy(kernel);
    maker_free(made);
}

Test(kernel_file, damaged_files_do_no_harm)
{
    srand(3);
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        struct kernel_info *kernel = make_kernel(made);
        size_t size;
        uint8_t *data = kernel_make_elf(kernel, &size);
        bool wide = data[EI_CLASS] == ELFCLASS64;
        size_t headers = wide ? load_le64(data + offsetof(Elf64_Ehdr, e_shoff)) : load_le32(data + offsetof(Elf32_Ehdr, e_shoff));
        for (unsigned round = 0; round < 2000; round++) {
            size_t short_of = round % 4 ? 0 : (size_t)rand() % (size - headers + 64);
            uint8_t *copy = malloc(size - short_of);
            memcpy(copy, data, size - short_of);
            for (unsigned n = 0; n < 1u << round % 5; n++) {
                size_t at = rand() % 2 ? (size_t)rand() % 64 : headers + (size_t)rand() % (size - headers);
                if (at < size - short_of)
                    copy[at] = (uint8_t)(rand() % 3 ? rand() : 255);
            }
            struct kernel_file file;
            if (kernel_file_read(copy, size - short_of, &file))
                free(file.sections);
            bool same;
            (void)kernel_read_link_addresses(kernel, copy, size - short_of, &same, NULL);
            size_t again;
            free(kernel_make_elf(kernel, &again));
        }
        free(data);
        kernel_destroy(kernel);
        maker_free(made);
    }
}
