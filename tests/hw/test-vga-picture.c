// SPDX-License-Identifier: MIT
// The VGA's modes, pixel by pixel, as IBM's manual has them.
#include <criterion/criterion.h>

#include "hw/display/vga.h"
#include "vga-bench.h"

static void setup(void)
{
    vga_bench_create(&vga_pci_type);
}

TestSuite(vga_picture, .init = setup, .fini = vga_bench_destroy);

static void expect_size(unsigned width, unsigned height)
{
    vga_look();
    cr_assert(vga_seen.surface, "something is shown");
    cr_assert(vga_seen.surface->width == width && vga_seen.surface->height == height, "%u by %u",
              vga_seen.surface->width, vga_seen.surface->height);
}

// `count` pixels from there on have a color of the converter's table, and the one behind them does not.
static void expect_run(unsigned x, unsigned y, unsigned count, unsigned color)
{
    for (unsigned i = 0; i < count; i++)
        cr_expect_eq(vga_pixel(x + i, y), vga_color(color), "pixel %u, %u is 0x%06x, not 0x%06x", x + i, y,
                     vga_pixel(x + i, y), vga_color(color));
    if (x + count < vga_seen.surface->width)
        cr_expect_neq(vga_pixel(x + count, y), vga_color(color), "pixel %u, %u", x + count, y);
}

static void expect_pixel(unsigned x, unsigned y, unsigned color)
{
    cr_expect_eq(vga_pixel(x, y), vga_color(color), "pixel %u, %u is 0x%06x, not 0x%06x", x, y, vga_pixel(x, y),
                 vga_color(color));
}

// --- text ---

Test(vga_picture, nothing_is_shown_until_a_mode_is_set)
{
    vga_look();
    cr_assert_null(vga_seen.surface);
    vga_set_mode(3);
    expect_size(720, 400);
    vga_indexed(0x3c4, 1, 0x20);
    vga_look();
    cr_assert_null(vga_seen.surface, "the sequencer has the screen off");
    vga_indexed(0x3c4, 1, 0);
    port_read(vga_pci.io, 0x3da, 1);
    port_write(vga_pci.io, 0x3c0, 1, 0);
    vga_look();
    cr_assert_null(vga_seen.surface, "the attribute controller does not look at its palette");
}

Test(vga_picture, characters_of_nine_dots)
{
    vga_set_mode(3);
    vga_indexed(0x3d4, 10, 0x20);
    vga_put_cell(81, 'A', 0x1e);
    vga_put_cell(82, 0xc0, 0x1e);
    vga_put_cell(83, 0xdf, 0x1e);
    vga_put_cell(84, 0xe0, 0x1e);
    for (unsigned i = 0; i < 4; i++)
        vga_put_glyph((const uint8_t[]){'A', 0xc0, 0xdf, 0xe0}[i], 15, 0x81);
    expect_size(720, 400);
    expect_pixel(9, 31, 14);
    expect_run(10, 31, 6, 1);
    expect_run(16, 31, 1, 14);
    expect_pixel(17, 31, 1);   // the ninth dot is background
    expect_run(25, 31, 3, 14); // of lines it is the eighth again, on which the next one's first follows
    expect_run(34, 31, 3, 14);
    expect_pixel(44, 31, 1);
    expect_pixel(9, 30, 1);
    vga_attribute(0x10, 0x08); // no line graphics
    vga_look();
    expect_run(25, 31, 1, 14);
}

Test(vga_picture, forty_columns_and_eight_dots)
{
    vga_set_mode(1);
    vga_put_cell(1, 'A', 7);
    vga_put_glyph('A', 0, 0x40);
    expect_size(720, 400);
    expect_run(18 + 2, 0, 2, 7);
    vga_set_mode(3);
    vga_indexed(0x3c4, 1, 1);
    vga_attribute(0x13, 0);
    expect_size(640, 400);
    expect_run(8 + 1, 0, 1, 7);
}

