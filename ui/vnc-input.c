// SPDX-License-Identifier: MIT
// Keys and pointers of VNC clients. Clients that can tell keys by their places (scan codes of set 1) do so,
// unless -k asks for symbols; the others tell X's keysyms, which are looked up in the layout of -k. Ctrl-Alt
// with a digit chooses the display.
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "hw/core/machine.h"
#include "hw/core/surface.h"
#include "tcg/base/bits.h"
#include "ui/vnc-private.h"

enum { EXTENDED = 0x80, CODES_EQUAL = 0x58 }; // scan codes of set 1 are Linux's codes up to here

static bool is_terminal(const struct vnc *vnc)
{
    return display_is_terminal(vnc->view.display);
}

// Keeps note of modifiers, and does as Ctrl-Alt-digit asks.
static bool choose_console(struct vnc_client *client, enum input_key key, bool down)
{
    unsigned modifier = key == INPUT_KEY_SHIFT || key == INPUT_KEY_SHIFT_RIGHT ? DISPLAY_SHIFT
                        : key == INPUT_KEY_CTRL || key == INPUT_KEY_CTRL_RIGHT ? DISPLAY_CTRL
                        : key == INPUT_KEY_ALT                                 ? DISPLAY_ALT
                                                                               : 0;
    client->modifiers = down ? client->modifiers | modifier : client->modifiers & ~modifier;
    if (!down || !(client->modifiers & DISPLAY_CTRL) || !(client->modifiers & DISPLAY_ALT) ||
        key < INPUT_KEY_1 || key > INPUT_KEY_9)
        return false;
    vnc_show_console(client->vnc, (unsigned)(key - INPUT_KEY_1));
    return true;
}

// --- by place ---

static int key_of_code(uint32_t code)
{
    // Of those with a prefix, as bit 7.
    static const uint8_t extended[][2] = {
        {0x1c, INPUT_KEY_KP_ENTER},    {0x1d, INPUT_KEY_CTRL_RIGHT}, {0x20, INPUT_KEY_MUTE},
        {0x2e, INPUT_KEY_VOLUME_DOWN}, {0x30, INPUT_KEY_VOLUME_UP},  {0x35, INPUT_KEY_KP_DIVIDE},
        {0x37, INPUT_KEY_PRINT},       {0x38, INPUT_KEY_ALT_RIGHT},  {0x46, INPUT_KEY_PAUSE},
        {0x47, INPUT_KEY_HOME},        {0x48, INPUT_KEY_UP},         {0x49, INPUT_KEY_PAGE_UP},
        {0x4b, INPUT_KEY_LEFT},        {0x4d, INPUT_KEY_RIGHT},      {0x4f, INPUT_KEY_END},
        {0x50, INPUT_KEY_DOWN},        {0x51, INPUT_KEY_PAGE_DOWN},  {0x52, INPUT_KEY_INSERT},
        {0x53, INPUT_KEY_DELETE},      {0x5b, INPUT_KEY_META},       {0x5c, INPUT_KEY_META_RIGHT},
        {0x5d, INPUT_KEY_MENU}};
    static const uint8_t others[][2] = {{0x54, INPUT_KEY_PRINT},    {0x59, INPUT_KEY_KP_EQUALS},
                                        {0x70, INPUT_KEY_KATAKANA}, {0x73, INPUT_KEY_RO},
                                        {0x79, INPUT_KEY_HENKAN},   {0x7b, INPUT_KEY_MUHENKAN},
                                        {0x7d, INPUT_KEY_YEN}};
    for (size_t i = 0; i < ARRAY_SIZE(extended); i++)
        if (code == (extended[i][0] | (unsigned)EXTENDED))
            return extended[i][1];
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (code == others[i][0])
            return others[i][1];
    for (unsigned key = 0; key < INPUT_KEYS && code && code <= CODES_EQUAL; key++)
        if (input_key_linux_code((enum input_key)key) == code)
            return (int)key;
    return -1;
}

// --- by symbol ---

static struct vnc_pressed *find_pressed(struct vnc_client *client, uint32_t keysym)
{
    for (unsigned i = 0; i < VNC_KEYS_MAX; i++)
        if (client->pressed[i].keysym == keysym)
            return &client->pressed[i];
    return NULL;
}

static void machine_symbol(struct vnc_client *client, uint32_t keysym, const struct keymap_stroke *stroke,
                           bool down)
{
    struct machine *machine = client->vnc->machine;
    struct vnc_pressed *pressed = find_pressed(client, keysym);
    if (!down && pressed) {
        pressed->keysym = 0;
        held_keys_send(&client->held, machine, pressed->key, false);
    } else if (!down && stroke) { // it went down as another symbol of the same key
        held_keys_send(&client->held, machine, stroke->key, false);
    } else if (stroke) {
        held_keys_stroke(&client->held, machine, *stroke);
        if (!pressed && (pressed = find_pressed(client, 0)))
            *pressed = (struct vnc_pressed){keysym, stroke->key};
    }
}

