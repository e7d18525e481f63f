// SPDX-License-Identifier: MIT
// Images of UEFI firmware in memory that is made here, whole and damaged. Offsets are those of the UEFI, PI and PE specifications.
#include "frontend/uefi-images.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tcg/base/endian.h"

enum {
    RAM_BASE = 0x40000000,
    RAM_BYTES = 0xc00000,
    POINTER = 0x800000, // at a multiple of 4 MiB, from RAM_BASE as all of these
    TABLE = 0x10018,
    CONFIGURATIONS = 0x20000,
    INFO_HEADER = 0x21000,
    INFO_ENTRIES = 0x22000,
    INFOS = 0x23000,
    PROTOCOLS = 0x24000,
    PATHS = 0x25000,
    BLOCKS = 0x26000,
    VENDOR = 0x27000,
    VOLUME = 0x30000,
    IMAGES = 0x100000,
    IMAGE_BYTES = 0x10000,
};

static uint8_t *ram;
static bool wide;

static void setup(void)
{
    ram = calloc(1, RAM_BYTES);
}

static void teardown(void)
{
    free(ram);
}

TestSuite(uefi, .init = setup, .fini = teardown);

static bool read_ram(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    (void)opaque;
    if (gpa < RAM_BASE || gpa - RAM_BASE > RAM_BYTES || bytes > RAM_BYTES - (gpa - RAM_BASE))
        return false;
    memcpy(out, ram + (gpa - RAM_BASE), bytes);
    return true;
}

static const struct kernel_ram range = {RAM_BASE, RAM_BYTES};
static const struct uefi_memory memory = {.read = read_ram, .ram = &range, .ram_count = 1};

// --- firmware ------------------------------------------------------------------------------------------------------

static unsigned word(void)
{
    return wide ? 8 : 4;
}

static void put_word(uint32_t at, uint64_t value)
{
    store_le(ram + at, word(), value);
}

static void put_crc(uint32_t at, uint32_t bytes)
{
    store_le32(ram + at + 16, 0);
    store_le32(ram + at + 16, (uint32_t)crc32(0, ram + at, bytes));
}

static void put_ucs2(uint32_t at, const char *text)
{
    do
        store_le16(ram + at, (uint8_t)*text), at += 2;
    while (*text++);
}

// A PE image with a section .text, and one of data that a CodeView record lies in.
static void make_pe(uint32_t at, const char *signature, unsigned path_at, const char *path)
{
    unsigned optional = wide ? 240 : 224, directories = wide ? 112 : 96;
    uint8_t *p = ram + at, *pe = p + 0x80, *header = pe + 24, *sections = header + optional;
    memcpy(p, "MZ", 2);
    store_le32(p + 0x3c, 0x80);
    memcpy(pe, "PE\0", 4);
    store_le16(pe + 6, 2);
    store_le16(pe + 20, (uint16_t)optional);
    store_le16(header, wide ? 0x20b : 0x10b);
    store_le32(header + directories - 4, 16);
    memcpy(sections, ".text", 5);
    store_le32(sections + 8, 0x3000);
    store_le32(sections + 12, 0x1000);
    store_le32(sections + 36, 0x60000020);
    memcpy(sections + 40, ".data", 5);
    store_le32(sections + 48, 0x1000);
    store_le32(sections + 52, 0x4000);
    store_le32(sections + 76, 0xc0000040);
    if (!path)
        return;
    store_le32(header + directories + 48, 0x4000);
    store_le32(header + directories + 52, 2 * 28);
    store_le32(p + 0x4000 + 12, 4); // another type comes first
    store_le32(p + 0x401c + 12, 2);
    store_le32(p + 0x401c + 16, (uint32_t)(path_at + strlen(path) + 1));
    store_le32(p + 0x401c + 20, 0x4100);
    memcpy(p + 0x4100, signature, 4);
    strcpy((char *)p + 0x4100 + path_at, path);
}

static void make_image(unsigned n, uint32_t path)
{
    uint32_t info = INFOS + n * 32, protocol = PROTOCOLS + n * 128, base = IMAGES + n * IMAGE_BYTES;
    put_word(INFO_ENTRIES + (n + 1) * word(), RAM_BASE + info); // the first one is gone
    store_le32(ram + info, 1);
    put_word(info + word(), RAM_BASE + protocol);
    store_le32(ram + protocol, 0x1000);
    put_word(protocol + 2 * word(), RAM_BASE + TABLE);
    put_word(protocol + 4 * word(), RAM_BASE + path);
    put_word(protocol + (wide ? 64 : 32), RAM_BASE + base);
    store_le64(ram + protocol + (wide ? 72 : 40), IMAGE_BYTES);
    store_le32(ram + INFO_HEADER + 4, n + 1);
}

