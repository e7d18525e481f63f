// SPDX-License-Identifier: MIT
// VGA through its registers: text, planes and write modes, the Bochs interface, and where it is decoded.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/display/vga.h"
#include "pci-machine.h"

enum { AT = PCI_DEVFN(2, 0) };
#define FRAMEBUFFER UINT64_C(0xe0000000)
#define REGISTERS UINT64_C(0xe1000000)

static struct pci_machine pci;
static struct device *vga;

static void make(void)
{
    pci_machine_create(&pci, false);
    vga = bare_device(pci.machine, &vga_pci_type, (const char *[]){"addr=2", "romfile=", NULL});
    config_set(pci.io, AT, 0x10, 4, (uint32_t)FRAMEBUFFER);
    config_set(pci.io, AT, 0x18, 4, (uint32_t)REGISTERS);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

static void indexed(uint16_t port, unsigned index, unsigned value)
{
    port_write(pci.io, port, 2, index | value << 8);
}

// Mode 3, as firmware sets it: 80 by 25 characters of 16 lines.
static void set_text_mode(void)
{
    port_write(pci.io, 0x3c2, 1, 0x67);
    indexed(0x3c4, 2, 3);
    indexed(0x3c4, 4, 2);
    indexed(0x3ce, 5, 0x10);
    indexed(0x3ce, 6, 0x0e);
    indexed(0x3ce, 8, 0xff);
    static const uint8_t crtc[][2] = {{1, 79}, {7, 0x1f}, {9, 0x4f}, {12, 0}, {13, 0}, {18, 0x8f}, {19, 40}};
    for (unsigned i = 0; i < sizeof(crtc) / sizeof(crtc[0]); i++)
        indexed(0x3d4, crtc[i][0], crtc[i][1]);
}

static void put(unsigned row, unsigned column, const char *text)
{
    for (; *text; text++, column++)
        guest_write(pci.machine, 0xb8000 + 2 * (row * 80 + column), 2, 0x700u | (uint8_t)*text);
}

Test(vga, text_is_read_from_the_screen)
{
    char text[4096];
    make();
    set_text_mode();
    put(0, 0, "Hello");
    put(1, 3, "a \xb3\xc4");
    put(24, 79, "!");
    cr_assert_gt(vga_text(vga, text, sizeof(text)), 0);
    cr_assert_eq(strncmp(text, "Hello\n   a |-\n\n", 14), 0, "%s", text);
    unsigned lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    cr_assert_eq(lines, 25);
    cr_assert_str_eq(text + strlen(text) - 2, "!\n");
    cr_assert_eq(guest_read(pci.machine, 0xb8000, 4), 0x07650748);
    // Scrolled by a row.
    indexed(0x3d4, 13, 80);
    vga_text(vga, text, sizeof(text));
    cr_assert_eq(strncmp(text, "   a", 4), 0);
    // It never writes more than there is room for.
    memset(text, 'x', sizeof(text));
    cr_assert_gt(vga_text(vga, text, 4), 4);
    cr_assert_eq(text[3], '\0');
    cr_assert_eq(text[4], 'x');
    indexed(0x3ce, 6, 5);
    cr_assert_eq(vga_text(vga, text, sizeof(text)), 0);
    pci_machine_destroy(&pci);
}

Test(vga, registers_keep_what_they_have)
{
    make();
    port_write(pci.io, 0x3c2, 1, 0x67);
    cr_assert_eq(port_read(pci.io, 0x3cc, 1), 0x67);
    cr_assert_eq(port_read(pci.io, 0x3b4, 1), 0xff, "the monochrome half is off");
    port_read(pci.io, 0x3da, 1);
    port_write(pci.io, 0x3c0, 1, 5);
    port_write(pci.io, 0x3c0, 1, 0x2a);
    port_write(pci.io, 0x3c0, 1, 5);
    cr_assert_eq(port_read(pci.io, 0x3c1, 1), 0x2a);
    port_read(pci.io, 0x3da, 1); // the next write is an index again
    port_write(pci.io, 0x3c0, 1, 0x30);
    port_write(pci.io, 0x3c0, 1, 0x0c);
    port_read(pci.io, 0x3da, 1);
    cr_assert_neq(port_read(pci.io, 0x3da, 1), port_read(pci.io, 0x3da, 1), "retrace comes and goes");
    indexed(0x3d4, 0x11, 0x80);
    indexed(0x3d4, 1, 10);
    indexed(0x3d4, 7, 0xff);
    port_write(pci.io, 0x3d4, 1, 1);
    cr_assert_eq(port_read(pci.io, 0x3d5, 1), 0, "protected");
    port_write(pci.io, 0x3d4, 1, 7);
    cr_assert_eq(port_read(pci.io, 0x3d5, 1), 0x10);
    port_write(pci.io, 0x3c8, 1, 9);
    for (unsigned i = 1; i <= 6; i++)
        port_write(pci.io, 0x3c9, 1, i);
    port_write(pci.io, 0x3c7, 1, 10);
    for (unsigned i = 4; i <= 6; i++)
        cr_assert_eq(port_read(pci.io, 0x3c9, 1), i);
    pci_machine_destroy(&pci);
}

Test(vga, planes_and_write_modes)
{
    make();
    port_write(pci.io, 0x3c2, 1, 3);
    indexed(0x3c4, 4, 6); // no odd/even, no chain
    indexed(0x3ce, 6, 5); // graphics, 64 KiB at 0xa0000
    indexed(0x3ce, 8, 0xff);
    indexed(0x3c4, 2, 0x5);
    guest_write(pci.machine, 0xa0010, 1, 0x3c);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x40, 4), 0x003c003c);
    indexed(0x3ce, 4, 2);
    cr_assert_eq(guest_read(pci.machine, 0xa0010, 1), 0x3c);
    indexed(0x3ce, 4, 1);
    cr_assert_eq(guest_read(pci.machine, 0xa0010, 1), 0);
    // Mode 1 copies latches, to all planes that are on.
    indexed(0x3c4, 2, 0xf);
    indexed(0x3ce, 5, 1);
    guest_read(pci.machine, 0xa0010, 1);
    guest_write(pci.machine, 0xa0020, 1, 0);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x80, 4), 0x003c003c);
    // Mode 2 sets a color under the bit mask.
    indexed(0x3ce, 5, 2);
    indexed(0x3ce, 8, 0x80);
    guest_read(pci.machine, 0xa0020, 1);
    guest_write(pci.machine, 0xa0020, 1, 0xa);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x81, 1), 0x80);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x80, 1), 0x3c);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x83, 1), 0x80);
    // Read mode 1 finds the pixels of a color.
    indexed(0x3ce, 5, 8);
    indexed(0x3ce, 2, 0x5);
    indexed(0x3ce, 7, 0xf);
    cr_assert_eq(guest_read(pci.machine, 0xa0010, 1), 0x3c);
    // Set/reset, and XOR with the latches.
    indexed(0x3ce, 5, 0);
    indexed(0x3ce, 8, 0xff);
    indexed(0x3ce, 0, 0x1);
    indexed(0x3ce, 1, 0x3);
    indexed(0x3ce, 3, 0x18);
    indexed(0x3ce, 4, 0);
    guest_read(pci.machine, 0xa0010, 1);
    guest_write(pci.machine, 0xa0010, 1, 0x0f);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x40, 4), 0x0f3300c3);
    // Chained: bytes of the framebuffer one after the other.
    indexed(0x3c4, 4, 0xe);
    guest_write(pci.machine, 0xa1234, 2, 0xbeef);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x1234, 2), 0xbeef);
    cr_assert_eq(guest_read(pci.machine, 0xb0000, 1), 0xff, "the map is 64 KiB");
    pci_machine_destroy(&pci);
}

