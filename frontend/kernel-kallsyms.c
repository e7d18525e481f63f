// SPDX-License-Identifier: MIT
// The table in which Linux keeps the names of its functions (and data, with CONFIG_KALLSYMS_ALL) for its own messages, since
// 4.6; written by scripts/kallsyms.c of its source, read by kernel/kallsyms.c. Nothing points to it, but one part cannot be
// mistaken: names are sequences of up to 256 tokens, whose texts stand in a row, each with a NUL, and behind them the
// offset of each. The characters 0 to 9 are tokens of their own. From there the rest is found:
//
//   offsets        4 bytes a symbol, by address         |  up to 6.3 in this order (seqs_of_names: only 6.2 and 6.3);
//   relative_base  a pointer                            |  from 6.4 on, these two are behind token_index
//   num_syms       4 bytes
//   names          a length (of one byte, or two with bit 7 of the first set) and as many tokens each, the first
//                  character of the text being the symbol's type
//   markers        4 bytes: where in names every 256th symbol is
//   seqs_of_names  3 bytes a symbol
//   token_table, token_index
//
// Each part starts at a multiple of a pointer's size. An offset counts from relative_base; with
// CONFIG_KALLSYMS_ABSOLUTE_PERCPU, those from 0 up are the address itself, and below it counts down from relative_base - 1.
#include "frontend/kernel-private.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    TOKENS = 256,
    BLOCK = 256,               // symbols of a marker
    MOST_SYMBOLS = 1 << 20,    // a kernel with everything built in has fewer
    LONGEST_NAME = 1024,       // KSYM_NAME_LEN is 512 by now
    LONGEST_TEXTS = 64 << 20,
    TOKEN_INDEX_BYTES = TOKENS * 2,
};

struct table {
    const uint8_t *data;
    size_t size;
    unsigned word;
    size_t token_table, token_index, token_end;
    size_t markers, marker_count;
    size_t num_syms_at, names;
    uint32_t count;
    size_t budget;     // names that may still be looked at: each place where they may begin costs some
    size_t text_bytes; // of all names with their NULs
    size_t offsets;
    uint64_t base;
    bool absolute_percpu;
};

// --- tokens ---

static size_t token_at(const struct table *t, unsigned token)
{
    return t->token_table + load_le16(t->data + t->token_index + 2 * token);
}

static size_t token_length(const struct table *t, unsigned token)
{
    return strlen((const char *)t->data + token_at(t, token)); // its NUL was seen
}

// Whether the texts and offsets agree, with the index at `index` and the text of token '0' at `zero`.
static bool check_tokens(struct table *t, size_t zero, size_t index)
{
    size_t offset = load_le16(t->data + index + 2 * '0');
    if (offset > zero)
        return false;
    size_t at = zero - offset;
    t->token_table = at;
    t->token_index = index;
    for (unsigned i = 0; i < TOKENS; i++) {
        if (at - t->token_table != load_le16(t->data + index + 2 * i) || at >= index)
            return false;
        const uint8_t *end = memchr(t->data + at, 0, index - at);
        if (!end)
            return false;
        at = (size_t)(end - t->data) + 1;
    }
    t->token_end = index + TOKEN_INDEX_BYTES;
    return index - at < 8;
}

// From the text of token '0' on.
static bool find_tokens(struct table *t, size_t zero)
{
    size_t at = zero;
    for (unsigned i = '0'; i < TOKENS; i++) {
        size_t most = at < t->size ? t->size - at : 0;
        const uint8_t *end = memchr(t->data + at, 0, most < LONGEST_NAME ? most : LONGEST_NAME);
        if (!end)
            return false;
        at = (size_t)(end - t->data) + 1;
    }
    for (unsigned pad = 0; pad < 8; pad++)
        if (range_inside(at + pad, TOKEN_INDEX_BYTES, t->size) && check_tokens(t, zero, at + pad))
            return true;
    return false;
}

// --- markers and names ---

