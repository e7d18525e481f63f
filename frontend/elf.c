// SPDX-License-Identifier: MIT
// ELF-64 Object File Format, version 1.5: file header and program headers.
#include "frontend/elf.h"

#include <errno.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

int elf_parse(const uint8_t *data, uint64_t size, struct elf_program *program, struct error *error)
{
    enum { FILE_HEADER_BYTES = 64, ROW_BYTES = 56, PT_LOAD = 1 };
    if (size < FILE_HEADER_BYTES)
        return error_set(error, EINVAL, "its ELF header is cut short");
    uint64_t entry = load_le64(data + 24), table = load_le64(data + 32);
    uint64_t row_bytes = load_le16(data + 54), rows = load_le16(data + 56);
    if (row_bytes < ROW_BYTES || !range_inside(table, row_bytes * rows, size))
        return error_set(error, EINVAL, "its ELF program headers are damaged or cut short");
    *program = (struct elf_program){.entry = entry};
    for (uint64_t i = 0; i < rows; i++) {
        const uint8_t *row = data + table + i * row_bytes;
        uint64_t vaddr = load_le64(row + 16);
        struct elf_segment segment = {load_le64(row + 24), load_le64(row + 8), load_le64(row + 32),
                                      load_le64(row + 40)};
        if (load_le32(row) != PT_LOAD || !segment.memory_bytes)
            continue;
        if (!range_inside(segment.file_offset, segment.file_bytes, size) ||
            segment.file_bytes > segment.memory_bytes || segment.gpa + segment.memory_bytes < segment.gpa)
            return error_set(error, EINVAL, "its ELF segment %u is damaged or cut short", (unsigned)i);
        if (program->segment_count == ELF_MAX_SEGMENTS)
            return error_set(error, EINVAL, "it has more than %d ELF segments", ELF_MAX_SEGMENTS);
        // Kernels linked at virtual addresses are entered with the MMU off.
        if (entry - vaddr < segment.memory_bytes)
            program->entry = segment.gpa + (entry - vaddr);
        program->segments[program->segment_count++] = segment;
    }
    if (!program->segment_count)
        return error_set(error, EINVAL, "it has nothing to load (an object file?)");
    return 0;
}
