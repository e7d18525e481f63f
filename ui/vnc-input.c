// SPDX-License-Identifier: MIT
// Keys and pointers of VNC clients. Clients that can tell keys by their places (scan codes of set 1) do so, unless -k asks for
// symbols; the others tell X's keysyms, which are looked up in the layout of -k. Ctrl-Alt with a digit chooses the display.
#include <neatvnc.h>
#include <xkbcommon/xkbcommon.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "ui/vnc-private.h"

enum { EXTENDED = 0x80, CODES_EQUAL = 0x58 }; // scan codes of set 1 are Linux's codes up to here

static struct vnc *vnc_of(struct nvnc_client *client)
{
    return nvnc_get_userdata(nvnc_client_get_server(client));
}

static bool is_terminal(const struct vnc *vnc)
{
    return vnc->view.display && vnc->view.display->ops->type_text;
}

// Ctrl-Alt-digit; the keys that were held before are let go.
static bool choose_console(struct vnc *vnc, enum input_key key)
{
    bool ctrl = held_keys_has(&vnc->held, INPUT_KEY_CTRL) || held_keys_has(&vnc->held, INPUT_KEY_CTRL_RIGHT);
    bool alt = held_keys_has(&vnc->held, INPUT_KEY_ALT);
    ctrl |= (vnc->modifiers & DISPLAY_CTRL) != 0;
    alt |= (vnc->modifiers & DISPLAY_ALT) != 0;
    if (!ctrl || !alt || key < INPUT_KEY_1 || key > INPUT_KEY_9)
        return false;
    vnc_show_console(vnc, (unsigned)(key - INPUT_KEY_1));
    return true;
}

// --- by place ------------------------------------------------------------------------------------------------------

