// SPDX-License-Identifier: MIT
// SMBIOS structures: system, chassis, processors, memory. Each is its formatted part, then its strings, each
// ended by a zero, then a zero.
#include "hw/acpi/smbios.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum structure_type {
    SYSTEM = 1,
    CHASSIS = 3,
    PROCESSOR = 4,
    MEMORY_ARRAY = 16,
    MEMORY_DEVICE = 17,
    MAPPED_ADDRESS = 19,
    BOOT_INFORMATION = 32,
    END_OF_TABLE = 127,
};

enum { FORMATTED_MAX = 48, STRINGS_MAX = 4, UNKNOWN = 2, OTHER = 1 };
#define DIMM_BYTES_MAX (UINT64_C(16) << 30) // a memory device each

struct structure {
    uint8_t raw[FORMATTED_MAX];
    const char *strings[STRINGS_MAX];
    unsigned string_count;
};

struct builder {
    uint8_t *data;
    size_t size;
    uint16_t count, largest;
};

static struct structure make(enum structure_type type, uint8_t length, uint16_t handle)
{
    assert(length <= FORMATTED_MAX);
    struct structure s = {.raw = {(uint8_t)type, length}};
    store_le16(s.raw + 2, handle);
    return s;
}

// The field holds the string's number; 0 means none.
static void set_string(struct structure *s, unsigned at, const char *text)
{
    if (!text || !*text)
        return;
    s->strings[s->string_count++] = text;
    s->raw[at] = (uint8_t)s->string_count;
}

static void append(struct builder *b, const void *data, size_t size)
{
    b->data = alloc_resize(b->data, b->size + size, 1);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put(struct builder *b, const struct structure *s)
{
    size_t start = b->size;
    append(b, s->raw, s->raw[1]);
    for (unsigned i = 0; i < s->string_count; i++)
        append(b, s->strings[i], strlen(s->strings[i]) + 1);
    append(b, "\0", s->string_count ? 1 : 2);
    b->count++;
    if (b->size - start > b->largest)
        b->largest = (uint16_t)(b->size - start);
}

static void put_system(struct builder *b, const struct smbios_config *config)
{
    struct structure s = make(SYSTEM, 27, 0x100);
    set_string(&s, 4, config->manufacturer);
    set_string(&s, 5, config->product);
    set_string(&s, 6, config->version);
    set_string(&s, 7, config->serial);
    // The first three fields of the identifier are little-endian.
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++)
        s.raw[8 + i] = config->uuid[order[i]];
    s.raw[24] = 6; // woken by the power switch
    put(b, &s);
}

static void put_chassis(struct builder *b, const struct smbios_config *config)
{
    struct structure s = make(CHASSIS, 22, 0x300);
    set_string(&s, 4, config->manufacturer);
    s.raw[5] = OTHER;
    set_string(&s, 6, config->version);
    s.raw[9] = s.raw[10] = s.raw[11] = 3; // states are safe
    s.raw[12] = UNKNOWN;                  // security
    put(b, &s);
}

static void put_processor(struct builder *b, const struct smbios_config *config, unsigned index)
{
    char socket[16];
    snprintf(socket, sizeof(socket), "CPU %u", index);
    struct structure s = make(PROCESSOR, 42, (uint16_t)(0x400 + index));
    set_string(&s, 4, socket);
    s.raw[5] = 3; // a central processor
    s.raw[6] = OTHER;
    set_string(&s, 7, config->manufacturer);
    set_string(&s, 16, config->version);
    store_le16(s.raw + 20, 2000); // MHz
    store_le16(s.raw + 22, 2000);
    s.raw[24] = 0x41; // populated, enabled
    s.raw[25] = OTHER;
    store_le16(s.raw + 26, 0xffff); // caches: not described
    store_le16(s.raw + 28, 0xffff);
    store_le16(s.raw + 30, 0xffff);
    s.raw[35] = s.raw[36] = s.raw[37] = 1; // cores, enabled, threads
    store_le16(s.raw + 38, UNKNOWN);
    store_le16(s.raw + 40, OTHER);
    put(b, &s);
}

