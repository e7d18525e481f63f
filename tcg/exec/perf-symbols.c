// SPDX-License-Identifier: MIT
// Symbol tables: ELF Object File Format 1.2 (sections, symbol table) and its 64-bit form 1.5, little-endian; or lines of nm,
// "ADDRESS TYPE NAME". Names stay in the file's bytes, so that the table takes at most three times the size of the file,
// whatever that says. The last name may lack its end: there is a NUL behind the file.
#include "tcg/exec/perf-symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

// What lies further behind a symbol of unknown size is something else, like a module of the kernel.
enum { REACH = 1 << 20 };

struct symbol {
    uint64_t address;
    uint32_t bytes;
    uint32_t name; // offset in the file
};

struct perf_symbols {
    uint8_t *data;
    uint64_t size;
    struct symbol *items;
    size_t count, capacity;
};

// Space for `count` symbols, of which the file has no more.
static bool reserve(struct perf_symbols *s, size_t count)
{
    s->capacity = count;
    s->items = malloc(count * sizeof(*s->items));
    return s->items != NULL;
}

// Address 0 is that of symbols which are no addresses, or are kept secret.
static void add(struct perf_symbols *s, uint64_t address, uint64_t bytes, uint64_t name)
{
    if (address && s->data[name] && s->count < s->capacity)
        s->items[s->count++] =
            (struct symbol){address, bytes && bytes < REACH ? (uint32_t)bytes : REACH, (uint32_t)name};
}

// --- ELF ---

struct section {
    uint32_t type, link;
    uint64_t offset, bytes, row_bytes;
};

static bool read_section(const struct perf_symbols *s, uint64_t number, struct section *section)
{
    const uint8_t *d = s->data;
    bool wide = d[EI_CLASS] == ELFCLASS64;
    if (s->size < (wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
        return false;
    uint64_t table = wide ? load_le64(d + offsetof(Elf64_Ehdr, e_shoff)) : load_le32(d + offsetof(Elf32_Ehdr, e_shoff));
    const uint8_t *shape = d + (wide ? offsetof(Elf64_Ehdr, e_shentsize) : offsetof(Elf32_Ehdr, e_shentsize));
    uint64_t row_bytes = load_le16(shape), rows = load_le16(shape + 2);
    if (number >= rows || row_bytes < (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) ||
        !range_inside(table, row_bytes * rows, s->size))
        return false;
    const uint8_t *row = d + table + number * row_bytes;
    if (wide)
        *section = (struct section){load_le32(row + offsetof(Elf64_Shdr, sh_type)),
                                    load_le32(row + offsetof(Elf64_Shdr, sh_link)),
                                    load_le64(row + offsetof(Elf64_Shdr, sh_offset)),
                                    load_le64(row + offsetof(Elf64_Shdr, sh_size)),
                                    load_le64(row + offsetof(Elf64_Shdr, sh_entsize))};
    else
        *section = (struct section){load_le32(row + offsetof(Elf32_Shdr, sh_type)),
                                    load_le32(row + offsetof(Elf32_Shdr, sh_link)),
                                    load_le32(row + offsetof(Elf32_Shdr, sh_offset)),
                                    load_le32(row + offsetof(Elf32_Shdr, sh_size)),
                                    load_le32(row + offsetof(Elf32_Shdr, sh_entsize))};
    return section->type == SHT_NOBITS || range_inside(section->offset, section->bytes, s->size);
}

// Functions, and labels without a type as assembly has them; not those that mark code and data for disassemblers ($x).
static void add_elf_symbol(struct perf_symbols *s, const uint8_t *row, bool wide, const struct section *names)
{
    uint64_t name = load_le32(row);
    uint8_t info = row[wide ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info)];
    uint16_t section = load_le16(row + (wide ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx)));
    unsigned type = ELF64_ST_TYPE(info);
    if ((type != STT_FUNC && type != STT_NOTYPE && type != STT_GNU_IFUNC) || section == SHN_UNDEF ||
        section == SHN_ABS || name >= names->bytes || s->data[names->offset + name] == '$')
        return;
    if (wide)
        add(s, load_le64(row + offsetof(Elf64_Sym, st_value)), load_le64(row + offsetof(Elf64_Sym, st_size)),
            names->offset + name);
    else
        add(s, load_le32(row + offsetof(Elf32_Sym, st_value)), load_le32(row + offsetof(Elf32_Sym, st_size)),
            names->offset + name);
}

