// SPDX-License-Identifier: MIT
// Named settings of devices and machines: a constant table says name, type, default and help of each and
// where its value lives in the object. Text from the command line is parsed here, so that every object takes
// the same spellings ("on", "64K", "0x10") and refuses with the same clear messages.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tcg/base/error.h"

struct backend_list;

enum property_type {
    PROPERTY_BOOL,    // bool: on/off, yes/no, true/false
    PROPERTY_UINT32,  // uint32_t
    PROPERTY_UINT64,  // uint64_t
    PROPERTY_SIZE,    // uint64_t with K, M, G, T
    PROPERTY_STRING,  // char *, owned by the object; NULL when not set
    PROPERTY_CHOICE,  // unsigned: index in `choices`
    PROPERTY_CHARDEV, // struct chardev *
    PROPERTY_DRIVE,   // struct block_backend *
    PROPERTY_NETDEV,  // struct netdev *
};

struct property {
    const char *name;
    enum property_type type;
    size_t offset;       // in the object
    const char *initial; // default, as text; NULL leaves zero
    const char *help;
    const char *const *choices; // CHOICE: the words, ended by NULL
};

// Host backends by kind and id, which properties of a backend type refer to. Not owned.
enum backend_kind { BACKEND_CHARDEV, BACKEND_DRIVE, BACKEND_NETDEV, BACKEND_KINDS };

struct backend_entry {
    char *id;
    void *backend;
    struct backend_entry *next;
};

struct backend_list {
    struct backend_entry *entries[BACKEND_KINDS];
};

// -EEXIST with a message when the id is taken.
int backend_list_add(struct backend_list *list, enum backend_kind kind, const char *id, void *backend,
                     struct error *error);
void *backend_list_find(const struct backend_list *list, enum backend_kind kind, const char *id);
void backend_list_clear(struct backend_list *list);

// Tables end with a row whose name is NULL; a NULL table is an empty one.
const struct property *property_find(const struct property *table, const char *name);
// Gives every property its default.
void property_set_defaults(const struct property *table, void *object);
// Parses `text` into the named property. `owner` ("device 'virtio-blk-device'") opens messages. `backends`
// may be NULL where no property refers to one. -ENOENT (message suggests the nearest name), -EINVAL, -ERANGE.
int property_set(const struct property *table, void *object, const char *owner, const char *name,
                 const char *text, const struct backend_list *backends, struct error *error);
// The value as text that property_set takes, into a buffer the caller frees.
char *property_get(const struct property *property, const void *object);
// Frees the strings.
void property_release(const struct property *table, void *object);
// "  name=<type>  - help (default: x)" lines.
void property_print_help(const struct property *table, FILE *out);
const char *property_type_name(enum property_type type);

// The candidate that looks most like `wanted`, or NULL when none is close. `candidates` ends with NULL.
const char *nearest_name(const char *wanted, const char *const *candidates);
// Numbers with an optional K/M/G/T/P/E suffix (powers of 1024), decimal or 0x. False when not one.
bool parse_size(const char *text, uint64_t *value);
