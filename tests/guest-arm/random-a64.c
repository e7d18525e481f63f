// SPDX-License-Identifier: MIT
#include "random-a64.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

#include "target-arm/decode.h"
#include "tests/base/random.h"

enum row_class { ROW_NO, ROW_DATA, ROW_MEMORY };
enum { FIRST_KEPT = 24, LAST_KEPT = 28, BASE = 28 };

static csh capstone; // of the test, which has one thread

static bool starts(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

static enum row_class classify(const struct a64_row *row, bool simd)
{
    unsigned top = row->value >> 25 & 15, mask = row->mask >> 25 & 15;
    bool memory = (mask & 5) == 5 && (top & 5) == 4;
    bool vector = (mask & 7) == 7 && (top & 7) == 7;
    bool vector_memory = memory && (row->value >> 26 & 1);
    if (row->feature == ARM_FEAT_PAUTH || ((mask & 14) == 14 && (top & 14) == 10))
        return ROW_NO;
    if ((vector || vector_memory) != simd && below(4))
        return ROW_NO;
    if ((vector || vector_memory) && !simd)
        return ROW_NO;
    // PC-relative loads read the stream itself, which lies elsewhere when it is cut; exclusives depend on history.
    if (strstr(row->name, "literal") || starts(row->name, "STX") || starts(row->name, "LDX") ||
        starts(row->name, "STTR"))
        return ROW_NO;
    return memory ? ROW_MEMORY : ROW_DATA;
}

static bool field_is(const struct a64_row *row, unsigned low_bit, char letter)
{
    return row->pattern[31 - low_bit] == letter && row->pattern[31 - low_bit - 4] == letter;
}

static bool kept(unsigned reg)
{
    return reg >= FIRST_KEPT && reg <= LAST_KEPT;
}

// Whether the instruction leaves alone what is kept and does nothing that the architecture leaves open.
static bool harmless(const struct a64_row *row, enum row_class class, uint32_t insn)
{
    unsigned rd = insn & 31, rt2 = insn >> 10 & 31, rs = insn >> 16 & 31;
    if (kept(rd))
        return false;
    if (class != ROW_MEMORY)
        return true;
    if (field_is(row, 10, 'u') && (kept(rt2) || rt2 == rd))
        return false;
    bool pair_of_four = starts(row->name, "CASP");
    if (pair_of_four && ((rs | rd) & 1 || kept(rs + 1) || kept(rd + 1) || rs == 30 || rd == 30))
        return false;
    return !(field_is(row, 16, 's') && kept(rs));
}

static bool allocated(uint32_t insn)
{
    cs_insn *text;
    size_t count = cs_disasm(capstone, (const uint8_t *)&insn, 4, 0, 1, &text);
    if (!count)
        return false;
    cs_free(text, count);
    return true;
}

void random_a64_open(void)
{
    cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &capstone);
}

void random_a64_close(void)
{
    cs_close(&capstone);
}

struct random_a64 random_a64(bool simd)
{
    for (;;) {
        const struct a64_row *row = a64_row_at(below(a64_row_count()));
        enum row_class class = classify(row, simd);
        if (class == ROW_NO)
            continue;
        uint32_t insn = ((uint32_t)random64() & ~row->mask) | row->value;
        if (class == ROW_MEMORY)
            insn = (insn & ~(31u << 5)) | BASE << 5;
        if (a64_decode(insn) != row || !harmless(row, class, insn) || !allocated(insn))
            continue;
        bool memory = class == ROW_MEMORY;
        return (struct random_a64){.insn = insn,
                                   .memory = memory,
                                   .by_register = memory && strstr(row->name, "register"),
                                   .scaled = memory && (row->value >> 24 & 1) && field_is(row, 17, 'i'),
                                   .atomic = memory && row->feature == ARM_FEAT_LSE};
    }
}

uint32_t random_a64_branch_over(void)
{
    enum { OVER = 2 << 5 };
    unsigned kind = below(3), reg = below(26);
    if (kind == 0)
        return 0x54000000 | OVER | below(14);
    if (kind == 1)
        return 0x34000000 | below(2) << 31 | below(2) << 24 | OVER | reg;
    return 0x36000000 | below(2) << 31 | below(2) << 24 | below(32) << 19 | OVER | reg;
}

void random_a64_print(uint32_t insn)
{
    cs_insn *text;
    size_t count = cs_disasm(capstone, (const uint8_t *)&insn, 4, 0, 1, &text);
    printf("%08x  %s %s\n", insn, count ? text->mnemonic : "?", count ? text->op_str : "");
    if (count)
        cs_free(text, count);
}
