// SPDX-License-Identifier: MIT
// ACPI machine language.
#include "hw/acpi/aml.h"

#include <assert.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum prefix {
    NAME = 0x08,
    BYTE_CONST = 0x0a,
    WORD_CONST = 0x0b,
    DWORD_CONST = 0x0c,
    STRING = 0x0d,
    QWORD_CONST = 0x0e,
    SCOPE = 0x10,
    BUFFER = 0x11,
    PACKAGE = 0x12,
    METHOD = 0x14,
    DUAL_NAME = 0x2e,
    MULTI_NAME = 0x2f,
    EXTENDED = 0x5b,
    EXT_REGION = 0x80,
    EXT_FIELD = 0x81,
    EXT_DEVICE = 0x82,
    IF = 0xa0,
    ELSE = 0xa1,
};

static void make_room(struct aml *aml, size_t bytes)
{
    if (aml->size + bytes <= aml->capacity)
        return;
    aml->capacity = 2 * aml->capacity + bytes + 256;
    aml->data = alloc_resize(aml->data, aml->capacity, 1);
}

void aml_bytes(struct aml *aml, const void *data, size_t size)
{
    make_room(aml, size);
    memcpy(aml->data + aml->size, data, size);
    aml->size += size;
}

void aml_byte(struct aml *aml, uint8_t value)
{
    aml_bytes(aml, &value, 1);
}

void aml_le(struct aml *aml, uint64_t value, unsigned bytes)
{
    uint8_t raw[8];
    store_le64(raw, value);
    aml_bytes(aml, raw, bytes);
}

static void insert(struct aml *aml, size_t at, const uint8_t *bytes, unsigned count)
{
    make_room(aml, count);
    memmove(aml->data + at + count, aml->data + at, aml->size - at);
    memcpy(aml->data + at, bytes, count);
    aml->size += count;
}

// The length counts itself: 6 bits in one byte, or 4 in the first and 8 in each that follows.
static unsigned encode_length(uint8_t out[3], size_t content, bool itself)
{
    for (unsigned count = 1; count <= 3; count++) {
        size_t length = content + (itself ? count : 0);
        if (count == 1 && length < 1 << 6) {
            out[0] = (uint8_t)length;
            return 1;
        }
        if (count > 1 && length < (size_t)1 << (4 + 8 * (count - 1))) {
            out[0] = (uint8_t)((count - 1) << 6 | (length & 15));
            out[1] = (uint8_t)(length >> 4);
            out[2] = (uint8_t)(length >> 12);
            return count;
        }
    }
    assert(!"AML package too long");
    return 0;
}

static void begin(struct aml *aml)
{
    assert(aml->depth < AML_DEPTH_MAX);
    aml->open[aml->depth++] = aml->size;
}

void aml_end(struct aml *aml)
{
    assert(aml->depth);
    size_t at = aml->open[--aml->depth];
    uint8_t length[3];
    unsigned count = encode_length(length, aml->size - at, true);
    insert(aml, at, length, count);
}

void aml_op(struct aml *aml, enum aml_op op)
{
    aml_byte(aml, (uint8_t)op);
}

void aml_path(struct aml *aml, const char *path)
{
    while (*path == '\\' || *path == '^')
        aml_byte(aml, (uint8_t)*path++);
    unsigned segments = 1;
    for (const char *p = path; *p; p++)
        segments += *p == '.';
    if (segments == 2)
        aml_byte(aml, DUAL_NAME);
    if (segments > 2) {
        aml_byte(aml, MULTI_NAME);
        aml_byte(aml, (uint8_t)segments);
    }
    while (segments--) {
        for (unsigned i = 0; i < 4; i++)
            aml_byte(aml, (uint8_t)(*path && *path != '.' ? *path++ : '_'));
        path += *path == '.';
    }
}

