// SPDX-License-Identifier: MIT
// Recognising files, and taking apart kernels that may be damaged or hostile.
#include "frontend/image.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "frontend/elf.h"
#include "tcg/base/endian.h"

static struct error error;

// A gzip stream of `size` bytes of `fill`.
static uint8_t *make_gzip(uint64_t size, int fill, uint64_t *gzip_size)
{
    uint8_t *plain = malloc(size), *out = malloc(size + 1000);
    z_stream stream = {0};
    memset(plain, fill, size);
    deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = plain;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)size + 1000;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *gzip_size = stream.total_out;
    deflateEnd(&stream);
    free(plain);
    return out;
}

static void make_arm64(uint8_t header[64], uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
    memset(header, 0, 64);
    store_le64(header + 8, text_offset);
    store_le64(header + 16, image_size);
    store_le64(header + 24, flags);
    memcpy(header + 56, "ARM\x64", 4);
}

Test(image, identify)
{
    static uint8_t data[IMAGE_HEAD_BYTES];
    cr_assert_eq(image_identify(data, 0), IMAGE_RAW);
    cr_assert_eq(image_identify(data, sizeof(data)), IMAGE_RAW);
    memcpy(data + 0x8001, "CD001", 5);
    cr_assert_eq(image_identify(data, sizeof(data)), IMAGE_ISO);
    cr_assert_eq(image_identify(data, 0x8005), IMAGE_RAW, "a magic that is cut off does not count");
    memcpy(data + 510, "\x55\xaa", 2);
    cr_assert_eq(image_identify(data, 512), IMAGE_DISK);
    memcpy(data, "\x1f\x8b", 2);
    cr_assert_eq(image_identify(data, 512), IMAGE_GZIP);
    memcpy(data, "MZ", 2);
    cr_assert_eq(image_identify(data, 512), IMAGE_EFI);
    memcpy(data + 514, "HdrS", 4);
    cr_assert_eq(image_identify(data, 1024), IMAGE_X86_LINUX);
    memcpy(data + 56, "ARM\x64", 4);
    cr_assert_eq(image_identify(data, 64), IMAGE_ARM64);
    memcpy(data, "\x7f"
                 "ELF\x02\x01",
           6);
    store_le16(data + 18, 183);
    cr_assert_eq(image_identify(data, 64), IMAGE_ELF_ARM64);
    store_le16(data + 18, 62);
    cr_assert_eq(image_identify(data, 64), IMAGE_ELF_X86_64);
    store_le16(data + 18, 243);
    cr_assert_eq(image_identify(data, 64), IMAGE_ELF_OTHER);
    data[4] = 1;
    store_le16(data + 18, 3);
    cr_assert_eq(image_identify(data, 64), IMAGE_ELF_X86_32);
    cr_assert_eq(image_identify(data, 4), IMAGE_ELF_OTHER);
}

Test(image, gunzip)
{
    uint64_t gzip_size, size;
    uint8_t *gzip = make_gzip(5000000, 0x5a, &gzip_size), *out;
    cr_assert_eq(image_gunzip(gzip, gzip_size, 5000000, &out, &size, &error), 0);
    cr_assert_eq(size, 5000000);
    cr_assert_eq(out[4999999], 0x5a);
    free(out);
    cr_assert_eq(image_gunzip(gzip, gzip_size, 4999999, &out, &size, &error), -EFBIG);
    cr_assert_eq(image_gunzip(gzip, gzip_size - 1, 5000001, &out, &size, &error), -EINVAL, "cut short");
    cr_assert_eq(image_gunzip(gzip, 0, 5000001, &out, &size, &error), -EINVAL);
    gzip[gzip_size - 8] ^= 1; // the checksum
    cr_assert_eq(image_gunzip(gzip, gzip_size, 5000001, &out, &size, &error), -EINVAL, "damaged");
    free(gzip);
}

Test(image, arm64_header)
{
    uint8_t header[64];
    struct arm64_image_info info;
    make_arm64(header, 0x1000, 0x200000, 0xa);
    cr_assert_eq(image_parse_arm64(header, 64, &info, &error), 0);
    cr_assert_eq(info.text_offset, 0x1000);
    cr_assert_eq(info.image_size, 0x200000);
    make_arm64(header, 0, 0, 0);
    cr_assert_eq(image_parse_arm64(header, 64, &info, &error), 0);
    cr_assert_eq(info.text_offset, 0x80000, "before 3.17");
    cr_assert_eq(info.image_size, 64);
    make_arm64(header, 0, 1, 0);
    cr_assert_eq(image_parse_arm64(header, 64, &info, &error), 0);
    cr_assert_eq(info.image_size, 64, "at least what is there");
    make_arm64(header, 0, 0x1000, 1);
    cr_assert_eq(image_parse_arm64(header, 64, &info, &error), -ENOTSUP, "big endian");
    cr_assert_eq(image_parse_arm64(header, 63, &info, &error), -EINVAL);
}

