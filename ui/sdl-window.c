// SPDX-License-Identifier: MIT
// The window: its renderer, where the picture is in it, and drawing. A picture of its own size or a whole multiple of it keeps
// its pixels; others are smoothed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "ui/font.h"
#include "ui/picture.h"
#include "ui/sdl-private.h"

enum { FIRST_WIDTH = 640, FIRST_HEIGHT = 480, ZOOM_MIN = 25, ZOOM_MAX = 800, DPI_OF_ZOOM_200 = 144, BLANK_MS = 500 };

// --- opening -------------------------------------------------------------------------------------------------------

// SDL counts drawing by a program that plays a graphics processor as accelerated; for this it is the slower way.
static bool is_software_gl(void)
{
    static const char *const names[] = {"llvmpipe", "softpipe", "SWR", "Software"};
    typedef const unsigned char *(*get_string_fn)(unsigned name);
    enum { GL_RENDERER_STRING = 0x1f01 };
    get_string_fn get_string = (get_string_fn)(uintptr_t)SDL_GL_GetProcAddress("glGetString");
    const char *name = get_string ? (const char *)get_string(GL_RENDERER_STRING) : NULL;
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strstr(name, names[i]))
            return true;
    return false;
}

// Without one, asking SDL would load a compiler of programs for graphics processors for nothing.
static bool host_has_graphics_processor(void)
{
    return !access("/dev/dri/renderD128", F_OK) || !access("/dev/dri/card0", F_OK);
}

static void make_renderer(struct sdl *sdl)
{
    SDL_RendererInfo info;
    if (sdl->options->gl && host_has_graphics_processor())
        sdl->renderer = SDL_CreateRenderer(sdl->window, -1, SDL_RENDERER_ACCELERATED | SDL_RENDERER_PRESENTVSYNC);
    if (sdl->renderer && !SDL_GetRendererInfo(sdl->renderer, &info) && !strncmp(info.name, "opengl", 6) && is_software_gl()) {
        SDL_DestroyRenderer(sdl->renderer);
        sdl->renderer = NULL;
    }
    sdl->keeps_drawing = !sdl->renderer; // the software one draws into the window's own picture
    // The format that needs no conversion.
    sdl->texture_format = sdl->renderer ? SDL_PIXELFORMAT_ARGB8888 : SDL_PIXELFORMAT_XRGB8888;
    if (!sdl->renderer) {
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0"); // or it would be put up as a texture after all
        sdl->renderer = SDL_CreateRenderer(sdl->window, -1, SDL_RENDERER_SOFTWARE);
    }
}

static unsigned first_zoom(const struct sdl *sdl)
{
    float dpi = 0;
    if (sdl->options->zoom)
        return sdl->options->zoom < ZOOM_MIN ? ZOOM_MIN : sdl->options->zoom > ZOOM_MAX ? ZOOM_MAX : sdl->options->zoom;
    int points, pixels;
    SDL_GetWindowSize(sdl->window, &points, NULL);
    SDL_GetRendererOutputSize(sdl->renderer, &pixels, NULL);
    // Where points are not pixels, the host has chosen them to be large enough.
    bool large = points == pixels && !SDL_GetDisplayDPI(SDL_GetWindowDisplayIndex(sdl->window), &dpi, NULL, NULL) &&
                 dpi >= DPI_OF_ZOOM_200;
    return large ? 2 * SDL_ZOOM_NORMAL : SDL_ZOOM_NORMAL;
}