Test(vga_picture, rows_of_eight_lines)
{
    vga_set_mode(3);
    vga_indexed(0x3d4, 9, 0x47);
    vga_put_cell(49 * 80, 'A', 7);
    vga_put_glyph('A', 7, 0xf0);
    expect_size(720, 400);
    expect_run(0, 399, 4, 7);
    vga_indexed(0x3d4, 9, 0xc3); // four lines, each twice
    vga_put_cell(49 * 80, ' ', 7);
    vga_put_cell(80, 'A', 7);
    vga_put_glyph('A', 3, 0xe0);
    vga_look();
    expect_run(0, 14, 3, 7);
    expect_run(0, 15, 3, 7);
}

Test(vga_picture, two_fonts)
{
    vga_set_mode(3);
    vga_put_cell(0, 'A', 0x07);
    vga_put_cell(1, 'A', 0x0f);
    vga_put_glyph('A', 0, 0x80);
    vga_put_plane(2, 0x6000 + 32 * 'A', 0xc0);
    vga_indexed(0x3c4, 3, 0x24); // A is map 5 (24K), B map 0
    vga_look();
    expect_run(0, 0, 1, 7);
    expect_run(9, 0, 2, 15);
    vga_indexed(0x3c4, 3, 0x11); // the other way round
    vga_look();
    expect_run(0, 0, 2, 7);
    expect_run(9, 0, 1, 15);
    vga_indexed(0x3c4, 3, 0x35); // both are map 5
    vga_look();
    expect_run(0, 0, 2, 7);
    expect_run(9, 0, 2, 15);
}

Test(vga_picture, cursor)
{
    const uint64_t frame = 14268550; // 449 lines of 900 dots at 28.322 MHz
    vga_set_mode(3);
    vga_put_cell(82, ' ', 0x02);
    vga_indexed(0x3d4, 15, 82);
    vga_look();
    expect_run(18, 16 + 13, 9, 2);
    expect_run(18, 16 + 14, 9, 2);
    expect_pixel(18, 16 + 12, 0);
    expect_pixel(18, 16 + 15, 0);
    // Eight frames on, eight off.
    vga_at_ns(9 * frame);
    vga_look();
    expect_pixel(18, 16 + 13, 0);
    vga_at_ns(17 * frame);
    vga_look();
    expect_pixel(18, 16 + 13, 2);
    vga_indexed(0x3d4, 10, 0x2d);
    vga_look();
    expect_pixel(18, 16 + 13, 0);
    vga_indexed(0x3d4, 10, 0x0f); // ends before it starts
    vga_look();
    expect_pixel(18, 16 + 14, 0);
}

Test(vga_picture, blinking_characters)
{
    const uint64_t frame = 14268550;
    vga_set_mode(3);
    vga_indexed(0x3d4, 10, 0x20);
    vga_put_cell(0, 'A', 0x97);
    vga_put_cell(1, 'A', 0x17);
    vga_put_glyph('A', 0, 0xf0);
    vga_look();
    expect_run(0, 0, 4, 7);
    expect_pixel(5, 0, 1);
    vga_at_ns(17 * frame);
    vga_look();
    expect_pixel(0, 0, 1);
    expect_run(9, 0, 4, 7);
    vga_attribute(0x10, 0x04); // bright background instead
    vga_look();
    expect_run(0, 0, 4, 7);
    expect_pixel(5, 0, 9);
}

Test(vga_picture, monochrome_text_is_underlined)
{
    vga_set_mode(7);
    vga_put_cell(0, 'A', 0x01);
    vga_put_cell(1, 'A', 0x07);
    vga_indexed(0x3b4, 10, 0x20);
    expect_size(720, 400);
    expect_run(0, 13, 9, 1);
    expect_pixel(0, 12, 0);
    vga_set_mode(3);
    vga_indexed(0x3d4, 10, 0x20);
    vga_indexed(0x3d4, 0x14, 13);
    vga_look();
    expect_pixel(0, 13, 0);
}

