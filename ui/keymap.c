// SPDX-License-Identifier: MIT
// Of every key at every level of the layout, the plainest one that makes a symbol counts: fewest modifiers, and what typists
// use rather than the keypad.
#include "ui/keymap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { XKB_KEY_OFFSET = 8, LEVELS = 4, SYMBOLS_MAX = 1024 };

struct symbol {
    xkb_keysym_t keysym;
    struct keymap_stroke stroke;
};

struct keymap {
    struct symbol symbols[SYMBOLS_MAX]; // the plainest of each first
    unsigned count;
};

// The names that -k has known since before there were others; they are tried as xkb's own otherwise.
static const struct {
    const char *name, *layout, *variant;
} layouts[] = {
    {"en-us", "us", NULL},   {"en-gb", "gb", NULL}, {"pt-br", "br", NULL}, {"de-ch", "ch", NULL}, {"fr-ch", "ch", "fr"},
    {"fr-be", "be", NULL},   {"fr-ca", "ca", "fr"}, {"nl-be", "be", NULL}, {"sv", "se", NULL},    {"da", "dk", NULL},
    {"ja", "jp", NULL},      {"et", "ee", NULL},    {"sl", "si", NULL},    {"cz", "cz", NULL},    {"bepo", "fr", "bepo"},
};

static void add(struct keymap *keymap, xkb_keysym_t keysym, struct keymap_stroke stroke)
{
    struct keymap_stroke known;
    if (keysym == XKB_KEY_NoSymbol || keymap->count == SYMBOLS_MAX || keymap_find_symbol(keymap, keysym, &known))
        return;
    keymap->symbols[keymap->count++] = (struct symbol){keysym, stroke};
}

// Level 0 is plain, 1 shift, 2 AltGr, 3 both, as four-level layouts have them.
static void add_level(struct keymap *keymap, struct xkb_keymap *xkb, unsigned level)
{
    for (unsigned key = 0; key < INPUT_KEYS; key++) {
        unsigned code = input_key_linux_code((enum input_key)key);
        const xkb_keysym_t *keysyms;
        if (!code || xkb_keymap_num_levels_for_key(xkb, code + XKB_KEY_OFFSET, 0) <= level)
            continue;
        int count = xkb_keymap_key_get_syms_by_level(xkb, code + XKB_KEY_OFFSET, 0, level, &keysyms);
        struct keymap_stroke stroke = {(enum input_key)key, level & 1, level & 2};
        if (count == 1)
            add(keymap, keysyms[0], stroke);
    }
}

struct keymap *keymap_create(const char *layout, struct error *error)
{
    struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = layout};
    for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
        if (!strcmp(layouts[i].name, layout)) {
            names.layout = layouts[i].layout;
            names.variant = layouts[i].variant;
        }
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    if (!context) {
        error_set(error, ENOENT, "keyboard layouts are not installed (Debian's package xkb-data has them)");
        return NULL;
    }
    xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
    struct xkb_keymap *xkb = xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
    struct keymap *keymap = NULL;
    if (xkb) {
        keymap = ALLOC(struct keymap);
        for (unsigned level = 0; level < LEVELS; level++)
            add_level(keymap, xkb, level);
    } else {
        error_set(error, EINVAL, "unknown keyboard layout '%s'; use a name like en-us, de, fr, es, it, pt-br or ja", layout);
    }
    xkb_keymap_unref(xkb);
    xkb_context_unref(context);
    return keymap;
}

void keymap_destroy(struct keymap *keymap)
{
    free(keymap);
}

bool keymap_find_symbol(const struct keymap *keymap, uint32_t keysym, struct keymap_stroke *stroke)
{
    for (unsigned i = 0; i < keymap->count; i++)
        if (keymap->symbols[i].keysym == keysym) {
            *stroke = keymap->symbols[i].stroke;
            return true;
        }
    return false;
}

bool keymap_find_character(const struct keymap *keymap, uint32_t code, struct keymap_stroke *stroke)
{
    if (code == '\n')
        code = '\r';
    return keymap_find_symbol(keymap, xkb_utf32_to_keysym(code), stroke);
}

uint32_t keymap_symbol_of(const struct keymap *keymap, struct keymap_stroke stroke)
{
    for (unsigned i = 0; i < keymap->count; i++) {
        const struct keymap_stroke *known = &keymap->symbols[i].stroke;
        if (known->key == stroke.key && known->shift == stroke.shift && known->alt_gr == stroke.alt_gr)
            return keymap->symbols[i].keysym;
    }
    return 0;
}
