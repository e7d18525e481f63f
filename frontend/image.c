// SPDX-License-Identifier: MIT
// Recognising kernels, disks and other files. Sources: the kernel's booting.rst (arm64) and boot.rst (x86), the UEFI
// specification's PE/COFF headers, RFC 1952 (gzip) and the formats' own descriptions.
#include "frontend/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static bool has(const uint8_t *data, uint64_t size, uint64_t offset, const char *magic, size_t length)
{
    return range_inside(offset, length, size) && !memcmp(data + offset, magic, length);
}

static const struct {
    enum image_kind kind;
    uint16_t offset;
    uint8_t length;
    const char *magic;
} signatures[] = {
    // The order matters: arm64 kernels may be EFI programs, and everything may look like a boot sector.
    {IMAGE_ARM64, 56, 4, "ARM\x64"},
    {IMAGE_ARM64_ZBOOT, 4, 4, "zimg"},
    {IMAGE_X86_LINUX, 0x202, 4, "HdrS"},
    {IMAGE_GZIP, 0, 2, "\x1f\x8b"},
    {IMAGE_UBOOT, 0, 4, "\x27\x05\x19\x56"},
    {IMAGE_DTB, 0, 4, "\xd0\x0d\xfe\xed"},
    {IMAGE_CPIO, 0, 5, "07070"},
    {IMAGE_QCOW2, 0, 4, "QFI\xfb"},
    {IMAGE_COMPRESSED, 0, 6, "\xfd"
                             "7zXZ"},
    {IMAGE_COMPRESSED, 0, 4, "\x28\xb5\x2f\xfd"},
    {IMAGE_COMPRESSED, 0, 3, "BZh"},
    {IMAGE_COMPRESSED, 0, 4, "\x04\x22\x4d\x18"},
    {IMAGE_EFI, 0, 2, "MZ"},
    {IMAGE_ISO, 0x8001, 5, "CD001"},
    {IMAGE_DISK, 0x200, 8, "EFI PART"},
    {IMAGE_DISK, 0x1fe, 2, "\x55\xaa"},
};

static const char *const kind_names[] = {
    [IMAGE_RAW] = "a file of no known format",
    [IMAGE_ARM64] = "an arm64 Linux kernel",
    [IMAGE_ARM64_ZBOOT] = "a compressed arm64 Linux kernel",
    [IMAGE_ELF_ARM64] = "an arm64 ELF program",
    [IMAGE_ELF_X86_32] = "a 32-bit x86 ELF program",
    [IMAGE_ELF_X86_64] = "a 64-bit x86 ELF program",
    [IMAGE_ELF_OTHER] = "an ELF program for another architecture",
    [IMAGE_GZIP] = "a gzip file",
    [IMAGE_X86_LINUX] = "an x86 Linux kernel",
    [IMAGE_EFI] = "an EFI program",
    [IMAGE_UBOOT] = "a U-Boot image",
    [IMAGE_DTB] = "a device tree",
    [IMAGE_CPIO] = "a cpio archive",
    [IMAGE_QCOW2] = "a qcow2 disk image",
    [IMAGE_DISK] = "a disk image",
    [IMAGE_ISO] = "a CD-ROM image",
    [IMAGE_COMPRESSED] = "a compressed file",
};

const char *image_kind_name(enum image_kind kind)
{
    return kind_names[kind];
}

static enum image_kind identify_elf(const uint8_t *data, uint64_t size)
{
    enum { ELFCLASS32 = 1, ELFCLASS64 = 2, ELFDATA2LSB = 1 };
    static const struct {
        uint8_t class;
        uint16_t machine;
        enum image_kind kind;
    } kinds[] = {{ELFCLASS64, 183, IMAGE_ELF_ARM64}, {ELFCLASS32, 3, IMAGE_ELF_X86_32}, {ELFCLASS64, 62, IMAGE_ELF_X86_64}};
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && size >= 20; i++)
        if (data[4] == kinds[i].class && data[5] == ELFDATA2LSB && load_le16(data + 18) == kinds[i].machine)
            return kinds[i].kind;
    return IMAGE_ELF_OTHER;
}

enum image_kind image_identify(const uint8_t *data, uint64_t size)
{
    if (has(data, size, 0, "\x7f"
                           "ELF",
            4))
        return identify_elf(data, size);
    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
        if (has(data, size, signatures[i].offset, signatures[i].magic, signatures[i].length))
            return signatures[i].kind;
    return IMAGE_RAW;
}

