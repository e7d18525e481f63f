// SPDX-License-Identifier: MIT
// The guest's cursor: the host shows it as its own pointer, as large as the picture makes it, or it is drawn into the picture
// while the pointer is held.
#include "hw/core/machine.h"
#include "ui/sdl-private.h"

enum { HOST_SIDE_MAX = 512 };

// As wide or high as the picture makes it, in the units of mouse events.
static int scaled(unsigned side, int picture, unsigned shown, int points, int pixels)
{
    int64_t value = shown && pixels > 0 ? (int64_t)side * picture * points / ((int64_t)shown * pixels) : side;
    return value < 1 ? 1 : value > HOST_SIDE_MAX ? HOST_SIDE_MAX : (int)value;
}

static SDL_Point host_size(const struct sdl *sdl)
{
    SDL_Point points, pixels;
    const struct display_cursor *image = sdl->cursor_image;
    SDL_GetWindowSize(sdl->window, &points.x, &points.y);
    SDL_GetRendererOutputSize(sdl->renderer, &pixels.x, &pixels.y);
    if (!sdl->shown)
        return (SDL_Point){(int)image->width, (int)image->height};
    return (SDL_Point){scaled(image->width, sdl->picture.w, sdl->shown->width, points.x, pixels.x),
                       scaled(image->height, sdl->picture.h, sdl->shown->height, points.y, pixels.y)};
}

static SDL_Surface *surface_of(struct display_cursor *image)
{
    return SDL_CreateRGBSurfaceWithFormatFrom(image->pixels, (int)image->width, (int)image->height, 32, (int)image->width * 4,
                                              SDL_PIXELFORMAT_ARGB8888);
}

// Hosts want colors that are multiplied by alpha, as the guest's are.
static SDL_Cursor *make_host_cursor(const struct sdl *sdl, SDL_Point size)
{
    struct display_cursor *image = sdl->cursor_image;
    SDL_Surface *from = surface_of(image);
    SDL_Surface *to = SDL_CreateRGBSurfaceWithFormat(0, size.x, size.y, 32, SDL_PIXELFORMAT_ARGB8888);
    SDL_Cursor *cursor = NULL;
    bool sharp = size.x % (int)image->width == 0 && size.y % (int)image->height == 0;
    if (from && to && !(sharp ? SDL_SoftStretch : SDL_SoftStretchLinear)(from, NULL, to, NULL)) {
        // The middle of the pixel that the guest points with.
        int hot_x = (int)((2 * image->hot_x + 1) * (unsigned)size.x / (2 * image->width));
        int hot_y = (int)((2 * image->hot_y + 1) * (unsigned)size.y / (2 * image->height));
        cursor = SDL_CreateColorCursor(to, hot_x < size.x ? hot_x : size.x - 1, hot_y < size.y ? hot_y : size.y - 1);
    }
    SDL_FreeSurface(from);
    SDL_FreeSurface(to);
    return cursor;
}

// SDL's renderers want colors that are not multiplied by alpha.
static SDL_Texture *make_texture(const struct sdl *sdl)
{
    struct display_cursor *image = sdl->cursor_image;
    SDL_Surface *from = surface_of(image), *plain = from ? SDL_ConvertSurfaceFormat(from, SDL_PIXELFORMAT_ARGB8888, 0) : NULL;
    SDL_Texture *texture = NULL;
    for (int y = 0; plain && y < plain->h; y++) {
        uint32_t *line = (uint32_t *)((uint8_t *)plain->pixels + (size_t)y * (size_t)plain->pitch);
        for (int x = 0; x < plain->w; x++) {
            uint32_t alpha = line[x] >> 24, pixel = alpha << 24;
            for (unsigned shift = 0; alpha && shift < 24; shift += 8) {
                uint32_t part = (line[x] >> shift & 0xff) * 255 / alpha;
                pixel |= (part < 255 ? part : 255) << shift;
            }
            line[x] = pixel;
        }
    }
    if (plain)
        texture = SDL_CreateTextureFromSurface(sdl->renderer, plain);
    SDL_FreeSurface(from);
    SDL_FreeSurface(plain);
    return texture;
}

static void free_host_cursor(struct sdl *sdl)
{
    if (sdl->cursor)
        SDL_FreeCursor(sdl->cursor);
    sdl->cursor = NULL;
}

void sdl_cursor_fit(struct sdl *sdl)
{
    if (!sdl->cursor_image)
        return;
    SDL_Point size = host_size(sdl);
    if (sdl->cursor && size.x == sdl->cursor_size.x && size.y == sdl->cursor_size.y)
        return;
    free_host_cursor(sdl);
    sdl->cursor = make_host_cursor(sdl, size);
    sdl->cursor_size = size;
    sdl_cursor_update(sdl);
}

void sdl_cursor_change(struct sdl *sdl, struct display_cursor *image)
{
    sdl_cursor_free(sdl);
    sdl->cursor_image = image;
    if (image) {
        sdl->cursor_texture = make_texture(sdl);
        sdl_cursor_fit(sdl);
    } else {
        sdl_cursor_update(sdl);
    }
}

void sdl_cursor_free(struct sdl *sdl)
{
    free_host_cursor(sdl);
    if (sdl->cursor_texture)
        SDL_DestroyTexture(sdl->cursor_texture);
    sdl->cursor_texture = NULL;
    display_cursor_drop(sdl->cursor_image);
    sdl->cursor_image = NULL;
}

void sdl_cursor_update(struct sdl *sdl)
{
    sdl_lock(sdl);
    bool terminal = display_is_terminal(sdl_display(sdl));
    bool absolute = input_has_position(sdl->machine);
    sdl_unlock(sdl);
    // A guest that takes positions shows a pointer of its own where ours is.
    bool hidden = sdl->grabbed || (absolute && !terminal && !sdl->cursor && !sdl->options->show_cursor);
    if (sdl->cursor && absolute && !terminal)
        SDL_SetCursor(sdl->cursor);
    else
        SDL_SetCursor(SDL_GetDefaultCursor());
    SDL_ShowCursor(hidden ? SDL_DISABLE : SDL_ENABLE);
}

void sdl_cursor_draw(struct sdl *sdl)
{
    const struct display_cursor *image = sdl->cursor_image;
    if (!sdl->cursor_texture || !sdl->grabbed || !sdl->shown)
        return;
    float x_scale = (float)sdl->picture.w / (float)sdl->shown->width, y_scale = (float)sdl->picture.h / (float)sdl->shown->height;
    SDL_FRect at = {(float)sdl->picture.x + (float)(sdl->cursor_x - (int)image->hot_x) * x_scale,
                    (float)sdl->picture.y + (float)(sdl->cursor_y - (int)image->hot_y) * y_scale,
                    (float)image->width * x_scale, (float)image->height * y_scale};
    SDL_RenderCopyF(sdl->renderer, sdl->cursor_texture, NULL, &at);
}