Test(vga_picture, text_is_panned)
{
    vga_set_mode(3);
    vga_put_cell(80, 'A', 7);
    vga_put_cell(81, 'A', 7);
    vga_put_glyph('A', 5, 0xfe);
    vga_indexed(0x3d4, 8, 0x04); // the first row starts with line 4
    vga_look();
    expect_run(0, 12 + 5, 7, 7);
    vga_attribute(0x13, 0); // one dot to the left
    vga_look();
    expect_run(0, 12 + 5, 6, 7);
    expect_run(8, 12 + 5, 7, 7);
    vga_attribute(0x13, 7); // eight dots
    vga_look();
    expect_run(1, 12 + 5, 7, 7);
    vga_indexed(0x3d4, 8, 0x24); // and a character
    vga_look();
    expect_pixel(0, 12 + 5, 0);
    expect_pixel(1, 12 + 5, 0);
}

// --- planes ---

Test(vga_picture, sixteen_colors)
{
    vga_set_mode(0x12);
    vga_put_plane(0, 80 * 479 + 79, 0x03);
    vga_put_plane(3, 80 * 479 + 79, 0x01);
    vga_put_plane(1, 1, 0x80);
    vga_put_plane(2, 1, 0xc0);
    expect_size(640, 480);
    expect_run(638, 479, 1, 1);
    expect_run(639, 479, 1, 9);
    expect_run(8, 0, 1, 6);
    expect_run(9, 0, 1, 4);
    vga_attribute(0x12, 7); // plane 3 is not looked at
    vga_look();
    expect_run(638, 479, 2, 1);
}

Test(vga_picture, planes_of_320_by_200)
{
    vga_set_mode(0x0d);
    vga_put_plane(0, 40 + 1, 0x40);
    expect_size(640, 400);
    for (unsigned y = 2; y < 4; y++)
        expect_run(2 * 9, y, 2, 1);
    expect_pixel(18, 1, 0);
    expect_pixel(18, 4, 0);
}

Test(vga_picture, panned_and_split)
{
    vga_set_mode(0x12);
    vga_indexed(0x3d4, 0x13, 41); // 656 pixels
    vga_indexed(0x3d4, 12, 0x10); // from 0x1000 on
    vga_indexed(0x3d4, 0x18, 99);   // lines up to 99, the upper bits of which are in two other registers
    vga_indexed(0x3d4, 7, 0x2e);
    vga_indexed(0x3d4, 9, 0);
    vga_put_plane(0, 0x1000 + 82 * 99, 0x10);
    vga_put_plane(1, 0, 0x10);
    vga_put_plane(2, 82, 0x10);
    vga_at_ns(1000000000);
    vga_look();
    expect_run(3, 99, 1, 1);
    expect_run(3, 100, 1, 2);
    expect_run(3, 101, 1, 4);
    vga_attribute(0x13, 3);
    vga_look();
    expect_run(0, 99, 1, 1);
    expect_run(0, 100, 1, 2);
    vga_attribute(0x10, 0x21); // the lower part stays
    vga_look();
    expect_run(0, 99, 1, 1);
    expect_run(3, 100, 1, 2);
    vga_attribute(0x13, 7);
    vga_put_plane(3, 0x1000 + 80, 0x80);
    vga_look();
    expect_run(633, 0, 1, 8); // what has been panned in
}

// The hardware takes it when a retrace starts.
Test(vga_picture, start_address_waits_for_retrace)
{
    vga_set_mode(0x12);
    vga_put_plane(0, 0x1234, 0x80);
    vga_put_plane(1, 0, 0x80);
    vga_at_ns(1000000000);
    vga_look();
    expect_pixel(0, 0, 2);
    vga_indexed(0x3d4, 12, 0x12);
    vga_at_ns(1000000000 + 100000);
    vga_look();
    expect_pixel(0, 0, 2);
    vga_indexed(0x3d4, 13, 0x34);
    vga_look();
    expect_pixel(0, 0, 2);
    vga_at_ns(1017000000);
    vga_look();
    expect_pixel(0, 0, 1);
}

// --- CGA ---

