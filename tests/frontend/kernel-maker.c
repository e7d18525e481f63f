// SPDX-License-Identifier: MIT
#include "kernel-maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const char BANNER[] = "Linux version 6.1.0-test (someone@somewhere) #1 SMP\n";

static bool read_physical(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    struct made *made = opaque;
    made->reads++;
    if (!range_inside(gpa - made->range.gpa, bytes, made->range.bytes))
        return false;
    memcpy(out, made->ram + (gpa - made->range.gpa), bytes);
    return true;
}

static bool translate(void *opaque, uint64_t gva, uint64_t *gpa)
{
    struct made *made = opaque;
    made->translations++;
    uint64_t heap = maker_heap(&made->maker);
    if (gva - heap < MAKER_HEAP_BYTES)
        *gpa = gva - heap + MAKER_RAM_AT + MAKER_HEAP_AT;
    else
        *gpa = gva - made->maker.text + MAKER_RAM_AT + MAKER_KERNEL_AT;
    return gva - heap < MAKER_HEAP_BYTES || gva - made->maker.text < MAKER_KERNEL_BYTES;
}

void maker_symbol(const struct maker *maker, unsigned number, uint64_t *address, char *type, char name[600])
{
    uint64_t stext = maker->text + (maker->arch == KERNEL_ARM64 ? 0x10000 : 0);
    unsigned absolute = maker->absolute_percpu ? MAKER_ABSOLUTE : 0;
    if (number < absolute) {
        *address = number * 0x40;
        *type = 'A';
        sprintf(name, number == 5 ? "runqueues" : "percpu_%u", number);
        return;
    }
    number -= absolute;
    *address = stext + (number ? number - 1 : 0) * 0x20;
    *type = number % 3 ? 't' : 'T';
    if (number < 2) {
        strcpy(name, number || maker->arch == KERNEL_ARM64 ? "_stext" : "_text");
        *type = 'T';
    } else if (number == 7) {
        // Too long for a length of one byte.
        memset(name, 'q', 299);
        strcpy(name + 299, "z");
    } else {
        sprintf(name, "do_%u_something.cold", number);
    }
}

struct out {
    uint8_t *ram;
    size_t at, word;
};

static void put(struct out *out, uint64_t value, unsigned bytes)
{
    store_le(out->ram + out->at, bytes, value);
    out->at += bytes;
}

static void align(struct out *out)
{
    while (out->at % out->word)
        put(out, 0, 1);
}

