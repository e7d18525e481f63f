// SPDX-License-Identifier: MIT
// The variables that a kernel lets modules use (EXPORT_SYMBOL; include/linux/export.h of Linux since 5.4). A kernel built
// without CONFIG_KALLSYMS_ALL names no others. They are tables sorted by name, of three distances of 4 bytes, each counted
// from itself: to the variable or function, to its name, and to that of a namespace. Nothing says where they are, but rows
// of names in order are nothing else; the names stand behind the tables,
// where one may be the end of another.
#include "frontend/kernel-private.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/endian.h"

enum {
    ROW_BYTES = 12,
    NAME_AT = 4,
    LEAST_ROWS = 32,
    MOST_ROWS = 1 << 17,
    FARTHEST_NAME = 4 << 20,
    LONGEST_NAME = 256,
    SEARCHED = 24 << 20,   // behind the table of symbols, in the same section
    SEARCHED_MORE = 1 << 20, // behind one table of exports: the other is next to it
    ABSOLUTE_END = 16 << 20,
};

struct exports {
    const struct kernel_image *image;
    const struct kernel_symbol *text, *text_end, *init, *init_end; // where functions are
    unsigned budget; // names to look at
    struct kernel_symbol *symbols;
    size_t count, name_bytes;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier(const char *text)
{
    size_t length = 0;
    while ((text[length] >= 'a' && text[length] <= 'z') || (text[length] >= 'A' && text[length] <= 'Z') ||
           text[length] == '_' || is_digit(text[length]))
        length++;
    return length && !text[length] && !is_digit(text[0]);
}

// The name of the row, NULL where there is none.
static const char *name_of(const struct kernel_image *image, size_t row)
{
    if (row + ROW_BYTES > image->loaded)
        return NULL;
    int32_t distance = (int32_t)load_le32(image->bytes + row + NAME_AT);
    size_t at = row + NAME_AT + (size_t)distance;
    if (distance <= 0 || distance > FARTHEST_NAME || at + LONGEST_NAME > image->loaded)
        return NULL;
    const char *name = (const char *)image->bytes + at;
    return memchr(name, 0, LONGEST_NAME) && is_identifier(name) ? name : NULL;
}

static size_t rows_from(struct exports *e, size_t at)
{
    const struct kernel_image *image = e->image;
    size_t rows = 0;
    const char *last = "", *name;
    while (rows < MOST_ROWS && e->budget && (name = name_of(image, at + rows * ROW_BYTES)) && strcmp(last, name) < 0) {
        last = name;
        rows++;
        e->budget--;
    }
    return rows;
}

static bool between(const struct kernel_symbol *start, const struct kernel_symbol *end, uint64_t address)
{
    return start && end && address >= start->address && address < end->address;
}

// All of a table but functions, which are known by now.
static void take_rows(struct exports *e, const struct kernel_info *kernel, size_t at, size_t rows)
{
    struct kernel_symbol *more = realloc(e->symbols, (e->count + rows) * sizeof(*more));
    if (!more)
        return;
    e->symbols = more;
    for (size_t i = 0; i < rows; i++) {
        size_t row = at + i * ROW_BYTES;
        uint64_t address = e->image->gva + row + (uint64_t)(int32_t)load_le32(e->image->bytes + row);
        if (kernel->arch == KERNEL_I386)
            address = (uint32_t)address;
        bool absolute = address < ABSOLUTE_END;
        if (between(e->text, e->text_end, address) || between(e->init, e->init_end, address) ||
            (!absolute && address - e->image->gva >= e->image->size))
            continue;
        const char *name = name_of(e->image, row);
        e->symbols[e->count++] = (struct kernel_symbol){.address = address, .name = name, .type = absolute ? 'A' : 'D',
                                                        .exported = true};
        e->name_bytes += strlen(name) + 1;
    }
}

static void find(struct exports *e, const struct kernel_info *kernel, size_t from)
{
    const struct kernel_image *image = e->image;
    size_t end = image->loaded - from < SEARCHED ? image->loaded : from + SEARCHED;
    for (size_t at = (from + 3) & ~(size_t)3; at + 2 * ROW_BYTES <= end; at += 4) {
        // Most is ruled out by two numbers.
        if (load_le32(image->bytes + at + NAME_AT) - 1 >= FARTHEST_NAME ||
            load_le32(image->bytes + at + ROW_BYTES + NAME_AT) - 1 >= FARTHEST_NAME)
            continue;
        size_t rows = rows_from(e, at);
        if (rows < LEAST_ROWS)
            continue;
        take_rows(e, kernel, at, rows);
        at += rows * ROW_BYTES - 4;
        end = image->loaded - at < SEARCHED_MORE ? image->loaded : at + SEARCHED_MORE;
    }
}

void kernel_exports_read(struct kernel_image *image, struct kernel_info *kernel, size_t from)
{
    struct exports e = {.image = image, .budget = 4 << 20};
    if (!image->gva_known || !kernel_image_load(image, from + SEARCHED))
        return;
    e.text = kernel_symbol(kernel, "_stext");
    e.text_end = kernel_symbol(kernel, "_etext");
    e.init = kernel_symbol(kernel, "_sinittext");
    e.init_end = kernel_symbol(kernel, "_einittext");
    find(&e, kernel, from);
    char *name = e.count ? kernel_names_add(kernel, e.name_bytes) : NULL;
    for (size_t i = 0; name && i < e.count; i++) {
        const char *original = e.symbols[i].name;
        e.symbols[i].name = name;
        name = stpcpy(name, original) + 1;
        if (e.symbols[i].type != 'A')
            kernel_include(kernel, e.symbols[i].address);
    }
    if (name)
        kernel_add_symbols(kernel, e.symbols, e.count);
    free(e.symbols);
}