static void terminal_symbol(struct vnc_client *client, uint32_t keysym, const struct keymap_stroke *stroke)
{
    const struct display *display = client->vnc->view.display;
    char text[8];
    bool is_text =
        xkb_keysym_to_utf8(keysym, text, sizeof(text)) > 0 && (uint8_t)text[0] >= ' ' && text[0] != 0x7f;
    if (is_text)
        display->ops->type_text(display->opaque, text, client->modifiers & (DISPLAY_CTRL | DISPLAY_ALT));
    else if (stroke && display->ops->type_key)
        display->ops->type_key(display->opaque, stroke->key, client->modifiers);
}

// By the place of a key: what it makes in the layout.
static void terminal_code(struct vnc_client *client, enum input_key key)
{
    const struct keymap *keymap = client->vnc->keymap;
    struct keymap_stroke stroke = {key, client->modifiers & DISPLAY_SHIFT, client->alt_gr};
    uint32_t keysym = keymap_symbol_of(keymap, stroke);
    if (!keysym) { // Shift-Up is still Up
        stroke.shift = stroke.alt_gr = false;
        keysym = keymap_symbol_of(keymap, stroke);
    }
    if (keysym)
        terminal_symbol(client, keysym, &stroke);
}

void vnc_input_key(struct vnc_client *client, uint32_t keysym, bool down)
{
    struct keymap_stroke stroke;
    if (!keysym)
        return;
    bool known = keymap_find_symbol(client->vnc->keymap, keysym, &stroke);
    if (known && choose_console(client, stroke.key, down))
        return;
    if (!is_terminal(client->vnc))
        machine_symbol(client, keysym, known ? &stroke : NULL, down);
    else if (down)
        terminal_symbol(client, keysym, known ? &stroke : NULL);
}

void vnc_input_code(struct vnc_client *client, uint32_t code, uint32_t keysym, bool down)
{
    int key = key_of_code(code);
    if (key < 0 || client->vnc->host->layout) {
        vnc_input_key(client, keysym, down);
        return;
    }
    if (key == INPUT_KEY_ALT_RIGHT)
        client->alt_gr = down;
    if (choose_console(client, (enum input_key)key, down))
        return;
    if (!is_terminal(client->vnc))
        held_keys_send(&client->held, client->vnc->machine, (enum input_key)key, down);
    else if (down)
        terminal_code(client, (enum input_key)key);
}

// --- pointers ---

// As bits of a message's mask.
enum {
    LEFT = 1 << 0,
    MIDDLE = 1 << 1,
    RIGHT = 1 << 2,
    WHEEL_UP = 1 << 3,
    WHEEL_DOWN = 1 << 4,
    WHEEL_LEFT = 1 << 5,
    WHEEL_RIGHT = 1 << 6
};

// Which way the wheel goes, of whose directions each is a button.
static int wheel_way(unsigned pressed, unsigned forth, unsigned back)
{
    return (pressed & forth ? 1 : 0) - (pressed & back ? 1 : 0);
}

static void send_pointer(struct vnc_client *client, int dx, int dy, struct input_wheel wheel)
{
    const struct vnc *vnc = client->vnc;
    unsigned buttons = (client->buttons & LEFT ? 1u << INPUT_BUTTON_LEFT : 0) |
                       (client->buttons & MIDDLE ? 1u << INPUT_BUTTON_MIDDLE : 0) |
                       (client->buttons & RIGHT ? 1u << INPUT_BUTTON_RIGHT : 0);
    if (!input_send_position(vnc->machine, input_position_of(client->x, vnc->shown->width),
                             input_position_of(client->y, vnc->shown->height), wheel, buttons))
        input_send_motion(vnc->machine, dx, dy, wheel, buttons);
}

void vnc_input_pointer(struct vnc_client *client, unsigned x, unsigned y, unsigned buttons)
{
    const struct display *display = client->vnc->view.display;
    unsigned pressed = buttons & ~client->buttons;
    struct input_wheel wheel = {wheel_way(pressed, WHEEL_UP, WHEEL_DOWN),
                                wheel_way(pressed, WHEEL_RIGHT, WHEEL_LEFT)};
    int dx = (int)x - (int)client->x, dy = (int)y - (int)client->y;
    client->buttons = buttons;
    client->x = x;
    client->y = y;
    if (!is_terminal(client->vnc))
        send_pointer(client, dx, dy, wheel);
    else if (wheel.up && display->ops->scroll)
        display->ops->scroll(display->opaque, 3 * wheel.up);
}

void vnc_input_release(struct vnc_client *client)
{
    bool held = client->buttons & (LEFT | MIDDLE | RIGHT);
    held_keys_release(&client->held, client->vnc->machine);
    memset(client->pressed, 0, sizeof(client->pressed));
    client->buttons = 0;
    if (held)
        send_pointer(client, 0, 0, (struct input_wheel){0, 0});
}
