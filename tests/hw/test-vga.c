// SPDX-License-Identifier: MIT
// VGA through its registers: text, planes and write modes, the Bochs interface, and where it is decoded.
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "hw/display/vga.h"
#include "vga-bench.h"

static void make(void)
{
    vga_bench_create(&vga_pci_type);
}

static struct display_text text;

static void put(unsigned row, unsigned column, const char *string)
{
    for (; *string; string++, column++)
        guest_write(vga_pci.machine, 0xb8000 + 2 * (row * 80 + column), 2, 0x700u | (uint8_t)*string);
}

static const struct display_cell *cell(unsigned row, unsigned column)
{
    return &text.cells[row * text.columns + column];
}

Test(vga, text_is_read_from_the_screen)
{
    make();
    cr_assert_not(display_get_text(vga_display, &text), "no mode is set");
    vga_set_mode(3);
    put(0, 0, "Hello");
    put(1, 3, "a \xb3\x81");
    put(24, 79, "!");
    guest_write(vga_pci.machine, 0xb8000 + 2 * 81, 2, 0x9c41); // blinking, bright red on blue
    cr_assert(display_get_text(vga_display, &text));
    cr_assert(text.columns == 80 && text.rows == 25);
    cr_assert(cell(0, 0)->code == 'H' && cell(0, 4)->code == 'o' && cell(24, 79)->code == '!');
    cr_assert(cell(1, 3)->code == 'a' && cell(1, 5)->code == 0x2502 && cell(1, 6)->code == 0xfc);
    cr_assert(cell(0, 5)->code == ' ' && cell(0, 0)->foreground == 7 && cell(0, 0)->background == 0);
    cr_assert(cell(1, 1)->foreground == 9 && cell(1, 1)->background == 4 && cell(1, 1)->blink);
    cr_assert_eq(guest_read(vga_pci.machine, 0xb8000, 4), 0x07650748);
    vga_indexed(0x3d4, 15, 81);
    display_get_text(vga_display, &text);
    cr_assert(text.cursor_column == 1 && text.cursor_row == 1);
    // Scrolled by a row.
    vga_indexed(0x3d4, 13, 80);
    display_get_text(vga_display, &text);
    cr_assert(cell(0, 3)->code == 'a' && text.cursor_row == 0);
    vga_indexed(0x3d4, 10, 0x20);
    display_get_text(vga_display, &text);
    cr_assert_eq(text.cursor_row, -1);
    vga_indexed(0x3ce, 6, 5);
    cr_assert_not(display_get_text(vga_display, &text));
    vga_bench_destroy();
}

Test(vga, registers_keep_what_they_have)
{
    make();
    port_write(vga_pci.io, 0x3c2, 1, 0x67);
    cr_assert_eq(port_read(vga_pci.io, 0x3cc, 1), 0x67);
    cr_assert_eq(port_read(vga_pci.io, 0x3b4, 1), 0xff, "the monochrome half is off");
    port_read(vga_pci.io, 0x3da, 1);
    port_write(vga_pci.io, 0x3c0, 1, 5);
    port_write(vga_pci.io, 0x3c0, 1, 0x2a);
    port_write(vga_pci.io, 0x3c0, 1, 5);
    cr_assert_eq(port_read(vga_pci.io, 0x3c1, 1), 0x2a);
    port_read(vga_pci.io, 0x3da, 1); // the next write is an index again
    port_write(vga_pci.io, 0x3c0, 1, 0x30);
    port_write(vga_pci.io, 0x3c0, 1, 0x0c);
    port_read(vga_pci.io, 0x3da, 1);
    cr_assert_neq(port_read(vga_pci.io, 0x3da, 1), port_read(vga_pci.io, 0x3da, 1), "retrace comes and goes");
    vga_indexed(0x3d4, 0x11, 0x80);
    vga_indexed(0x3d4, 1, 10);
    vga_indexed(0x3d4, 7, 0xff);
    port_write(vga_pci.io, 0x3d4, 1, 1);
    cr_assert_eq(port_read(vga_pci.io, 0x3d5, 1), 0, "protected");
    port_write(vga_pci.io, 0x3d4, 1, 7);
    cr_assert_eq(port_read(vga_pci.io, 0x3d5, 1), 0x10);
    port_write(vga_pci.io, 0x3c8, 1, 9);
    for (unsigned i = 1; i <= 6; i++)
        port_write(vga_pci.io, 0x3c9, 1, i);
    port_write(vga_pci.io, 0x3c7, 1, 10);
    for (unsigned i = 4; i <= 6; i++)
        cr_assert_eq(port_read(vga_pci.io, 0x3c9, 1), i);
    vga_bench_destroy();
}

