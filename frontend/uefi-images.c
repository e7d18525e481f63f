// SPDX-License-Identifier: MIT
// From the system table (UEFI 2.10, 4.3) to the images: EFI_SYSTEM_TABLE_POINTER at a multiple of 4 MiB, the table of
// configurations, EFI_DEBUG_IMAGE_INFO_TABLE, and of each image EFI_LOADED_IMAGE_PROTOCOL (9.1) and its headers.
//
// Tables hold a checksum, but firmware changes the system table and computes it anew later: one that a good pointer leads to is
// taken without it. Nothing is found when an operating system has moved the firmware to other virtual addresses, as it is what
// was loaded before that is told of.
#include "frontend/uefi-images.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    HEADER_BYTES = 24,
    POINTER_BYTES = 24, // of EFI_SYSTEM_TABLE_POINTER
    TABLE_BYTES = 120,
    NARROW_TABLE_BYTES = 72,
    MOST_CONFIGURATIONS = 1024,
    MOST_IMAGES = 4096,
    MOST_PLACES = 8192, // where a pointer is looked for
    MOST_NODES = 16,    // of a device path
    IMAGE_BYTES_LIMIT = 256 << 20,
    CHUNK = 64 << 10,
};
static const uint64_t PLACES_APART = 4 << 20, SCAN_BYTES = UINT64_C(1) << 30;
static const char SIGNATURE[8] = "IBI SYST";

// Where a value is in structures with pointers of 32 and of 64 bits.
struct place {
    unsigned narrow, wide;
};
static const struct place VENDOR = {24, 24}, REVISION = {28, 32}, CONFIGURATION_COUNT = {64, 104}, CONFIGURATIONS = {68, 112};
static const struct place LOADED_SYSTEM_TABLE = {8, 16}, LOADED_PATH = {16, 32}, LOADED_BASE = {32, 64}, LOADED_BYTES = {40, 72};

struct finder {
    const struct uefi_memory *memory;
    struct uefi_images *result;
    struct uefi_names *names; // NULL: not read yet
    uint8_t table[TABLE_BYTES];
};

static bool read_guest(const struct finder *f, uint64_t address, void *out, size_t bytes)
{
    return address && address + bytes > address && f->memory->read(f->memory->opaque, address, out, bytes);
}

static unsigned at(const struct finder *f, struct place place)
{
    return f->result->wide ? place.wide : place.narrow;
}

static unsigned word_bytes(const struct finder *f)
{
    return f->result->wide ? 8 : 4;
}

static uint64_t word(const struct finder *f, const uint8_t *bytes, struct place place)
{
    return load_le(bytes + at(f, place), word_bytes(f));
}

static uint32_t checksum(uint8_t *bytes, unsigned count, unsigned where)
{
    memset(bytes + where, 0, 4);
    return (uint32_t)crc32(0, bytes, count);
}

// --- the system table ----------------------------------------------------------------------------------------------

static bool take_table(struct finder *f, uint64_t address, bool trusted)
{
    uint8_t copy[TABLE_BYTES];
    if (address % 4 || !read_guest(f, address, f->table, HEADER_BYTES) || memcmp(f->table, SIGNATURE, sizeof(SIGNATURE)))
        return false;
    uint32_t bytes = load_le32(f->table + 12), crc = load_le32(f->table + 16);
    if ((bytes != TABLE_BYTES && bytes != NARROW_TABLE_BYTES) || !read_guest(f, address, f->table, bytes))
        return false;
    memcpy(copy, f->table, bytes);
    if (!trusted && checksum(copy, bytes, 16) != crc)
        return false;
    f->result->wide = bytes == TABLE_BYTES;
    f->result->system_table = address;
    return true;
}

// EFI_SYSTEM_TABLE_POINTER: signature, address, checksum.
static bool try_pointer(struct finder *f, uint64_t address)
{
    uint8_t bytes[POINTER_BYTES];
    if (!read_guest(f, address, bytes, sizeof(bytes)) || memcmp(bytes, SIGNATURE, sizeof(SIGNATURE)))
        return false;
    uint64_t table = load_le64(bytes + 8);
    uint32_t crc = load_le32(bytes + 16);
    return checksum(bytes, sizeof(bytes), 16) == crc && take_table(f, table, true);
}

// Firmware allocates from the top of its memory.
static bool find_pointer(struct finder *f)
{
    unsigned places = 0;
    for (unsigned i = f->memory->ram_count; i--;) {
        const struct kernel_ram *ram = &f->memory->ram[i];
        uint64_t last = (ram->gpa + ram->bytes - 1) & ~(PLACES_APART - 1);
        for (uint64_t address = last; address >= ram->gpa && address && places++ < MOST_PLACES; address -= PLACES_APART)
            if (try_pointer(f, address))
                return true;
    }
    return false;
}