// Any header that says "MZ" with offsets anywhere must be survived.
Test(image, arm64_hostile_pe_header)
{
    uint8_t data[256];
    struct arm64_image_info info;
    uint32_t values[] = {0, 1, 64, 200, 231, 232, 255, 256, 0x7fffffff, 0xffffffe8, 0xffffffff};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            memset(data, 0xff, sizeof(data));
            make_arm64(data, 0, 0x1000, 0);
            memcpy(data, "MZ", 2);
            store_le32(data + 0x3c, values[i]);
            memcpy(data + 64, "PE\0", 4);
            store_le16(data + 64 + 6, 1);
            store_le16(data + 64 + 20, (uint16_t)values[j]);
            image_parse_arm64(data, sizeof(data), &info, &error);
        }
}

Test(image, zboot)
{
    uint8_t data[128] = "MZ\0\0zimg";
    const uint8_t *payload;
    uint64_t size;
    store_le32(data + 8, 100);
    store_le32(data + 12, 28);
    strcpy((char *)data + 24, "gzip");
    cr_assert_eq(image_identify(data, sizeof(data)), IMAGE_ARM64_ZBOOT);
    cr_assert_eq(image_parse_zboot(data, sizeof(data), &payload, &size, &error), 0);
    cr_assert_eq(payload, data + 100);
    cr_assert_eq(size, 28);
    store_le32(data + 12, 29);
    cr_assert_eq(image_parse_zboot(data, sizeof(data), &payload, &size, &error), -EINVAL);
    store_le32(data + 8, 0xffffffff);
    cr_assert_eq(image_parse_zboot(data, sizeof(data), &payload, &size, &error), -EINVAL);
    memset(data + 24, 'z', 32);
    cr_assert_eq(image_parse_zboot(data, sizeof(data), &payload, &size, &error), -ENOTSUP);
}

// An ELF header with one program header.
static void make_elf(uint8_t data[256], uint64_t entry)
{
    memset(data, 0, 256);
    memcpy(data, "\x7f"
                 "ELF\x02\x01\x01",
           7);
    store_le16(data + 18, 183);
    store_le64(data + 24, entry);
    store_le64(data + 32, 64); // program headers
    store_le16(data + 54, 56);
    store_le16(data + 56, 1);
    store_le32(data + 64, 1);           // PT_LOAD
    store_le64(data + 72, 128);         // offset
    store_le64(data + 80, 0xffff8000);  // virtual
    store_le64(data + 88, 0x40080000);  // physical
    store_le64(data + 96, 128);         // in the file
    store_le64(data + 104, 0x1000);     // in memory
}

Test(elf, segments_and_entry)
{
    uint8_t data[256];
    struct elf_program program;
    make_elf(data, 0xffff8010);
    cr_assert_eq(elf_parse(data, sizeof(data), &program, &error), 0);
    cr_assert_eq(program.segment_count, 1);
    cr_assert_eq(program.segments[0].gpa, 0x40080000);
    cr_assert_eq(program.segments[0].file_offset, 128);
    cr_assert_eq(program.segments[0].file_bytes, 128);
    cr_assert_eq(program.segments[0].memory_bytes, 0x1000);
    cr_assert_eq(program.entry, 0x40080010, "entered at the physical address");
}

Test(elf, refuses_what_is_out_of_bounds)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
    } wrong[] = {
        {32, 8, UINT64_MAX},     // table
        {32, 8, 201},            // table past the end
        {54, 2, 55},             // row too small
        {56, 2, 0},              // no rows
        {56, 2, 0xffff},         // too many rows
        {64, 4, 2},              // nothing to load
        {72, 8, 129},            // past the end
        {72, 8, UINT64_MAX},     // wraps
        {96, 8, 129},            // past the end
        {96, 8, UINT64_MAX},     // wraps
        {104, 8, 127},           // more in the file than in memory
        {104, 8, UINT64_MAX},    // wraps in memory
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint8_t data[256];
        struct elf_program program;
        make_elf(data, 0);
        store_le(data + wrong[i].offset, wrong[i].size, wrong[i].value);
        cr_assert_eq(elf_parse(data, sizeof(data), &program, &error), -EINVAL, "case %zu", i);
    }
    uint8_t data[256];
    struct elf_program program;
    make_elf(data, 0);
    cr_assert_eq(elf_parse(data, 63, &program, &error), -EINVAL);
}
