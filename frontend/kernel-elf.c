// SPDX-License-Identifier: MIT
// What a debugger loads to know a running kernel's names: an ELF program (ELF 1.2, its 64-bit form 1.5) with sections and
// symbols at the addresses where they are now. Nothing is in the sections (SHT_NOBITS): debuggers read the guest's memory.
//
// It is what a program is from which the debugging information has been split: by the build id, debuggers find the file that has
// it, and move each of that file's sections to where the one of that name is here. GDB moves lines and functions as .text.
//
// Of symbols at one address, the first is given the size and the others none, so that debuggers show that one's name: the
// kernel sorts what linker scripts and aliases add (_stext) behind the functions' names.
#include "frontend/kernel-private.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MOST_SECTIONS = 4096,
    EXTRA_SECTIONS = 4, // the one without a name, .symtab, .strtab, .shstrtab
    LARGEST_SYMBOL = 1 << 20,
    NOTE_HEADER_BYTES = 16, // with the owner
};

static const char NOTE_NAME[] = ".note.gnu.build-id";

struct section {
    const char *name;
    uint64_t start, end;
    bool code;
};

struct writer {
    const struct kernel_info *kernel;
    unsigned module; // as in struct kernel_symbol
    const struct kernel_build_id *build_id;
    bool wide;
    struct section *sections; // by address, apart from each other
    unsigned section_count;
    size_t symbol_count, local_count, name_bytes; // with the first symbol, which is empty
    uint8_t *data;
    size_t size, note_at, note_bytes, symbols_at, names_at, section_names_at, section_names_bytes, headers_at;
};

// --- sections ---

static void add_section(struct writer *w, const char *name, uint64_t start, uint64_t end, bool code)
{
    if (w->section_count < MOST_SECTIONS && end > start)
        w->sections[w->section_count++] = (struct section){name, start, end, code};
}

// As the linker's script of Linux names them.
static bool has_code(const struct kernel_section *section)
{
    return strstr(section->name, "text");
}

// By the symbols that stand at the beginning of sections. Each goes on to where the next begins.
static void guess_sections(struct writer *w)
{
    static const struct {
        const char *first, *second, *name; // the symbol that begins it, or another
        bool code;
    } parts[] = {
        {"_stext", NULL, ".text", true},
        {"__start_rodata", "_etext", ".rodata", false}, {"_sinittext", NULL, ".init.text", true},
        {"_einittext", NULL, ".init.data", false},      {"_sdata", NULL, ".data", false},
        {"__bss_start", NULL, ".bss", false},
    };
    const struct kernel_info *kernel = w->kernel;
    const struct kernel_symbol *text = kernel_symbol(kernel, "_stext");
    // What is before the code has a section of its own.
    add_section(w, text && text->address > kernel->text ? ".head.text" : ".text", kernel->text, kernel->end, true);
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        const struct kernel_symbol *start = kernel_symbol(kernel, parts[i].first);
        if (!start && parts[i].second)
            start = kernel_symbol(kernel, parts[i].second);
        if (start && start->address > kernel->text)
            add_section(w, parts[i].name, start->address, kernel->end, parts[i].code);
    }
}

static void add_kernel(struct writer *w)
{
    for (unsigned i = 0; i < w->kernel->section_count; i++) {
        const struct kernel_section *section = &w->kernel->sections[i];
        add_section(w, section->name, section->address, w->kernel->end, has_code(section));
    }
    if (!w->section_count)
        guess_sections(w);
}

// Not that of the symbols, which the kernel keeps as if it were one of memory.
static bool is_of_memory(const struct kernel_section *section)
{
    return strcmp(section->name, ".symtab") && strcmp(section->name, ".strtab");
}

// Those that are still there: others go when the module has started.
static void add_module(struct writer *w, const struct kernel_module *module)
{
    for (unsigned i = 0; i < module->region_count; i++) {
        const struct kernel_region *region = &module->regions[i];
        uint64_t end = region->address + region->bytes;
        unsigned before = w->section_count;
        for (unsigned n = 0; n < module->section_count; n++)
            if (module->sections[n].address - region->address < region->bytes && is_of_memory(&module->sections[n]))
                add_section(w, module->sections[n].name, module->sections[n].address, end, has_code(&module->sections[n]));
        if (w->section_count == before)
            add_section(w, region->code ? ".text" : ".data", region->address, end, region->code);
    }
}

