// SPDX-License-Identifier: MIT
// A window by SDL, on a thread of its own: it takes what a display has changed sixty times a second, and hands on what the user
// does. SDL wants all of its calls on one thread.
#include <X11/Xlib.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"
#include "ui/sdl-private.h"

enum { FRAME_MS = 16, QUIET_FRAME_MS = 50, HIDDEN_FRAME_MS = 250, TITLE_MS = 200, QUIET_FRAMES = 2 };

void sdl_lock(struct sdl *sdl)
{
    device_lock_acquire(&sdl->machine->lock);
}

void sdl_unlock(struct sdl *sdl)
{
    device_lock_release(&sdl->machine->lock);
}

struct display *sdl_display(struct sdl *sdl)
{
    return sdl->view.display;
}

void sdl_show_console(struct sdl *sdl, unsigned index)
{
    sdl_keys_release(sdl);
    sdl_pointer_release(sdl);
    sdl_lock(sdl);
    struct display *display = display_at(sdl->machine, index);
    if (display && display != sdl->view.display) {
        display_detach(&sdl->view);
        display_attach(display, &sdl->view);
        sdl->console = index;
    }
    bool is_terminal = display_is_terminal(sdl->view.display);
    sdl_unlock(sdl);
    if (is_terminal)
        sdl_set_grab(sdl, false);
    // Text is wanted where it is typed, and where keys go by their symbols.
    if (is_terminal || sdl->keymap)
        SDL_StartTextInput();
    else
        SDL_StopTextInput();
    sdl->redraw = true;
    sdl_window_update_title(sdl);
}

static unsigned first_console(struct sdl *sdl)
{
    sdl_lock(sdl);
    unsigned index = ui_first_display(sdl->machine);
    sdl_unlock(sdl);
    return index;
}

// The user closes the window: the guest is asked to end, as by its power button; the second time it is over.
static void close_requested(struct sdl *sdl)
{
    if (!sdl->options->window_close)
        return;
    bool can_ask = sdl->machine->type->powerdown && machine_state(sdl->machine) == RUN_RUNNING;
    if (sdl->closing || !can_ask) {
        machine_shutdown_request(sdl->machine, SHUTDOWN_HOST);
        return;
    }
    sdl->closing = true;
    machine_powerdown_request(sdl->machine);
    sdl_window_update_title(sdl);
}

static void window_event(struct sdl *sdl, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        sdl_window_resized(sdl, event->data1, event->data2);
        break;
    case SDL_WINDOWEVENT_EXPOSED:
        sdl->redraw = true;
        break;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
        sdl->visible = sdl->redraw = true;
        break;
    case SDL_WINDOWEVENT_HIDDEN:
    case SDL_WINDOWEVENT_MINIMIZED:
        sdl->visible = false;
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        sdl_keys_release(sdl);
        sdl_pointer_release(sdl);
        sdl_set_grab(sdl, false);
        break;
    case SDL_WINDOWEVENT_CLOSE:
        close_requested(sdl);
        break;
    }
}

