// SPDX-License-Identifier: MIT
// The rows of the A64 decode table: well formed, decoded back to themselves, and ambiguous nowhere.

#include <criterion/criterion.h>

#include "target-arm/decode.h"
#include "target-arm/translate-data.h"
#include "tests/base/random.h"

Test(decode, patterns_are_32_bits_with_fields_in_letters)
{
    for (unsigned i = 0; i < a64_row_count(); i++) {
        const struct a64_row *row = a64_row_at(i);
        cr_assert_eq(strlen(row->pattern), 32, "%s", row->name);
        for (const char *p = row->pattern; *p; p++)
            cr_assert(*p == '0' || *p == '1' || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'), "%s: '%c'",
                      row->name, *p);
        cr_assert_neq(row->mask, 0, "%s", row->name);
    }
}

// Two rows may match one instruction only if one of them is a special case of the other.
Test(decode, overlapping_rows_are_special_cases)
{
    for (unsigned i = 0; i < a64_row_count(); i++) {
        for (unsigned j = i + 1; j < a64_row_count(); j++) {
            const struct a64_row *a = a64_row_at(i), *b = a64_row_at(j);
            if ((a->value ^ b->value) & a->mask & b->mask)
                continue;
            bool nested = (a->mask & b->mask) == b->mask || (a->mask & b->mask) == a->mask;
            cr_assert(nested && a->mask != b->mask, "%s and %s overlap", a->name, b->name);
        }
    }
}

Test(decode, every_row_is_found_for_its_instructions)
{
    for (unsigned i = 0; i < a64_row_count(); i++) {
        const struct a64_row *row = a64_row_at(i);
        unsigned hits = 0;
        for (unsigned n = 0; n < 200; n++) {
            uint32_t insn = ((uint32_t)random64() & ~row->mask) | row->value;
            const struct a64_row *found = a64_decode(insn);
            cr_assert_not_null(found, "%s: %08x", row->name, insn);
            cr_assert_eq(insn & found->mask, found->value);
            // Only a special case may be found instead.
            cr_assert((found->mask & row->mask) == row->mask, "%s: %08x decodes as %s", row->name, insn, found->name);
            hits += found == row;
        }
        cr_assert_gt(hits, 0, "%s is never found", row->name);
    }
}

// Against a search through all rows.
Test(decode, index_agrees_with_the_rows)
{
    for (unsigned n = 0; n < 300000; n++) {
        uint32_t insn = (uint32_t)random64();
        const struct a64_row *expected = NULL;
        for (unsigned i = 0; i < a64_row_count() && !expected; i++)
            if ((insn & a64_row_at(i)->mask) == a64_row_at(i)->value)
                expected = a64_row_at(i);
        cr_assert_eq(a64_decode(insn), expected, "%08x", insn);
    }
}

Test(decode, known_instructions)
{
    static const struct {
        uint32_t insn;
        const char *name;
    } known[] = {
        {0xd503201f, "HINT"},           {0xd65f03c0, "RET"},          {0x910003fd, "ADD (immediate)"},
        {0xa9bf7bfd, "STP, STNP"},      {0xd69f03e0, "ERET"},         {0xd4000001, "SVC"},
        {0x1ac00800, "UDIV"},           {0x9b017c00, "MADD"},         {0xc85f7c00, "LDXR, LDAXR"},
        {0xf8200000, "LDADD"},          {0xd5033fdf, "ISB"},          {0xd50b7420, "SYS"},
        {0x4c407000, "ST1-ST4, LD1-LD4 (multiple structures)"},
        {0xdac10000, "PACIA, PACIB, PACDA, PACDB"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        const struct a64_row *row = a64_decode(known[i].insn);
        cr_assert_not_null(row, "%08x", known[i].insn);
        cr_assert_str_eq(row->name, known[i].name);
    }
    cr_assert_null(a64_decode(0)); // UDF
}

// The manual's algorithm written the other way round: build every legal mask, and look its encoding up.
Test(decode, logical_immediates)
{
    unsigned legal = 0;
    for (unsigned width = 32; width <= 64; width *= 2) {
        for (unsigned encoding = 0; encoding < 1 << 13; encoding++) {
            unsigned n = encoding >> 12, immr = encoding >> 6 & 63, imms = encoding & 63;
            uint64_t mask = 0;
            bool good = a64_decode_bit_masks(n, imms, immr, width, &mask);
            unsigned size = n ? 64 : imms < 32 ? 32 : imms < 48 ? 16 : imms < 56 ? 8 : imms < 60 ? 4 : imms < 62 ? 2 : 0;
            unsigned ones = size ? (imms & (size - 1)) + 1 : 0;
            bool expected = size && size <= width && ones < size;
            cr_assert_eq(good, expected, "%u %u %u %u", width, n, immr, imms);
            if (!good)
                continue;
            legal++;
            for (unsigned bit = 0; bit < 64; bit++) {
                bool set = bit < width && (bit + immr % size) % size < ones;
                cr_assert_eq(mask >> bit & 1, set, "%u %u %u %u bit %u", width, n, immr, imms, bit);
            }
        }
    }
    cr_assert_gt(legal, 5334); // distinct 64-bit ones; some have several encodings
}
