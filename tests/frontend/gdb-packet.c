// SPDX-License-Identifier: MIT
// Packets of GDB's protocol: whole, damaged, too long, and noise.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-packet.h"

enum { LIMIT = 64 };

static struct gdb_reader reader;
static struct gdb_writer writer;

static void begin(void)
{
    gdb_reader_init(&reader, LIMIT);
    writer = (struct gdb_writer){0};
}

static void end(void)
{
    gdb_reader_free(&reader);
    gdb_writer_free(&writer);
}

TestSuite(gdb_packet, .init = begin, .fini = end);

// What the last byte says; none before says anything.
static enum gdb_event take(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i + 1 < length; i++)
        cr_assert_eq(gdb_reader_take(&reader, p[i]), GDB_NOTHING, "byte %zu", i);
    return gdb_reader_take(&reader, p[length - 1]);
}

static enum gdb_event take_text(const char *text)
{
    return take(text, strlen(text));
}

Test(gdb_packet, one_is_read)
{
    cr_assert_eq(take_text("$m10,4#88"), GDB_DAMAGED);
    cr_assert_eq(take_text("$m10,4#2e"), GDB_PACKET);
    cr_assert_eq(reader.length, 5);
    cr_assert_str_eq((char *)reader.data, "m10,4");
    cr_assert_eq(take_text("$#00"), GDB_PACKET);
    cr_assert_eq(reader.length, 0);
}

Test(gdb_packet, digits_are_of_any_case)
{
    cr_assert_eq(take_text("$m10,4#2E"), GDB_PACKET);
    cr_assert_eq(take_text("$m10,4#2g"), GDB_DAMAGED);
    cr_assert_eq(take_text("$m10,4#2e"), GDB_PACKET);
}

Test(gdb_packet, what_stands_between)
{
    cr_assert_eq(gdb_reader_take(&reader, '+'), GDB_ACK);
    cr_assert_eq(gdb_reader_take(&reader, '-'), GDB_NAK);
    cr_assert_eq(gdb_reader_take(&reader, 3), GDB_INTERRUPT);
    cr_assert_eq(take_text("noise$?#3f"), GDB_PACKET);
    cr_assert_str_eq((char *)reader.data, "?");
}

Test(gdb_packet, a_lost_end_costs_one)
{
    cr_assert_eq(take_text("$m10$?#3f"), GDB_PACKET);
    cr_assert_str_eq((char *)reader.data, "?");
}

Test(gdb_packet, another_peer_begins_anew)
{
    cr_assert_eq(take_text("$m10"), GDB_NOTHING);
    gdb_reader_restart(&reader);
    cr_assert_eq(gdb_reader_take(&reader, '+'), GDB_ACK);
}

// All bytes there and back, in the escaped form that gdb sends.
Test(gdb_packet, any_byte_can_be_told)
{
    uint8_t all[256];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (unsigned i = 0; i < 256; i += LIMIT) {
        writer.length = 0;
        gdb_begin(&writer);
        gdb_put_bytes(&writer, all + i, LIMIT);
        gdb_end(&writer);
        cr_assert_eq(take(writer.data, writer.length), GDB_PACKET);
        cr_assert_eq(reader.length, LIMIT);
        cr_assert_eq(memcmp(reader.data, all + i, LIMIT), 0);
    }
}

Test(gdb_packet, what_is_too_long_goes)
{
    char text[LIMIT + 1];
    memset(text, 'a', sizeof(text));
    for (unsigned more = 0; more < 2; more++) {
        writer.length = 0;
        gdb_begin(&writer);
        gdb_put_bytes(&writer, text, LIMIT + more);
        gdb_end(&writer);
        cr_assert_eq(take(writer.data, writer.length), more ? GDB_TOO_LONG : GDB_PACKET);
    }
    writer.length = 0;
    gdb_begin(&writer);
    for (unsigned i = 0; i < 1 << 20; i++)
        gdb_put_text(&writer, "*");
    gdb_end(&writer);
    cr_assert_eq(take(writer.data, writer.length), GDB_TOO_LONG);
    cr_assert_eq(take_text("$?#3f"), GDB_PACKET);
}

Test(gdb_packet, several_are_written)
{
    gdb_put_raw(&writer, '+');
    gdb_begin(&writer);
    gdb_put_format(&writer, "T%02x", 5u);
    gdb_put_hex(&writer, "\x0f\xa0", 2);
    gdb_end(&writer);
    gdb_begin(&writer);
    gdb_end(&writer);
    cr_assert_eq(writer.length, 16);
    cr_assert_eq(memcmp(writer.data, "+$T050fa0#e0$#00", 16), 0);
}

Test(gdb_packet, parts_are_read)
{
    const char *text = "ffff000008080000,x";
    uint64_t value;
    uint8_t bytes[2];
    cr_assert(gdb_take_number(&text, &value));
    cr_assert_eq(value, UINT64_C(0xffff000008080000));
    cr_assert_str_eq(text, ",x");
    cr_assert_not(gdb_take_number(&text, &value));
    text = "10000000000000000";
    cr_assert_not(gdb_take_number(&text, &value));
    text = "aB0";
    cr_assert_not(gdb_take_hex(&text, bytes, 2));
    cr_assert(gdb_take_hex(&text, bytes, 1));
    cr_assert_eq(bytes[0], 0xab);
    cr_assert_str_eq(text, "0");
}

// Whatever comes, a packet after it is read.
Test(gdb_packet, noise_does_no_harm)
{
    static const char likely[] = "$#}*+-\003aF0:;,";
    srand(1);
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < 200; i++)
            gdb_reader_take(&reader, rand() & 1 ? (uint8_t)likely[rand() % (int)(sizeof(likely) - 1)] : (uint8_t)rand());
        // The end of whatever has begun.
        gdb_reader_take(&reader, '#');
        gdb_reader_take(&reader, '#');
        gdb_reader_take(&reader, '0');
        gdb_reader_take(&reader, '0');
        cr_assert_eq(take_text("$?#3f"), GDB_PACKET, "round %u", round);
    }
}