static void vbe(unsigned index, unsigned value)
{
    port_write(pci.io, 0x1ce, 2, index);
    port_write(pci.io, 0x1cf, 2, value);
}

static unsigned vbe_get(unsigned index)
{
    port_write(pci.io, 0x1ce, 2, index);
    return (unsigned)port_read(pci.io, 0x1cf, 2);
}

Test(vga, large_modes)
{
    struct vga_screen screen;
    make();
    cr_assert_eq(vbe_get(0), 0xb0c5);
    cr_assert_eq(vbe_get(10), 256);
    cr_assert_eq(guest_read(pci.machine, REGISTERS + 0x500, 2), 0xb0c5);
    guest_write(pci.machine, FRAMEBUFFER, 4, 5);
    vbe(1, 1024);
    vbe(2, 768);
    vbe(3, 32);
    vbe(4, 0x41);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER, 4), 0, "cleared");
    vga_get_screen(vga, &screen);
    cr_assert_eq(screen.width, 1024);
    cr_assert_eq(screen.height, 768);
    cr_assert_eq(screen.bits, 32);
    cr_assert_eq(screen.bytes_per_line, 4096);
    guest_write(pci.machine, FRAMEBUFFER + 4096, 4, 0xabcdef);
    cr_assert_eq(screen.pixels[4096], 0xef);
    cr_assert_eq(vbe_get(7), 4096, "lines that fit");
    vbe(9, 1);
    vga_get_screen(vga, &screen);
    cr_assert_eq(screen.pixels[0], 0xef);
    vbe(1, 9999); // not while it is on
    cr_assert_eq(vbe_get(1), 1024);
    vbe(4, 3);
    cr_assert_eq(vbe_get(1), 16000);
    vbe(4, 0);
    vga_get_screen(vga, &screen);
    cr_assert_null(screen.pixels);
    // A bank of the framebuffer in the old window.
    vbe(4, 0xc1);
    vbe(5, 3);
    port_write(pci.io, 0x3c2, 1, 3);
    indexed(0x3ce, 6, 5);
    guest_write(pci.machine, 0xa0000, 1, 0x99);
    cr_assert_eq(guest_read(pci.machine, FRAMEBUFFER + 0x30000, 1), 0x99);
    pci_machine_destroy(&pci);
}

