// SPDX-License-Identifier: MIT
#include "ui/vc-keys.h"

#include "ui/utf8.h"

static VTermModifier convert(unsigned modifiers)
{
    return (VTermModifier)((modifiers & DISPLAY_SHIFT ? VTERM_MOD_SHIFT : 0) | (modifiers & DISPLAY_CTRL ? VTERM_MOD_CTRL : 0) |
                           (modifiers & DISPLAY_ALT ? VTERM_MOD_ALT : 0));
}

void vc_keys_text(VTerm *terminal, const char *text, unsigned modifiers)
{
    uint32_t code;
    while ((code = utf8_next(&text)))
        vterm_keyboard_unichar(terminal, code == '\n' ? '\r' : code, convert(modifiers & ~(unsigned)DISPLAY_SHIFT));
}

static VTermKey key_of(enum input_key key)
{
    switch ((unsigned)key) {
    case INPUT_KEY_RETURN:
        return VTERM_KEY_ENTER;
    case INPUT_KEY_KP_ENTER:
        return VTERM_KEY_KP_ENTER;
    case INPUT_KEY_TAB:
        return VTERM_KEY_TAB;
    case INPUT_KEY_BACKSPACE:
        return VTERM_KEY_BACKSPACE;
    case INPUT_KEY_ESCAPE:
        return VTERM_KEY_ESCAPE;
    case INPUT_KEY_UP:
        return VTERM_KEY_UP;
    case INPUT_KEY_DOWN:
        return VTERM_KEY_DOWN;
    case INPUT_KEY_LEFT:
        return VTERM_KEY_LEFT;
    case INPUT_KEY_RIGHT:
        return VTERM_KEY_RIGHT;
    case INPUT_KEY_INSERT:
        return VTERM_KEY_INS;
    case INPUT_KEY_DELETE:
        return VTERM_KEY_DEL;
    case INPUT_KEY_HOME:
        return VTERM_KEY_HOME;
    case INPUT_KEY_END:
        return VTERM_KEY_END;
    case INPUT_KEY_PAGE_UP:
        return VTERM_KEY_PAGEUP;
    case INPUT_KEY_PAGE_DOWN:
        return VTERM_KEY_PAGEDOWN;
    }
    if (key >= INPUT_KEY_F1 && key <= INPUT_KEY_F12)
        return (VTermKey)VTERM_KEY_FUNCTION(1 + key - INPUT_KEY_F1);
    return VTERM_KEY_NONE;
}

void vc_keys_key(VTerm *terminal, enum input_key key, unsigned modifiers)
{
    VTermKey known = key_of(key);
    if (known != VTERM_KEY_NONE)
        vterm_keyboard_key(terminal, known, convert(modifiers));
}
