// SPDX-License-Identifier: MIT
// The modules that a kernel has loaded: a list of struct module, each with its memory, a table of symbols (struct
// mod_kallsyms: an ELF symbol table, its strings and a letter for each) and its sections. Where the members are, the kernel
// says (kernel-layout.c). Where the list begins does not need to be known: one of the kernel's variables leads to a
// structure that says of itself that it is a module, and back.
#include "frontend/kernel-private.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MOST_MODULES = 4096,
    MOST_SYMBOLS = 1 << 16, // of a module
    MOST_ALL_SYMBOLS = 1 << 20,
    LARGEST_STRINGS = 8 << 20, // of a module
    LARGEST_ALL_STRINGS = 64 << 20,
    MOST_SECTIONS = 256, // of a module
    MOST_ALL_SECTIONS = 1 << 15,
    MOST_HEADS = 1 << 18, // that a list of modules could begin at
    LONGEST_NAME = 512,
};

struct reader {
    struct kernel_info *kernel;
    const struct kernel_memory *memory;
    struct kernel_symbol *symbols;
    size_t count;
    // What may still be read of all modules together.
    size_t symbol_budget, text_budget, section_budget;
};

void kernel_modules_free(struct kernel_info *kernel)
{
    size_t kept = 0;
    for (size_t i = 0; i < kernel->symbol_count; i++)
        if (!kernel->symbols[i].module)
            kernel->symbols[kept++] = kernel->symbols[i];
    kernel->symbol_count = kept;
    for (unsigned i = 0; i < kernel->module_count; i++) {
        free(kernel->modules[i].sections);
        free(kernel->modules[i].names);
    }
    free(kernel->modules);
    kernel->modules = NULL;
    kernel->module_count = 0;
}

static bool read_field(const struct reader *r, uint64_t structure, enum kernel_field field, uint64_t *value)
{
    uint32_t offset = r->kernel->layout->fields[field];
    return offset != KERNEL_NO_FIELD && kernel_read_word(r->kernel, r->memory, structure + offset, value);
}

static uint32_t read_number(const struct reader *r, uint64_t structure, enum kernel_field field)
{
    uint8_t bytes[4];
    uint32_t offset = r->kernel->layout->fields[field];
    bool there = offset != KERNEL_NO_FIELD && kernel_read(r->kernel, r->memory, structure + offset, bytes, sizeof(bytes));
    return there ? load_le32(bytes) : 0;
}

// --- the list ---

static bool is_module(const struct reader *r, uint64_t module, char name[64])
{
    uint64_t self;
    return read_field(r, module, MODULE_SELF, &self) && self == module &&
           kernel_read_text(r->kernel, r->memory, module + r->kernel->layout->fields[MODULE_NAME], name, 64) && name[0];
}

// Whether a list with modules in it begins at `head`.
static bool is_head(const struct reader *r, uint64_t head, uint64_t next)
{
    uint64_t back;
    char name[64];
    return kernel_read_word(r->kernel, r->memory, next + kernel_word(r->kernel->arch), &back) && back == head &&
           is_module(r, next - r->kernel->layout->fields[MODULE_LIST], name);
}

static bool find_head_between(const struct reader *r, uint64_t start, uint64_t end, uint64_t *head)
{
    enum { CHUNK = 64 << 10 };
    unsigned word = kernel_word(r->kernel->arch);
    uint8_t *bytes = malloc(CHUNK);
    bool found = false;
    unsigned budget = MOST_HEADS;
    const struct kernel_layout *layout = r->kernel->layout;
    for (uint64_t at = start & ~(uint64_t)(CHUNK - 1); bytes && !found && at < end; at += CHUNK) {
        if (!kernel_read(r->kernel, r->memory, at, bytes, CHUNK))
            continue;
        for (unsigned i = 0; i + word < CHUNK && !found && budget; i += word) {
            uint64_t next = load_le(bytes + i, word), last = load_le(bytes + i + word, word);
            // Lists of what is elsewhere: modules are not in the kernel.
            if (next >> (8 * word - 1) && last >> (8 * word - 1) && !(next % word) && !(last % word) &&
                next - layout->gva >= layout->size && last - layout->gva >= layout->size) {
                found = is_head(r, at + i, next);
                if (found)
                    *head = at + i;
                budget--;
            }
        }
    }
    free(bytes);
    return found;
}

static bool find_head(const struct reader *r, uint64_t *head)
{
    const struct kernel_symbol *modules = kernel_symbol(r->kernel, "modules");
    const struct kernel_symbol *text_end = kernel_symbol(r->kernel, "_etext");
    if (modules && !modules->module) {
        *head = modules->address;
        return true;
    }
    // It stays where it was found once.
    uint64_t *found = &r->kernel->layout->modules_at;
    if (!*found && !find_head_between(r, text_end ? text_end->address : r->kernel->text, r->kernel->end, found))
        return false;
    *head = *found;
    return true;
}

