// SPDX-License-Identifier: MIT
// "key=value" lists.
#include "frontend/keyval.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/property.h"

char *arena_string(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

// Copies up to the next single comma, turning ",," into ','. Returns where the next part starts, NULL at the end.
static const char *next_part(struct arena *arena, const char *text, char **part)
{
    char *out = *part = arena_alloc(arena, strlen(text) + 1);
    for (;; text++) {
        if (!*text)
            return NULL;
        if (*text == ',') {
            if (text[1] != ',')
                return text + 1;
            text++;
        }
        *out++ = *text;
    }
}

static void add(struct arena *arena, struct keyval_list *list, const char *key, const char *value)
{
    struct keyval *grown = ARENA_ARRAY(arena, struct keyval, list->count + 1);
    if (list->count)
        memcpy(grown, list->items, list->count * sizeof(*grown));
    grown[list->count++] = (struct keyval){key, value};
    list->items = grown;
}

void keyval_set(struct arena *arena, struct keyval_list *list, const char *key, const char *value)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].key, key)) {
            list->items[i].value = value;
            return;
        }
    add(arena, list, key, value);
}

int keyval_parse_repeated(struct arena *arena, const char *text, const char *implied, const char *repeated,
                          struct keyval_list *list, struct error *error)
{
    *list = (struct keyval_list){.text = text};
    bool first = true;
    while (text && *text) {
        char *part;
        text = next_part(arena, text, &part);
        char *equals = strchr(part, '=');
        const char *key = part, *value = "on";
        if (equals) {
            *equals = 0;
            value = equals + 1;
        } else if (first && implied) {
            key = implied;
            value = part;
        }
        if (!*key)
            return error_set(error, EINVAL, "a value without a name; write name=value, and a comma in a value as ',,'");
        if (keyval_get(list, key) && (!repeated || strcmp(key, repeated)))
            return error_set(error, EEXIST, "'%s' is given twice", key);
        add(arena, list, key, value);
        first = false;
    }
    return 0;
}

int keyval_parse(struct arena *arena, const char *text, const char *implied, struct keyval_list *list,
                 struct error *error)
{
    return keyval_parse_repeated(arena, text, implied, NULL, list, error);
}

const char *keyval_get(const struct keyval_list *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].key, key))
            return list->items[i].value;
    return NULL;
}

int keyval_check(const struct keyval_list *list, const char *const *known, struct error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *key = list->items[i].key;
        const char *const *name = known;
        while (*name && strcmp(*name, key))
            name++;
        if (*name)
            continue;
        const char *near = nearest_name(key, known);
        return error_set(error, ENOENT, near ? "unknown parameter '%s'; did you mean '%s'?" : "unknown parameter '%s'",
                         key, near);
    }
    return 0;
}

int keyval_bool(const struct keyval_list *list, const char *key, bool *result, struct error *error)
{
    const char *value = keyval_get(list, key);
    if (!value)
        return 0;
    if (!strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true"))
        *result = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false"))
        *result = false;
    else
        return error_set(error, EINVAL, "'%s=%s' must be on or off", key, value);
    return 0;
}

bool parse_unsigned(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)*text))
        return false; // strtoull takes signs and blanks
    *value = strtoull(text, &end, 0);
    return !errno && !*end;
}

int keyval_unsigned(const struct keyval_list *list, const char *key, uint64_t limit, uint64_t *result,
                    struct error *error)
{
    const char *text = keyval_get(list, key);
    uint64_t value;
    if (!text)
        return 0;
    if (!parse_unsigned(text, &value) || value > limit)
        return error_set(error, EINVAL, "'%s=%s' must be a number from 0 to %" PRIu64, key, text, limit);
    *result = value;
    return 0;
}