static bool scan_chunk(struct finder *f, uint64_t address, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i + HEADER_BYTES <= count; i += 8)
        if (!memcmp(bytes + i, SIGNATURE, sizeof(SIGNATURE)) && take_table(f, address + i, false))
            return true;
    return false;
}

static bool scan(struct finder *f)
{
    uint8_t *bytes = ALLOC_ARRAY(uint8_t, CHUNK);
    uint64_t left = SCAN_BYTES;
    bool found = false;
    for (unsigned i = f->memory->ram_count; i-- && !found;) {
        const struct kernel_ram *ram = &f->memory->ram[i];
        for (uint64_t end = ram->bytes; end && left && !found; left -= left < CHUNK ? left : CHUNK) {
            uint64_t count = end < CHUNK ? end : CHUNK;
            end -= count;
            found = read_guest(f, ram->gpa + end, bytes, (size_t)count) && scan_chunk(f, ram->gpa + end, bytes, (size_t)count);
        }
    }
    free(bytes);
    return found;
}

static bool find_configuration(const struct finder *f, const uint8_t guid[16], uint64_t *address)
{
    uint64_t count = word(f, f->table, CONFIGURATION_COUNT), rows = word(f, f->table, CONFIGURATIONS);
    unsigned row_bytes = 16 + word_bytes(f);
    for (uint64_t i = 0; i < count && i < MOST_CONFIGURATIONS; i++) {
        uint8_t row[24];
        if (!read_guest(f, rows + i * row_bytes, row, row_bytes))
            return false;
        if (!memcmp(row, guid, 16)) {
            *address = load_le(row + 16, word_bytes(f));
            return true;
        }
    }
    return false;
}

// --- names ---------------------------------------------------------------------------------------------------------

void uefi_read_text(const struct uefi_memory *m, uint64_t address, char *out, size_t size)
{
    size_t length = 0;
    uint8_t bytes[2];
    while (length + 1 < size && m->read(m->opaque, address + length * 2, bytes, 2) && bytes[0] >= 0x20 && bytes[0] < 0x7f &&
           !bytes[1])
        out[length++] = (char)bytes[0];
    out[length] = 0;
}

