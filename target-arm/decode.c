// SPDX-License-Identifier: MIT
// The index over the instruction rows.
//
// Bits 31:21 choose a *group*, bits 15:10 a *leaf* of it; a leaf is a short list of rows in order of decreasing number
// of fixed bits, ended by a null. Nearly all leaves have one row, so decoding costs two table reads and a compare.
// Values of bits 31:21 that admit the same rows share a group. Rows and index are completed on first use, by
// pthread_once, and constant from then on.

#include "target-arm/decode.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "target-arm/translate.h"

enum { GROUP_BITS = 11, LEAF_BITS = 6, LEAVES = 1 << LEAF_BITS };

static struct a64_row rows[] = {
#define INSN(handler, feature, name, pattern) {a64_##handler, name, pattern, 0, 0, ARM_FEAT_##feature},
#include "target-arm/a64.inc"
#include "target-arm/a64-simd.inc"
#undef INSN
};
enum { ROWS = ARRAY_SIZE(rows) };

static struct {
    pthread_once_t once;
    uint16_t group_of[1 << GROUP_BITS];
    const struct a64_row *const **leaves; // [group * LEAVES + leaf]: where the leaf's list starts
    const struct a64_row **lists;
    uint32_t list_count, list_capacity;
} decoder = {.once = PTHREAD_ONCE_INIT};

static int more_fixed_bits_first(const void *a, const void *b)
{
    const struct a64_row *x = a, *y = b;
    int dx = __builtin_popcount(x->mask), dy = __builtin_popcount(y->mask);
    if (dx != dy)
        return dy - dx;
    return x->value < y->value ? -1 : x->value > y->value;
}

static void parse_pattern(struct a64_row *row)
{
    assert(strlen(row->pattern) == 32);
    for (unsigned i = 0; i < 32; i++) {
        char c = row->pattern[i];
        if (c == '0' || c == '1') {
            row->mask |= BIT32(31 - i);
            row->value |= (uint32_t)(c - '0') << (31 - i);
        }
    }
}

static bool admits(const struct a64_row *row, uint32_t mask, uint32_t value)
{
    return !((row->value ^ value) & row->mask & mask);
}

static uint32_t append_list(const struct a64_row *row)
{
    if (decoder.list_count == decoder.list_capacity) {
        decoder.list_capacity = decoder.list_capacity ? 2 * decoder.list_capacity : 4096;
        decoder.lists = alloc_resize(decoder.lists, decoder.list_capacity, sizeof(*decoder.lists));
    }
    decoder.lists[decoder.list_count] = row;
    return decoder.list_count++;
}

// Lists move while they grow, so leaves hold positions until all are there.
static void add_group(const uint16_t *candidates, unsigned count, uint32_t *leaf_starts)
{
    for (uint32_t leaf = 0; leaf < LEAVES; leaf++) {
        uint32_t start = decoder.list_count;
        for (unsigned i = 0; i < count; i++)
            if (admits(&rows[candidates[i]], mask64(LEAF_BITS) << 10, leaf << 10))
                append_list(&rows[candidates[i]]);
        append_list(NULL);
        leaf_starts[leaf] = start;
    }
}

static void build(void)
{
    for (unsigned i = 0; i < ROWS; i++)
        parse_pattern(&rows[i]);
    qsort(rows, ROWS, sizeof(rows[0]), more_fixed_bits_first);

    uint16_t *sets = ALLOC_ARRAY(uint16_t, ROWS << GROUP_BITS);
    uint16_t *counts = ALLOC_ARRAY(uint16_t, 1 << GROUP_BITS);
    uint32_t *starts = ALLOC_ARRAY(uint32_t, LEAVES << GROUP_BITS);
    unsigned groups = 0;
    for (uint32_t prefix = 0; prefix < 1 << GROUP_BITS; prefix++) {
        uint16_t *set = &sets[groups * ROWS];
        unsigned count = 0;
        for (unsigned i = 0; i < ROWS; i++)
            if (admits(&rows[i], ~mask64(21), prefix << 21))
                set[count++] = i;
        unsigned group = 0;
        while (group < groups && (counts[group] != count || memcmp(&sets[group * ROWS], set, count * sizeof(*set))))
            group++;
        if (group == groups) {
            counts[groups++] = count;
            add_group(set, count, &starts[group * LEAVES]);
        }
        decoder.group_of[prefix] = group;
    }
    decoder.leaves = alloc_zeroed(groups * LEAVES, sizeof(*decoder.leaves));
    for (unsigned i = 0; i < groups * LEAVES; i++)
        decoder.leaves[i] = &decoder.lists[starts[i]];
    free(sets);
    free(counts);
    free(starts);
}

const struct a64_row *a64_decode(uint32_t insn)
{
    pthread_once(&decoder.once, build);
    unsigned leaf = decoder.group_of[insn >> 21] * LEAVES + extract32(insn, 10, LEAF_BITS);
    for (const struct a64_row *const *row = decoder.leaves[leaf]; *row; row++)
        if ((insn & (*row)->mask) == (*row)->value)
            return *row;
    return NULL;
}

unsigned a64_row_count(void)
{
    return ROWS;
}

const struct a64_row *a64_row_at(unsigned index)
{
    pthread_once(&decoder.once, build);
    return &rows[index];
}