static int compare_sections(const void *a, const void *b)
{
    const struct section *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static bool make_sections(struct writer *w)
{
    w->sections = malloc(MOST_SECTIONS * sizeof(*w->sections));
    if (!w->sections)
        return false;
    if (w->module)
        add_module(w, &w->kernel->modules[w->module - 1]);
    else
        add_kernel(w);
    qsort(w->sections, w->section_count, sizeof(*w->sections), compare_sections);
    unsigned kept = 0;
    for (unsigned i = 0; i < w->section_count; i++) {
        struct section section = w->sections[i];
        if (i + 1 < w->section_count && section.end > w->sections[i + 1].start)
            section.end = w->sections[i + 1].start;
        if (section.end > section.start)
            w->sections[kept++] = section;
    }
    w->section_count = kept;
    return kept;
}

// Its number counts from 1, as the first of the file is empty.
static unsigned section_of(const struct writer *w, uint64_t address)
{
    unsigned low = 0, high = w->section_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (w->sections[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < w->section_count && w->sections[low].start <= address ? low + 1 : 0;
}

// --- symbols ---

static bool is_local(const struct kernel_symbol *symbol)
{
    return symbol->type >= 'a' && symbol->type <= 'z';
}

// Not what marks code and data for disassemblers.
static bool is_wanted(const struct writer *w, const struct kernel_symbol *symbol)
{
    return symbol->module == w->module && symbol->name[0] && symbol->name[0] != '$';
}

static uint64_t size_of(const struct writer *w, size_t number, unsigned section)
{
    const struct kernel_symbol *symbols = w->kernel->symbols;
    uint64_t start = symbols[number].address, end = w->sections[section - 1].end;
    if (number && symbols[number - 1].address == start && is_wanted(w, &symbols[number - 1]))
        return 0;
    enum { MOST_AT_ONE = 64 };
    for (size_t i = number + 1; i < w->kernel->symbol_count && i - number < MOST_AT_ONE; i++)
        if (symbols[i].address > start && is_wanted(w, &symbols[i])) {
            end = symbols[i].address < end ? symbols[i].address : end;
            break;
        }
    return end - start < LARGEST_SYMBOL ? end - start : 0;
}

static uint8_t info_of(const struct writer *w, const struct kernel_symbol *symbol, unsigned section)
{
    bool function = section && w->sections[section - 1].code && strchr("tTwW", symbol->type);
    unsigned type = !section ? STT_NOTYPE : function ? STT_FUNC : STT_OBJECT;
    unsigned binding = is_local(symbol) ? STB_LOCAL : strchr("WV", symbol->type) ? STB_WEAK : STB_GLOBAL;
    return (uint8_t)ELF64_ST_INFO(binding, type);
}

static void put_symbol(const struct writer *w, uint8_t *out, size_t number, uint32_t name)
{
    const struct kernel_symbol *symbol = &w->kernel->symbols[number];
    unsigned section = symbol->type == 'A' || symbol->type == 'a' ? 0 : section_of(w, symbol->address);
    uint64_t bytes = section ? size_of(w, number, section) : 0;
    uint8_t info = info_of(w, symbol, section);
    uint16_t index = section ? (uint16_t)section : SHN_ABS;
    store_le32(out, name);
    if (w->wide) {
        out[offsetof(Elf64_Sym, st_info)] = info;
        store_le16(out + offsetof(Elf64_Sym, st_shndx), index);
        store_le64(out + offsetof(Elf64_Sym, st_value), symbol->address);
        store_le64(out + offsetof(Elf64_Sym, st_size), bytes);
    } else {
        out[offsetof(Elf32_Sym, st_info)] = info;
        store_le16(out + offsetof(Elf32_Sym, st_shndx), index);
        store_le32(out + offsetof(Elf32_Sym, st_value), (uint32_t)symbol->address);
        store_le32(out + offsetof(Elf32_Sym, st_size), (uint32_t)bytes);
    }
}

static void put_symbols(const struct writer *w)
{
    size_t row = w->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    uint8_t *out = w->data + w->symbols_at + row;
    char *names = (char *)w->data + w->names_at, *name = names + 1;
    // The local ones come first.
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < w->kernel->symbol_count; i++) {
            const struct kernel_symbol *symbol = &w->kernel->symbols[i];
            if (!is_wanted(w, symbol) || is_local(symbol) != !round)
                continue;
            put_symbol(w, out, i, (uint32_t)(name - names));
            name = stpcpy(name, symbol->name) + 1;
            out += row;
        }
}

// --- headers ---

// The words of a section's header, each as wide as a pointer but for name, type, link and info.
struct header {
    uint32_t name, type;
    uint64_t flags, address, offset, bytes;
    uint32_t link, info;
    uint64_t align, row;
};

static void put_header(const struct writer *w, unsigned number, struct header h)
{
    unsigned word = w->wide ? 8 : 4;
    uint8_t *out = w->data + w->headers_at + number * (w->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
    const struct {
        uint64_t value;
        unsigned bytes;
    } fields[] = {
        {h.name, 4},     {h.type, 4}, {h.flags, word}, {h.address, word}, {h.offset, word},
        {h.bytes, word}, {h.link, 4}, {h.info, 4},     {h.align, word},   {h.row, word},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        store_le(out, fields[i].bytes, fields[i].value);
        out += fields[i].bytes;
    }
}

static uint32_t put_section_name(const struct writer *w, size_t *at, const char *name)
{
    size_t start = *at;
    strcpy((char *)w->data + w->section_names_at + start, name);
    *at += strlen(name) + 1;
    return (uint32_t)start;
}

static void put_sections(const struct writer *w)
{
    size_t names = 1;
    for (unsigned i = 0; i < w->section_count; i++) {
        const struct section *section = &w->sections[i];
        put_header(w, i + 1, (struct header){.name = put_section_name(w, &names, section->name), .type = SHT_NOBITS,
                                             .flags = SHF_ALLOC | (section->code ? SHF_EXECINSTR : SHF_WRITE),
                                             .address = section->start, .offset = w->symbols_at,
                                             .bytes = section->end - section->start, .align = 1});
    }
    unsigned next = w->section_count + 1;
    if (w->note_bytes)
        put_header(w, next++, (struct header){.name = put_section_name(w, &names, NOTE_NAME), .type = SHT_NOTE,
                                              .offset = w->note_at, .bytes = w->note_bytes, .align = 4});
    size_t row = w->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    put_header(w, next, (struct header){.name = put_section_name(w, &names, ".symtab"), .type = SHT_SYMTAB,
                                        .offset = w->symbols_at, .bytes = w->symbol_count * row, .link = next + 1,
                                        .info = (uint32_t)w->local_count, .align = 8, .row = row});
    put_header(w, next + 1, (struct header){.name = put_section_name(w, &names, ".strtab"), .type = SHT_STRTAB,
                                            .offset = w->names_at, .bytes = w->name_bytes, .align = 1});
    put_header(w, next + 2, (struct header){.name = put_section_name(w, &names, ".shstrtab"), .type = SHT_STRTAB,
                                            .offset = w->section_names_at, .bytes = w->section_names_bytes, .align = 1});
}

static void put_note(const struct writer *w)
{
    uint8_t *out = w->data + w->note_at;
    if (!w->note_bytes)
        return;
    store_le32(out, sizeof(ELF_NOTE_GNU));
    store_le32(out + offsetof(Elf32_Nhdr, n_descsz), w->build_id->size);
    store_le32(out + offsetof(Elf32_Nhdr, n_type), NT_GNU_BUILD_ID);
    memcpy(out + sizeof(Elf32_Nhdr), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU));
    memcpy(out + NOTE_HEADER_BYTES, w->build_id->bytes, w->build_id->size);
}

static void put_segments(const struct writer *w)
{
    uint8_t *out = w->data + (w->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    for (unsigned i = 0; i < w->section_count; i++) {
        const struct section *section = &w->sections[i];
        uint64_t bytes = section->end - section->start;
        uint32_t flags = PF_R | (section->code ? PF_X : PF_W);
        store_le32(out, PT_LOAD);
        if (w->wide) {
            store_le32(out + offsetof(Elf64_Phdr, p_flags), flags);
            store_le64(out + offsetof(Elf64_Phdr, p_vaddr), section->start);
            store_le64(out + offsetof(Elf64_Phdr, p_paddr), section->start);
            store_le64(out + offsetof(Elf64_Phdr, p_memsz), bytes);
            out += sizeof(Elf64_Phdr);
        } else {
            store_le32(out + offsetof(Elf32_Phdr, p_flags), flags);
            store_le32(out + offsetof(Elf32_Phdr, p_vaddr), (uint32_t)section->start);
            store_le32(out + offsetof(Elf32_Phdr, p_paddr), (uint32_t)section->start);
            store_le32(out + offsetof(Elf32_Phdr, p_memsz), (uint32_t)bytes);
            out += sizeof(Elf32_Phdr);
        }
    }
}

static unsigned header_count(const struct writer *w)
{
    return w->section_count + (w->note_bytes > 0) + EXTRA_SECTIONS;
}

static void put_file_header(const struct writer *w)
{
    static const uint16_t machines[] = {EM_AARCH64, EM_X86_64, EM_386};
    unsigned word = w->wide ? 8 : 4;
    uint64_t header = w->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    const struct {
        uint64_t value;
        unsigned bytes;
    } fields[] = {
        {ET_EXEC, 2},
        {machines[w->kernel->arch], 2},
        {EV_CURRENT, 4},
        {w->module ? w->sections[0].start : w->kernel->text, word},
        {header, word},
        {w->headers_at, word},
        {0, 4}, // flags
        {header, 2},
        {w->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr), 2},
        {w->section_count, 2},
        {w->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2},
        {header_count(w), 2},
        {header_count(w) - 1, 2},
    };
    uint8_t *out = w->data;
    memcpy(out, ELFMAG, SELFMAG);
    out[EI_CLASS] = w->wide ? ELFCLASS64 : ELFCLASS32;
    out[EI_DATA] = ELFDATA2LSB;
    out[EI_VERSION] = EV_CURRENT;
    out += EI_NIDENT;
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        store_le(out, fields[i].bytes, fields[i].value);
        out += fields[i].bytes;
    }
}

// --- all of it ---

static void lay_out(struct writer *w)
{
    size_t at = (w->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) +
                w->section_count * (w->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
    w->symbol_count = w->local_count = w->name_bytes = 1;
    for (size_t i = 0; i < w->kernel->symbol_count; i++) {
        const struct kernel_symbol *symbol = &w->kernel->symbols[i];
        if (!is_wanted(w, symbol))
            continue;
        w->symbol_count++;
        w->local_count += is_local(symbol);
        w->name_bytes += strlen(symbol->name) + 1;
    }
    w->note_bytes = w->build_id->size ? NOTE_HEADER_BYTES + round_up(w->build_id->size, 4) : 0;
    w->section_names_bytes = 1 + sizeof(NOTE_NAME) + sizeof(".symtab") + sizeof(".strtab") + sizeof(".shstrtab");
    for (unsigned i = 0; i < w->section_count; i++)
        w->section_names_bytes += strlen(w->sections[i].name) + 1;
    w->note_at = at;
    w->symbols_at = at = round_up(at + w->note_bytes, 8);
    w->names_at = at += w->symbol_count * (w->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
    w->section_names_at = at += w->name_bytes;
    w->headers_at = at = round_up(at + w->section_names_bytes, 8);
    w->size = at + header_count(w) * (w->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));
}

static uint8_t *make(struct writer *w, size_t *size)
{
    if (!make_sections(w))
        return NULL;
    lay_out(w);
    w->data = calloc(1, w->size);
    if (w->data) {
        put_file_header(w);
        put_segments(w);
        put_note(w);
        put_symbols(w);
        put_sections(w);
        *size = w->size;
    }
    return w->data;
}

uint8_t *kernel_make_elf(const struct kernel_info *kernel, size_t *size)
{
    struct writer w = {.kernel = kernel, .build_id = &kernel->build_id, .wide = kernel->arch != KERNEL_I386};
    uint8_t *data = make(&w, size);
    free(w.sections);
    return data;
}

uint8_t *kernel_make_module_elf(const struct kernel_info *kernel, unsigned number, size_t *size, uint64_t *address)
{
    struct writer w = {.kernel = kernel, .module = number + 1, .build_id = &kernel->modules[number].build_id,
                       .wide = kernel->arch != KERNEL_I386};
    uint8_t *data = make(&w, size);
    if (data)
        *address = w.sections[0].start;
    free(w.sections);
    return data;
}
