// SPDX-License-Identifier: MIT
// The keyboard of the window. Keys go to the guest by their places (SDL's scan codes are the usages of USB keyboards, as ours
// are) unless -k asked for symbols: then a key that makes text goes down as the one that makes it in the guest's layout.
//
// Commands of the window are typed with its modifiers held, which the guest sees too; it sees them go up as well.
#include "hw/core/machine.h"
#include "ui/sdl-private.h"
#include "ui/utf8.h"

// Whether the keys are held that announce a command, as it was when the key was pressed.
static bool command_keys_held(const struct sdl *sdl, SDL_Keymod mod)
{
    static const unsigned wanted[] = {[SDL_GRAB_LEFT] = KMOD_LCTRL | KMOD_LALT,
                                      [SDL_GRAB_LEFT_SHIFT] = KMOD_LCTRL | KMOD_LALT | KMOD_LSHIFT,
                                      [SDL_GRAB_RIGHT_CTRL] = KMOD_RCTRL};
    unsigned keys = wanted[sdl->options->grab_keys];
    return (mod & keys) == keys;
}

const char *sdl_grab_name(const struct sdl *sdl)
{
    static const char *const names[] = {[SDL_GRAB_LEFT] = "Ctrl-Alt-G",
                                        [SDL_GRAB_LEFT_SHIFT] = "Shift-Ctrl-Alt-G",
                                        [SDL_GRAB_RIGHT_CTRL] = "right Ctrl-G"};
    return names[sdl->options->grab_keys];
}

// --- keys of the guest ---------------------------------------------------------------------------------------------

static void send(struct sdl *sdl, unsigned scancode, enum input_key key, bool down)
{
    sdl_lock(sdl);
    held_keys_send(&sdl->held, sdl->machine, key, down);
    sdl_unlock(sdl);
    sdl->pressed_as[scancode] = down ? (uint16_t)(key + 1) : 0;
}

void sdl_keys_release(struct sdl *sdl)
{
    sdl_lock(sdl);
    held_keys_release(&sdl->held, sdl->machine);
    sdl_unlock(sdl);
    for (unsigned i = 0; i < SDL_KEY_COUNT; i++) {
        sdl->pressed_as[i] = 0;
        sdl->swallowed[i] = false;
    }
}

// The text that belongs to the key press in hand comes as the next event.
static bool take_text(char *text, size_t size)
{
    SDL_Event event;
    SDL_PumpEvents();
    if (SDL_PeepEvents(&event, 1, SDL_PEEKEVENT, SDL_FIRSTEVENT, SDL_LASTEVENT) != 1 || event.type != SDL_TEXTINPUT)
        return false;
    SDL_PeepEvents(&event, 1, SDL_GETEVENT, SDL_TEXTINPUT, SDL_TEXTINPUT);
    SDL_strlcpy(text, event.text.text, size);
    return true;
}

// By the symbol, if the guest's keyboard has it.
static bool press_symbol(struct sdl *sdl, const SDL_KeyboardEvent *event)
{
    char text[SDL_TEXTINPUTEVENT_TEXT_SIZE];
    const char *rest = text;
    struct keymap_stroke stroke;
    uint32_t code = 0;
    if (take_text(text, sizeof(text)))
        code = utf8_next(&rest);
    else if (event->keysym.sym >= ' ' && event->keysym.sym < 0x7f)
        code = (uint32_t)event->keysym.sym; // Ctrl-C makes no text, but is about the letter
    if (!code || !keymap_find_character(sdl->keymap, code, &stroke))
        return false;
    sdl_lock(sdl);
    held_keys_stroke(&sdl->held, sdl->machine, stroke);
    sdl_unlock(sdl);
    sdl->pressed_as[event->keysym.scancode] = (uint16_t)(stroke.key + 1);
    return true;
}

static void machine_key(struct sdl *sdl, const SDL_KeyboardEvent *event)
{
    unsigned scancode = event->keysym.scancode;
    bool down = event->type == SDL_KEYDOWN;
    if (!down) {
        if (sdl->pressed_as[scancode])
            send(sdl, scancode, (enum input_key)(sdl->pressed_as[scancode] - 1), false);
        return;
    }
    if (sdl->pressed_as[scancode]) { // it repeats
        send(sdl, scancode, (enum input_key)(sdl->pressed_as[scancode] - 1), true);
        return;
    }
    if (sdl->keymap && press_symbol(sdl, event))
        return;
    if (scancode < INPUT_KEYS && input_key_name((enum input_key)scancode))
        send(sdl, scancode, (enum input_key)scancode, true);
}

// --- keys of terminals ---------------------------------------------------------------------------------------------