int image_gunzip(const uint8_t *data, uint64_t size, uint64_t limit, uint8_t **out, uint64_t *out_size,
                 struct error *error)
{
    enum { FIRST_BYTES = 1 << 20, LARGEST_STEP = 1 << 30, GZIP_ONLY = 16 };
    z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_ONLY + MAX_WBITS) != Z_OK)
        return error_set(error, ENOMEM, "no memory to expand it");
    uint8_t *buffer = NULL;
    uint64_t capacity = 0, used = 0, consumed = 0;
    int status = 0, result = Z_OK;
    while (result != Z_STREAM_END && !status) {
        if (used == capacity) {
            uint64_t wanted = capacity ? capacity * 2 : FIRST_BYTES;
            if (wanted > limit)
                wanted = limit;
            uint8_t *grown = wanted > capacity ? realloc(buffer, wanted) : NULL;
            if (!grown) {
                status = wanted > capacity ? error_set(error, ENOMEM, "no memory to expand it")
                                           : error_set(error, EFBIG, "expanded, it does not fit");
                break;
            }
            buffer = grown;
            capacity = wanted;
        }
        // zlib counts in 32 bits.
        uint64_t in = size - consumed, room = capacity - used;
        stream.next_in = (uint8_t *)data + consumed;
        stream.avail_in = in > LARGEST_STEP ? LARGEST_STEP : (uInt)in;
        stream.next_out = buffer + used;
        stream.avail_out = room > LARGEST_STEP ? LARGEST_STEP : (uInt)room;
        result = inflate(&stream, Z_NO_FLUSH);
        consumed = (uint64_t)(stream.next_in - data);
        used = (uint64_t)(stream.next_out - buffer);
        if (result != Z_OK && result != Z_STREAM_END)
            status = error_set(error, EINVAL, "its gzip data is damaged or cut short");
    }
    inflateEnd(&stream);
    if (status) {
        free(buffer);
        return status;
    }
    *out = buffer;
    *out_size = used;
    return 0;
}

// A kernel that is an EFI program says in its section table how long the file must be.
static bool pe_is_whole(const uint8_t *data, uint64_t size)
{
    enum { PE_OFFSET = 0x3c, COFF_HEADER = 24, SECTION_ROW = 40 };
    if (!has(data, size, 0, "MZ", 2))
        return true;
    uint64_t pe = load_le32(data + PE_OFFSET);
    if (!range_inside(pe, COFF_HEADER, size) || memcmp(data + pe, "PE\0", 4))
        return false;
    uint64_t sections = load_le16(data + pe + 6);
    uint64_t table = pe + COFF_HEADER + load_le16(data + pe + 20);
    if (!range_inside(table, sections * SECTION_ROW, size))
        return false;
    for (uint64_t i = 0; i < sections; i++) {
        const uint8_t *row = data + table + i * SECTION_ROW;
        uint64_t bytes = load_le32(row + 16), start = load_le32(row + 20);
        if (!range_inside(start, bytes, size))
            return false;
    }
    return true;
}

int image_parse_arm64(const uint8_t *data, uint64_t size, struct arm64_image_info *info, struct error *error)
{
    enum { HEADER_BYTES = 64, FLAG_BIG_ENDIAN = 1 };
    // Before Linux 3.17 the size was not given, and the offset was always this.
    enum { OLD_TEXT_OFFSET = 0x80000 };
    if (size < HEADER_BYTES || image_identify(data, size) != IMAGE_ARM64)
        return error_set(error, EINVAL, "it is not an arm64 Linux kernel");
    if (!pe_is_whole(data, size))
        return error_set(error, EINVAL, "it is cut short; fetch it again");
    uint64_t text_offset = load_le64(data + 8), image_size = load_le64(data + 16), flags = load_le64(data + 24);
    if (flags & FLAG_BIG_ENDIAN)
        return error_set(error, ENOTSUP, "it is a big-endian kernel; only little-endian ones are supported");
    *info = (struct arm64_image_info){text_offset, image_size};
    if (!image_size)
        *info = (struct arm64_image_info){OLD_TEXT_OFFSET, size};
    if (info->image_size < size)
        info->image_size = size;
    return 0;
}

int image_parse_zboot(const uint8_t *data, uint64_t size, const uint8_t **payload, uint64_t *payload_size,
                      struct error *error)
{
    // Header of the kernel's drivers/firmware/efi/libstub/zboot-header.S.
    enum { HEADER_BYTES = 56, TYPE_OFFSET = 24, TYPE_BYTES = 32 };
    if (size < HEADER_BYTES)
        return error_set(error, EINVAL, "it is cut short; fetch it again");
    uint64_t start = load_le32(data + 8), bytes = load_le32(data + 12);
    char type[TYPE_BYTES + 1] = {0};
    memcpy(type, data + TYPE_OFFSET, TYPE_BYTES);
    if (strcmp(type, "gzip"))
        return error_set(error, ENOTSUP, "it is compressed with '%.8s'; only gzip is supported", type);
    if (!range_inside(start, bytes, size))
        return error_set(error, EINVAL, "it is cut short; fetch it again");
    *payload = data + start;
    *payload_size = bytes;
    return 0;
}