Test(vga_picture, four_colors)
{
    vga_set_mode(4);
    // Even lines are in the first 8 KiB, odd ones in the second.
    guest_write(vga_pci.machine, 0xb8000, 4, 0x0000e41b);
    guest_write(vga_pci.machine, 0xb8000 + 0x2000 + 80, 1, 0xc0);
    expect_size(640, 400);
    for (unsigned i = 0; i < 4; i++) {
        expect_pixel(2 * i, 0, i);
        expect_pixel(2 * i + 1, 1, i);
        expect_pixel(8 + 2 * i, 0, 3 - i);
    }
    expect_run(0, 6, 2, 3);
    expect_pixel(0, 5, 0);
    expect_pixel(0, 8, 0);
}

Test(vga_picture, two_colors)
{
    vga_set_mode(6);
    guest_write(vga_pci.machine, 0xb8000 + 80, 1, 0xa0);
    guest_write(vga_pci.machine, 0xb8000 + 0x2000 + 99 * 80 + 79, 1, 0x01);
    expect_size(640, 400);
    expect_run(0, 4, 1, 1);
    expect_run(2, 4, 1, 1);
    expect_pixel(0, 3, 0);
    expect_pixel(639, 398, 1);
    expect_pixel(639, 399, 1);
    expect_pixel(639, 397, 0);
}

// --- 256 colors ---

Test(vga_picture, chained)
{
    vga_set_mode(0x13);
    guest_write(vga_pci.machine, 0xa0000 + 320 * 199 + 316, 4, 0xfdfeff11);
    guest_write(vga_pci.machine, 0xa0001, 1, 77);
    expect_size(640, 400);
    expect_run(2, 0, 2, 77);
    expect_run(2, 1, 2, 77);
    expect_run(632, 399, 2, 0x11);
    expect_run(638, 398, 2, 0xfd);
    vga_attribute(0x13, 2); // one pixel
    vga_look();
    expect_run(0, 0, 2, 77);
    port_write(vga_pci.io, 0x3c6, 1, 0x0f);
    vga_look();
    expect_run(0, 0, 2, 77 & 0x0f);
}

// 320 by 240, as programs make it of mode 0x13.
Test(vga_picture, not_chained)
{
    vga_set_mode(0x13);
    vga_indexed(0x3c4, 4, 6);
    port_write(vga_pci.io, 0x3c2, 1, 0xe3);
    static const uint8_t crtc[][2] = {{0x11, 0x2c}, {6, 0x0d}, {7, 0x3e},    {9, 0x41}, {0x10, 0xea}, {0x11, 0xac},
                                      {0x12, 0xdf}, {0x14, 0}, {0x15, 0xe7}, {0x16, 6}, {0x17, 0xe3}};
    for (unsigned i = 0; i < sizeof(crtc) / sizeof(crtc[0]); i++)
        vga_indexed(0x3d4, crtc[i][0], crtc[i][1]);
    vga_put_plane(3, 239 * 80 + 79, 200);
    vga_put_plane(2, 0x4b00, 99); // the second page
    expect_size(640, 480);
    expect_run(638, 479, 2, 200);
    expect_run(638, 478, 2, 200);
    expect_pixel(638, 477, 0);
    vga_indexed(0x3d4, 12, 0x4b);
    vga_at_ns(1000000000);
    vga_look();
    expect_run(4, 0, 2, 99);
    // 360 by 480: a faster clock, each line once.
    port_write(vga_pci.io, 0x3c2, 1, 0xe7);
    vga_indexed(0x3d4, 0x11, 0x2c);
    vga_indexed(0x3d4, 1, 89);
    vga_indexed(0x3d4, 9, 0x40);
    vga_indexed(0x3d4, 0x13, 45);
    vga_indexed(0x3d4, 12, 0);
    vga_put_plane(3, 479 * 90 + 89, 201);
    vga_at_ns(2000000000);
    expect_size(720, 480);
    expect_run(718, 479, 2, 201);
}

