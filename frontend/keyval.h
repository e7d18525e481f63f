// SPDX-License-Identifier: MIT
// The "name,key=value,..." syntax that most options take. A comma inside a value is written twice. A first part
// without '=' is the value of the option's implied key; a later one means "on". Strings live in the given arena.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcg/base/arena.h"
#include "tcg/base/error.h"

struct keyval {
    const char *key, *value;
};

struct keyval_list {
    struct keyval *items;
    size_t count;
    const char *text; // what was parsed, for messages
};

// Parses `text`. `implied` may be NULL: then the first part needs a '=' too, or means "on". -EINVAL for an empty key,
// -EEXIST for a key given twice.
int keyval_parse(struct arena *arena, const char *text, const char *implied, struct keyval_list *list,
                 struct error *error);
// The same with one key that may be given again and again.
int keyval_parse_repeated(struct arena *arena, const char *text, const char *implied, const char *repeated,
                          struct keyval_list *list, struct error *error);
// The value of `key`, or NULL.
const char *keyval_get(const struct keyval_list *list, const char *key);
// Refuses keys that are not in `known` (ended by NULL), naming the nearest one.
int keyval_check(const struct keyval_list *list, const char *const *known, struct error *error);
// Adds a pair, or replaces its value.
void keyval_set(struct arena *arena, struct keyval_list *list, const char *key, const char *value);

// Values: false or -EINVAL with a message that names the key. An absent key leaves *result alone.
int keyval_bool(const struct keyval_list *list, const char *key, bool *result, struct error *error);
int keyval_unsigned(const struct keyval_list *list, const char *key, uint64_t limit, uint64_t *result,
                    struct error *error);

// Decimal, 0x or 0 octal, nothing after it.
bool parse_unsigned(const char *text, uint64_t *value);
char *arena_string(struct arena *arena, const char *text, size_t length);
