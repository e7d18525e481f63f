// SPDX-License-Identifier: MIT
// Property tables: parsing, printing, defaults.
#include "hw/core/property.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tcg/base/alloc.h"

static const char *const type_names[] = {
    [PROPERTY_BOOL] = "bool",       [PROPERTY_UINT32] = "uint32", [PROPERTY_UINT64] = "uint64",
    [PROPERTY_SIZE] = "size",       [PROPERTY_STRING] = "str",    [PROPERTY_CHOICE] = "choice",
    [PROPERTY_CHARDEV] = "chardev", [PROPERTY_DRIVE] = "drive",   [PROPERTY_NETDEV] = "netdev",
};

const char *property_type_name(enum property_type type)
{
    return type_names[type];
}

int backend_list_add(struct backend_list *list, enum backend_kind kind, const char *id, void *backend,
                     struct error *error)
{
    if (backend_list_find(list, kind, id))
        return error_set(error, EEXIST, "the id '%s' is used twice", id);
    struct backend_entry *entry = ALLOC(struct backend_entry);
    entry->id = alloc_string(id);
    entry->backend = backend;
    entry->next = list->entries[kind];
    list->entries[kind] = entry;
    return 0;
}

void *backend_list_find(const struct backend_list *list, enum backend_kind kind, const char *id)
{
    for (struct backend_entry *entry = list->entries[kind]; entry; entry = entry->next)
        if (!strcmp(entry->id, id))
            return entry->backend;
    return NULL;
}

void backend_list_clear(struct backend_list *list)
{
    for (int kind = 0; kind < BACKEND_KINDS; kind++) {
        while (list->entries[kind]) {
            struct backend_entry *entry = list->entries[kind];
            list->entries[kind] = entry->next;
            free(entry->id);
            free(entry);
        }
    }
}

// Edit distance. Names longer than the row are never near.
enum { NAME_LIMIT = 64 };

static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n >= NAME_LIMIT || m >= NAME_LIMIT)
        return NAME_LIMIT;
    unsigned row[NAME_LIMIT + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *nearest_name(const char *wanted, const char *const *candidates)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)strlen(wanted) / 2 + 1;
    for (; *candidates; candidates++) {
        unsigned d = distance(wanted, *candidates);
        if (d < best) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}

bool parse_size(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)*text))
        return false;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    uint64_t number = strtoull(text, &end, base);
    if (errno || end == text)
        return false;
    static const char suffixes[] = "bkmgtpe";
    unsigned shift = 0;
    if (*end) {
        const char *found = strchr(suffixes, tolower((unsigned char)*end));
        if (!found || end[1])
            return false;
        shift = (unsigned)(found - suffixes) * 10;
    }
    if (number > UINT64_MAX >> shift)
        return false;
    *value = number << shift;
    return true;
}

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "n", "y"};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strcmp(text, words[i])) {
            *value = i & 1;
            return true;
        }
    }
    return false;
}

