// SPDX-License-Identifier: MIT
// Where the members of a kernel's structures are, by the description that it carries (Documentation/bpf/btf.rst of Linux):
//
//   header   magic 0xeb9f, version 1, flags, length (24), then offset and length of types and of strings, behind it
//   type     offset of its name, info (kind in bits 24-28, count of what follows in 0-15, bit 31 a flag), size or another
//            type's number; then, for some kinds, members and such
//
// Types are numbered from 1 in the order that they stand in.
#include "frontend/kernel-btf.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    HEADER_BYTES = 24,
    TYPE_BYTES = 12,
    MEMBER_BYTES = 12, // name, type, offset in bits
    LARGEST = 64 << 20,
    DEEPEST = 8, // structures in structures, and names of types for types
    KIND_ARRAY = 3, KIND_STRUCT = 4, KIND_UNION = 5, KIND_ENUM = 6, KIND_TYPEDEF = 8, KIND_VOLATILE = 9, KIND_CONST = 10,
    KIND_RESTRICT = 11, KIND_FUNC_PROTO = 13, KIND_VAR = 14, KIND_DATASEC = 15, KIND_DECL_TAG = 17, KIND_TYPE_TAG = 18,
    KIND_ENUM64 = 19, KIND_INT = 1, KINDS = 20,
};

// What follows a type.
static size_t extra_bytes(unsigned kind, size_t count)
{
    switch (kind) {
    case KIND_INT:
    case KIND_VAR:
    case KIND_DECL_TAG:
        return 4;
    case KIND_ARRAY:
        return 12;
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_DATASEC:
    case KIND_ENUM64:
        return 12 * count;
    case KIND_ENUM:
    case KIND_FUNC_PROTO:
        return 8 * count;
    default:
        return 0;
    }
}

static const uint8_t *type_at(const struct kernel_btf *btf, uint32_t number)
{
    return number && number <= btf->count ? btf->types + btf->offsets[number - 1] : NULL;
}

static unsigned kind_of(const uint8_t *type)
{
    return extract32(load_le32(type + 4), 24, 5);
}

static size_t count_of(const uint8_t *type)
{
    return extract32(load_le32(type + 4), 0, 16);
}

static const char *string_at(const struct kernel_btf *btf, uint32_t offset)
{
    return offset < btf->strings_bytes ? (const char *)btf->strings + offset : "";
}

static bool index_types(struct kernel_btf *btf, size_t bytes)
{
    btf->offsets = malloc(bytes / TYPE_BYTES * sizeof(*btf->offsets));
    if (!btf->offsets)
        return false;
    for (size_t at = 0; at < bytes;) {
        if (bytes - at < TYPE_BYTES)
            return false;
        const uint8_t *type = btf->types + at;
        size_t size = TYPE_BYTES + extra_bytes(kind_of(type), count_of(type));
        if (kind_of(type) >= KINDS || size > bytes - at)
            return false;
        btf->offsets[btf->count++] = (uint32_t)at;
        at += size;
    }
    return btf->count;
}

bool kernel_btf_open(struct kernel_btf *btf, const uint8_t *data, size_t size)
{
    *btf = (struct kernel_btf){0};
    if (size < HEADER_BYTES || load_le16(data) != 0xeb9f || data[2] != 1 || load_le32(data + 4) != HEADER_BYTES)
        return false;
    uint32_t types = load_le32(data + 8), types_bytes = load_le32(data + 12);
    uint32_t strings = load_le32(data + 16), strings_bytes = load_le32(data + 20);
    size -= HEADER_BYTES;
    if (!range_inside(types, types_bytes, size) || !range_inside(strings, strings_bytes, size) || types_bytes > LARGEST ||
        types_bytes < TYPE_BYTES || !strings_bytes || data[HEADER_BYTES + strings + strings_bytes - 1])
        return false;
    btf->types = data + HEADER_BYTES + types;
    btf->strings = data + HEADER_BYTES + strings;
    btf->strings_bytes = strings_bytes;
    if (index_types(btf, types_bytes))
        return true;
    kernel_btf_close(btf);
    return false;
}

