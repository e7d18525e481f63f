// SPDX-License-Identifier: MIT
// Names of the files in firmware volumes that are in memory (PI 1.8, volume 3: hand-off blocks 5, volumes 3.2): firmware built for
// release leaves no paths in its images, but volumes have names for people. What is compressed in them is not looked into.
#include <stdlib.h>
#include <string.h>

#include "frontend/uefi-images.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MOST_BLOCKS = 4096,
    MOST_FILES = 4096, // in all volumes
    MOST_SECTIONS = 16,
    BLOCK_VOLUME = 5,
    BLOCK_END = 0xffff,
    FILE_BYTES = 24,
    FILE_IS_LARGE = 1,
    SECTION_NAME = 0x15,
};

struct row {
    uint8_t guid[16];
    char name[64];
};

struct uefi_names {
    struct row *rows;
    unsigned count, files;
};

static uint32_t load_le24(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static void read_sections(struct uefi_names *names, const struct uefi_memory *m, const uint8_t *guid, uint64_t at, uint64_t end)
{
    for (unsigned i = 0; i < MOST_SECTIONS && at < end; i++) {
        uint8_t header[8];
        if (!m->read(m->opaque, at, header, sizeof(header)))
            return;
        uint32_t bytes = load_le24(header);
        bytes = bytes == 0xffffff ? load_le32(header + 4) : bytes;
        if (bytes < 4 || bytes > end - at)
            return;
        if (header[3] == SECTION_NAME) {
            struct row row;
            memcpy(row.guid, guid, sizeof(row.guid));
            uefi_read_text(m, at + 4, row.name, sizeof(row.name));
            if (!row.name[0])
                return;
            names->rows = alloc_resize(names->rows, names->count + 1, sizeof(*names->rows));
            names->rows[names->count++] = row;
            return;
        }
        at += round_up(bytes, 4);
    }
}

static void read_files(struct uefi_names *names, const struct uefi_memory *m, uint64_t at, uint64_t end)
{
    while (names->files++ < MOST_FILES && at < end && end - at >= FILE_BYTES) {
        uint8_t header[FILE_BYTES + 8] = {0};
        if (!m->read(m->opaque, at, header, end - at < sizeof(header) ? FILE_BYTES : sizeof(header)))
            return;
        bool large = header[19] & FILE_IS_LARGE;
        uint64_t bytes = large ? load_le64(header + FILE_BYTES) : load_le24(header + 20), skip = large ? FILE_BYTES + 8 : FILE_BYTES;
        if (bytes < skip || bytes > end - at)
            return; // where it is erased, it is longer than the rest
        read_sections(names, m, header, at + skip, at + bytes);
        at += round_up(bytes, 8);
    }
}

static void read_volume(struct uefi_names *names, const struct uefi_memory *m, uint64_t base, uint64_t bytes)
{
    enum { HEADER = 56, EXTENSION = 20 };
    uint8_t header[HEADER], extension[EXTENSION];
    if (bytes < HEADER || base + bytes < base || !m->read(m->opaque, base, header, HEADER) || memcmp(header + 40, "_FVH", 4))
        return;
    uint64_t first = load_le16(header + 48), more = load_le16(header + 52);
    if (more && more <= bytes - EXTENSION && m->read(m->opaque, base + more, extension, EXTENSION))
        first = round_up(more + load_le32(extension + 16), 8);
    if (first < bytes)
        read_files(names, m, base + first, base + bytes);
}

struct uefi_names *uefi_names_read(const struct uefi_memory *m, uint64_t blocks)
{
    struct uefi_names *names = ALLOC(struct uefi_names);
    for (unsigned i = 0; i < MOST_BLOCKS; i++) {
        uint8_t block[24];
        if (!m->read(m->opaque, blocks, block, 8))
            break;
        unsigned type = load_le16(block), bytes = load_le16(block + 2);
        if (type == BLOCK_END || bytes < 8 || blocks + bytes < blocks)
            break;
        if (type == BLOCK_VOLUME && bytes >= sizeof(block) && m->read(m->opaque, blocks, block, sizeof(block)))
            read_volume(names, m, load_le64(block + 8), load_le64(block + 16));
        blocks += bytes;
    }
    return names;
}

const char *uefi_name(const struct uefi_names *names, const uint8_t guid[16])
{
    for (unsigned i = 0; i < names->count; i++)
        if (!memcmp(names->rows[i].guid, guid, 16))
            return names->rows[i].name;
    return NULL;
}

void uefi_names_destroy(struct uefi_names *names)
{
    if (names)
        free(names->rows);
    free(names);
}