static void terminal_key(struct sdl *sdl, const SDL_KeyboardEvent *event)
{
    SDL_Keymod mod = (SDL_Keymod)event->keysym.mod;
    SDL_Keycode symbol = event->keysym.sym;
    unsigned modifiers = (mod & KMOD_SHIFT ? DISPLAY_SHIFT : 0) | (mod & KMOD_CTRL ? DISPLAY_CTRL : 0) |
                         (mod & KMOD_LALT ? DISPLAY_ALT : 0);
    bool is_character = symbol >= ' ' && symbol < 0x110000 && symbol != SDLK_DELETE;
    char text[2] = {(char)symbol, 0};
    if (event->type != SDL_KEYDOWN)
        return;
    sdl->text_done = is_character && (modifiers & (DISPLAY_CTRL | DISPLAY_ALT));
    sdl_lock(sdl);
    struct display *display = sdl_display(sdl);
    if (display_is_terminal(display) && sdl->text_done && symbol < 0x80)
        display->ops->type_text(display->opaque, text, modifiers & ~(unsigned)DISPLAY_SHIFT);
    else if (display && display->ops->type_key && !is_character)
        display->ops->type_key(display->opaque, (enum input_key)event->keysym.scancode, modifiers);
    sdl_unlock(sdl);
}

void sdl_text_event(struct sdl *sdl, const char *text)
{
    if (sdl->text_done)
        return;
    sdl_lock(sdl);
    struct display *display = sdl_display(sdl);
    if (display_is_terminal(display))
        display->ops->type_text(display->opaque, text, 0);
    sdl_unlock(sdl);
}

// --- commands ------------------------------------------------------------------------------------------------------

static void paste(struct sdl *sdl)
{
    char *text = SDL_GetClipboardText();
    sdl_lock(sdl);
    struct display *display = sdl_display(sdl);
    bool terminal = display_is_terminal(display);
    if (terminal && text)
        display->ops->type_text(display->opaque, text, 0);
    sdl_unlock(sdl);
    if (text && !terminal)
        sdl->host->type(sdl->host->opaque, text);
    SDL_free(text);
}

// Larger and smaller by quarters, in steps that a screen shows well.
static unsigned next_zoom(unsigned zoom, bool larger)
{
    static const unsigned zooms[] = {25, 50, 75, 100, 125, 150, 200, 250, 300, 400, 600, 800};
    enum { COUNT = sizeof(zooms) / sizeof(zooms[0]) };
    unsigned i = 0;
    while (i < COUNT - 1 && zooms[i] < zoom)
        i++;
    if (larger)
        return zooms[i] > zoom ? zooms[i] : zooms[i < COUNT - 1 ? i + 1 : i];
    return zooms[i ? i - 1 : 0];
}

static bool run_command(struct sdl *sdl, const SDL_Keysym *key)
{
    switch (key->scancode) {
    case SDL_SCANCODE_EQUALS:
    case SDL_SCANCODE_KP_PLUS:
        sdl_window_set_zoom(sdl, next_zoom(sdl->zoom, true));
        return true;
    case SDL_SCANCODE_MINUS:
    case SDL_SCANCODE_KP_MINUS:
        sdl_window_set_zoom(sdl, next_zoom(sdl->zoom, false));
        return true;
    default:
        break;
    }
    if (key->scancode >= SDL_SCANCODE_1 && key->scancode <= SDL_SCANCODE_9) {
        sdl_show_console(sdl, key->scancode - SDL_SCANCODE_1);
        return true;
    }
    switch (key->sym) {
    case SDLK_f:
        sdl_window_set_full_screen(sdl, !sdl->full_screen);
        return true;
    case SDLK_g:
        sdl_set_grab(sdl, !sdl->grabbed);
        return true;
    case SDLK_u:
        sdl_window_set_zoom(sdl, SDL_ZOOM_NORMAL);
        return true;
    case SDLK_s:
        sdl_window_screenshot(sdl);
        return true;
    case SDLK_v:
        sdl_keys_release(sdl); // what is typed must not meet the keys of the command
        paste(sdl);
        return true;
    default:
        return false;
    }
}

void sdl_key_event(struct sdl *sdl, const SDL_KeyboardEvent *event)
{
    unsigned scancode = event->keysym.scancode;
    bool down = event->type == SDL_KEYDOWN;
    if (scancode >= SDL_KEY_COUNT)
        return;
    if (sdl->swallowed[scancode]) {
        sdl->swallowed[scancode] = down;
        return;
    }
    if (down && !event->repeat && command_keys_held(sdl, (SDL_Keymod)event->keysym.mod)) {
        if (run_command(sdl, &event->keysym)) {
            sdl->swallowed[scancode] = sdl->text_done = true;
            return;
        }
    }
    sdl_lock(sdl);
    bool terminal = display_is_terminal(sdl_display(sdl));
    sdl_unlock(sdl);
    if (terminal)
        terminal_key(sdl, event);
    else
        machine_key(sdl, event);
}