Test(vga, is_decoded_as_the_command_register_says)
{
    make();
    uint64_t value;
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x11111234);
    cr_assert_eq(config_get(pci.io, AT, 8, 4), 0x03000002);
    guest_write(pci.machine, REGISTERS + 0x404, 2, 0x0f02); // the sequencer's map mask, by memory
    cr_assert_eq(port_read(pci.io, 0x3c5, 1), 0x0f);
    config_set(pci.io, AT, PCI_COMMAND, 2, 0);
    cr_assert_eq(memory_map_read(pci.io, (struct mem_requester){0}, 0x3cc, 1, &value), MEM_DECODE_ERROR);
    cr_assert_null(memory_map_find(pci.machine->map, 0xa0000));
    pci_machine_destroy(&pci);
}

Test(vga, option_rom_of_the_distribution)
{
    if (access("/usr/share/seabios/vgabios-stdvga.bin", R_OK))
        cr_skip_test("no seabios");
    pci_machine_create(&pci, false);
    bare_device(pci.machine, &vga_pci_type, (const char *[]){"addr=2", NULL});
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, 0x30, 4, 0xe2000001);
    cr_assert_eq(guest_read(pci.machine, 0xe2000000, 2), 0xaa55);
    pci_machine_destroy(&pci);
}

Test(vga, hostile_registers)
{
    static char text[70000];
    struct vga_screen screen;
    make();
    uint32_t seed = 1;
    for (unsigned i = 0; i < 60000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t value = seed >> 9;
        uint64_t ignored;
        switch (seed >> 29) {
        case 0:
            memory_map_write(pci.io, (struct mem_requester){0}, 0x3b0 + value % 48, 2, value >> 6);
            break;
        case 1:
            vbe(value % 16, i % 3 ? value >> 4 & 0xfff : value);
            break;
        case 2:
            memory_map_read(pci.io, (struct mem_requester){0}, 0x3b0 + value % 48, 1, &ignored);
            break;
        case 3:
            guest_write(pci.machine, REGISTERS + (value & 0xffe), 2, value >> 12);
            break;
        case 4:
            memory_map_read(pci.machine->map, (struct mem_requester){0}, 0xa0000 + value % 0x20000, 4,
                            &ignored);
            break;
        case 5:
            if (i % 64 == 0)
                vga_text(vga, text, sizeof(text));
            vga_get_screen(vga, &screen);
            cr_assert(!screen.pixels || (screen.height - 1) * (uint64_t)screen.bytes_per_line < 16 << 20);
            break;
        default:
            memory_map_write(pci.machine->map, (struct mem_requester){0}, 0xa0000 + value % 0x20000, 4, seed);
        }
    }
    pci_machine_destroy(&pci);
}