static void handle_event(struct sdl *sdl, const SDL_Event *event)
{
    if (event->type != SDL_MOUSEMOTION)
        sdl_pointer_flush(sdl);
    switch (event->type) {
    case SDL_WINDOWEVENT:
        window_event(sdl, &event->window);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        sdl_key_event(sdl, &event->key);
        break;
    case SDL_TEXTINPUT:
        sdl_text_event(sdl, event->text.text);
        break;
    case SDL_MOUSEMOTION:
        sdl_motion_event(sdl, &event->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        sdl_button_event(sdl, &event->button);
        break;
    case SDL_MOUSEWHEEL:
        sdl_wheel_event(sdl, &event->wheel);
        break;
    case SDL_FINGERDOWN:
    case SDL_FINGERMOTION:
    case SDL_FINGERUP:
        sdl_finger_event(sdl, &event->tfinger);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        sdl->redraw = true;
        break;
    }
}

// Whether there were events up to a time, in SDL's milliseconds, or which is past.
static bool handle_events(struct sdl *sdl, uint32_t until)
{
    SDL_Event event;
    int32_t wait = (int32_t)(until - SDL_GetTicks());
    if (!(wait > 0 ? SDL_WaitEventTimeout(&event, wait) : SDL_PollEvent(&event)))
        return false;
    do {
        handle_event(sdl, &event);
    } while (SDL_PollEvent(&event));
    sdl_pointer_flush(sdl);
    return true;
}

static void run(struct sdl *sdl)
{
    uint32_t last = SDL_GetTicks();
    unsigned quiet = 0; // frames in which nothing changed, since the user did something
    while (!atomic_load(&sdl->quit)) {
        uint32_t pause = !sdl->visible ? HIDDEN_FRAME_MS : quiet < QUIET_FRAMES ? FRAME_MS : QUIET_FRAME_MS;
        if (handle_events(sdl, last + pause)) {
            quiet = 0;
            if ((int32_t)(SDL_GetTicks() - last) < FRAME_MS)
                continue;
        }
        uint32_t now = last = SDL_GetTicks();
        quiet = sdl->visible && !sdl_window_update(sdl) ? quiet + 1 : 0;
        if ((int32_t)(now - sdl->title_at) >= 0) {
            sdl->title_at = now + TITLE_MS;
            sdl_window_update_title(sdl);
        }
    }
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

// Xlib's own handler ends the program, and the guest with it. Errors come of events that SDL sends to windows of other programs,
// which may be gone by then.
static int ignore_x_error(Display *display, XErrorEvent *event)
{
    (void)display;
    (void)event;
    return 0;
}

// Without a place for windows SDL would fall back on drivers that show nothing to anybody.
static int start_video(struct error *error)
{
    static const char advice[] = "use -nographic, -vnc, -display curses or -display none";
    const char *x = environment("DISPLAY"), *wayland = environment("WAYLAND_DISPLAY"), *chosen = environment("SDL_VIDEODRIVER");
    if (!x && !wayland && !chosen)
        return error_set(error, ENODEV, "there is no screen to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set); %s",
                         advice);
    if (!wayland && !chosen)
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11");
    XSetErrorHandler(ignore_x_error);
    if (SDL_Init(SDL_INIT_VIDEO))
        return error_set(error, ENODEV, "cannot open a window on display '%s': %s; %s", wayland ? wayland : x ? x : "",
                         SDL_GetError(), advice);
    return 0;
}

static int start(struct sdl *sdl, struct error *error)
{
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_APP_NAME, "Lyrebird");
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
    int status = start_video(error);
    if (!status)
        status = sdl_window_open(sdl, error);
    if (status)
        SDL_Quit();
    return status;
}

static void *thread_main(void *opaque)
{
    struct sdl *sdl = opaque;
    int status = start(sdl, &sdl->start_error);
    pthread_mutex_lock(&sdl->start_mutex);
    sdl->start_status = status;
    pthread_cond_signal(&sdl->start_condition);
    pthread_mutex_unlock(&sdl->start_mutex);
    if (status)
        return NULL;
    sdl_show_console(sdl, first_console(sdl));
    if (sdl->host->full_screen)
        sdl_window_set_full_screen(sdl, true);
    run(sdl);
    sdl_keys_release(sdl);
    sdl_pointer_release(sdl);
    sdl_lock(sdl);
    display_detach(&sdl->view);
    sdl_unlock(sdl);
    sdl_window_close(sdl);
    SDL_Quit();
    return NULL;
}

static void release(struct sdl *sdl)
{
    pthread_mutex_destroy(&sdl->start_mutex);
    pthread_cond_destroy(&sdl->start_condition);
    keymap_destroy(sdl->keymap);
    font_destroy(sdl->font);
    free(sdl);
}

static void destroy(struct ui *ui)
{
    struct sdl *sdl = (struct sdl *)ui;
    SDL_Event wake = {.type = SDL_USEREVENT};
    atomic_store(&sdl->quit, true);
    SDL_PushEvent(&wake);
    pthread_join(sdl->thread, NULL);
    release(sdl);
}

static int wait_for_start(struct sdl *sdl, struct error *error)
{
    sdl->start_status = 1;
    int status = pthread_create(&sdl->thread, NULL, thread_main, sdl);
    if (status)
        return error_set(error, status, "cannot start a thread for the window: %s", strerror(status));
    pthread_mutex_lock(&sdl->start_mutex);
    while (sdl->start_status == 1)
        pthread_cond_wait(&sdl->start_condition, &sdl->start_mutex);
    pthread_mutex_unlock(&sdl->start_mutex);
    if (!sdl->start_status)
        return 0;
    pthread_join(sdl->thread, NULL);
    *error = sdl->start_error;
    return sdl->start_status;
}

static int create(const struct ui_host *host, const void *options, struct ui **ui, struct error *error)
{
    struct sdl *sdl = ALLOC(struct sdl);
    int status = 0;
    sdl->ui.destroy = destroy;
    sdl->host = host;
    sdl->options = options;
    sdl->machine = host->machine;
    sdl->visible = true;
    sdl->font = font_create();
    pthread_mutex_init(&sdl->start_mutex, NULL);
    pthread_cond_init(&sdl->start_condition, NULL);
    if (host->layout && !(sdl->keymap = keymap_create(host->layout, error)))
        status = -EINVAL;
    if (!status)
        status = wait_for_start(sdl, error);
    if (status)
        release(sdl);
    else
        *ui = &sdl->ui;
    return status;
}

static const char *const scalings[] = {[SDL_SCALING_FIT] = "fit", [SDL_SCALING_INTEGER] = "integer", NULL};
static const char *const grab_keys[] = {[SDL_GRAB_LEFT] = "lctrl-lalt",
                                        [SDL_GRAB_LEFT_SHIFT] = "lshift-lctrl-lalt",
                                        [SDL_GRAB_RIGHT_CTRL] = "rctrl",
                                        NULL};

static const struct property properties[] = {
    {"window-close", PROPERTY_BOOL, offsetof(struct sdl_options, window_close), "on",
     "closing the window shuts the guest down", NULL},
    {"show-cursor", PROPERTY_BOOL, offsetof(struct sdl_options, show_cursor), "off",
     "show the host's pointer over the guest's", NULL},
    {"grab-mod", PROPERTY_CHOICE, offsetof(struct sdl_options, grab_keys), "lctrl-lalt",
     "keys that are held for the window's own commands", grab_keys},
    {"scaling", PROPERTY_CHOICE, offsetof(struct sdl_options, scaling), "fit",
     "how the picture fills the window: all of it, or by whole multiples", scalings},
    {"zoom", PROPERTY_UINT32, offsetof(struct sdl_options, zoom), "0",
     "size of the window in percent of the picture; 0: as the host's screen is", NULL},
    {"gl", PROPERTY_BOOL, offsetof(struct sdl_options, gl), "on", "draw by the host's graphics processor, if it has one", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct ui_type ui_sdl_type = {.name = "sdl",
                                    .help = "a window",
                                    .properties = properties,
                                    .options_size = sizeof(struct sdl_options),
                                    .create = create};
