// SPDX-License-Identifier: MIT
// Packets of GDB's remote serial protocol.
#include "frontend/gdb-packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

enum { ESCAPE = '}', ESCAPE_BIT = 0x20, INTERRUPT = 3 };

// --- reader ---

enum state { OUTSIDE, INSIDE, ESCAPED, FIRST_DIGIT, SECOND_DIGIT };

void gdb_reader_init(struct gdb_reader *reader, size_t limit)
{
    *reader = (struct gdb_reader){.data = alloc_zeroed(limit + 1, 1), .limit = limit};
}

void gdb_reader_free(struct gdb_reader *reader)
{
    free(reader->data);
}

void gdb_reader_restart(struct gdb_reader *reader)
{
    reader->state = OUTSIDE;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What is too long is counted to one byte beyond the limit.
static void keep(struct gdb_reader *reader, uint8_t byte)
{
    if (reader->length < reader->limit)
        reader->data[reader->length] = byte;
    reader->length += reader->length <= reader->limit;
}

static enum gdb_event outside(struct gdb_reader *reader, uint8_t byte)
{
    switch (byte) {
    case '$':
        reader->state = INSIDE;
        reader->length = 0;
        reader->sum = 0;
        reader->damaged = false;
        return GDB_NOTHING;
    case INTERRUPT:
        return GDB_INTERRUPT;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NAK;
    default:
        return GDB_NOTHING; // noise between packets
    }
}

static enum gdb_event complete(struct gdb_reader *reader)
{
    reader->state = OUTSIDE;
    if (reader->damaged || reader->given != reader->sum)
        return GDB_DAMAGED;
    if (reader->length > reader->limit)
        return GDB_TOO_LONG;
    reader->data[reader->length] = 0;
    return GDB_PACKET;
}

enum gdb_event gdb_reader_take(struct gdb_reader *reader, uint8_t byte)
{
    switch ((enum state)reader->state) {
    case OUTSIDE:
        return outside(reader, byte);
    case INSIDE:
        if (byte == '#') {
            reader->state = FIRST_DIGIT;
            return GDB_NOTHING;
        }
        if (byte == '$') // the end of the one before was lost
            return outside(reader, byte);
        reader->sum += byte;
        if (byte == ESCAPE)
            reader->state = ESCAPED;
        else
            keep(reader, byte);
        return GDB_NOTHING;
    case ESCAPED:
        reader->sum += byte;
        keep(reader, byte ^ ESCAPE_BIT);
        reader->state = INSIDE;
        return GDB_NOTHING;
    case FIRST_DIGIT:
        reader->damaged |= digit(byte) < 0;
        reader->given = (uint8_t)(digit(byte) << 4);
        reader->state = SECOND_DIGIT;
        return GDB_NOTHING;
    case SECOND_DIGIT:
    default:
        reader->damaged |= digit(byte) < 0;
        reader->given |= (uint8_t)digit(byte);
        return complete(reader);
    }
}

// --- writer ---

void gdb_writer_free(struct gdb_writer *writer)
{
    free(writer->data);
    *writer = (struct gdb_writer){0};
}

void gdb_put_raw(struct gdb_writer *writer, uint8_t byte)
{
    if (writer->length == writer->capacity) {
        writer->capacity = writer->capacity ? 2 * writer->capacity : 256;
        writer->data = alloc_resize(writer->data, writer->capacity, 1);
    }
    writer->data[writer->length++] = byte;
}

static void put(struct gdb_writer *writer, uint8_t byte)
{
    writer->sum += byte;
    gdb_put_raw(writer, byte);
}

void gdb_begin(struct gdb_writer *writer)
{
    gdb_put_raw(writer, '$');
    writer->sum = 0;
}

void gdb_begin_notification(struct gdb_writer *writer)
{
    gdb_put_raw(writer, '%');
    writer->sum = 0;
}

void gdb_end(struct gdb_writer *writer)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum = writer->sum;
    gdb_put_raw(writer, '#');
    gdb_put_raw(writer, (uint8_t)digits[sum >> 4]);
    gdb_put_raw(writer, (uint8_t)digits[sum & 15]);
}

void gdb_put_bytes(struct gdb_writer *writer, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < length; i++) {
        bool special = p[i] == '$' || p[i] == '#' || p[i] == '*' || p[i] == ESCAPE;
        if (special)
            put(writer, ESCAPE);
        put(writer, special ? p[i] ^ ESCAPE_BIT : p[i]);
    }
}

void gdb_put_text(struct gdb_writer *writer, const char *text)
{
    gdb_put_bytes(writer, text, strlen(text));
}

void gdb_put_format(struct gdb_writer *writer, const char *format, ...)
{
    va_list args;
    char *text;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        abort();
    gdb_put_bytes(writer, text, (size_t)length);
    free(text);
}

void gdb_put_hex(struct gdb_writer *writer, const void *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < length; i++) {
        put(writer, (uint8_t)digits[p[i] >> 4]);
        put(writer, (uint8_t)digits[p[i] & 15]);
    }
}

// --- parts of packets ---

bool gdb_take_number(const char **text, uint64_t *value)
{
    const char *p = *text;
    *value = 0;
    for (; digit((uint8_t)*p) >= 0; p++) {
        if (*value >> 60)
            return false;
        *value = *value << 4 | (uint64_t)digit((uint8_t)*p);
    }
    bool some = p != *text;
    *text = p;
    return some;
}

bool gdb_take_hex(const char **text, void *bytes, size_t length)
{
    uint8_t *out = bytes;
    const char *p = *text;
    for (size_t i = 0; i < length; i++, p += 2) {
        int high = digit((uint8_t)p[0]), low = high < 0 ? -1 : digit((uint8_t)p[1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *text = p;
    return true;
}