static const uint8_t file_guid[16] = {0x4f, 0x1e, 0x7c, 0xd6, 0x2d, 0xa1, 0x4b, 0x43, 0x9a, 0x5e, 1, 2, 3, 4, 5, 6};
static const uint8_t other_guid[16] = {0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 1, 2, 3, 4, 5, 6, 7, 8};

// A node that has a GUID, and the end.
static void make_path(uint32_t at, const uint8_t *guid)
{
    static const uint8_t node[] = {4, 6, 20, 0}, end[] = {0x7f, 0xff, 4, 0};
    memcpy(ram + at, node, 4);
    memcpy(ram + at + 4, guid, 16);
    memcpy(ram + at + 20, end, 4);
}

static void make_volume(void)
{
    uint8_t *v = ram + VOLUME, *file = v + 0x48;
    store_le16(ram + BLOCKS, 1); // a block of no interest
    store_le16(ram + BLOCKS + 2, 16);
    store_le16(ram + BLOCKS + 16, 5);
    store_le16(ram + BLOCKS + 18, 24);
    store_le64(ram + BLOCKS + 24, RAM_BASE + VOLUME);
    store_le64(ram + BLOCKS + 32, 0x1000);
    store_le16(ram + BLOCKS + 40, 0xffff);
    memset(v, 0xff, 0x1000);
    memset(v, 0, 0x48);
    memcpy(v + 40, "_FVH", 4);
    store_le16(v + 48, 0x48);
    for (unsigned i = 0; i < 2; i++, file += 0x40) {
        memcpy(file, i ? file_guid : (const uint8_t[16]){9}, 16);
        memset(file + 16, 0, 0x30);
        file[20] = 0x40;
        file[24] = 6; // a section of six bytes, then the name
        file[27] = 0x13;
        file[32] = 4 + 2 * 5;
        file[35] = 0x15;
        put_ucs2((uint32_t)(file + 36 - ram), i ? "Disk" : "None");
    }
}

static void make_firmware(bool is_wide)
{
    static const uint8_t info[16] = {0x77, 0x2e, 0x15, 0x49, 0xda, 0x1a, 0x64, 0x47, 0xb7, 0xa2, 0x7a, 0xfe, 0xfe, 0xd9, 0x5e, 0x8b};
    static const uint8_t blocks[16] = {0x4c, 0xf2, 0x39, 0x77, 0xd7, 0x93, 0xd4, 0x11, 0x9a, 0x3a, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d};
    wide = is_wide;
    uint32_t bytes = wide ? 120 : 72, row = 16 + word();
    memcpy(ram + TABLE, "IBI SYST", 8);
    store_le32(ram + TABLE + 12, bytes);
    put_word(TABLE + 24, RAM_BASE + VENDOR);
    store_le32(ram + TABLE + 24 + word(), 0x10203);
    put_word(TABLE + bytes - 2 * word(), 3);
    put_word(TABLE + bytes - word(), RAM_BASE + CONFIGURATIONS);
    put_crc(TABLE, bytes);
    memcpy(ram + POINTER, "IBI SYST", 8);
    store_le64(ram + POINTER + 8, RAM_BASE + TABLE);
    put_crc(POINTER, 24);
    put_ucs2(VENDOR, "Lyre");
    memcpy(ram + CONFIGURATIONS + row, info, 16);
    put_word(CONFIGURATIONS + row + 16, RAM_BASE + INFO_HEADER);
    memcpy(ram + CONFIGURATIONS + 2 * row, blocks, 16);
    put_word(CONFIGURATIONS + 2 * row + 16, RAM_BASE + BLOCKS);
    put_word(INFO_HEADER + 8, RAM_BASE + INFO_ENTRIES);
    make_volume();
    make_path(PATHS, file_guid);
    make_path(PATHS + 0x40, other_guid);
    make_image(0, 0);
    make_image(1, 0);
    make_image(2, 0);
    make_image(3, PATHS);
    make_image(4, PATHS + 0x40);
    make_pe(IMAGES, "NB10", 16, "/build/DEBUG/DxeCore.dll");
    make_pe(IMAGES + IMAGE_BYTES, "RSDS", 24, "c:\\build\\X64\\PcdDxe.pdb");
    make_pe(IMAGES + 2 * IMAGE_BYTES, "MTOC", 20, "Shell");
    make_pe(IMAGES + 3 * IMAGE_BYTES, NULL, 0, NULL);
    make_pe(IMAGES + 4 * IMAGE_BYTES, NULL, 0, NULL);
}