Test(vga, planes_and_write_modes)
{
    make();
    port_write(vga_pci.io, 0x3c2, 1, 3);
    vga_indexed(0x3c4, 4, 6); // no odd/even, no chain
    vga_indexed(0x3ce, 6, 5); // graphics, 64 KiB at 0xa0000
    vga_indexed(0x3ce, 8, 0xff);
    vga_indexed(0x3c4, 2, 0x5);
    guest_write(vga_pci.machine, 0xa0010, 1, 0x3c);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x40, 4), 0x003c003c);
    vga_indexed(0x3ce, 4, 2);
    cr_assert_eq(guest_read(vga_pci.machine, 0xa0010, 1), 0x3c);
    vga_indexed(0x3ce, 4, 1);
    cr_assert_eq(guest_read(vga_pci.machine, 0xa0010, 1), 0);
    // Mode 1 copies latches, to all planes that are on.
    vga_indexed(0x3c4, 2, 0xf);
    vga_indexed(0x3ce, 5, 1);
    guest_read(vga_pci.machine, 0xa0010, 1);
    guest_write(vga_pci.machine, 0xa0020, 1, 0);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x80, 4), 0x003c003c);
    // Mode 2 sets a color under the bit mask.
    vga_indexed(0x3ce, 5, 2);
    vga_indexed(0x3ce, 8, 0x80);
    guest_read(vga_pci.machine, 0xa0020, 1);
    guest_write(vga_pci.machine, 0xa0020, 1, 0xa);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x81, 1), 0x80);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x80, 1), 0x3c);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x83, 1), 0x80);
    // Read mode 1 finds the pixels of a color.
    vga_indexed(0x3ce, 5, 8);
    vga_indexed(0x3ce, 2, 0x5);
    vga_indexed(0x3ce, 7, 0xf);
    cr_assert_eq(guest_read(vga_pci.machine, 0xa0010, 1), 0x3c);
    // Set/reset, and XOR with the latches.
    vga_indexed(0x3ce, 5, 0);
    vga_indexed(0x3ce, 8, 0xff);
    vga_indexed(0x3ce, 0, 0x1);
    vga_indexed(0x3ce, 1, 0x3);
    vga_indexed(0x3ce, 3, 0x18);
    vga_indexed(0x3ce, 4, 0);
    guest_read(vga_pci.machine, 0xa0010, 1);
    guest_write(vga_pci.machine, 0xa0010, 1, 0x0f);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x40, 4), 0x0f3300c3);
    // Chained: bytes of the framebuffer one after the other.
    vga_indexed(0x3c4, 4, 0xe);
    guest_write(vga_pci.machine, 0xa1234, 2, 0xbeef);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x1234, 2), 0xbeef);
    cr_assert_eq(guest_read(vga_pci.machine, 0xb0000, 1), 0xff, "the map is 64 KiB");
    vga_bench_destroy();
}

Test(vga, large_modes)
{
    make();
    cr_assert_eq(vga_vbe_get(0), 0xb0c5);
    cr_assert_eq(vga_vbe_get(10), 256);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 0x500, 2), 0xb0c5);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER, 4, 5);
    vga_set_large_mode(1024, 768, 32);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER, 4), 0, "cleared");
    cr_assert_eq(vga_vbe_get(7), 4096, "lines that fit");
    vga_vbe(1, 9999); // not while it is on
    cr_assert_eq(vga_vbe_get(1), 1024);
    vga_vbe(4, 3);
    cr_assert_eq(vga_vbe_get(1), 16000);
    vga_vbe(4, 0);
    // A bank of the framebuffer in the old window.
    vga_vbe(4, 0xc1);
    vga_vbe(5, 3);
    port_write(vga_pci.io, 0x3c2, 1, 3);
    vga_indexed(0x3ce, 6, 5);
    guest_write(vga_pci.machine, 0xa0000, 1, 0x99);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 0x30000, 1), 0x99);
    vga_bench_destroy();
}

// They go through the planes, in banks of 64 KiB of each.
Test(vga, large_modes_of_16_colors)
{
    make();
    vga_set_mode(0x12);
    vga_set_large_mode(1024, 768, 4);
    vga_vbe(5, 1);
    vga_indexed(0x3c4, 2, 5);
    guest_write(vga_pci.machine, 0xa0003, 1, 0x5a);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_FRAMEBUFFER + 4 * 0x10003, 4), 0x005a005a);
    vga_indexed(0x3ce, 4, 2);
    cr_assert_eq(guest_read(vga_pci.machine, 0xa0003, 1), 0x5a);
    vga_bench_destroy();
}

Test(vga, is_decoded_as_the_command_register_says)
{
    make();
    uint64_t value;
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 0, 4), 0x11111234);
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 8, 4), 0x03000002);
    guest_write(vga_pci.machine, VGA_REGISTERS + 0x404, 2, 0x0f02); // the sequencer's map mask, by memory
    cr_assert_eq(port_read(vga_pci.io, 0x3c5, 1), 0x0f);
    config_set(vga_pci.io, VGA_AT, PCI_COMMAND, 2, 0);
    cr_assert_eq(memory_map_read(vga_pci.io, (struct mem_requester){0}, 0x3cc, 1, &value), MEM_DECODE_ERROR);
    cr_assert_null(memory_map_find(vga_pci.machine->map, 0xa0000));
    vga_bench_destroy();
}

Test(vga, option_rom_of_the_distribution)
{
    if (access("/usr/share/seabios/vgabios-stdvga.bin", R_OK))
        cr_skip_test("no seabios");
    pci_machine_create(&vga_pci, false);
    bare_device(vga_pci.machine, &vga_pci_type, (const char *[]){"addr=2", NULL});
    config_set(vga_pci.io, VGA_AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(vga_pci.io, VGA_AT, 0x30, 4, 0xe2000001);
    cr_assert_eq(guest_read(vga_pci.machine, 0xe2000000, 2), 0xaa55);
    pci_machine_destroy(&vga_pci);
}
