// SPDX-License-Identifier: MIT
#include "x86-random.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "target-x86/cpu.h"

uint64_t random_value(void)
{
    static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, INT64_MAX, UINT64_C(1) << 63, ~UINT64_C(0)};
    switch (below(5)) {
    case 0:
        return edges[below(ARRAY_SIZE(edges))];
    case 1:
        return below(64);
    case 2:
        return (uint64_t)(int64_t)(int32_t)random64();
    default:
        return random64();
    }
}

// A number, often of moderate size, sometimes special.
static void random_float(uint8_t *out)
{
    static const uint16_t exponents[] = {0, 1, 0x3fff, 0x4000, 0x3ffe, 0x403e, 0x7ffe, 0x7fff};
    uint64_t mantissa = below(3) ? random64() | UINT64_C(1) << 63 : UINT64_C(1) << 63;
    unsigned exponent = below(3) ? 0x3fff - 20 + below(40) : exponents[below(ARRAY_SIZE(exponents))];
    if (exponent == 0 && below(2))
        mantissa = below(2) ? 0 : mantissa >> 1;
    memset(out, 0, 16);
    store_le64(out, mantissa);
    store_le16(out + 8, (uint16_t)(exponent | below(2) << 15));
}

// Eight bytes of one double or two singles, numbers of moderate size and special ones.
static uint64_t random_lanes(void)
{
    static const uint32_t singles[] = {0, 0x80000000, 1, 0x7fffff, 0x800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001,
                                       0xffc00000, 0x7fc01234, 0x3f800000, 0x4f000000, 0xcf000000, 0x5f000000};
    static const uint64_t doubles[] = {0, UINT64_C(1) << 63, 1, UINT64_C(0xfffffffffffff), UINT64_C(0x10000000000000),
                                       UINT64_C(0x7fefffffffffffff), UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff0000000000000), UINT64_C(0x7ff0000000000001),
                                       UINT64_C(0xfff8000000000000), UINT64_C(0x7ff8000000001234),
                                       UINT64_C(0x3ff0000000000000), UINT64_C(0x41e0000000000000),
                                       UINT64_C(0xc3e0000000000000), UINT64_C(0x380fffffffffffff)};
    switch (below(5)) {
    case 0:
        return doubles[below(ARRAY_SIZE(doubles))];
    case 1:
        return singles[below(ARRAY_SIZE(singles))] | (uint64_t)singles[below(ARRAY_SIZE(singles))] << 32;
    case 2:
        return (random64() & ~(UINT64_C(0x7ff) << 52)) | (uint64_t)(1023 - 10 + below(20)) << 52;
    case 3:
        return (random64() & UINT64_C(0x807fffff807fffff)) | (uint64_t)(127 - 10 + below(20)) << 23 |
               (uint64_t)(127 - 10 + below(20)) << 55;
    default:
        return random_value();
    }
}

void random_registers(struct test *t, bool wide)
{
    struct oracle_state *s = &t->state;
    memset(s, 0, sizeof(*s));
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = random_value();
    s->gpr[X86_RSP] = CASE_DATA + 0xc00 + below(64) * 8;
    if (below(2))
        s->gpr[X86_RBP] = CASE_DATA + 0xa00 + below(64) * 8;
    s->flags = 0x202 | (random64() & 0xcd5);
    s->rip = CASE_CODE;
    static const uint16_t controls[] = {0x37f, 0x27f, 0x7f, 0xf7f, 0xb7f, 0x77f};
    s->control = controls[below(ARRAY_SIZE(controls))];
    s->status = (uint16_t)(below(8) << 11 | below(8) << 8);
    if (!below(4)) {
        s->control &= (uint16_t)~below(64);
        // Exceptions from before, pending where they are not masked.
        s->status |= below(4) ? 0 : (uint16_t)below(128);
        if (s->status & ~s->control & 63)
            s->status |= 0x8080;
    }
    s->tags = below(3) ? 0xff : (uint16_t)below(256);
    for (unsigned n = 0; n < 8; n++)
        random_float(s->st[n]);
    s->mxcsr = 0x1f80;
    if (below(2))
        s->mxcsr = 0x1f80 | below(4) << 13 | (below(4) ? 0 : below(4) == 0 ? 0x8040u : below(2) << 15 | below(2) << 6) | below(64);
    if (!below(8))
        s->mxcsr &= ~(below(64) << 7);
    for (unsigned i = 0; i < sizeof(s->xmm); i += 8) {
        store_le64(&s->xmm[0][0] + i, random_lanes());
        store_le64(&s->ymmh[0][0] + i, random_lanes());
    }
    for (unsigned i = 0; i < CASE_DATA_BYTES; i += 8)
        store_le64(t->data + i, random_lanes());
    if (!wide)
        for (unsigned n = 0; n < 16; n++)
            s->gpr[n] = n < 8 ? (uint32_t)s->gpr[n] : 0;
}