// --- found ---------------------------------------------------------------------------------------------------------

static void check_all(bool is_wide, enum uefi_effort effort)
{
    static const char *const names[] = {"DxeCore", "PcdDxe", "Shell", "Disk", "12345678-9ABC-DEF0-0102-030405060708"};
    static const char *const paths[] = {"/build/DEBUG/DxeCore.dll", "c:\\build\\X64\\PcdDxe.pdb", "Shell", NULL, NULL};
    struct uefi_images *images = uefi_images_find(&memory, effort);
    cr_assert_not_null(images);
    cr_assert_eq(images->system_table, RAM_BASE + TABLE);
    cr_assert_eq(images->wide, is_wide);
    cr_assert_str_eq(images->vendor, "Lyre");
    cr_assert_eq(images->revision, 0x10203);
    cr_assert_eq(images->count, 5);
    for (unsigned i = 0; i < images->count; i++) {
        const struct uefi_image *image = &images->images[i];
        cr_assert_str_eq(image->name, names[i]);
        cr_assert(paths[i] ? image->path && !strcmp(image->path, paths[i]) : !image->path);
        cr_assert_eq(image->base, RAM_BASE + IMAGES + i * IMAGE_BYTES);
        cr_assert_eq(image->bytes, IMAGE_BYTES);
        cr_assert_eq(image->section_count, 2);
        cr_assert_str_eq(image->sections[0].name, ".text");
        cr_assert_eq(image->sections[0].address, image->base + 0x1000);
        cr_assert_eq(image->sections[0].bytes, 0x3000);
        cr_assert(image->sections[0].code && !image->sections[1].code);
    }
    cr_assert_eq(uefi_images_state(&memory, images->system_table), images->state);
    uefi_images_destroy(images);
}

Test(uefi, of_64_bits)
{
    make_firmware(true);
    check_all(true, UEFI_QUICK);
}

Test(uefi, of_32_bits)
{
    make_firmware(false);
    check_all(false, UEFI_QUICK);
}

Test(uefi, without_pointer)
{
    make_firmware(true);
    memset(ram + POINTER, 0, 8);
    cr_assert_null(uefi_images_find(&memory, UEFI_QUICK));
    check_all(true, UEFI_THOROUGH);
}

Test(uefi, checksums)
{
    // A good pointer makes up for a table whose checksum is to be computed yet; nothing makes up for both.
    make_firmware(true);
    ram[TABLE + 40] ^= 1;
    check_all(true, UEFI_QUICK);
    ram[POINTER + 20] ^= 1;
    cr_assert_null(uefi_images_find(&memory, UEFI_THOROUGH));
}

Test(uefi, nothing)
{
    cr_assert_null(uefi_images_find(&memory, UEFI_THOROUGH));
}

Test(uefi, images_come_and_go)
{
    make_firmware(true);
    struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
    store_le64(ram + INFO_ENTRIES + 8, 0);
    store_le32(ram + INFO_HEADER + 4, 4);
    uint32_t state = uefi_images_state(&memory, images->system_table);
    cr_assert(state && state != images->state);
    uefi_images_destroy(images);
    images = uefi_images_find(&memory, UEFI_QUICK);
    cr_assert_eq(images->count, 4);
    cr_assert_str_eq(images->images[0].name, "PcdDxe");
    cr_assert_eq(images->state, state);
    uefi_images_destroy(images);
    memset(ram + TABLE, 0, 8);
    cr_assert_eq(uefi_images_state(&memory, RAM_BASE + TABLE), 0);
}

// --- damaged -------------------------------------------------------------------------------------------------------

// One image less, with the others as they were.
static void check_refused(const char *what)
{
    struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
    cr_assert(images && images->count == 4, "%s", what);
    cr_assert_str_eq(images->images[0].name, "PcdDxe");
    uefi_images_destroy(images);
    memset(ram, 0, RAM_BYTES);
    make_firmware(true);
}