int sdl_window_open(struct sdl *sdl, struct error *error)
{
    sdl->window = SDL_CreateWindow("Lyrebird", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, FIRST_WIDTH, FIRST_HEIGHT,
                                   SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (sdl->window)
        make_renderer(sdl);
    if (!sdl->renderer) {
        error_set(error, ENODEV, "cannot open a window: %s", SDL_GetError());
        sdl_window_close(sdl);
        return -ENODEV;
    }
    SDL_SetWindowMinimumSize(sdl->window, 160, 100);
    sdl->zoom = first_zoom(sdl);
    sdl->asked = (SDL_Point){FIRST_WIDTH, FIRST_HEIGHT};
    return 0;
}

void sdl_window_close(struct sdl *sdl)
{
    if (sdl->texture)
        SDL_DestroyTexture(sdl->texture);
    sdl_cursor_free(sdl);
    if (sdl->renderer)
        SDL_DestroyRenderer(sdl->renderer);
    if (sdl->window)
        SDL_DestroyWindow(sdl->window);
    surface_drop(sdl->shown);
    sdl->texture = NULL;
    sdl->renderer = NULL;
    sdl->window = NULL;
    sdl->shown = NULL;
}

// --- layout --------------------------------------------------------------------------------------------------------

// Puts the picture into the middle of the window.
static void lay_out(struct sdl *sdl)
{
    int width, height;
    if (!sdl->shown || SDL_GetRendererOutputSize(sdl->renderer, &width, &height))
        return;
    int64_t across = sdl->shown->width, down = sdl->shown->height;
    int64_t w = width, h = w * down / across;
    if (h > height) {
        h = height;
        w = h * across / down;
    }
    int64_t multiple = w / across;
    // Nearly a multiple is one, but for the last points that the host could not give.
    bool whole = sdl->options->scaling == SDL_SCALING_INTEGER && multiple;
    if (whole) {
        w = across * multiple;
        h = down * multiple;
    }
    w = w ? w : 1;
    h = h ? h : 1;
    sdl->picture = (SDL_Rect){(int)((width - w) / 2), (int)((height - h) / 2), (int)w, (int)h};
    bool sharp = w % across == 0 && h % down == 0;
    SDL_SetTextureScaleMode(sdl->texture, sharp ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    sdl_cursor_fit(sdl);
    sdl->redraw = true;
}

SDL_Point sdl_window_to_picture(const struct sdl *sdl, float x, float y)
{
    int points_x, points_y, pixels_x, pixels_y;
    SDL_Point at = {0, 0};
    SDL_GetWindowSize(sdl->window, &points_x, &points_y);
    SDL_GetRendererOutputSize(sdl->renderer, &pixels_x, &pixels_y);
    if (!sdl->shown || points_x < 1 || points_y < 1)
        return at;
    // The middle of the point under the pointer's tip.
    double px = (x + 0.5) * pixels_x / points_x - sdl->picture.x, py = (y + 0.5) * pixels_y / points_y - sdl->picture.y;
    double gx = px * sdl->shown->width / sdl->picture.w, gy = py * sdl->shown->height / sdl->picture.h;
    at.x = gx < 0 ? 0 : gx >= sdl->shown->width ? (int)sdl->shown->width - 1 : (int)gx;
    at.y = gy < 0 ? 0 : gy >= sdl->shown->height ? (int)sdl->shown->height - 1 : (int)gy;
    return at;
}

void sdl_window_fit(struct sdl *sdl)
{
    SDL_Rect usable;
    if (!sdl->shown || sdl->full_screen || (SDL_GetWindowFlags(sdl->window) & SDL_WINDOW_MAXIMIZED))
        return;
    int64_t width = (int64_t)sdl->shown->width * sdl->zoom / SDL_ZOOM_NORMAL;
    int64_t height = (int64_t)sdl->shown->height * sdl->zoom / SDL_ZOOM_NORMAL;
    if (!SDL_GetDisplayUsableBounds(SDL_GetWindowDisplayIndex(sdl->window), &usable)) {
        if (width > usable.w) {
            height = height * usable.w / width;
            width = usable.w;
        }
        if (height > usable.h) {
            width = width * usable.h / height;
            height = usable.h;
        }
    }
    sdl->user_sized = false;
    sdl->asked = (SDL_Point){(int)(width ? width : 1), (int)(height ? height : 1)};
    SDL_SetWindowSize(sdl->window, sdl->asked.x, sdl->asked.y);
}

void sdl_window_set_zoom(struct sdl *sdl, unsigned zoom)
{
    sdl->zoom = zoom < ZOOM_MIN ? ZOOM_MIN : zoom > ZOOM_MAX ? ZOOM_MAX : zoom;
    sdl_window_fit(sdl);
}

void sdl_window_resized(struct sdl *sdl, int width, int height)
{
    bool ours = width == sdl->asked.x && height == sdl->asked.y;
    lay_out(sdl);
    if (ours)
        return;
    sdl->user_sized = true;
    sdl->asked = (SDL_Point){0, 0};
    sdl_lock(sdl);
    struct display *display = sdl_display(sdl);
    if (display && display->ops->resize && width > 0 && height > 0)
        display->ops->resize(display->opaque, (unsigned)width * SDL_ZOOM_NORMAL / sdl->zoom,
                             (unsigned)height * SDL_ZOOM_NORMAL / sdl->zoom);
    sdl_unlock(sdl);
}

void sdl_window_set_full_screen(struct sdl *sdl, bool on)
{
    sdl->full_screen = on;
    SDL_SetWindowFullscreen(sdl->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    SDL_SetWindowKeyboardGrab(sdl->window, on || sdl->grabbed);
    if (!on)
        sdl_window_fit(sdl);
}

// --- drawing -------------------------------------------------------------------------------------------------------

static void upload(struct sdl *sdl, struct display_rect rect)
{
    SDL_Rect to = {(int)rect.x, (int)rect.y, (int)rect.width, (int)rect.height};
    SDL_UnionRect(&sdl->changed, &to, &sdl->changed);
    SDL_UpdateTexture(sdl->texture, &to, surface_line(sdl->shown, rect.y) + rect.x, (int)sdl->shown->stride);
}

// Goes on to another surface, whose reference is taken over.
static void adopt(struct sdl *sdl, struct surface *surface)
{
    bool same_size = sdl->shown && sdl->texture && surface->width == sdl->shown->width && surface->height == sdl->shown->height;
    surface_drop(sdl->shown);
    sdl->shown = surface;
    if (!same_size) {
        if (sdl->texture)
            SDL_DestroyTexture(sdl->texture);
        sdl->texture = SDL_CreateTexture(sdl->renderer, sdl->texture_format, SDL_TEXTUREACCESS_STREAMING, (int)surface->width,
                                         (int)surface->height);
        if (sdl->texture)
            SDL_SetTextureBlendMode(sdl->texture, SDL_BLENDMODE_NONE);
        if (!sdl->user_sized)
            sdl_window_fit(sdl);
        lay_out(sdl);
    }
    upload(sdl, (struct display_rect){0, 0, surface->width, surface->height});
    sdl->redraw = true;
}

// A display that shows nothing: what the guest is doing, looked at anew now and then.
static void update_blank(struct sdl *sdl)
{
    bool now_blank = !sdl->blank;
    char text[sizeof(sdl->blank_text)] = "";
    uint32_t now = SDL_GetTicks();
    if (!now_blank && (int32_t)(now - sdl->blank_at) < 0)
        return;
    sdl->blank = true;
    sdl->blank_at = now + BLANK_MS;
    sdl->host->describe_guest(sdl->host->opaque, text, sizeof(text));
    if (!now_blank && !strcmp(text, sdl->blank_text))
        return;
    memcpy(sdl->blank_text, text, sizeof(text));
    struct surface *picture = picture_of_text(sdl->font, text);
    if (picture)
        adopt(sdl, picture);
}

// Whether what has changed can be drawn alone. SDL scales a part in another way than all of it.
static bool can_draw_part(const struct sdl *sdl)
{
    return !sdl->redraw && sdl->keeps_drawing && sdl->shown && sdl->picture.w == (int)sdl->shown->width &&
           sdl->picture.h == (int)sdl->shown->height;
}

static void draw(struct sdl *sdl)
{
    int width, height;
    bool part = can_draw_part(sdl);
    SDL_Rect clip = {sdl->picture.x + sdl->changed.x, sdl->picture.y + sdl->changed.y, sdl->changed.w, sdl->changed.h};
    SDL_RenderSetClipRect(sdl->renderer, part ? &clip : NULL);
    SDL_GetRendererOutputSize(sdl->renderer, &width, &height);
    SDL_SetRenderDrawColor(sdl->renderer, 0, 0, 0, 255);
    if (!part && (sdl->picture.w < width || sdl->picture.h < height || !sdl->texture))
        SDL_RenderClear(sdl->renderer);
    if (sdl->texture)
        SDL_RenderCopy(sdl->renderer, sdl->texture, NULL, &sdl->picture);
    sdl_cursor_draw(sdl);
    SDL_RenderPresent(sdl->renderer);
    sdl->redraw = false;
    sdl->changed = (SDL_Rect){0};
}

// What the display has changed.
static void show_update(struct sdl *sdl, struct display_update *update)
{
    if (update->cursor_changed) {
        sdl_cursor_change(sdl, update->cursor);
        update->cursor = NULL;
        sdl->redraw |= sdl->grabbed;
    }
    if (update->cursor_moved) {
        sdl->cursor_x = update->cursor_x;
        sdl->cursor_y = update->cursor_y;
        sdl->redraw |= sdl->grabbed && sdl->cursor_texture;
    }
    if (!update->surface) {
        update_blank(sdl);
    } else if (update->surface_changed || sdl->blank) {
        sdl->blank = false;
        adopt(sdl, update->surface);
        update->surface = NULL;
    } else if (update->damage.count && sdl->texture) {
        for (unsigned i = 0; i < update->damage.count; i++)
            upload(sdl, update->damage.rects[i]);
    }
}

bool sdl_window_update(struct sdl *sdl)
{
    struct display_update update;
    sdl_lock(sdl);
    bool any = display_take(&sdl->view, &update);
    sdl_unlock(sdl);
    if (any)
        show_update(sdl, &update);
    else if (sdl->blank)
        update_blank(sdl);
    display_update_release(&update);
    bool changed = sdl->redraw || !SDL_RectEmpty(&sdl->changed);
    if (changed)
        draw(sdl);
    return changed;
}

void sdl_window_update_title(struct sdl *sdl)
{
    char title[sizeof(sdl->title)], state[128] = "", display_name[32] = "";
    sdl->host->describe_state(sdl->host->opaque, state, sizeof(state));
    sdl_lock(sdl);
    bool several = display_at(sdl->machine, 1);
    if (sdl_display(sdl))
        snprintf(display_name, sizeof(display_name), "%s", sdl_display(sdl)->name);
    sdl_unlock(sdl);
    int used = snprintf(title, sizeof(title), "Lyrebird%s%s", sdl->host->name ? " " : "", sdl->host->name ? sdl->host->name : "");
    size_t room = sizeof(title) - (size_t)used;
    snprintf(title + used, room, "%s%s%s%s%s%s%s%s", several ? " - " : "", several ? display_name : "", *state ? " [" : "", state,
             *state ? "]" : "", sdl->closing ? " - shutting down, close again to end it at once" : "",
             sdl->grabbed ? " - the pointer is held, to release it press " : "", sdl->grabbed ? sdl_grab_name(sdl) : "");
    if (!strcmp(title, sdl->title))
        return;
    memcpy(sdl->title, title, sizeof(title));
    SDL_SetWindowTitle(sdl->window, title);
}

void sdl_window_screenshot(struct sdl *sdl)
{
    char path[64];
    struct error error;
    time_t now = time(NULL);
    struct tm local;
    strftime(path, sizeof(path), "lyrebird-%Y%m%d-%H%M%S.png", localtime_r(&now, &local));
    if (!sdl->shown)
        return;
    if (picture_write(sdl->shown, path, PICTURE_PNG, &error))
        fprintf(stderr, "lyrebird: screenshot: %s\n", error.text);
    else
        fprintf(stderr, "lyrebird: screenshot in %s\n", path);
}