// --- a module ---

static void add_region(struct kernel_module *module, uint64_t address, uint64_t bytes, bool code, bool init)
{
    static const uint64_t LARGEST = 256 << 20;
    if (!address || !bytes || bytes > LARGEST || address + bytes <= address || module->region_count == KERNEL_MODULE_REGIONS)
        return;
    module->regions[module->region_count++] = (struct kernel_region){address, bytes, code, init};
    module->starts |= init;
}

// Up to 6.3: one piece that stays and one that goes after the start, each beginning with code.
static void read_piece(const struct reader *r, uint64_t at, struct kernel_module *module, enum kernel_field base,
                       enum kernel_field bytes, enum kernel_field text)
{
    uint64_t address;
    bool init = base == MODULE_INIT;
    uint32_t size = read_number(r, at, bytes), code = read_number(r, at, text);
    if (!read_field(r, at, base, &address) || code > size)
        return;
    add_region(module, address, code, true, init);
    add_region(module, address + code, size - code, false, init);
}

static void read_regions(const struct reader *r, uint64_t at, struct kernel_module *module)
{
    enum { TYPES = 7, TEXT = 0, INIT_TEXT = 4 }; // enum mod_mem_type
    read_piece(r, at, module, MODULE_CORE, MODULE_CORE_BYTES, MODULE_CORE_TEXT);
    read_piece(r, at, module, MODULE_INIT, MODULE_INIT_BYTES, MODULE_INIT_TEXT);
    uint32_t step = r->kernel->layout->memory_bytes;
    for (unsigned i = 0; step && i < TYPES; i++) {
        uint64_t address;
        if (read_field(r, at + i * step, MODULE_MEM, &address))
            add_region(module, address, read_number(r, at + i * step, MODULE_MEM_BYTES), i == TEXT || i == INIT_TEXT,
                       i >= INIT_TEXT);
    }
}

static void read_sections(struct reader *r, uint64_t at, struct kernel_module *module)
{
    const struct kernel_layout *layout = r->kernel->layout;
    static const enum kernel_field wanted[] = {SECTIONS_FIRST, SECTION_NAME, SECTION_ADDRESS};
    uint64_t table, text;
    uint32_t count;
    if (!kernel_has_fields(r->kernel, wanted, ARRAY_SIZE(wanted)) || !layout->section_bytes ||
        !read_field(r, at, MODULE_SECTIONS, &table) || !(count = read_number(r, table, SECTIONS_COUNT)) ||
        count > MOST_SECTIONS || count > r->section_budget)
        return;
    r->section_budget -= count;
    module->sections = ALLOC_ARRAY(struct kernel_section, count);
    for (uint32_t i = 0; i < count; i++) {
        struct kernel_section *section = &module->sections[module->section_count];
        uint64_t row = table + layout->fields[SECTIONS_FIRST] + (uint64_t)i * layout->section_bytes;
        if (kernel_read_word(r->kernel, r->memory, row + layout->fields[SECTION_NAME], &text) &&
            kernel_read_word(r->kernel, r->memory, row + layout->fields[SECTION_ADDRESS], &section->address) &&
            kernel_read_text(r->kernel, r->memory, text, section->name, sizeof(section->name)))
            module->section_count++;
    }
    kernel_sort_sections(module->sections, module->section_count);
}

// Reads as far as there is memory; the rest is 0.
static void read_pages(const struct reader *r, uint64_t at, uint8_t *out, size_t bytes)
{
    enum { PAGE = 4096 };
    while (bytes) {
        size_t here = PAGE - (at & (PAGE - 1));
        here = here < bytes ? here : bytes;
        if (!kernel_read(r->kernel, r->memory, at, out, here))
            return;
        at += here;
        out += here;
        bytes -= here;
    }
}

static void read_build_id(const struct reader *r, struct kernel_module *module)
{
    uint8_t note[16 + KERNEL_BUILD_ID_BYTES] = {0}; // with its header
    for (unsigned i = 0; i < module->section_count; i++)
        if (!strcmp(module->sections[i].name, ".note.gnu.build-id")) {
            read_pages(r, module->sections[i].address, note, sizeof(note));
            kernel_parse_build_id(note, sizeof(note), &module->build_id);
        }
}

struct symbol_tables {
    uint32_t count;
    uint8_t *rows, *letters;
    bool wide;
};