Test(uefi, damaged_images)
{
    make_firmware(true);
    store_le64(ram + PROTOCOLS + 16, 0);
    check_refused("of another system");
    store_le64(ram + PROTOCOLS + 64, UINT64_MAX - 0x100);
    check_refused("beyond the end of addresses");
    store_le64(ram + PROTOCOLS + 72, UINT64_MAX);
    check_refused("too large");
    store_le64(ram + PROTOCOLS + 72, 0x90);
    check_refused("headers beyond its end");
    store_le32(ram + IMAGES + 0x3c, 0xfffffff0);
    check_refused("headers elsewhere");
    store_le16(ram + IMAGES + 0x86, 0xffff);
    check_refused("too many sections");
    ram[IMAGES] = 'V';
    check_refused("no PE image");
    store_le32(ram + INFOS, 2);
    check_refused("another type of entry");
}

Test(uefi, damaged_paths)
{
    static const char *const bad[] = {"/build/a\nb.dll", "/build/\x1b[31m.dll", "", "/caf\xc3\xa9.dll"};
    make_firmware(true);
    for (unsigned i = 0; i < 4; i++) {
        strcpy((char *)ram + IMAGES + 0x4110, bad[i]);
        struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
        cr_assert_null(images->images[0].path);
        cr_assert_str_eq(images->images[0].name, "image-0x40100000");
        uefi_images_destroy(images);
    }
    memset(ram + IMAGES + 0x4110, 'a', 0x2000);
    store_le32(ram + IMAGES + 0x401c + 16, 0x2000);
    struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
    cr_assert_null(images->images[0].path);
    uefi_images_destroy(images);
}

// Whatever lies there, the search ends soon, and what it returns is in order.
Test(uefi, noise, .timeout = 60)
{
    static const uint32_t places[] = {TABLE, CONFIGURATIONS, INFO_HEADER, INFO_ENTRIES, INFOS, PROTOCOLS, PATHS, BLOCKS, VOLUME,
                                      IMAGES, IMAGES + 0x80, IMAGES + 0x4000};
    uint32_t random = 1;
    for (unsigned round = 0; round < 3000; round++) {
        memset(ram, 0, IMAGES + 5 * IMAGE_BYTES);
        make_firmware(round & 1);
        for (unsigned i = 0; i < 1 + round % 8; i++) {
            random = random * 1664525 + 1013904223;
            uint32_t at = places[(random >> 8) % (sizeof(places) / sizeof(places[0]))] + (random >> 16) % 160;
            random = random * 1664525 + 1013904223;
            ram[at] = random & 0x10000 ? 0xff : (uint8_t)(random >> 24);
        }
        struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
        for (unsigned i = 0; images && i < images->count; i++) {
            const struct uefi_image *image = &images->images[i];
            cr_assert(image->name[0] && image->base + image->bytes > image->base);
            for (unsigned n = 0; n < image->section_count; n++)
                cr_assert(image->sections[n].address >= image->base && image->sections[n].bytes &&
                          image->sections[n].address - image->base + image->sections[n].bytes <= image->bytes);
        }
        uefi_images_destroy(images);
    }
}

// Blocks and files that lead back or nowhere.
Test(uefi, endless, .timeout = 20)
{
    make_firmware(true);
    for (uint32_t at = BLOCKS; at < BLOCKS + 0xff0; at += 24) {
        store_le32(ram + at, 5 | 24 << 16);
        store_le64(ram + at + 8, RAM_BASE + VOLUME);
        store_le64(ram + at + 16, 0x1000);
    }
    store_le32(ram + INFO_HEADER + 4, UINT32_MAX);
    store_le64(ram + TABLE + 104, UINT64_MAX);
    struct uefi_images *images = uefi_images_find(&memory, UEFI_QUICK);
    cr_assert(images && images->count == 5);
    uefi_images_destroy(images);
    for (uint32_t at = 0; at < RAM_BYTES; at += 8)
        store_le64(ram + at, RAM_BASE);
    make_firmware(true);
    store_le32(ram + INFO_HEADER + 4, UINT32_MAX);
    images = uefi_images_find(&memory, UEFI_QUICK);
    cr_assert(images && images->count == 5);
    uefi_images_destroy(images);
}
