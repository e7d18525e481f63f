// SPDX-License-Identifier: MIT
// Build ids: the number by which a program and the file with its debugging information know each other, in a note of the linker's
// (ELF 1.2, note sections; GNU's NT_GNU_BUILD_ID). Kernels have theirs in memory.
#include "frontend/kernel-private.h"

#include <elf.h>
#include <string.h>

#include "frontend/elf.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

bool kernel_parse_build_id(const uint8_t *notes, size_t bytes, struct kernel_build_id *id)
{
    const uint8_t *contents;
    uint64_t size;
    if (!elf_find_in_notes(notes, bytes, ELF_NOTE_GNU, NT_GNU_BUILD_ID, &contents, &size) || !size || size > sizeof(id->bytes) ||
        round_up(size, 4) > (uint64_t)(notes + bytes - contents))
        return false;
    memcpy(id->bytes, contents, size);
    id->size = (unsigned)size;
    return true;
}

bool kernel_same_build(const struct kernel_build_id *a, const struct kernel_build_id *b)
{
    return a->size && a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

// --- in a kernel ---

static const uint8_t MARK[] = {NT_GNU_BUILD_ID, 0, 0, 0, 'G', 'N', 'U', 0};
enum { MARK_AT = offsetof(Elf32_Nhdr, n_type) };

// Kernels carry small programs for their processes (vDSO), which have notes of their own: whether one at `at` is among those.
static bool is_of_program(const uint8_t *program, size_t size, size_t at)
{
    enum { MOST_SEGMENTS = 16 };
    bool wide = size > EI_CLASS && program[EI_CLASS] == ELFCLASS64;
    if (size < sizeof(Elf64_Ehdr) || memcmp(program, ELFMAG, SELFMAG))
        return false;
    uint64_t table = wide ? load_le64(program + offsetof(Elf64_Ehdr, e_phoff))
                          : load_le32(program + offsetof(Elf32_Ehdr, e_phoff));
    unsigned count = load_le16(program + (wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)));
    size_t row = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    for (unsigned i = 0; i < count && i < MOST_SEGMENTS && range_inside(table, row * (i + 1), size); i++) {
        const uint8_t *h = program + table + i * row;
        uint64_t start = wide ? load_le64(h + offsetof(Elf64_Phdr, p_offset)) : load_le32(h + offsetof(Elf32_Phdr, p_offset));
        uint64_t bytes = wide ? load_le64(h + offsetof(Elf64_Phdr, p_filesz)) : load_le32(h + offsetof(Elf32_Phdr, p_filesz));
        if (load_le32(h) == PT_NOTE && at - start < bytes)
            return true;
    }
    return false;
}

static bool is_of_any_program(const uint8_t *bytes, size_t size, size_t at)
{
    enum { PAGE = 4096, MOST_PAGES = 16 };
    size_t page = at & ~(size_t)(PAGE - 1);
    for (unsigned i = 0; i < MOST_PAGES; i++, page -= PAGE) {
        if (is_of_program(bytes + page, size - page, at - page))
            return true;
        if (!page)
            break;
    }
    return false;
}

void kernel_find_build_id(const uint8_t *bytes, size_t size, struct kernel_build_id *id)
{
    const uint8_t *end = bytes + size, *from = bytes, *mark;
    *id = (struct kernel_build_id){0};
    while ((mark = memmem(from, (size_t)(end - from), MARK, sizeof(MARK)))) {
        size_t at = (size_t)(mark - bytes) - MARK_AT;
        struct kernel_build_id other;
        from = mark + 1;
        if ((size_t)(mark - bytes) < MARK_AT || at % 4 || is_of_any_program(bytes, size, at) ||
            !kernel_parse_build_id(bytes + at, size - at, &other))
            continue;
        if (id->size && !kernel_same_build(id, &other)) {
            id->size = 0; // it is not clear which
            return;
        }
        *id = other;
    }
}
