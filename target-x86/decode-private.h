// SPDX-License-Identifier: MIT
// What the files of the decoder share: the bytes as they are read.
#pragma once

#include "target-x86/decode.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

struct x86_reader {
    const uint8_t *code;
    unsigned at, available;
    bool more; // than there are: what was read is not to be used
};

static inline uint64_t x86_take(struct x86_reader *r, unsigned bytes)
{
    if (r->at + bytes > r->available) {
        r->more = true;
        r->at += bytes;
        return 0;
    }
    uint64_t value = load_le(r->code + r->at, bytes);
    r->at += bytes;
    return value;
}

static inline int64_t x86_take_signed(struct x86_reader *r, unsigned bytes)
{
    return sextract64(x86_take(r, bytes), 0, bytes * 8);
}

// The operand size of the instruction whose row is known.
unsigned x86_operand_size_of(const struct x86_decoded *in);
// Reads operand `n` as the row says. False when the form does not exist.
bool x86_read_operand(struct x86_decoded *in, struct x86_reader *r, unsigned n);
