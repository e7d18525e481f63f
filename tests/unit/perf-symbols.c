// SPDX-License-Identifier: MIT
// The guest's symbol table: what it names, and files that lie.
#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/exec/perf-symbols.h"

static struct perf_symbols *parse(const void *bytes, size_t size, struct error *error)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    return perf_symbols_parse(copy, size, error);
}

static void expect(const struct perf_symbols *symbols, uint64_t address, const char *name, uint64_t offset)
{
    uint64_t found_offset = 0;
    const char *found = perf_symbols_find(symbols, address, &found_offset);
    if (!name) {
        cr_assert_null(found, "%#lx is %s", address, found);
        return;
    }
    cr_assert_not_null(found, "%#lx has no name", address);
    cr_assert_str_eq(found, name);
    cr_assert_eq(found_offset, offset);
}

Test(perf_symbols, lines_of_nm)
{
    static const char text[] = "ffffffff81000100 T second\n"
                               "ffffffff81000000 T first\n"
                               "ffffffff81000000 t alias_of_first\n"
                               "ffffffff81000200 t in_module\t[module]\r\n"
                               "ffffffff81000180 D data\n"
                               "                 U undefined\n"
                               "0000000000000000 T secret\n"
                               "11111111111111111 T too_long\n"
                               "nonsense\n\n"
                               "ffffffff82000000 W last";
    struct error error;
    struct perf_symbols *symbols = parse(text, strlen(text), &error);
    cr_assert_not_null(symbols, "%s", error.text);
    expect(symbols, 0xffffffff80ffffff, NULL, 0);
    expect(symbols, 0xffffffff81000000, "first", 0);
    expect(symbols, 0xffffffff810000ff, "first", 0xff);
    expect(symbols, 0xffffffff81000100, "second", 0);
    expect(symbols, 0xffffffff81000180, "second", 0x80);
    expect(symbols, 0xffffffff81000204, "in_module", 4);
    expect(symbols, 0xffffffff81fffff0, NULL, 0); // too far from anything
    expect(symbols, 0xffffffff82000008, "last", 8);
    expect(symbols, UINT64_MAX, NULL, 0);
    expect(symbols, 0x10, NULL, 0);
    expect(NULL, 0x10, NULL, 0);
    uint64_t address;
    cr_assert(perf_symbols_address(symbols, "second", &address));
    cr_assert_eq(address, 0xffffffff81000100);
    cr_assert_not(perf_symbols_address(symbols, "data", &address));
    perf_symbols_destroy(symbols);
}

Test(perf_symbols, nothing_of_use)
{
    static const char *const texts[] = {"x", "\n\n\n", "ffffffff81000000 T ", "ffffffff81000000 D data\n", "\177ELF"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error error = {""};
        cr_assert_null(parse(texts[i], strlen(texts[i]), &error));
        cr_assert_not_null(strstr(error.text, "no symbols of code"), "%s", error.text);
    }
}

static const char names[] = "\0known\0label\0$x\0absolute\0object";
enum { KNOWN = 1, LABEL = 7, MARK = 13, ABSOLUTE = 16, OBJECT = 25 };