const struct property *property_find(const struct property *table, const char *name)
{
    for (; table && table->name; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

static int unknown_property(const struct property *table, const char *owner, const char *name,
                            struct error *error)
{
    size_t count = 0;
    while (table && table[count].name)
        count++;
    const char **names = ALLOC_ARRAY(const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = table[i].name;
    const char *near = nearest_name(name, names);
    free(names);
    if (near)
        return error_set(error, ENOENT, "%s has no property '%s'; did you mean '%s'?", owner, name, near);
    return error_set(error, ENOENT, "%s has no property '%s'", owner, name);
}

static int set_choice(const struct property *property, unsigned *value, const char *owner, const char *text,
                      struct error *error)
{
    for (unsigned i = 0; property->choices[i]; i++) {
        if (!strcmp(property->choices[i], text)) {
            *value = i;
            return 0;
        }
    }
    char list[256] = "";
    for (unsigned i = 0; property->choices[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", property->choices[i]);
    }
    return error_set(error, EINVAL, "%s: '%s' cannot be '%s'; choose one of %s", owner, property->name, text,
                     list);
}

static int set_backend(const struct property *property, void **value, const char *owner, const char *text,
                       const struct backend_list *backends, struct error *error)
{
    enum backend_kind kind = property->type == PROPERTY_CHARDEV ? BACKEND_CHARDEV
                             : property->type == PROPERTY_DRIVE ? BACKEND_DRIVE
                                                                : BACKEND_NETDEV;
    void *backend = backends ? backend_list_find(backends, kind, text) : NULL;
    if (backend) {
        *value = backend;
        return 0;
    }
    const char *ids[64];
    size_t count = 0;
    for (const struct backend_entry *e = backends ? backends->entries[kind] : NULL; e && count < 63;
         e = e->next)
        ids[count++] = e->id;
    ids[count] = NULL;
    const char *near = nearest_name(text, ids), *what = type_names[property->type];
    if (near)
        return error_set(error, ENOENT, "%s: there is no %s '%s'; did you mean '%s'?", owner, what, text,
                         near);
    return error_set(error, ENOENT, "%s: there is no %s '%s'; define it with -%s ...,id=%s", owner, what,
                     text, what, text);
}

static int set_value(const struct property *property, void *object, const char *owner, const char *text,
                     const struct backend_list *backends, struct error *error)
{
    void *field = (char *)object + property->offset;
    uint64_t number;
    switch (property->type) {
    case PROPERTY_BOOL:
        if (!parse_bool(text, field))
            return error_set(error, EINVAL, "%s: '%s' must be on or off, not '%s'", owner, property->name,
                             text);
        return 0;
    case PROPERTY_UINT32:
    case PROPERTY_UINT64:
    case PROPERTY_SIZE:
        if (!parse_size(text, &number))
            return error_set(error, EINVAL, "%s: '%s' must be a number, not '%s'", owner, property->name,
                             text);
        if (property->type == PROPERTY_UINT32 && number > UINT32_MAX)
            return error_set(error, ERANGE, "%s: '%s' of %s is more than %u", owner, property->name, text,
                             UINT32_MAX);
        if (property->type == PROPERTY_UINT32)
            *(uint32_t *)field = (uint32_t)number;
        else
            *(uint64_t *)field = number;
        return 0;
    case PROPERTY_STRING:
        free(*(char **)field);
        *(char **)field = alloc_string(text);
        return 0;
    case PROPERTY_CHOICE:
        return set_choice(property, field, owner, text, error);
    case PROPERTY_CHARDEV:
    case PROPERTY_DRIVE:
    case PROPERTY_NETDEV:
        return set_backend(property, field, owner, text, backends, error);
    }
    return error_set(error, EINVAL, "%s: '%s' cannot be set", owner, property->name);
}

int property_set(const struct property *table, void *object, const char *owner, const char *name,
                 const char *text, const struct backend_list *backends, struct error *error)
{
    const struct property *property = property_find(table, name);
    if (!property)
        return unknown_property(table, owner, name, error);
    return set_value(property, object, owner, text, backends, error);
}

void property_set_defaults(const struct property *table, void *object)
{
    for (; table && table->name; table++) {
        struct error error;
        if (table->initial && set_value(table, object, "default", table->initial, NULL, &error)) {
            fprintf(stderr, "lyrebird: %s\n", error.text); // a bug in the table
            abort();
        }
    }
}

char *property_get(const struct property *property, const void *object)
{
    const void *field = (const char *)object + property->offset;
    switch (property->type) {
    case PROPERTY_BOOL:
        return alloc_string(*(const bool *)field ? "on" : "off");
    case PROPERTY_UINT32:
        return alloc_format("%" PRIu32, *(const uint32_t *)field);
    case PROPERTY_UINT64:
    case PROPERTY_SIZE:
        return alloc_format("%" PRIu64, *(const uint64_t *)field);
    case PROPERTY_STRING:
        return alloc_string(*(char *const *)field ? *(char *const *)field : "");
    case PROPERTY_CHOICE:
        return alloc_string(property->choices[*(const unsigned *)field]);
    case PROPERTY_CHARDEV:
    case PROPERTY_DRIVE:
    case PROPERTY_NETDEV:
        break;
    }
    return alloc_string(*(void *const *)field ? "<connected>" : "");
}

void property_release(const struct property *table, void *object)
{
    for (; table && table->name; table++) {
        if (table->type != PROPERTY_STRING)
            continue;
        char **field = (char **)((char *)object + table->offset);
        free(*field);
        *field = NULL;
    }
}

void property_print_help(const struct property *table, FILE *out)
{
    for (; table && table->name; table++) {
        int column = fprintf(out, "  %s=<%s>", table->name, type_names[table->type]);
        fprintf(out, "%*s - %s", column < 30 ? 30 - column : 0, "", table->help);
        if (table->choices) {
            for (unsigned i = 0; table->choices[i]; i++)
                fprintf(out, "%s%s", i ? ", " : ": ", table->choices[i]);
        }
        if (table->initial)
            fprintf(out, " (default: %s)", table->initial);
        fputc('\n', out);
    }
}