static void put_memory_array(struct builder *b, uint64_t bytes, unsigned devices)
{
    struct structure s = make(MEMORY_ARRAY, 23, 0x1000);
    s.raw[4] = OTHER;
    s.raw[5] = 3; // system memory
    s.raw[6] = 6; // multi-bit ECC
    uint64_t kib = bytes >> 10;
    store_le32(s.raw + 7, kib < 0x80000000 ? (uint32_t)kib : 0x80000000);
    store_le16(s.raw + 11, 0xfffe); // no error information
    store_le16(s.raw + 13, (uint16_t)devices);
    store_le64(s.raw + 15, kib < 0x80000000 ? 0 : bytes);
    put(b, &s);
}

static void put_memory_device(struct builder *b, const struct smbios_config *config, unsigned index,
                              uint64_t bytes)
{
    char locator[16];
    snprintf(locator, sizeof(locator), "DIMM %u", index);
    struct structure s = make(MEMORY_DEVICE, 40, (uint16_t)(0x1100 + index));
    uint64_t mib = bytes >> 20;
    store_le16(s.raw + 4, 0x1000);
    store_le16(s.raw + 6, 0xfffe);
    store_le16(s.raw + 8, 0xffff); // widths are unknown
    store_le16(s.raw + 10, 0xffff);
    store_le16(s.raw + 12, mib < 0x7fff ? (uint16_t)mib : 0x7fff);
    s.raw[14] = 9; // DIMM
    set_string(&s, 16, locator);
    s.raw[18] = 7; // RAM
    store_le16(s.raw + 19, UNKNOWN);
    set_string(&s, 23, config->manufacturer);
    store_le32(s.raw + 28, mib < 0x7fff ? 0 : (uint32_t)mib);
    put(b, &s);
}

static void put_range(struct builder *b, unsigned index, uint64_t first, uint64_t bytes)
{
    struct structure s = make(MAPPED_ADDRESS, 31, (uint16_t)(0x1300 + index));
    uint64_t last = first + bytes - 1;
    if (last >> 10 < UINT32_MAX) {
        store_le32(s.raw + 4, (uint32_t)(first >> 10));
        store_le32(s.raw + 8, (uint32_t)(last >> 10));
    } else {
        store_le32(s.raw + 4, UINT32_MAX);
        store_le32(s.raw + 8, UINT32_MAX);
        store_le64(s.raw + 15, first);
        store_le64(s.raw + 23, last);
    }
    store_le16(s.raw + 12, 0x1000);
    s.raw[14] = 1; // partition width
    put(b, &s);
}

static void put_memory(struct builder *b, const struct smbios_config *config)
{
    uint64_t total = config->low_ram + config->high_ram;
    unsigned devices = (unsigned)((total + DIMM_BYTES_MAX - 1) / DIMM_BYTES_MAX);
    if (devices > 256)
        devices = 256;
    put_memory_array(b, total, devices);
    for (unsigned i = 0; i < devices; i++) {
        uint64_t left = total - i * DIMM_BYTES_MAX;
        put_memory_device(b, config, i, left < DIMM_BYTES_MAX ? left : DIMM_BYTES_MAX);
    }
    put_range(b, 0, 0, config->low_ram);
    if (config->high_ram)
        put_range(b, 1, UINT64_C(1) << 32, config->high_ram);
}

static void make_anchor(const struct builder *b, uint8_t anchor[SMBIOS_ANCHOR_BYTES])
{
    memset(anchor, 0, SMBIOS_ANCHOR_BYTES);
    memcpy(anchor, "_SM_", 4);
    anchor[5] = SMBIOS_ANCHOR_BYTES;
    anchor[6] = 2;
    anchor[7] = 8;
    store_le16(anchor + 8, b->largest);
    memcpy(anchor + 16, "_DMI_", 5);
    store_le16(anchor + 22, (uint16_t)b->size);
    store_le16(anchor + 28, b->count);
    anchor[30] = 0x28;
}

void smbios_build(const struct smbios_config *config, struct smbios_tables *tables)
{
    struct builder b = {0};
    // The anchor's length has 16 bits.
    unsigned cpus = config->cpu_count < 512 ? config->cpu_count : 512;
    put_system(&b, config);
    put_chassis(&b, config);
    for (unsigned i = 0; i < cpus; i++)
        put_processor(&b, config, i);
    put_memory(&b, config);
    struct structure boot = make(BOOT_INFORMATION, 11, 0x2000); // booted without errors
    put(&b, &boot);
    struct structure end = make(END_OF_TABLE, 4, 0x7f00);
    put(&b, &end);
    assert(b.size <= UINT16_MAX);
    tables->data = b.data;
    tables->size = b.size;
    make_anchor(&b, tables->anchor);
}