// Characters of names stand for themselves, the other values for pairs of them.
static void make_tokens(char tokens[256][4])
{
    static const char *const pairs[] = {"do", "me", "th", "in", "qq", "_s", "ng", "so"};
    unsigned next = 0;
    for (unsigned i = 0; i < 256; i++) {
        bool itself = (i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') || i == '_' || i == '.';
        if (itself)
            sprintf(tokens[i], "%c", (int)i);
        else if (next < ARRAY_SIZE(pairs))
            strcpy(tokens[i], pairs[next++]);
        else
            sprintf(tokens[i], "%c%c", 'A' + (int)i % 26, 'a' + (int)i / 26);
    }
}

static unsigned encode(char tokens[256][4], const char *text, uint8_t *out)
{
    unsigned count = 0;
    while (*text) {
        unsigned found = (uint8_t)*text, length = 1;
        for (unsigned i = 0; i < 256 && length == 1; i++)
            if (tokens[i][1] && !strncmp(tokens[i], text, 2)) {
                found = i;
                length = 2;
            }
        out[count++] = (uint8_t)found;
        text += length;
    }
    return count;
}

static void put_offsets(struct made *made, struct out *out)
{
    const struct maker *maker = &made->maker;
    uint64_t base = maker->text + (maker->arch == KERNEL_ARM64 ? 0x10000 : 0);
    made->offsets_at = out->at;
    for (unsigned i = 0; i < maker->symbols; i++) {
        uint64_t address;
        char type, name[600];
        maker_symbol(maker, i, &address, &type, name);
        put(out, type == 'A' ? address : maker->absolute_percpu ? base - 1 - address : address - base, 4);
    }
    align(out);
    made->base_at = out->at;
    put(out, maker->unrelocated ? 0 : base, (unsigned)out->word);
}

static void put_names(struct made *made, struct out *out, char tokens[256][4])
{
    uint32_t *markers = ALLOC_ARRAY(uint32_t, made->maker.symbols / 256 + 1);
    made->num_syms_at = out->at;
    put(out, made->maker.symbols, 4);
    align(out);
    made->names_at = out->at;
    for (unsigned i = 0; i < made->maker.symbols; i++) {
        uint64_t address;
        char text[601];
        uint8_t code[600];
        maker_symbol(&made->maker, i, &address, text, text + 1);
        // One of more than 127 tokens.
        unsigned length = i == 30 ? 0 : encode(tokens, text, code);
        if (!length)
            for (; text[length]; length++)
                code[length] = (uint8_t)text[length];
        if (i % 256 == 0)
            markers[i / 256] = (uint32_t)(out->at - made->names_at);
        if (length > 127)
            put(out, (length & 0x7f) | 0x80 | length >> 7 << 8, 2);
        else
            put(out, length, 1);
        memcpy(out->ram + out->at, code, length);
        out->at += length;
    }
    align(out);
    made->markers_at = out->at;
    for (unsigned i = 0; i < made->maker.symbols; i += 256)
        put(out, markers[i / 256], 4);
    align(out);
    free(markers);
}

static void put_sequences(struct made *made, struct out *out)
{
    for (unsigned i = 0; i < made->maker.symbols; i++) {
        unsigned other = made->maker.symbols - 1 - i;
        put(out, other >> 16 | (other & 0xff00) | (other & 0xff) << 16, 3);
    }
    align(out);
}

static void put_tokens(struct made *made, struct out *out, char tokens[256][4])
{
    unsigned offsets[256];
    made->token_table_at = out->at;
    for (unsigned i = 0; i < 256; i++) {
        offsets[i] = (unsigned)(out->at - made->token_table_at);
        strcpy((char *)out->ram + out->at, tokens[i]);
        out->at += strlen(tokens[i]) + 1;
    }
    align(out);
    made->token_index_at = out->at;
    for (unsigned i = 0; i < 256; i++)
        put(out, offsets[i], 2);
    align(out);
}

static void put_kallsyms(struct made *made)
{
    char tokens[256][4];
    struct out out = {made->ram, MAKER_KERNEL_AT + (1 << 20) + 8, made->maker.arch == KERNEL_I386 ? 4 : 8};
    make_tokens(tokens);
    made->kallsyms_at = out.at;
    if (made->maker.order != MAKER_BEHIND)
        put_offsets(made, &out);
    put_names(made, &out, tokens);
    if (made->maker.order == MAKER_SEQUENCES)
        put_sequences(made, &out);
    put_tokens(made, &out, tokens);
    if (made->maker.order == MAKER_BEHIND) {
        put_offsets(made, &out);
        put_sequences(made, &out);
    }
    made->kallsyms_end = out.at;
}

void maker_export(const struct maker *maker, unsigned number, char name[20])
{
    if (!number)
        strcpy(name, "__per_cpu_offset");
    else if (number == maker->exports - 1)
        strcpy(name, "init_task");
    else
        sprintf(name, "export_%03u", number);
}

// Two tables after each other, and the names of both behind them. Each is the end of another ("more_export_000").
static void put_exports(struct made *made)
{
    size_t rows_at = round_up(made->kallsyms_end, 64), count = made->maker.exports, names_at = rows_at + 12 * count;
    for (size_t i = 0; i < count; i++) {
        uint8_t *row = made->ram + rows_at + 12 * i;
        unsigned number = (unsigned)(i < count / 2 ? i * 2 : (i - count / 2) * 2 + 1);
        enum { NAME_BYTES = 26 };
        size_t name_at = names_at + NAME_BYTES * number + strlen("more_");
        memcpy(made->ram + name_at - strlen("more_"), "more_", strlen("more_"));
        maker_export(&made->maker, number, (char *)made->ram + name_at);
        store_le32(row, (uint32_t)(MAKER_KERNEL_AT + MAKER_DATA_AT + MAKER_EXPORT_BYTES * number - rows_at - 12 * i));
        store_le32(row + 4, (uint32_t)(name_at - (rows_at + 12 * i + 4)));
    }
}

struct made *maker_make(const struct maker *maker)
{
    struct made *made = ALLOC(struct made);
    made->maker = *maker;
    made->ram = alloc_zeroed(1, MAKER_RAM_BYTES);
    // Code, which is no zeroes and no tables.
    uint32_t noise = 1;
    for (size_t i = 0; i < MAKER_KERNEL_BYTES / 2; i += 4)
        store_le32(made->ram + MAKER_KERNEL_AT + i, noise = noise * 1103515245 + 12345);
    if (maker->header) {
        store_le64(made->ram + MAKER_KERNEL_AT + 16, MAKER_KERNEL_BYTES);
        memcpy(made->ram + MAKER_KERNEL_AT + 56, "ARM\x64", 4);
    }
    memcpy(made->ram + MAKER_KERNEL_AT + MAKER_BANNER_AT, BANNER, sizeof(BANNER));
    put_kallsyms(made);
    put_exports(made);
    if (maker->modules)
        maker_fill_heap(made);
    made->range = (struct kernel_ram){MAKER_RAM_AT, MAKER_RAM_BYTES};
    made->hint = maker->text + 0x12345;
    made->memory = (struct kernel_memory){.arch = maker->arch, .translate = translate, .read_physical = read_physical,
                                          .opaque = made, .ram = &made->range, .ram_count = 1, .hints = &made->hint,
                                          .hint_count = 1};
    return made;
}

void maker_free(struct made *made)
{
    free(made->ram);
    free(made);
}
