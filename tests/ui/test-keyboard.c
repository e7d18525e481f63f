// SPDX-License-Identifier: MIT
// Layouts, keys that are held, and typing.
#include <criterion/criterion.h>
#include <string.h>

#include "tests/hw/bare-machine.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/typist.h"

static void check(const char *layout, uint32_t code, enum input_key key, bool shift, bool alt_gr)
{
    struct error error;
    struct keymap_stroke stroke;
    struct keymap *keymap = keymap_create(layout, &error);
    cr_assert(keymap, "%s", error.text);
    cr_assert(keymap_find_character(keymap, code, &stroke), "U+%04X in %s", code, layout);
    cr_assert_eq(stroke.key, key, "U+%04X in %s is at %02x", code, layout, stroke.key);
    cr_assert(stroke.shift == shift && stroke.alt_gr == alt_gr, "U+%04X in %s", code, layout);
    keymap_destroy(keymap);
}

// As printed on these keyboards.
Test(keymap, characters_are_where_the_layout_has_them)
{
    check("en-us", 'z', INPUT_KEY_Z, false, false);
    check("en-us", '@', INPUT_KEY_2, true, false);
    check("en-us", '\n', INPUT_KEY_RETURN, false, false);
    check("en-us", '\t', INPUT_KEY_TAB, false, false);
    check("en-us", '1', INPUT_KEY_1, false, false);
    check("de", 'z', INPUT_KEY_Y, false, false);
    check("de", '@', INPUT_KEY_Q, false, true);
    check("de", '{', INPUT_KEY_7, false, true);
    check("de", 0xfc, INPUT_KEY_BRACKET_LEFT, false, false); // u umlaut
    check("de", '<', INPUT_KEY_LESS, false, false);
    check("fr", 'a', INPUT_KEY_Q, false, false);
    check("fr", '1', INPUT_KEY_1, true, false);
    check("en-gb", '"', INPUT_KEY_2, true, false);
    check("en-gb", '#', INPUT_KEY_BACKSLASH, false, false);
    check("fr-ch", 0xe8, INPUT_KEY_BRACKET_LEFT, false, false); // e grave
    check("pt-br", 0xe7, INPUT_KEY_SEMICOLON, false, false);    // c cedilla
    check("ru", 0x444, INPUT_KEY_A, false, false);
}

Test(keymap, unknown_layouts_and_characters)
{
    struct error error;
    struct keymap_stroke stroke;
    cr_assert_null(keymap_create("klingon", &error));
    cr_assert(strstr(error.text, "unknown keyboard layout 'klingon'"));
    struct keymap *keymap = keymap_create("en-us", &error);
    cr_assert_not(keymap_find_character(keymap, 0x4e2d, &stroke));
    keymap_destroy(keymap);
}

// --- a keyboard that writes down what it hears ---

static struct machine *machine;
static struct input_handler handler;
static char heard[1024];
static unsigned heard_length;

static void hear(void *opaque, enum input_key key, bool down)
{
    (void)opaque;
    heard_length += (unsigned)snprintf(heard + heard_length, sizeof(heard) - heard_length, "%s%s ", down ? "+" : "-",
                                       input_key_name(key));
}

static const struct input_ops ops = {.key = hear};

static void setup(void)
{
    machine = bare_machine_create();
    handler = (struct input_handler){&ops, NULL, NULL};
    input_add(machine, &handler);
    heard_length = 0;
    heard[0] = 0;
}

static void teardown(void)
{
    bare_machine_destroy(machine);
}

TestSuite(held_keys, .init = setup, .fini = teardown);
TestSuite(typist, .init = setup, .fini = teardown);

Test(held_keys, all_are_let_go_once)
{
    struct held_keys held = {{0}};
    held_keys_send(&held, machine, INPUT_KEY_META_RIGHT, true);
    held_keys_send(&held, machine, INPUT_KEY_A, true);
    held_keys_send(&held, machine, INPUT_KEY_A, true);
    held_keys_send(&held, machine, INPUT_KEY_B, false); // was not down
    held_keys_release(&held, machine);
    held_keys_release(&held, machine);
    cr_assert_str_eq(heard, "+meta_r +a +a -a -meta_r ");
}

static bool typed_all(void *opaque)
{
    return heard_length >= strlen(opaque);
}

Test(typist, text_becomes_presses_and_releases)
{
    struct error error;
    char wanted[] = "+a -a +shift +b -b -shift +ret -ret +alt_r +q -q -alt_r ";
    struct typist *typist = typist_create(machine, "de", &error);
    atomic_store(&machine->state, RUN_RUNNING);
    typist_type(typist, "aB\r\n\xe4\xb8\xad"); // a character that no key makes is passed over
    typist_type(typist, "@");
    cr_assert(run_until(machine, typed_all, wanted));
    cr_assert_str_eq(heard, wanted);
    typist_destroy(typist);
}