static const struct {
    uint32_t name;
    uint8_t type;
    uint16_t section;
    uint32_t address, bytes;
} rows[] = {
    {0, STT_NOTYPE, SHN_UNDEF, 0, 0},          {LABEL, STT_NOTYPE, 1, 0x2000, 0},   {MARK, STT_NOTYPE, 1, 0x2004, 0},
    {ABSOLUTE, STT_NOTYPE, SHN_ABS, 0x10, 0},  {OBJECT, STT_OBJECT, 1, 0x1050, 16}, {KNOWN, STT_FUNC, 1, 0x1000, 0x40},
    {sizeof(names) + 9, STT_FUNC, 1, 0x20, 8},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

struct elf64 {
    Elf64_Ehdr header;
    Elf64_Sym symbols[ROWS];
    Elf64_Shdr sections[3];
    char names[sizeof(names)];
};

struct elf32 {
    Elf32_Ehdr header;
    Elf32_Sym symbols[ROWS];
    Elf32_Shdr sections[3];
    char names[sizeof(names)];
};

// Fills in a file of either width, whose structures have the same members.
#define FILL(elf, sym, class)                                                                                          \
    do {                                                                                                               \
        memcpy((elf)->header.e_ident, ELFMAG, SELFMAG);                                                                \
        (elf)->header.e_ident[EI_CLASS] = class;                                                                       \
        (elf)->header.e_ident[EI_DATA] = ELFDATA2LSB;                                                                  \
        (elf)->header.e_shoff = (uint32_t)((char *)(elf)->sections - (char *)(elf));                                   \
        (elf)->header.e_shentsize = sizeof((elf)->sections[0]);                                                        \
        (elf)->header.e_shnum = 3;                                                                                     \
        (elf)->sections[1].sh_type = SHT_SYMTAB;                                                                       \
        (elf)->sections[1].sh_link = 2;                                                                                \
        (elf)->sections[1].sh_offset = (uint32_t)((char *)(elf)->symbols - (char *)(elf));                             \
        (elf)->sections[1].sh_size = sizeof((elf)->symbols);                                                           \
        (elf)->sections[1].sh_entsize = sizeof((elf)->symbols[0]);                                                     \
        (elf)->sections[2].sh_type = SHT_STRTAB;                                                                       \
        (elf)->sections[2].sh_offset = (uint32_t)((char *)(elf)->names - (char *)(elf));                               \
        (elf)->sections[2].sh_size = sizeof(names);                                                                    \
        memcpy((elf)->names, names, sizeof(names));                                                                    \
        for (unsigned i = 0; i < ROWS; i++)                                                                            \
            (elf)->symbols[i] = (sym){.st_name = rows[i].name, .st_info = rows[i].type, .st_shndx = rows[i].section,   \
                                      .st_value = rows[i].address, .st_size = rows[i].bytes};                          \
    } while (0)

static void expect_elf(const void *file, size_t size)
{
    struct error error;
    struct perf_symbols *symbols = parse(file, size, &error);
    cr_assert_not_null(symbols, "%s", error.text);
    expect(symbols, 0x24, NULL, 0);
    expect(symbols, 0x103f, "known", 0x3f);
    expect(symbols, 0x1040, NULL, 0); // behind its end
    expect(symbols, 0x1050, NULL, 0);
    expect(symbols, 0x2008, "label", 8);
    perf_symbols_destroy(symbols);
}

Test(perf_symbols, elf)
{
    struct elf64 wide = {0};
    struct elf32 narrow = {0};
    FILL(&wide, Elf64_Sym, ELFCLASS64);
    FILL(&narrow, Elf32_Sym, ELFCLASS32);
    expect_elf(&wide, sizeof(wide));
    expect_elf(&narrow, sizeof(narrow));
}

// Cut short anywhere, and with every byte replaced: no crash, and nothing outside the file is read (the sanitizers' build
// sees that).
Test(perf_symbols, damaged_elf)
{
    struct elf64 elf = {0};
    struct error error;
    uint64_t offset;
    FILL(&elf, Elf64_Sym, ELFCLASS64);
    for (size_t size = 0; size < sizeof(elf); size++)
        perf_symbols_destroy(parse(&elf, size, &error));
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    for (size_t at = SELFMAG; at < sizeof(elf); at++)
        for (size_t v = 0; v < sizeof(values); v++) {
            struct elf64 damaged = elf;
            ((uint8_t *)&damaged)[at] = values[v];
            struct perf_symbols *symbols = parse(&damaged, sizeof(damaged), &error);
            const char *name = perf_symbols_find(symbols, 0x1010, &offset);
            cr_assert_lt(name ? strlen(name) : 0, sizeof(elf));
            perf_symbols_destroy(symbols);
        }
}
