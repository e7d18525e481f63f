// SPDX-License-Identifier: MIT
// Lines are written from a copy of each: the picture may be memory that a guest is writing to.
#include "ui/picture.h"

#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/core/surface.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"

enum { BYTES_PER_PIXEL = 3, TEXT_WIDTH = 640, TEXT_HEIGHT = 480, TEXT_COLOR = 0xa0a0a0 };

static void copy_line(const struct surface *surface, unsigned y, uint8_t *rgb)
{
    const uint32_t *line = surface_line(surface, y);
    for (unsigned x = 0; x < surface->width; x++, rgb += BYTES_PER_PIXEL) {
        rgb[0] = (uint8_t)(line[x] >> 16);
        rgb[1] = (uint8_t)(line[x] >> 8);
        rgb[2] = (uint8_t)line[x];
    }
}

static bool write_ppm(const struct surface *surface, FILE *file, uint8_t *rgb)
{
    fprintf(file, "P6\n%u %u\n255\n", surface->width, surface->height);
    for (unsigned y = 0; y < surface->height; y++) {
        copy_line(surface, y, rgb);
        fwrite(rgb, BYTES_PER_PIXEL, surface->width, file);
    }
    return true;
}

static bool write_png(const struct surface *surface, FILE *file, uint8_t *rgb)
{
    png_struct *png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_info *info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_init_io(png, file);
    png_set_IHDR(png, info, surface->width, surface->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < surface->height; y++) {
        copy_line(surface, y, rgb);
        png_write_row(png, rgb);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}

int picture_write(const struct surface *surface, const char *path, enum picture_format format, struct error *error)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return error_set(error, errno, "cannot write '%s': %s", path, strerror(errno));
    uint8_t *rgb = ALLOC_ARRAY(uint8_t, (size_t)surface->width * BYTES_PER_PIXEL);
    errno = 0;
    bool good = (format == PICTURE_PNG ? write_png : write_ppm)(surface, file, rgb) && !ferror(file);
    good = !fclose(file) && good;
    free(rgb);
    if (good)
        return 0;
    int reason = errno ? errno : EIO;
    struct stat info;
    if (!stat(path, &info) && S_ISREG(info.st_mode)) // not a device
        unlink(path);
    return error_set(error, reason, "cannot write '%s': %s", path, strerror(reason));
}

struct surface *picture_of_text(const struct font *font, const char *text)
{
    unsigned lines = 1, longest = 0, length = 0;
    for (const char *p = text; *p; p++) {
        length = *p == '\n' ? 0 : length + 1;
        lines += *p == '\n';
        longest = length > longest ? length : longest;
    }
    unsigned width = (longest + 2) * FONT_WIDTH, height = (lines + 2) * FONT_HEIGHT;
    struct surface *surface = surface_create(width < TEXT_WIDTH ? TEXT_WIDTH : width, height < TEXT_HEIGHT ? TEXT_HEIGHT : height);
    if (!surface)
        return NULL;
    unsigned left = (surface->width - longest * FONT_WIDTH) / 2, top = (surface->height - lines * FONT_HEIGHT) / 2, x = left;
    for (const char *p = text; *p; p++) {
        if (*p == '\n') {
            x = left;
            top += FONT_HEIGHT;
            continue;
        }
        font_draw(font, surface, x, top, (uint8_t)*p, TEXT_COLOR, 0);
        x += FONT_WIDTH;
    }
    return surface;
}