void kernel_btf_close(struct kernel_btf *btf)
{
    free(btf->offsets);
    *btf = (struct kernel_btf){0};
}

// Each text is there only once.
uint32_t kernel_btf_struct(const struct kernel_btf *btf, const char *name)
{
    char key[64];
    size_t length = strlen(name) + 2;
    if (length > sizeof(key))
        return 0;
    key[0] = 0;
    strcpy(key + 1, name);
    const uint8_t *text = memmem(btf->strings, btf->strings_bytes, key, length);
    for (uint32_t i = 1; text && i <= btf->count; i++) {
        const uint8_t *type = type_at(btf, i);
        if (load_le32(type) == (uint32_t)(text + 1 - btf->strings) && kind_of(type) == KIND_STRUCT)
            return i;
    }
    return 0;
}

// The structure or union that a type is, or that its array's elements are.
static const uint8_t *resolve(const struct kernel_btf *btf, uint32_t number)
{
    const uint8_t *type = type_at(btf, number);
    for (unsigned depth = 0; type && depth < DEEPEST; depth++) {
        switch (kind_of(type)) {
        case KIND_STRUCT:
        case KIND_UNION:
            return type;
        case KIND_ARRAY:
            type = type_at(btf, load_le32(type + TYPE_BYTES));
            break;
        case KIND_TYPEDEF:
        case KIND_VOLATILE:
        case KIND_CONST:
        case KIND_RESTRICT:
        case KIND_TYPE_TAG:
            type = type_at(btf, load_le32(type + 8));
            break;
        default:
            return NULL;
        }
    }
    return NULL;
}

struct search {
    const struct kernel_btf *btf;
    const char *name;
    size_t length;
    unsigned budget; // members to look at: structures could share members many times over
    uint32_t found;  // the member's type
};

// Members without a name are looked into: theirs are as the structure's own.
static bool find_member(struct search *search, const uint8_t *type, unsigned depth, uint32_t *offset)
{
    const struct kernel_btf *btf = search->btf;
    bool bitfields = load_le32(type + 4) >> 31;
    for (size_t i = 0; i < count_of(type); i++) {
        const uint8_t *member = type + TYPE_BYTES + i * MEMBER_BYTES, *inner;
        const char *text = string_at(btf, load_le32(member));
        uint32_t bits = load_le32(member + 8), at = (bitfields ? extract32(bits, 0, 24) : bits) / 8;
        if (!search->budget)
            return false;
        search->budget--;
        if (!*text && depth && (inner = resolve(btf, load_le32(member + 4))) &&
            find_member(search, inner, depth - 1, offset)) {
            *offset += at;
            return true;
        }
        if (!strncmp(text, search->name, search->length) && !text[search->length]) {
            *offset = at;
            search->found = load_le32(member + 4);
            return true;
        }
    }
    return false;
}

bool kernel_btf_member(const struct kernel_btf *btf, uint32_t structure, const char *path, uint32_t *offset)
{
    struct search search = {.btf = btf, .name = path, .budget = 1 << 18, .found = structure};
    *offset = 0;
    for (unsigned depth = 0; depth < DEEPEST; depth++) {
        const uint8_t *type = resolve(btf, search.found);
        uint32_t at;
        search.length = strcspn(search.name, ".");
        if (!type || !find_member(&search, type, DEEPEST, &at))
            return false;
        *offset += at;
        if (!search.name[search.length])
            return true;
        search.name += search.length + 1;
    }
    return false;
}

uint32_t kernel_btf_size(const struct kernel_btf *btf, uint32_t structure)
{
    const uint8_t *type = resolve(btf, structure);
    return type ? load_le32(type + 8) : 0;
}
