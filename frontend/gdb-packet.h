// SPDX-License-Identifier: MIT
// Packets of GDB's remote serial protocol (GDB manual, appendix E.1): a reader that is fed bytes and says what has come in, and
// a writer that builds what goes out. Neither knows what packets mean, or where bytes come from.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gdb_event {
    GDB_NOTHING,   // more bytes are needed
    GDB_PACKET,    // a packet is complete: `data` and `length` of the reader
    GDB_DAMAGED,   // one whose checksum is wrong, which the peer should send again
    GDB_TOO_LONG,  // one of more bytes than the reader takes, which is gone
    GDB_INTERRUPT, // the byte that asks for the guest to stop
    GDB_ACK, GDB_NAK,
};

struct gdb_reader {
    uint8_t *data;  // what a packet holds, with escapes undone, and a 0 behind it that `length` does not count
    size_t length;
    size_t limit;
    unsigned state;
    uint8_t sum, given; // of the bytes so far; of the two digits at the end
    bool damaged;
};

// Packets of at most `limit` bytes, 1 to 16 MiB, are taken.
void gdb_reader_init(struct gdb_reader *reader, size_t limit);
void gdb_reader_free(struct gdb_reader *reader);
// Forgets a packet that has begun: another peer is there.
void gdb_reader_restart(struct gdb_reader *reader);
// Takes one byte. What it has said of a packet holds until the next one.
enum gdb_event gdb_reader_take(struct gdb_reader *reader, uint8_t byte);

// A packet under way out. `data` begins with what was not sent before, so that several can follow each other.
struct gdb_writer {
    uint8_t *data;
    size_t length, capacity;
    uint8_t sum;
};

void gdb_writer_free(struct gdb_writer *writer);
// Between these two, the others add to the packet.
void gdb_begin(struct gdb_writer *writer);
void gdb_begin_notification(struct gdb_writer *writer); // of GDB's non-stop mode
void gdb_end(struct gdb_writer *writer);
// A byte outside of packets: an acknowledgement.
void gdb_put_raw(struct gdb_writer *writer, uint8_t byte);
// Any bytes; those that mean something to the protocol are escaped.
void gdb_put_bytes(struct gdb_writer *writer, const void *bytes, size_t length);
void gdb_put_text(struct gdb_writer *writer, const char *text);
void gdb_put_format(struct gdb_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Two lower-case digits a byte.
void gdb_put_hex(struct gdb_writer *writer, const void *bytes, size_t length);

// The digits at *text as a number of at most 64 bits, moving *text behind them. False where there are none, or too many.
bool gdb_take_number(const char **text, uint64_t *value);
// `length` bytes of two digits each, moving *text. False where others are in their place.
bool gdb_take_hex(const char **text, void *bytes, size_t length);