static void print_guid(const uint8_t *g, char *out, size_t size)
{
    snprintf(out, size, "%08" PRIX32 "-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", load_le32(g), load_le16(g + 4),
             load_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

// The part behind the last separator and before the last dot.
static void name_by_path(struct uefi_image *image, const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    length = length < sizeof(image->name) - 1 ? length : sizeof(image->name) - 1;
    memcpy(image->name, name, length);
    image->name[length] = 0;
}

static void name_by_guid(struct finder *f, struct uefi_image *image, const uint8_t guid[16])
{
    // 7739F24C-93D7-11D4-9A3A-0090273FC14D
    static const uint8_t hand_off_blocks[16] = {0x4c, 0xf2, 0x39, 0x77, 0xd7, 0x93, 0xd4, 0x11,
                                                0x9a, 0x3a, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d};
    uint64_t blocks;
    if (!f->names && find_configuration(f, hand_off_blocks, &blocks))
        f->names = uefi_names_read(f->memory, blocks);
    const char *name = f->names ? uefi_name(f->names, guid) : NULL;
    if (name)
        strcpy(image->name, name);
    else
        print_guid(guid, image->name, sizeof(image->name));
}

// A file in a firmware volume has a GUID, one in a file system a name: the last of the nodes (10.3.5) that have either.
static void name_by_device_path(struct finder *f, struct uefi_image *image, uint64_t address)
{
    enum { MEDIA = 4, MEDIA_FILE = 4, MEDIA_FIRMWARE_FILE = 6, END = 0x7f, GUID_BYTES = 16 };
    for (unsigned i = 0; i < MOST_NODES; i++) {
        uint8_t node[4], guid[GUID_BYTES];
        char text[256];
        if (!read_guest(f, address, node, sizeof(node)) || node[0] == END || load_le16(node + 2) < sizeof(node))
            return;
        if (node[0] == MEDIA && node[1] == MEDIA_FIRMWARE_FILE && read_guest(f, address + 4, guid, sizeof(guid)))
            name_by_guid(f, image, guid);
        if (node[0] == MEDIA && node[1] == MEDIA_FILE) {
            uefi_read_text(f->memory, address + 4, text, sizeof(text));
            name_by_path(image, text);
        }
        address += load_le16(node + 2);
    }
}

// --- images --------------------------------------------------------------------------------------------------------

static void release_image(struct uefi_image *image)
{
    free(image->path);
    free(image->sections);
}

static void add_image(struct finder *f, uint64_t protocol)
{
    uint8_t bytes[80];
    struct uefi_images *r = f->result;
    struct uefi_image image = {0};
    if (!read_guest(f, protocol, bytes, sizeof(bytes)) || word(f, bytes, LOADED_SYSTEM_TABLE) != r->system_table)
        return;
    image.base = word(f, bytes, LOADED_BASE);
    image.bytes = load_le64(bytes + at(f, LOADED_BYTES));
    if (!image.base || !image.bytes || image.bytes > IMAGE_BYTES_LIMIT || image.base + image.bytes < image.base)
        return;
    if (!uefi_read_pe(f->memory, &image)) {
        release_image(&image);
        return;
    }
    if (image.path)
        name_by_path(&image, image.path);
    else
        name_by_device_path(f, &image, word(f, bytes, LOADED_PATH));
    if (!image.name[0])
        snprintf(image.name, sizeof(image.name), "image-0x%" PRIx64, image.base);
    r->images = alloc_resize(r->images, r->count + 1, sizeof(*r->images));
    r->images[r->count++] = image;
}

// EFI_DEBUG_IMAGE_INFO_TABLE_HEADER: status, count, pointer to pointers. Those of images that are gone are null, and not counted.
struct image_table {
    uint32_t count;
    uint64_t entries;
};

static bool find_image_table(const struct finder *f, struct image_table *table)
{
    // 49152E77-1ADA-4764-B7A2-7AFEFED95E8B
    static const uint8_t guid[16] = {0x77, 0x2e, 0x15, 0x49, 0xda, 0x1a, 0x64, 0x47, 0xb7, 0xa2, 0x7a, 0xfe, 0xfe, 0xd9, 0x5e, 0x8b};
    uint8_t header[16];
    uint64_t address;
    if (!find_configuration(f, guid, &address) || !read_guest(f, address, header, 8 + word_bytes(f)))
        return false;
    *table = (struct image_table){load_le32(header + 4), load_le(header + 8, word_bytes(f))};
    return true;
}

// Calls for each entry, and returns what tells this list from others.
static uint32_t walk(struct finder *f, const struct image_table *table, void (*each)(struct finder *, uint64_t entry))
{
    uLong state = crc32(0, (const Bytef *)&f->result->system_table, sizeof(f->result->system_table));
    for (uint32_t i = 0, seen = 0; i < MOST_IMAGES && seen < table->count; i++) {
        uint8_t pointer[8];
        if (!read_guest(f, table->entries + (uint64_t)i * word_bytes(f), pointer, word_bytes(f)))
            break;
        uint64_t entry = load_le(pointer, word_bytes(f));
        state = crc32(state, pointer, word_bytes(f));
        if (!entry)
            continue;
        seen++;
        if (each)
            each(f, entry);
    }
    return (uint32_t)state ? (uint32_t)state : 1;
}

// EFI_DEBUG_IMAGE_INFO_NORMAL: type, protocol, handle.
static void take_entry(struct finder *f, uint64_t entry)
{
    uint8_t bytes[16];
    if (read_guest(f, entry, bytes, 2 * word_bytes(f)) && load_le32(bytes) == 1)
        add_image(f, load_le(bytes + word_bytes(f), word_bytes(f)));
}

// --- all of it -----------------------------------------------------------------------------------------------------

struct uefi_images *uefi_images_find(const struct uefi_memory *memory, enum uefi_effort effort)
{
    struct finder f = {.memory = memory, .result = ALLOC(struct uefi_images)};
    struct image_table table;
    if ((!find_pointer(&f) && !(effort == UEFI_THOROUGH && scan(&f))) || !find_image_table(&f, &table)) {
        uefi_images_destroy(f.result);
        return NULL;
    }
    uefi_read_text(memory, word(&f, f.table, VENDOR), f.result->vendor, sizeof(f.result->vendor));
    f.result->revision = load_le32(f.table + at(&f, REVISION));
    f.result->state = walk(&f, &table, take_entry);
    uefi_names_destroy(f.names);
    return f.result;
}

uint32_t uefi_images_state(const struct uefi_memory *memory, uint64_t system_table)
{
    struct uefi_images none = {0};
    struct finder f = {.memory = memory, .result = &none};
    struct image_table table;
    return take_table(&f, system_table, true) && find_image_table(&f, &table) ? walk(&f, &table, NULL) : 0;
}

void uefi_images_destroy(struct uefi_images *images)
{
    if (!images)
        return;
    for (unsigned i = 0; i < images->count; i++)
        release_image(&images->images[i]);
    free(images->images);
    free(images);
}