static int key_of_code(uint32_t code)
{
    // Of those with a prefix, as bit 7.
    static const uint8_t extended[][2] = {
        {0x1c, INPUT_KEY_KP_ENTER}, {0x1d, INPUT_KEY_CTRL_RIGHT}, {0x20, INPUT_KEY_MUTE},      {0x2e, INPUT_KEY_VOLUME_DOWN},
        {0x30, INPUT_KEY_VOLUME_UP}, {0x35, INPUT_KEY_KP_DIVIDE}, {0x37, INPUT_KEY_PRINT},     {0x38, INPUT_KEY_ALT_RIGHT},
        {0x46, INPUT_KEY_PAUSE},    {0x47, INPUT_KEY_HOME},       {0x48, INPUT_KEY_UP},        {0x49, INPUT_KEY_PAGE_UP},
        {0x4b, INPUT_KEY_LEFT},     {0x4d, INPUT_KEY_RIGHT},      {0x4f, INPUT_KEY_END},       {0x50, INPUT_KEY_DOWN},
        {0x51, INPUT_KEY_PAGE_DOWN}, {0x52, INPUT_KEY_INSERT},    {0x53, INPUT_KEY_DELETE},    {0x5b, INPUT_KEY_META},
        {0x5c, INPUT_KEY_META_RIGHT}, {0x5d, INPUT_KEY_MENU}};
    static const uint8_t others[][2] = {{0x54, INPUT_KEY_PRINT}, {0x59, INPUT_KEY_KP_EQUALS}, {0x70, INPUT_KEY_KATAKANA},
                                        {0x73, INPUT_KEY_RO},    {0x79, INPUT_KEY_HENKAN},    {0x7b, INPUT_KEY_MUHENKAN},
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

// --- by symbol -----------------------------------------------------------------------------------------------------

static struct vnc_pressed *find_pressed(struct vnc *vnc, uint32_t keysym)
{
    for (unsigned i = 0; i < VNC_KEYS_MAX; i++)
        if (vnc->pressed[i].keysym == keysym)
            return &vnc->pressed[i];
    return NULL;
}

static void machine_symbol(struct vnc *vnc, uint32_t keysym, bool down)
{
    struct keymap_stroke stroke;
    struct vnc_pressed *pressed = find_pressed(vnc, keysym);
    if (!down && pressed) {
        pressed->keysym = 0;
        held_keys_send(&vnc->held, vnc->machine, pressed->key, false);
        return;
    }
    if (!keymap_find_symbol(vnc->keymap, keysym, &stroke))
        return;
    if (!down) { // it went down as another symbol of the same key
        held_keys_send(&vnc->held, vnc->machine, stroke.key, false);
        return;
    }
    if (choose_console(vnc, stroke.key))
        return;
    held_keys_stroke(&vnc->held, vnc->machine, stroke);
    if (!pressed && (pressed = find_pressed(vnc, 0)))
        *pressed = (struct vnc_pressed){keysym, stroke.key};
}

static unsigned modifier_of(uint32_t keysym)
{
    switch (keysym) {
    case XKB_KEY_Shift_L:
    case XKB_KEY_Shift_R:
        return DISPLAY_SHIFT;
    case XKB_KEY_Control_L:
    case XKB_KEY_Control_R:
        return DISPLAY_CTRL;
    case XKB_KEY_Alt_L:
    case XKB_KEY_Meta_L:
        return DISPLAY_ALT;
    }
    return 0;
}

static void terminal_symbol(struct vnc *vnc, uint32_t keysym, bool down)
{
    const struct display *display = vnc->view.display;
    struct keymap_stroke stroke;
    char text[8];
    unsigned modifier = modifier_of(keysym);
    vnc->modifiers = down ? vnc->modifiers | modifier : vnc->modifiers & ~modifier;
    bool known = keymap_find_symbol(vnc->keymap, keysym, &stroke);
    if (!down || modifier || (known && choose_console(vnc, stroke.key)))
        return;
    bool is_text = xkb_keysym_to_utf8(keysym, text, sizeof(text)) > 0 && (uint8_t)text[0] >= ' ' && text[0] != 0x7f;
    if (is_text)
        display->ops->type_text(display->opaque, text, vnc->modifiers & (DISPLAY_CTRL | DISPLAY_ALT));
    else if (known && display->ops->type_key)
        display->ops->type_key(display->opaque, stroke.key, vnc->modifiers);
}

// By the place of a key: what it makes in the layout.
static void terminal_code(struct vnc *vnc, enum input_key key, bool down)
{
    struct keymap_stroke stroke = {key, vnc->modifiers & DISPLAY_SHIFT, vnc->alt_gr};
    if (key == INPUT_KEY_ALT_RIGHT)
        vnc->alt_gr = down;
    uint32_t keysym = keymap_symbol_of(vnc->keymap, stroke);
    if (!keysym) { // Shift-Up is still Up
        stroke.shift = stroke.alt_gr = false;
        keysym = keymap_symbol_of(vnc->keymap, stroke);
    }
    if (keysym)
        terminal_symbol(vnc, keysym, down);
}

static void code_event(struct nvnc_client *client, uint32_t code, bool down)
{
    struct vnc *vnc = vnc_of(client);
    int key = key_of_code(code);
    if (key < 0)
        return;
    if (is_terminal(vnc))
        terminal_code(vnc, (enum input_key)key, down);
    else if (!(down && choose_console(vnc, (enum input_key)key)))
        held_keys_send(&vnc->held, vnc->machine, (enum input_key)key, down);
}

static void symbol_event(struct nvnc_client *client, uint32_t keysym, bool down)
{
    struct vnc *vnc = vnc_of(client);
    if (!keysym)
        return;
    if (is_terminal(vnc))
        terminal_symbol(vnc, keysym, down);
    else
        machine_symbol(vnc, keysym, down);
}

// --- pointers ------------------------------------------------------------------------------------------------------

static void pointer_event(struct nvnc_client *client, uint16_t x, uint16_t y, enum nvnc_button_mask mask)
{
    struct vnc *vnc = vnc_of(client);
    unsigned pressed = mask & ~vnc->buttons;
    unsigned buttons = (mask & NVNC_BUTTON_LEFT ? 1u << INPUT_BUTTON_LEFT : 0) |
                       (mask & NVNC_BUTTON_MIDDLE ? 1u << INPUT_BUTTON_MIDDLE : 0) |
                       (mask & NVNC_BUTTON_RIGHT ? 1u << INPUT_BUTTON_RIGHT : 0);
    struct input_wheel wheel = {(pressed & NVNC_SCROLL_UP ? 1 : 0) - (pressed & NVNC_SCROLL_DOWN ? 1 : 0), 0};
    int dx = (int)x - (int)vnc->x, dy = (int)y - (int)vnc->y;
    vnc->buttons = mask;
    vnc->x = x;
    vnc->y = y;
    if (is_terminal(vnc)) {
        if (wheel.up && vnc->view.display->ops->scroll)
            vnc->view.display->ops->scroll(vnc->view.display->opaque, 3 * wheel.up);
    } else if (!input_send_position(vnc->machine, input_position_of(x, vnc->width), input_position_of(y, vnc->height), wheel,
                                    buttons)) {
        input_send_motion(vnc->machine, dx, dy, wheel, buttons);
    }
}

void vnc_listen_to_input(struct vnc *vnc)
{
    nvnc_set_key_fn(vnc->server, symbol_event);
    if (!vnc->host->layout)
        nvnc_set_key_code_fn(vnc->server, code_event);
    nvnc_set_pointer_fn(vnc->server, pointer_event);
}