// How many values from `at` on can be markers.
static size_t markers_from(const struct table *t, size_t at)
{
    enum { LEAST = BLOCK * 2, MOST = BLOCK * LONGEST_NAME };
    size_t count = 1;
    uint32_t last = load_le32(t->data + at);
    if (last)
        return 0;
    for (; at + 4 * (count + 1) <= t->token_table && count < MOST_SYMBOLS / BLOCK; count++) {
        uint32_t next = load_le32(t->data + at + 4 * count);
        if (next <= last || next - last < LEAST || next - last > MOST)
            break;
        last = next;
    }
    return count;
}

// The symbol's bytes: where they start, and `*length`. 0 where it does not lie before `end`.
static size_t name_at(const struct table *t, size_t at, size_t end, size_t *length)
{
    if (at >= end)
        return 0;
    *length = t->data[at++];
    if (*length & 0x80) {
        if (at >= end)
            return 0;
        *length = (*length & 0x7f) | (size_t)t->data[at++] << 7;
    }
    return *length && *length <= end - at ? at : 0;
}

// Goes over all names; the markers must agree.
static bool check_names(struct table *t, uint32_t count)
{
    size_t at = t->names, total = 0, lengths[TOKENS];
    for (unsigned i = 0; i < TOKENS; i++)
        lengths[i] = token_length(t, i);
    for (uint32_t i = 0; i < count; i++) {
        size_t length, bytes = 0;
        if (!t->budget)
            return false;
        t->budget--;
        if (i % BLOCK == 0 && load_le32(t->data + t->markers + 4 * (i / BLOCK)) != at - t->names)
            return false;
        size_t start = name_at(t, at, t->markers, &length);
        if (!start || length > LONGEST_NAME)
            return false;
        for (at = start; at < start + length; at++)
            bytes += lengths[t->data[at]];
        if (bytes < 2 || bytes > LONGEST_NAME)
            return false;
        total += bytes; // the type's letter goes, a NUL comes
    }
    t->count = count;
    t->text_bytes = total;
    return t->markers - at < 8 && total <= LONGEST_TEXTS;
}

// The number of symbols is before the names, whose length is not known: the last marker is at most a block before its end.
static bool find_names(struct table *t)
{
    size_t last = load_le32(t->data + t->markers + 4 * (t->marker_count - 1));
    if (t->markers < last + 8)
        return false;
    uint32_t most = (uint32_t)t->marker_count * BLOCK;
    for (size_t back = 0; back <= BLOCK * LONGEST_NAME && back + last + 8 <= t->markers; back += 4) {
        t->names = ((t->markers - last - back) & ~(size_t)3);
        for (unsigned before = 4; before <= 8; before += 4) {
            uint32_t count = load_le32(t->data + t->names - before);
            if (count <= most && count > most - BLOCK && (before == 4 || !load_le32(t->data + t->names - 4)) &&
                check_names(t, count)) {
                t->num_syms_at = t->names - before;
                return true;
            }
        }
    }
    return false;
}

static bool find_markers(struct table *t)
{
    enum { SEQUENCE_BYTES = 3, FARTHEST = MOST_SYMBOLS * SEQUENCE_BYTES + MOST_SYMBOLS / BLOCK * 4 };
    for (size_t back = 8; back <= FARTHEST && back <= t->token_table; back += 4) {
        size_t at = (t->token_table - back) & ~(size_t)3;
        size_t count = markers_from(t, at);
        // One marker tells nothing.
        if (count < 2)
            continue;
        size_t behind = t->token_table - (at + 4 * count);
        size_t least = (count - 1) * BLOCK * SEQUENCE_BYTES;
        if (behind >= 8 && (behind < least || behind > least + BLOCK * SEQUENCE_BYTES + 8))
            continue;
        t->markers = at;
        t->marker_count = count;
        if (find_names(t))
            return true;
    }
    return false;
}

// --- addresses ---

static uint64_t address_of(const struct table *t, uint32_t symbol)
{
    uint32_t offset = load_le32(t->data + t->offsets + 4 * (size_t)symbol);
    uint64_t address = !t->absolute_percpu            ? t->base + offset
                       : !(offset & UINT32_C(1) << 31) ? offset
                                                       : t->base - 1 + (uint64_t) - (int64_t)(int32_t)offset;
    return t->word == 4 ? (uint32_t)address : address;
}