static uint32_t name_offset(const struct symbol_tables *t, uint32_t number)
{
    return load_le32(t->rows + number * (t->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
}

static struct kernel_symbol symbol_of(const struct symbol_tables *t, uint32_t number)
{
    const uint8_t *row = t->rows + number * (t->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
    uint8_t info = row[t->wide ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info)];
    char letter = (char)t->letters[number];
    if (letter >= 'a' && letter <= 'z' && ELF64_ST_BIND(info) != STB_LOCAL)
        letter = (char)(letter - 'a' + 'A');
    return (struct kernel_symbol){.type = letter < ' ' || letter > '~' ? '?' : letter,
                                  .address = t->wide ? load_le64(row + offsetof(Elf64_Sym, st_value))
                                                     : load_le32(row + offsetof(Elf32_Sym, st_value))};
}

static void add_symbols(struct reader *r, struct kernel_module *module, unsigned number, const struct symbol_tables *t,
                        uint64_t strings_at)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (name_offset(t, i) > last && name_offset(t, i) < LARGEST_STRINGS)
            last = name_offset(t, i);
    size_t name_bytes = (size_t)last + LONGEST_NAME;
    if (name_bytes > r->text_budget)
        return;
    r->text_budget -= name_bytes;
    struct kernel_symbol *more = realloc(r->symbols, (r->count + t->count) * sizeof(*more));
    if (more)
        r->symbols = more;
    module->names = calloc(1, name_bytes + 1);
    if (!more || !module->names)
        return;
    read_pages(r, strings_at, (uint8_t *)module->names, name_bytes);
    for (uint32_t i = 0; i < t->count; i++) {
        if (name_offset(t, i) > last || !module->names[name_offset(t, i)])
            continue;
        r->symbols[r->count] = symbol_of(t, i);
        r->symbols[r->count].name = module->names + name_offset(t, i);
        r->symbols[r->count++].module = (uint16_t)(number + 1);
    }
}

static void read_symbols(struct reader *r, uint64_t at, struct kernel_module *module, unsigned number)
{
    static const enum kernel_field wanted[] = {KALLSYMS_SYMTAB, KALLSYMS_NUM_SYMTAB, KALLSYMS_STRTAB, KALLSYMS_TYPETAB};
    uint64_t tables, rows, strings, letters;
    struct symbol_tables t = {.wide = r->kernel->arch != KERNEL_I386};
    if (!kernel_has_fields(r->kernel, wanted, ARRAY_SIZE(wanted)) || !read_field(r, at, MODULE_KALLSYMS, &tables) ||
        !read_field(r, tables, KALLSYMS_SYMTAB, &rows) || !read_field(r, tables, KALLSYMS_STRTAB, &strings) ||
        !read_field(r, tables, KALLSYMS_TYPETAB, &letters))
        return;
    t.count = read_number(r, tables, KALLSYMS_NUM_SYMTAB);
    if (!t.count || t.count > MOST_SYMBOLS || t.count > r->symbol_budget)
        return;
    r->symbol_budget -= t.count;
    size_t row_bytes = t.count * (t.wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
    t.rows = calloc(1, row_bytes);
    t.letters = calloc(1, t.count);
    if (t.rows && t.letters) {
        read_pages(r, rows, t.rows, row_bytes);
        read_pages(r, letters, t.letters, t.count);
        add_symbols(r, module, number, &t, strings);
    }
    free(t.rows);
    free(t.letters);
}

// --- all of them ---

static const char *read_list(struct reader *r, uint64_t head)
{
    uint64_t node;
    if (!kernel_read_word(r->kernel, r->memory, head, &node))
        return "the list of modules is not readable";
    unsigned count = 0, capacity = 0;
    for (; node != head; count++) {
        uint64_t at = node - r->kernel->layout->fields[MODULE_LIST];
        char name[64];
        if (count == MOST_MODULES || !is_module(r, at, name))
            return "the list of modules breaks off";
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            r->kernel->modules = alloc_resize(r->kernel->modules, capacity, sizeof(struct kernel_module));
        }
        struct kernel_module *module = &r->kernel->modules[count];
        *module = (struct kernel_module){0};
        strcpy(module->name, name);
        r->kernel->module_count = count + 1;
        read_regions(r, at, module);
        read_sections(r, at, module);
        read_build_id(r, module);
        read_symbols(r, at, module, count);
        if (!kernel_read_word(r->kernel, r->memory, node, &node))
            return "the list of modules breaks off";
    }
    return NULL;
}

void kernel_read_modules(struct kernel_info *kernel, const struct kernel_memory *memory)
{
    static const enum kernel_field wanted[] = {MODULE_LIST, MODULE_NAME, MODULE_SELF};
    struct reader r = {.kernel = kernel, .memory = memory, .symbol_budget = MOST_ALL_SYMBOLS,
                       .text_budget = LARGEST_ALL_STRINGS, .section_budget = MOST_ALL_SECTIONS};
    uint64_t head;
    kernel_modules_free(kernel);
    if (!kernel_has_fields(kernel, wanted, ARRAY_SIZE(wanted)))
        kernel->modules_missing = "the kernel does not describe its structures (CONFIG_DEBUG_INFO_BTF)";
    else if (!find_head(&r, &head))
        kernel->modules_missing = "no list of modules is found, or it is empty";
    else
        kernel->modules_missing = read_list(&r, head);
    if (r.count)
        kernel_add_symbols(kernel, r.symbols, r.count);
    free(r.symbols);
}