// --- instructions --------------------------------------------------------------------------------------------------

bool named(const struct x86_row *row, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(row->name, *list))
            return true;
    return false;
}

const struct x86_row *random_row(unsigned *map)
{
    unsigned rows, total = 0;
    for (*map = 0; *map < X86_MAPS; ++*map) {
        x86_rows(*map, &rows);
        total += rows;
    }
    unsigned pick = below(total);
    for (*map = 0;; ++*map) {
        const struct x86_row *first = x86_rows(*map, &rows);
        if (pick < rows)
            return &first[pick];
        pick -= rows;
    }
}

bool random_form_is_vex(const struct x86_row *row)
{
    return (row->match & X86_MATCH_VEX) || ((row->match & X86_MATCH_EITHER) && below(2));
}

// 0 where the row asks for none: X86_MATCH_PREFIX is 1 then, or 0 where it does not ask.
static unsigned mandatory_prefix(const struct x86_row *row)
{
    unsigned prefix = (row->match & X86_MATCH_PREFIX) >> 6;
    return prefix ? prefix - 1 : 0;
}

static uint8_t *put_vex(uint8_t *p, const struct x86_row *row, unsigned map, bool wide)
{
    unsigned w = row->match & X86_MATCH_W1 ? 1 : row->match & X86_MATCH_W0 ? 0 : below(2);
    unsigned l = row->match & X86_MATCH_L1 ? 1 : row->match & X86_MATCH_L0 ? 0 : below(2);
    unsigned v = row->attributes & X86_VNOT ? 15 : below(16);
    *p++ = 0xc4;
    *p++ = (uint8_t)(map | (wide ? below(8) << 5 : 7u << 5));
    *p++ = (uint8_t)(w << 7 | v << 3 | l << 2 | mandatory_prefix(row));
    return p;
}

static uint8_t *put_legacy(uint8_t *p, const struct x86_row *row, unsigned map, bool wide)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    unsigned prefix = mandatory_prefix(row), w1 = row->match & X86_MATCH_W1;
    if (prefix)
        *p++ = prefixes[prefix];
    if (wide && (w1 || below(2)))
        *p++ = (uint8_t)(0x40 | (w1 ? 8 | below(8) : row->match & X86_MATCH_W0 ? below(8) : below(16)));
    if (map)
        *p++ = 0x0f;
    if (map >= 2)
        *p++ = map == 2 ? 0x38 : 0x3a;
    return p;
}

uint8_t *put_row(uint8_t *p, const struct x86_row *row, unsigned map, bool vex, bool wide, uint8_t modrm)
{
    p = vex ? put_vex(p, row, map, wide) : put_legacy(p, row, map, wide);
    *p++ = row->opcode;
    if (row->match & X86_MATCH_REG)
        modrm = (uint8_t)((modrm & ~0x38) | ((row->match & 15) - 1) << 3);
    if (row->match & X86_MATCH_RM)
        modrm = (uint8_t)((modrm & ~7) | ((row->match >> 9 & 15) - 1));
    if (row->match & X86_MATCH_RR)
        modrm |= 0xc0;
    else if (row->match & X86_MATCH_MEM && modrm >= 0xc0)
        modrm &= 0x3f;
    *p++ = modrm;
    for (unsigned i = 0; i < 14; i++)
        *p++ = (uint8_t)random64();
    return p;
}
