// SPDX-License-Identifier: MIT
// Between the files of the SDL window. All of it belongs to the window's thread, which takes the device lock for a moment to
// look at a display or to send input, and never waits with it.
#pragma once

#include <SDL2/SDL.h>
#include <pthread.h>
#include <stdatomic.h>

#include "hw/core/display.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/ui.h"

enum { SDL_ZOOM_NORMAL = 100, SDL_KEY_COUNT = 512 };

enum sdl_scaling { SDL_SCALING_FIT, SDL_SCALING_INTEGER };
enum sdl_grab_keys { SDL_GRAB_LEFT, SDL_GRAB_LEFT_SHIFT, SDL_GRAB_RIGHT_CTRL };

// Properties.
struct sdl_options {
    bool window_close, show_cursor, gl;
    unsigned scaling;   // enum sdl_scaling
    unsigned grab_keys; // enum sdl_grab_keys
    uint32_t zoom;      // percent, 0: of the host's display
};

struct sdl_pointer {
    unsigned buttons;
    bool pending;            // there is motion that was not sent
    int x, y;                // in pixels of the picture, the last position
    int dx, dy;
    struct input_wheel wheel;
    SDL_FingerID fingers[INPUT_TOUCH_SLOTS]; // by slot
    unsigned touching;                       // bit set of slots
};

struct sdl {
    struct ui ui;
    const struct ui_host *host;
    const struct sdl_options *options;
    struct machine *machine;

    pthread_t thread;
    pthread_mutex_t start_mutex;
    pthread_cond_t start_condition;
    int start_status; // 1: not known yet
    struct error start_error;
    atomic_bool quit;

    SDL_Window *window;
    SDL_Renderer *renderer;
    uint32_t texture_format;
    SDL_Texture *texture; // what is shown, as large as `shown`
    struct surface *shown; // a reference; NULL: nothing yet
    struct font *font;
    char blank_text[1024];
    uint32_t blank_at, title_at; // when they are to be looked at again, in SDL's milliseconds
    SDL_Rect picture;      // where the picture is in the window, in pixels of the output
    SDL_Rect changed;      // of `shown`, since it was drawn; empty: nothing
    bool keeps_drawing;    // what was drawn before is there still
    unsigned zoom;         // percent of a window that the user has not sized
    SDL_Point asked;       // the size that the window was given last
    bool user_sized, full_screen, grabbed, visible, redraw, blank;
    SDL_Texture *cursor_texture; // drawn by us while the pointer is grabbed
    SDL_Cursor *cursor;          // shown by the host while it is not
    SDL_Point cursor_size;       // its size
    struct display_cursor *cursor_image; // a reference
    int cursor_x, cursor_y;

    unsigned console; // index of the display
    struct display_view view;
    struct held_keys held;
    struct keymap *keymap;                // NULL: keys by their places
    uint16_t pressed_as[SDL_KEY_COUNT];   // by scan code: 1 more than the key that it went down as
    bool swallowed[SDL_KEY_COUNT];        // by scan code: a key of our own, or one whose text was sent
    bool text_done;                       // the text of this key press has been dealt with
    struct sdl_pointer pointer;
    bool closing; // the power button was pressed for the user
    char title[256];
};

// --- sdl.c ---
// Shows display `index` of the machine, if there is one.
void sdl_show_console(struct sdl *sdl, unsigned index);
// The display that is shown, NULL: none. With the device lock.
struct display *sdl_display(struct sdl *sdl);
void sdl_lock(struct sdl *sdl);
void sdl_unlock(struct sdl *sdl);

// --- sdl-window.c ---
int sdl_window_open(struct sdl *sdl, struct error *error);
void sdl_window_close(struct sdl *sdl);
// Takes what the display has changed, and draws it if there is anything, which it returns.
bool sdl_window_update(struct sdl *sdl);
// Gives the window the size of the picture by its zoom.
void sdl_window_fit(struct sdl *sdl);
void sdl_window_set_zoom(struct sdl *sdl, unsigned zoom);
void sdl_window_resized(struct sdl *sdl, int width, int height);
void sdl_window_set_full_screen(struct sdl *sdl, bool on);
void sdl_window_update_title(struct sdl *sdl);
// Where a point of the window (in the units of mouse events) is in the picture, inside it.
SDL_Point sdl_window_to_picture(const struct sdl *sdl, float x, float y);
void sdl_window_screenshot(struct sdl *sdl);

// --- sdl-cursor.c ---
// Goes on to another cursor of the guest's, NULL for none; takes over the reference.
void sdl_cursor_change(struct sdl *sdl, struct display_cursor *image);
// The picture may have another size in the window.
void sdl_cursor_fit(struct sdl *sdl);
// What the host shows as its pointer, after anything that it depends on has changed.
void sdl_cursor_update(struct sdl *sdl);
void sdl_cursor_draw(struct sdl *sdl);
void sdl_cursor_free(struct sdl *sdl);

// --- sdl-keys.c ---
void sdl_key_event(struct sdl *sdl, const SDL_KeyboardEvent *event);
void sdl_text_event(struct sdl *sdl, const char *text);
void sdl_keys_release(struct sdl *sdl);
// How the title names the keys that release the pointer.
const char *sdl_grab_name(const struct sdl *sdl);

// --- sdl-pointer.c ---
void sdl_motion_event(struct sdl *sdl, const SDL_MouseMotionEvent *event);
void sdl_button_event(struct sdl *sdl, const SDL_MouseButtonEvent *event);
void sdl_wheel_event(struct sdl *sdl, const SDL_MouseWheelEvent *event);
void sdl_finger_event(struct sdl *sdl, const SDL_TouchFingerEvent *event);
// Sends motion that has been gathered.
void sdl_pointer_flush(struct sdl *sdl);
void sdl_pointer_release(struct sdl *sdl);
void sdl_set_grab(struct sdl *sdl, bool on);
// Whether the guest takes positions, so that the pointer need not be grabbed.
bool sdl_pointer_is_absolute(struct sdl *sdl);
