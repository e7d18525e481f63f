// SPDX-License-Identifier: MIT
// A kernel's ELF file (ELF 1.2, its 64-bit form 1.5), which is not trusted: what its parts are called and where they were linked.
#include "frontend/kernel-private.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { MOST_SECTIONS = 1024 };

struct header {
    uint32_t name, type;
    uint64_t flags, address, offset, bytes;
};

static struct header header_at(const uint8_t *row, bool wide)
{
    if (wide)
        return (struct header){load_le32(row), load_le32(row + 4), load_le64(row + offsetof(Elf64_Shdr, sh_flags)),
                               load_le64(row + offsetof(Elf64_Shdr, sh_addr)), load_le64(row + offsetof(Elf64_Shdr, sh_offset)),
                               load_le64(row + offsetof(Elf64_Shdr, sh_size))};
    return (struct header){load_le32(row), load_le32(row + 4), load_le32(row + offsetof(Elf32_Shdr, sh_flags)),
                           load_le32(row + offsetof(Elf32_Shdr, sh_addr)), load_le32(row + offsetof(Elf32_Shdr, sh_offset)),
                           load_le32(row + offsetof(Elf32_Shdr, sh_size))};
}

static void add_section(struct kernel_file *file, const char *name, size_t room, uint64_t address)
{
    struct kernel_section *section = &file->sections[file->section_count];
    size_t length = strnlen(name, room);
    if (file->section_count == MOST_SECTIONS || length == room || !length || length >= sizeof(section->name))
        return;
    memcpy(section->name, name, length + 1);
    section->address = address;
    file->section_count++;
}

static int compare(const void *a, const void *b)
{
    const struct kernel_section *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

void kernel_sort_sections(struct kernel_section *sections, unsigned count)
{
    qsort(sections, count, sizeof(*sections), compare);
}

bool kernel_file_read(const uint8_t *data, size_t size, struct kernel_file *file)
{
    *file = (struct kernel_file){0};
    bool wide = size > EI_CLASS && data[EI_CLASS] == ELFCLASS64;
    if (size < (wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) || memcmp(data, ELFMAG, SELFMAG) || data[EI_DATA] != ELFDATA2LSB)
        return false;
    uint64_t table = wide ? load_le64(data + offsetof(Elf64_Ehdr, e_shoff)) : load_le32(data + offsetof(Elf32_Ehdr, e_shoff));
    const uint8_t *shape = data + (wide ? offsetof(Elf64_Ehdr, e_shentsize) : offsetof(Elf32_Ehdr, e_shentsize));
    size_t row = load_le16(shape), rows = load_le16(shape + 2), names = load_le16(shape + 4);
    if (row < (wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) || names >= rows || !range_inside(table, row * rows, size))
        return false;
    struct header texts = header_at(data + table + names * row, wide);
    if (!range_inside(texts.offset, texts.bytes, size))
        return false;
    file->sections = ALLOC_ARRAY(struct kernel_section, MOST_SECTIONS + 1);
    for (size_t i = 0; i < rows; i++) {
        struct header h = header_at(data + table + i * row, wide);
        if (h.type == SHT_NOTE && !file->build_id.size && range_inside(h.offset, h.bytes, size))
            kernel_parse_build_id(data + h.offset, h.bytes, &file->build_id);
        if ((h.flags & SHF_ALLOC) && h.bytes && h.name < texts.bytes)
            add_section(file, (const char *)data + texts.offset + h.name, texts.bytes - h.name, h.address);
    }
    kernel_sort_sections(file->sections, file->section_count);
    return true;
}