// Whether the addresses go up. In a table with absolute ones, half and more are not.
static bool check_addresses(struct table *t, bool absolute_percpu)
{
    t->absolute_percpu = absolute_percpu;
    uint32_t relative = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        relative += load_le32(t->data + t->offsets + 4 * (size_t)i) >> 31;
        if (i && address_of(t, i) < address_of(t, i - 1))
            return false;
    }
    return absolute_percpu ? relative > t->count / 2 : address_of(t, t->count - 1) > address_of(t, 0);
}

static bool find_addresses(struct table *t, enum kernel_arch arch)
{
    size_t bytes = round_up(4 * (uint64_t)t->count, t->word);
    const size_t bases[] = {t->num_syms_at - t->word, (size_t)round_up(t->token_end, t->word) + bytes};
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        size_t at = bases[i];
        if (at < bytes || !range_inside(at, t->word, t->size))
            continue;
        t->offsets = at - bytes;
        t->base = load_le(t->data + at, t->word);
        // 0: this kernel has not moved itself yet.
        if (t->base && !kernel_address(arch, t->base))
            continue;
        if (check_addresses(t, false) || (t->word == 8 && check_addresses(t, true)))
            return true;
    }
    return false;
}

// --- all of it ---

static bool read_symbols(const struct table *t, struct kernel_info *kernel)
{
    char *text = kernel_names_add(kernel, t->text_bytes);
    kernel->symbols = malloc(t->count * sizeof(*kernel->symbols));
    if (!text || !kernel->symbols)
        return false;
    size_t at = t->names, length;
    for (uint32_t i = 0; i < t->count; i++) {
        char name[LONGEST_NAME + 1], *end = name;
        at = name_at(t, at, t->markers, &length);
        for (size_t token = 0; token < length; token++)
            end = stpcpy(end, (const char *)t->data + token_at(t, t->data[at + token]));
        at += length;
        kernel->symbols[i] = (struct kernel_symbol){.address = address_of(t, i), .name = text, .type = name[0]};
        text = stpcpy(text, name + 1) + 1;
    }
    kernel->symbol_count = t->count;
    return true;
}

// "0\0" to "9\0".
static void fill_digits(char digits[20])
{
    for (int i = 0; i < 10; i++) {
        digits[2 * i] = (char)('0' + i);
        digits[2 * i + 1] = 0;
    }
}

static bool read_at(struct kernel_image *image, size_t digits_at, struct kernel_info *kernel, size_t *at)
{
    enum { MOST_BEHIND = 8 << 20 };
    if (!kernel_image_load(image, digits_at + MOST_BEHIND))
        return false;
    struct table t = {.data = image->bytes, .size = image->loaded, .word = kernel_word(kernel->arch),
                      .budget = 4 * (size_t)MOST_SYMBOLS};
    if (!find_tokens(&t, digits_at) || !find_markers(&t) || !find_addresses(&t, kernel->arch))
        return false;
    *at = t.token_table;
    return read_symbols(&t, kernel);
}

bool kernel_kallsyms_read(struct kernel_image *image, struct kernel_info *kernel, size_t *at)
{
    enum { STEP = 2 << 20, MOST_TRIES = 16 };
    char digits[20];
    unsigned tries = 0;
    fill_digits(digits);
    for (size_t from = 0; from < image->size;) {
        if (!kernel_image_load(image, from + STEP))
            return false;
        const uint8_t *found = memmem(image->bytes + from, image->loaded - from, digits, sizeof(digits));
        if (found) {
            from = (size_t)(found - image->bytes);
            if (read_at(image, from, kernel, at))
                return true;
            if (++tries == MOST_TRIES)
                return false;
            from += sizeof(digits);
        } else if (image->loaded == image->size) {
            break;
        } else {
            from = image->loaded - sizeof(digits);
        }
    }
    return false;
}