void aml_integer(struct aml *aml, uint64_t value)
{
    static const struct {
        uint64_t limit;
        uint8_t prefix, bytes;
    } forms[] = {{UINT8_MAX, BYTE_CONST, 1}, {UINT16_MAX, WORD_CONST, 2}, {UINT32_MAX, DWORD_CONST, 4}};
    if (value <= 1) {
        aml_byte(aml, (uint8_t)value);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (value > forms[i].limit)
            continue;
        aml_byte(aml, forms[i].prefix);
        aml_le(aml, value, forms[i].bytes);
        return;
    }
    aml_byte(aml, QWORD_CONST);
    aml_le(aml, value, 8);
}

void aml_string(struct aml *aml, const char *text)
{
    aml_byte(aml, STRING);
    aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void aml_eisa_id(struct aml *aml, const char *id)
{
    assert(strlen(id) == 7);
    unsigned letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');
    aml_byte(aml, DWORD_CONST);
    aml_byte(aml, (uint8_t)(letters >> 8));
    aml_byte(aml, (uint8_t)letters);
    aml_byte(aml, (uint8_t)(hex_digit(id[3]) << 4 | hex_digit(id[4])));
    aml_byte(aml, (uint8_t)(hex_digit(id[5]) << 4 | hex_digit(id[6])));
}

void aml_name(struct aml *aml, const char *path)
{
    aml_byte(aml, NAME);
    aml_path(aml, path);
}

void aml_named_eisa_id(struct aml *aml, const char *path, const char *id)
{
    aml_name(aml, path);
    aml_eisa_id(aml, id);
}

void aml_named_integer(struct aml *aml, const char *path, uint64_t value)
{
    aml_name(aml, path);
    aml_integer(aml, value);
}

static void begin_named(struct aml *aml, uint8_t op, const char *path)
{
    aml_byte(aml, op);
    begin(aml);
    aml_path(aml, path);
}

void aml_scope(struct aml *aml, const char *path)
{
    begin_named(aml, SCOPE, path);
}

void aml_device(struct aml *aml, const char *path)
{
    aml_byte(aml, EXTENDED);
    begin_named(aml, EXT_DEVICE, path);
}

void aml_method(struct aml *aml, const char *path, unsigned arguments)
{
    begin_named(aml, METHOD, path);
    aml_byte(aml, (uint8_t)arguments);
}

void aml_if(struct aml *aml)
{
    aml_byte(aml, IF);
    begin(aml);
}

void aml_else(struct aml *aml)
{
    aml_byte(aml, ELSE);
    begin(aml);
}

void aml_package(struct aml *aml, uint8_t elements)
{
    aml_byte(aml, PACKAGE);
    begin(aml);
    aml_byte(aml, elements);
}

void aml_buffer(struct aml *aml, uint8_t bytes)
{
    aml_byte(aml, BUFFER);
    begin(aml);
    aml_integer(aml, bytes);
}

void aml_region(struct aml *aml, const char *path, enum aml_space space, uint64_t offset, uint64_t bytes)
{
    aml_byte(aml, EXTENDED);
    aml_byte(aml, EXT_REGION);
    aml_path(aml, path);
    aml_byte(aml, (uint8_t)space);
    aml_integer(aml, offset);
    aml_integer(aml, bytes);
}

void aml_field(struct aml *aml, const char *region, enum aml_access access)
{
    aml_byte(aml, EXTENDED);
    begin_named(aml, EXT_FIELD, region);
    aml_byte(aml, (uint8_t)access); // no lock, the rest is preserved
}

static void field_length(struct aml *aml, unsigned bits)
{
    uint8_t length[3];
    aml_bytes(aml, length, encode_length(length, bits, false));
}

void aml_field_unit(struct aml *aml, const char *name, unsigned bits)
{
    aml_path(aml, name);
    field_length(aml, bits);
}

void aml_field_skip(struct aml *aml, unsigned bits)
{
    aml_byte(aml, 0);
    field_length(aml, bits);
}
