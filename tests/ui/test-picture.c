// SPDX-License-Identifier: MIT
// Pictures in files, the font, and UTF-8.
#include <criterion/criterion.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/surface.h"
#include "ui/font.h"
#include "ui/picture.h"
#include "ui/utf8.h"

// Not as wide as its lines are long in memory, and with noise in the byte that means nothing.
static struct surface *sample(uint32_t pixels[3][4])
{
    for (unsigned y = 0; y < 3; y++)
        for (unsigned x = 0; x < 4; x++)
            pixels[y][x] = 0x55000000 | (x * 100) << 16 | (y * 100) << 8 | 7;
    return surface_wrap(3, 3, 16, pixels);
}

Test(picture, a_png_has_the_pixels)
{
    uint32_t pixels[3][4];
    struct surface *surface = sample(pixels);
    struct error error;
    char path[] = "/tmp/pictureXXXXXX";
    close(mkstemp(path));
    cr_assert_eq(picture_write(surface, path, PICTURE_PNG, &error), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t rgb[3 * 3 * 3];
    cr_assert(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    cr_assert(image.width == 3 && image.height == 3);
    cr_assert(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    for (unsigned y = 0; y < 3; y++)
        for (unsigned x = 0; x < 3; x++)
            cr_assert(rgb[(y * 3 + x) * 3] == x * 100 && rgb[(y * 3 + x) * 3 + 1] == y * 100 && rgb[(y * 3 + x) * 3 + 2] == 7);
    surface_drop(surface);
    unlink(path);
}

Test(picture, a_ppm_has_the_pixels)
{
    uint32_t pixels[3][4];
    struct surface *surface = sample(pixels);
    struct error error;
    char path[] = "/tmp/pictureXXXXXX", bytes[64] = "";
    close(mkstemp(path));
    cr_assert_eq(picture_write(surface, path, PICTURE_PPM, &error), 0);
    FILE *file = fopen(path, "rb");
    cr_assert_eq(fread(bytes, 1, sizeof(bytes), file), 11 + 27);
    cr_assert(!memcmp(bytes, "P6\n3 3\n255\n", 11));
    cr_assert(!memcmp(bytes + 11, "\0\0\7\144\0\7\310\0\7\0\144\7", 12));
    fclose(file);
    surface_drop(surface);
    unlink(path);
}

Test(picture, a_file_that_cannot_be_written_is_named)
{
    uint32_t pixels[3][4];
    struct surface *surface = sample(pixels);
    struct error error;
    cr_assert_lt(picture_write(surface, "/nonexistent/a.png", PICTURE_PNG, &error), 0);
    cr_assert(strstr(error.text, "/nonexistent/a.png"));
    cr_assert_lt(picture_write(surface, "/dev/full", PICTURE_PPM, &error), 0);
    surface_drop(surface);
}

static unsigned lit(const struct surface *surface, unsigned x, unsigned y)
{
    unsigned count = 0;
    for (unsigned row = 0; row < FONT_HEIGHT && y + row < surface->height; row++)
        for (unsigned column = 0; column < FONT_WIDTH && x + column < surface->width; column++)
            count += surface_line(surface, y + row)[x + column] == 0xffffff;
    return count;
}

Test(font, characters_are_drawn_in_their_cells)
{
    struct font *font = font_create();
    struct surface *surface = surface_create(20, 20);
    font_draw(font, surface, 0, 0, 0x2588, 0xffffff, 0); // full block
    cr_assert_eq(lit(surface, 0, 0), FONT_WIDTH * FONT_HEIGHT);
    font_draw(font, surface, 8, 0, ' ', 0xffffff, 0);
    cr_assert_eq(lit(surface, 8, 0), 0);
    font_draw(font, surface, 16, 12, 0x2588, 0xffffff, 0); // cut off
    cr_assert_eq(lit(surface, 16, 12), 4 * 8);
    cr_assert_eq(font_glyph(font, 0x1f600), font_glyph(font, '?'));
    // Letters differ from each other and from the unknown.
    for (uint32_t c = 'A'; c < 'Z'; c++)
        cr_assert(memcmp(font_glyph(font, c), font_glyph(font, c + 1), FONT_HEIGHT));
    cr_assert(memcmp(font_glyph(font, 0xe9), font_glyph(font, '?'), FONT_HEIGHT));   // e acute
    cr_assert(memcmp(font_glyph(font, 0x2500), font_glyph(font, '?'), FONT_HEIGHT)); // a line
    surface_drop(surface);
    struct surface *text = picture_of_text(font, "one\nlines of text");
    cr_assert(text->width == 640 && text->height == 480);
    surface_drop(text);
    font_destroy(font);
}

Test(utf8, characters_and_garbage)
{
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    cr_assert_eq(utf8_next(&text), 'a');
    cr_assert_eq(utf8_next(&text), 0xe9);
    cr_assert_eq(utf8_next(&text), 0x20ac);
    cr_assert_eq(utf8_next(&text), 0x1f600);
    cr_assert_eq(utf8_next(&text), 0);
    // Overlong, a surrogate, too large, cut short: passed over.
    static const char *const bad[] = {"\xc0\x80x", "\xed\xa0\x80x", "\xf4\x90\x80\x80x", "\xe2\x82x", "\x80x", "\xffx"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = bad[i];
        cr_assert_eq(utf8_next(&text), 'x', "%zu", i);
    }
    text = "\xe2";
    cr_assert_eq(utf8_next(&text), 0);
}
