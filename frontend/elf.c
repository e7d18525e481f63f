// SPDX-License-Identifier: MIT
// ELF Object File Format, version 1.2 with its 64-bit form 1.5: file header, program headers and notes.
#include "frontend/elf.h"

#include <errno.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { PT_LOAD = 1, PT_NOTE = 4, ELFCLASS32 = 1 };

// A program header of either width.
struct row {
    uint32_t type;
    uint64_t offset, vaddr, paddr, file_bytes, memory_bytes;
};

struct table {
    const uint8_t *data;
    bool wide;
    uint64_t entry, offset, row_bytes, rows;
};

static bool find_table(const uint8_t *data, uint64_t size, struct table *table)
{
    enum { HEADER_32 = 52, HEADER_64 = 64, ROW_32 = 32, ROW_64 = 56, CLASS_AT = 4 };
    bool wide = size > CLASS_AT && data[CLASS_AT] != ELFCLASS32;
    if (size < (wide ? HEADER_64 : HEADER_32))
        return false;
    *table = (struct table){.data = data, .wide = wide};
    table->entry = wide ? load_le64(data + 24) : load_le32(data + 24);
    table->offset = wide ? load_le64(data + 32) : load_le32(data + 28);
    table->row_bytes = load_le16(data + (wide ? 54 : 42));
    table->rows = load_le16(data + (wide ? 56 : 44));
    return table->row_bytes >= (wide ? ROW_64 : ROW_32) &&
           range_inside(table->offset, table->row_bytes * table->rows, size);
}

static struct row read_row(const struct table *table, uint64_t number)
{
    const uint8_t *row = table->data + table->offset + number * table->row_bytes;
    if (table->wide)
        return (struct row){load_le32(row),      load_le64(row + 8),  load_le64(row + 16),
                            load_le64(row + 24), load_le64(row + 32), load_le64(row + 40)};
    return (struct row){load_le32(row),      load_le32(row + 4),  load_le32(row + 8),
                        load_le32(row + 12), load_le32(row + 16), load_le32(row + 20)};
}

int elf_parse(const uint8_t *data, uint64_t size, struct elf_program *program, struct error *error)
{
    struct table table;
    if (!find_table(data, size, &table))
        return error_set(error, EINVAL, "its ELF headers are damaged or cut short");
    *program = (struct elf_program){.entry = table.entry};
    for (uint64_t i = 0; i < table.rows; i++) {
        struct row row = read_row(&table, i);
        struct elf_segment segment = {row.paddr, row.offset, row.file_bytes, row.memory_bytes};
        if (row.type != PT_LOAD || !segment.memory_bytes)
            continue;
        if (!range_inside(segment.file_offset, segment.file_bytes, size) ||
            segment.file_bytes > segment.memory_bytes || segment.gpa + segment.memory_bytes < segment.gpa)
            return error_set(error, EINVAL, "its ELF segment %u is damaged or cut short", (unsigned)i);
        if (program->segment_count == ELF_MAX_SEGMENTS)
            return error_set(error, EINVAL, "it has more than %d ELF segments", ELF_MAX_SEGMENTS);
        // Kernels linked at virtual addresses are entered with the MMU off.
        if (table.entry - row.vaddr < segment.memory_bytes)
            program->entry = segment.gpa + (table.entry - row.vaddr);
        program->segments[program->segment_count++] = segment;
    }
    if (!program->segment_count)
        return error_set(error, EINVAL, "it has nothing to load (an object file?)");
    return 0;
}

// Notes are three words (sizes of owner and contents, type) and the two, each padded to 4 bytes.
bool elf_find_in_notes(const uint8_t *notes, uint64_t size, const char *owner, uint32_t type, const uint8_t **contents,
                       uint64_t *bytes)
{
    enum { HEAD_BYTES = 12 };
    uint64_t owner_bytes = strlen(owner) + 1;
    for (uint64_t at = 0; range_inside(at, HEAD_BYTES, size);) {
        uint64_t name = load_le32(notes + at), content = load_le32(notes + at + 4);
        uint64_t content_at = at + HEAD_BYTES + round_up(name, 4);
        if (!range_inside(content_at, content, size))
            return false;
        if (load_le32(notes + at + 8) == type && name == owner_bytes && !memcmp(notes + at + HEAD_BYTES, owner, name)) {
            *contents = notes + content_at;
            *bytes = content;
            return true;
        }
        at = content_at + round_up(content, 4);
    }
    return false;
}

bool elf_find_note(const uint8_t *data, uint64_t size, const char *owner, uint32_t type, const uint8_t **contents,
                   uint64_t *bytes)
{
    struct table table;
    if (!find_table(data, size, &table))
        return false;
    for (uint64_t i = 0; i < table.rows; i++) {
        struct row row = read_row(&table, i);
        if (row.type == PT_NOTE && range_inside(row.offset, row.file_bytes, size) &&
            elf_find_in_notes(data + row.offset, row.file_bytes, owner, type, contents, bytes))
            return true;
    }
    return false;
}