// Bytes of one mode are where IBM's hardware would have them in another one.
Test(vga_picture, addresses_of_the_other_modes)
{
    vga_set_mode(0x13);
    vga_indexed(0x3d4, 0x14, 0);
    vga_indexed(0x3d4, 0x17, 0xe3); // bytes, of which chained writes fill every fourth in each plane
    guest_write(vga_pci.machine, 0xa0000, 4, 0x04030201);
    guest_write(vga_pci.machine, 0xa0004, 4, 0x08070605);
    vga_look();
    expect_run(0, 0, 2, 1);
    expect_run(6, 0, 2, 4);
    expect_run(32, 0, 2, 5);
}

// --- colors ---

Test(vga_picture, palette_and_color_select)
{
    vga_set_mode(0x12);
    vga_put_plane(0, 0, 0x80);
    vga_attribute(1, 0x3a);
    vga_look();
    expect_pixel(0, 0, 0x3a);
    vga_attribute(0x14, 0x0d); // upper two bits 11; the next two 01, if the mode register says so
    vga_look();
    expect_pixel(0, 0, 0xfa);
    vga_attribute(0x10, 0x81);
    vga_look();
    expect_pixel(0, 0, 0xda);
    port_write(vga_pci.io, 0x3c8, 1, 0xda);
    for (unsigned i = 0; i < 3; i++)
        port_write(vga_pci.io, 0x3c9, 1, 0xff);
    vga_look();
    cr_expect_eq(vga_pixel(0, 0), 0xffffff, "six bits fill eight");
}

// --- the Bochs interface ---

static void expect_large(unsigned bits, unsigned bytes, uint64_t value, uint32_t pixel)
{
    vga_set_large_mode(648, 300, bits);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + (uint64_t)(299 * 648 + 647) * bytes, bytes > 2 ? 4 : bytes, value);
    expect_size(648, 300);
    cr_expect_eq(vga_pixel(647, 299), pixel, "%u bits: 0x%06x", bits, vga_pixel(647, 299));
    cr_expect_neq(vga_pixel(646, 299), pixel);
}

Test(vga_picture, depths)
{
    vga_set_mode(3);
    expect_large(8, 1, 0x47, vga_color(0x47));
    expect_large(15, 2, 0x7c1f, 0xff00ff);
    expect_large(15, 2, 0x0210, 0x008484);
    expect_large(16, 2, 0x07e0, 0x00ff00);
    expect_large(16, 2, 0x8410, 0x848284);
    expect_large(24, 3, 0x123456, 0x123456);
    expect_large(32, 4, 0xff654321, 0x654321);
    // The converter's table with 8 bits.
    vga_set_large_mode(648, 300, 8);
    vga_vbe(4, 0x61);
    port_write(vga_pci.io, 0x3c8, 1, 0);
    for (unsigned i = 0; i < 3; i++)
        port_write(vga_pci.io, 0x3c9, 1, 0x81 + i);
    vga_look();
    cr_expect_eq(vga_pixel(0, 0), 0x818283);
}

Test(vga_picture, large_modes_have_a_window)
{
    static const unsigned depths[] = {4, 8, 16, 24, 32};
    vga_set_mode(0x12);
    for (unsigned i = 0; i < 5; i++) {
        unsigned bits = depths[i], at = 5 * 1000 + 11;
        vga_set_large_mode(640, 400, bits);
        vga_vbe(6, 1000);
        vga_vbe(8, 10);
        vga_vbe(9, 5);
        if (bits == 4)
            vga_put_plane(0, at / 8, 0x80 >> at % 8);
        else
            guest_write(vga_pci.machine, VGA_FRAMEBUFFER + at * (bits / 8), 1, 1);
        vga_look();
        cr_expect_eq(vga_pixel(0, 0), bits <= 8 ? vga_color(0) : 0, "%u bits", bits);
        cr_expect_neq(vga_pixel(1, 0), bits <= 8 ? vga_color(0) : 0, "%u bits", bits);
        cr_expect_eq(vga_pixel(2, 0), bits <= 8 ? vga_color(0) : 0, "%u bits", bits);
    }
}
