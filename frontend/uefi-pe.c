// SPDX-License-Identifier: MIT
// Headers of a loaded PE image: its sections, and the CodeView entry of its debug directory, which is what linkers and edk2 leave
// for debuggers to find symbols by. Images that run in place and have a TE header are not read.
#include <stdlib.h>
#include <string.h>

#include "frontend/uefi-images.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MZ_BYTES = 0x40,
    COFF_BYTES = 24, // with the signature
    OPTIONAL_BYTES = 240,
    SECTION_BYTES = 40,
    MOST_SECTIONS = 96,
    DEBUG_BYTES = 28,
    MOST_DEBUG_ENTRIES = 16,
    DEBUG_DIRECTORY = 6,
    DEBUG_CODEVIEW = 2,
    SECTION_IS_CODE = 0x20,
    PATH_BYTES = 512,
};

static bool read_image(const struct uefi_memory *m, const struct uefi_image *image, uint64_t at, void *out, size_t bytes)
{
    return at <= image->bytes && bytes <= image->bytes - at && m->read(m->opaque, image->base + at, out, bytes);
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

// --- where it was built --------------------------------------------------------------------------------------------

static bool read_codeview(const struct uefi_memory *m, struct uefi_image *image, uint32_t at, uint32_t bytes)
{
    static const struct {
        char signature[5];
        uint32_t path_at;
    } forms[] = {{"NB10", 16}, {"RSDS", 24}, {"MTOC", 20}};
    char path[PATH_BYTES + 1] = {0}, signature[4];
    if (!read_image(m, image, at, signature, sizeof(signature)))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        uint32_t skip = forms[i].path_at;
        if (memcmp(signature, forms[i].signature, sizeof(signature)) || bytes <= skip)
            continue;
        uint32_t length = bytes - skip < PATH_BYTES ? bytes - skip : PATH_BYTES;
        if (!read_image(m, image, (uint64_t)at + skip, path, length) || !path[0] || strlen(path) == PATH_BYTES || !is_printable(path))
            return false;
        image->path = alloc_string(path);
        return true;
    }
    return false;
}

static void read_debug_directory(const struct uefi_memory *m, struct uefi_image *image, uint32_t at, uint32_t bytes)
{
    for (unsigned i = 0; i < MOST_DEBUG_ENTRIES && (i + 1) * DEBUG_BYTES <= bytes; i++) {
        uint8_t entry[DEBUG_BYTES];
        if (!read_image(m, image, (uint64_t)at + i * DEBUG_BYTES, entry, sizeof(entry)))
            return;
        if (load_le32(entry + 12) == DEBUG_CODEVIEW && read_codeview(m, image, load_le32(entry + 20), load_le32(entry + 16)))
            return;
    }
}

// --- sections ------------------------------------------------------------------------------------------------------

static void read_sections(const struct uefi_memory *m, struct uefi_image *image, uint64_t at, unsigned count)
{
    image->sections = ALLOC_ARRAY(struct uefi_section, count + 1);
    for (unsigned i = 0; i < count; i++) {
        uint8_t header[SECTION_BYTES];
        struct uefi_section *s = &image->sections[image->section_count];
        if (!read_image(m, image, at + i * SECTION_BYTES, header, sizeof(header)))
            return;
        uint32_t bytes = load_le32(header + 8), address = load_le32(header + 12);
        memcpy(s->name, header, 8);
        if (!s->name[0] || !is_printable(s->name) || !bytes || address >= image->bytes) {
            memset(s->name, 0, sizeof(s->name));
            continue;
        }
        s->address = image->base + address;
        s->bytes = bytes < image->bytes - address ? bytes : image->bytes - address;
        s->code = load_le32(header + 36) & SECTION_IS_CODE;
        image->section_count++;
    }
}

bool uefi_read_pe(const struct uefi_memory *m, struct uefi_image *image)
{
    uint8_t mz[MZ_BYTES], coff[COFF_BYTES], optional[OPTIONAL_BYTES] = {0};
    if (!read_image(m, image, 0, mz, sizeof(mz)) || memcmp(mz, "MZ", 2))
        return false;
    uint64_t at = load_le32(mz + 0x3c);
    if (!read_image(m, image, at, coff, sizeof(coff)) || memcmp(coff, "PE\0", 4))
        return false;
    unsigned sections = load_le16(coff + 6), bytes = load_le16(coff + 20);
    unsigned read = bytes < OPTIONAL_BYTES ? bytes : OPTIONAL_BYTES;
    if (sections > MOST_SECTIONS || !read_image(m, image, at + COFF_BYTES, optional, read))
        return false;
    unsigned magic = load_le16(optional), directories = magic == 0x20b ? 112 : 96;
    if (magic != 0x20b && magic != 0x10b)
        return false;
    read_sections(m, image, at + COFF_BYTES + bytes, sections);
    const uint8_t *debug = optional + directories + DEBUG_DIRECTORY * 8;
    if (debug + 8 <= optional + read && load_le32(optional + directories - 4) > DEBUG_DIRECTORY)
        read_debug_directory(m, image, load_le32(debug), load_le32(debug + 4));
    return true;
}