static bool parse_elf(struct perf_symbols *s)
{
    struct section table, names;
    uint64_t number = 0;
    bool wide = s->data[EI_CLASS] == ELFCLASS64;
    if (s->data[EI_DATA] != ELFDATA2LSB)
        return true;
    for (uint64_t rows = 0x10000; number < rows; number++)
        if (read_section(s, number, &table) && table.type == SHT_SYMTAB)
            break;
    if (number == 0x10000 || !read_section(s, table.link, &names) || names.type != SHT_STRTAB ||
        table.row_bytes < (wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)))
        return true;
    uint64_t rows = table.bytes / table.row_bytes;
    if (!reserve(s, rows))
        return false;
    for (uint64_t i = 0; i < rows; i++)
        add_elf_symbol(s, s->data + table.offset + i * table.row_bytes, wide, &names);
    return true;
}

// --- nm ---

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int hex_digit(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// A line of code: "ffffffff81000000 T _stext". Its name ends at the next blank, where a NUL is put.
static void add_line(struct perf_symbols *s, uint64_t at, uint64_t end)
{
    uint64_t address = 0, digits_at = at;
    for (int digit; at < end && (digit = hex_digit(s->data[at])) >= 0; at++)
        address = address << 4 | (uint64_t)digit;
    if (at == digits_at || at - digits_at > 16 || end - at < 4 || s->data[at] != ' ' || s->data[at + 2] != ' ' ||
        !s->data[at + 1] || !strchr("tTwW", s->data[at + 1]))
        return;
    uint64_t name = at + 3;
    for (at = name; at < end && !is_blank(s->data[at]); at++)
        ;
    s->data[at] = 0;
    add(s, address, 0, name);
}

static bool parse_lines(struct perf_symbols *s)
{
    size_t lines = 1;
    for (uint64_t i = 0; i < s->size; i++)
        lines += s->data[i] == '\n';
    enum { SHORTEST = 6 }; // "1 t a" and the line's end
    if (!reserve(s, lines < s->size / SHORTEST + 1 ? lines : s->size / SHORTEST + 1))
        return false;
    for (uint64_t at = 0; at < s->size;) {
        const uint8_t *newline = memchr(s->data + at, '\n', s->size - at);
        uint64_t end = newline ? (uint64_t)(newline - s->data) : s->size;
        add_line(s, at, end);
        at = end + 1;
    }
    return true;
}

// --- the table ---

// By address; of symbols at one address, the one whose name the file has first.
static int compare(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

static void sort(struct perf_symbols *s)
{
    size_t kept = 0;
    qsort(s->items, s->count, sizeof(*s->items), compare);
    for (size_t i = 0; i < s->count; i++)
        if (!kept || s->items[i].address != s->items[kept - 1].address)
            s->items[kept++] = s->items[i];
    s->count = kept;
}

struct perf_symbols *perf_symbols_parse(uint8_t *data, uint64_t size, struct error *error)
{
    uint8_t *ended = size < UINT32_MAX ? realloc(data, size + 1) : NULL;
    if (!ended) {
        free(data);
        error_set(error, ENOMEM, "no memory for %llu bytes of symbols", (unsigned long long)size);
        return NULL;
    }
    ended[size] = 0;
    struct perf_symbols *s = ALLOC(struct perf_symbols);
    s->data = ended;
    s->size = size;
    bool elf = size >= EI_NIDENT && !memcmp(ended, ELFMAG, SELFMAG);
    if (!(elf ? parse_elf(s) : parse_lines(s)))
        error_set(error, ENOMEM, "no memory for its symbols");
    else if (!s->count)
        error_set(error, EINVAL, "it has no symbols of code; an ELF program with a symbol table has, or what nm prints");
    else {
        sort(s);
        return s;
    }
    perf_symbols_destroy(s);
    return NULL;
}

void perf_symbols_destroy(struct perf_symbols *symbols)
{
    if (!symbols)
        return;
    free(symbols->items);
    free(symbols->data);
    free(symbols);
}

const char *perf_symbols_find(const struct perf_symbols *symbols, uint64_t address, uint64_t *offset)
{
    size_t low = 0, high = symbols ? symbols->count : 0; // those below `low` start at or before the address
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->items[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    const struct symbol *found = &symbols->items[low - 1];
    *offset = address - found->address;
    return *offset < found->bytes ? (const char *)symbols->data + found->name : NULL;
}

bool perf_symbols_address(const struct perf_symbols *symbols, const char *name, uint64_t *address)
{
    for (size_t i = 0; i < symbols->count; i++)
        if (!strcmp((const char *)symbols->data + symbols->items[i].name, name)) {
            *address = symbols->items[i].address;
            return true;
        }
    return false;
}
