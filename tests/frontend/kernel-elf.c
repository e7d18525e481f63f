// SPDX-License-Identifier: MIT
// The program for debuggers: whole, in bounds, and with every symbol where it is.
#include <criterion/criterion.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/kernel-finder.h"
#include "kernel-maker.h"
#include "tcg/base/bits.h"

static const struct maker makers[] = {
    {KERNEL_ARM64, MAKER_BEFORE, false, false, true, 0, 0, 1000, UINT64_C(0xffffbfc62d800000)},
    {KERNEL_X86_64, MAKER_BEHIND, true, false, false, 0, 0, 3001, UINT64_C(0xffffffffb0000000)},
    {KERNEL_I386, MAKER_BEFORE, false, false, false, 0, 0, 1000, 0xc1000000},
};

// A symbol of either width.
static Elf64_Sym symbol_at(const uint8_t *row, bool wide)
{
    if (wide) {
        Elf64_Sym symbol;
        memcpy(&symbol, row, sizeof(symbol));
        return symbol;
    }
    Elf32_Sym narrow;
    memcpy(&narrow, row, sizeof(narrow));
    return (Elf64_Sym){.st_name = narrow.st_name, .st_info = narrow.st_info, .st_shndx = narrow.st_shndx,
                       .st_value = narrow.st_value, .st_size = narrow.st_size};
}

static Elf64_Shdr section_at(const uint8_t *row, bool wide)
{
    if (wide) {
        Elf64_Shdr section;
        memcpy(&section, row, sizeof(section));
        return section;
    }
    Elf32_Shdr narrow;
    memcpy(&narrow, row, sizeof(narrow));
    return (Elf64_Shdr){.sh_type = narrow.sh_type, .sh_flags = narrow.sh_flags, .sh_addr = narrow.sh_addr,
                        .sh_offset = narrow.sh_offset, .sh_size = narrow.sh_size, .sh_link = narrow.sh_link,
                        .sh_info = narrow.sh_info};
}

struct program {
    const uint8_t *data;
    size_t size;
    bool wide;
    const uint8_t *rows;
    unsigned count;
};

static Elf64_Shdr section(const struct program *p, unsigned number)
{
    cr_assert_lt(number, p->count);
    Elf64_Shdr found = section_at(p->rows + number * (p->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)), p->wide);
    if (found.sh_type != SHT_NOBITS && found.sh_type != SHT_NULL)
        cr_assert(range_inside(found.sh_offset, found.sh_size, p->size));
    return found;
}

static struct program open_program(const uint8_t *data, size_t size, const struct maker *maker)
{
    static const uint16_t machines[] = {EM_AARCH64, EM_X86_64, EM_386};
    struct program p = {.data = data, .size = size, .wide = data[EI_CLASS] == ELFCLASS64};
    cr_assert_eq(memcmp(data, ELFMAG, SELFMAG), 0);
    cr_assert_eq(p.wide, maker->arch != KERNEL_I386);
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;
    memcpy(&wide, data, sizeof(wide));
    memcpy(&narrow, data, sizeof(narrow));
    cr_assert_eq(wide.e_type, ET_EXEC);
    cr_assert_eq(wide.e_machine, machines[maker->arch]);
    uint64_t at = p.wide ? wide.e_shoff : narrow.e_shoff;
    p.count = p.wide ? wide.e_shnum : narrow.e_shnum;
    cr_assert_eq(p.wide ? wide.e_entry : narrow.e_entry, maker->text);
    cr_assert(range_inside(at, p.count * (p.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)), size));
    p.rows = data + at;
    return p;
}

static const struct kernel_symbol *find(const struct kernel_info *kernel, const char *name, uint64_t address)
{
    for (size_t i = 0; i < kernel->symbol_count; i++)
        if (kernel->symbols[i].address == address && !strcmp(kernel->symbols[i].name, name))
            return &kernel->symbols[i];
    return NULL;
}

static void check_symbols(const struct program *p, const struct kernel_info *kernel)
{
    Elf64_Shdr table = section(p, p->count - 3), names = section(p, p->count - 2);
    size_t row = p->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym), count = table.sh_size / row;
    cr_assert_eq(table.sh_type, SHT_SYMTAB);
    cr_assert_eq(table.sh_link, p->count - 2);
    cr_assert_eq(p->data[names.sh_offset + names.sh_size - 1], 0);
    cr_assert_eq(count, kernel->symbol_count + 1);
    for (size_t i = 1; i < count; i++) {
        Elf64_Sym symbol = symbol_at(p->data + table.sh_offset + i * row, p->wide);
        cr_assert_lt(symbol.st_name, names.sh_size);
        const char *name = (const char *)p->data + names.sh_offset + symbol.st_name;
        const struct kernel_symbol *found = find(kernel, name, symbol.st_value);
        cr_assert_not_null(found, "%s", name);
        // Those that only a file knows come first.
        cr_assert_eq(ELF64_ST_BIND(symbol.st_info) == STB_LOCAL, i < table.sh_info, "%s", name);
        cr_assert_eq(ELF64_ST_BIND(symbol.st_info) == STB_LOCAL, found->type == 't', "%s", name);
        if (found->type == 'A') {
            cr_assert_eq(symbol.st_shndx, SHN_ABS);
            continue;
        }
        Elf64_Shdr home = section(p, symbol.st_shndx);
        cr_assert(range_inside(symbol.st_value - home.sh_addr, symbol.st_size, home.sh_size), "%s", name);
        cr_assert(home.sh_flags & SHF_EXECINSTR);
        cr_assert_eq(ELF64_ST_TYPE(symbol.st_info), found->type == 'R' ? STT_OBJECT : STT_FUNC);
        // All are 32 bytes apart, but for the first two at one address, and the end.
        if (found > kernel->symbols && found[-1].address == found->address)
            cr_assert_eq(symbol.st_size, 0, "%s", name);
        else if (found + 1 < kernel->symbols + kernel->symbol_count && found[1].address != found->address)
            cr_assert_eq(symbol.st_size, found[1].address - found->address, "%s", name);
    }
}

Test(kernel_elf, symbols_are_where_they_are)
{
    for (unsigned i = 0; i < ARRAY_SIZE(makers); i++) {
        struct made *made = maker_make(&makers[i]);
        struct kernel_info *kernel = kernel_find(&made->memory);
        size_t size;
        cr_assert_not_null(kernel);
        uint8_t *data = kernel_make_elf(kernel, &size);
        cr_assert_not_null(data);
        struct program p = open_program(data, size, &makers[i]);
        check_symbols(&p, kernel);
        free(data);
        kernel_destroy(kernel);
        maker_free(made);
    }
}
