// SPDX-License-Identifier: MIT
// The VGA as a display: what it reports as changed, when it does nothing, and what hostile registers do to it. Its
// time, its EDID and its relatives.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/display/edid.h"
#include "hw/display/vga.h"
#include "vga-bench.h"

static void setup(void)
{
    vga_bench_create(&vga_pci_type);
}

TestSuite(vga_display, .init = setup, .fini = vga_bench_destroy);

// Looks until all that is under way has settled.
static void settle(void)
{
    for (unsigned i = 0; vga_look(); i++)
        cr_assert_lt(i, 4u, "it is never done");
}

static void expect_damage(unsigned x, unsigned y, unsigned width, unsigned height)
{
    cr_assert(vga_look());
    cr_assert_not(vga_seen.surface_changed);
    cr_assert_eq(vga_seen.damage.count, 1);
    struct display_rect r = vga_seen.damage.rects[0];
    cr_assert(r.x == x && r.y == y && r.width == width && r.height == height, "%u, %u: %u by %u", r.x, r.y, r.width,
              r.height);
}

Test(vga_display, characters_are_damage)
{
    vga_set_mode(3);
    for (unsigned i = 0; i < 16; i++)
        vga_put_glyph('A', i, 0xff);
    vga_put_cell(0, ' ', 7);
    vga_put_cell(80, ' ', 7);
    settle();
    guest_write(vga_pci.machine, 0xb8000 + 2 * (80 * 3 + 5), 2, 0x0741);
    expect_damage(5 * 9, 3 * 16, 8, 16);
    settle();
    // The same again is none.
    guest_write(vga_pci.machine, 0xb8000 + 2 * (80 * 3 + 5), 2, 0x0741);
    cr_assert_not(vga_look());
    vga_indexed(0x3d4, 15, 80);
    cr_assert(vga_look());
    cr_assert_eq(vga_seen.damage.count, 2, "where the cursor was and is");
    // A character's shape.
    vga_put_glyph('A', 7, 0x0f);
    expect_damage(5 * 9, 3 * 16 + 7, 4, 1);
}

Test(vga_display, a_blinking_cursor_is_damage)
{
    vga_set_mode(3);
    settle();
    vga_put_cell(0, ' ', 7);
    expect_damage(0, 13, 9, 2);
    settle();
    vga_at_ns(9 * 14268550);
    expect_damage(0, 13, 9, 2);
    vga_at_ns(10 * 14268550);
    cr_assert_not(vga_look());
}

Test(vga_display, lines_are_damage)
{
    static const unsigned depths[] = {8, 16, 24};
    vga_set_mode(0x12);
    for (unsigned i = 0; i < 3; i++) {
        unsigned bytes = depths[i] / 8;
        vga_set_large_mode(640, 480, depths[i]);
        settle();
        guest_write(vga_pci.machine, VGA_FRAMEBUFFER + (uint64_t)bytes * (640 * 200 + 100), 2, 0x1234);
        guest_write(vga_pci.machine, VGA_FRAMEBUFFER + (uint64_t)bytes * (640 * 201 + 108), 2, 0x1234);
        cr_assert(vga_look());
        cr_assert_eq(vga_seen.damage.count, 1);
        struct display_rect r = vga_seen.damage.rects[0];
        cr_assert(r.x == 100 && r.y == 200 && r.height == 2 && r.x + r.width > 108 && r.x + r.width <= 110);
        settle();
    }
    vga_set_large_mode(1024, 768, 32);
    settle();
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 4096 * 300 + 64, 4, 1);
    expect_damage(0, 300, 1024, 1);
}

// Pixels of 32 bits are not copied.
Test(vga_display, shows_the_guests_memory)
{
    vga_set_large_mode(1024, 768, 32);
    settle();
    struct surface *surface = vga_seen.surface;
    cr_assert_null(surface->owned);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 8, 4, 0x00abcdef);
    cr_assert_eq(vga_pixel(2, 0), 0xabcdef, "at once");
    vga_vbe(9, 768); // the other page
    cr_assert(vga_look() && vga_seen.surface_changed);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 4096 * 768, 4, 0x00123456);
    cr_assert_eq(vga_pixel(0, 0), 0x123456);
}

Test(vga_display, modes_change_the_surface_and_colors_the_pixels)
{
    vga_set_mode(0x13);
    settle();
    vga_put_plane(0, 0, 5);
    settle();
    port_write(vga_pci.io, 0x3c8, 1, 5);
    port_write(vga_pci.io, 0x3c9, 1, 1);
    expect_damage(0, 0, 2, 2);
    vga_set_mode(0x12);
    cr_assert(vga_look() && vga_seen.surface_changed && vga_seen.surface->height == 480);
    settle();
    device_reset(vga_device);
    cr_assert(vga_look() && vga_seen.surface_changed && !vga_seen.surface);
    cr_assert_not(vga_look());
}

Test(vga_display, pages_are_watched_while_somebody_looks)
{
    struct display_view view = {0};
    struct guest_ram *ram = vga_pci.machine->ram;
    vga_set_large_mode(640, 480, 32);
    unsigned shown = 0;
    display_attach(vga_display, &view);
    for (uint64_t i = 0; i < ram->used >> GUEST_PAGE_BITS; i++)
        shown += !!(ram->page_flags[i] & PAGE_SHOWN);
    cr_assert_eq(shown, 4096u);
    display_detach(&view);
    for (uint64_t i = 0; i < ram->used >> GUEST_PAGE_BITS; i++)
        cr_assert_not(ram->page_flags[i] & (PAGE_SHOWN | PAGE_DIRTY));
}

// --- time ---

static unsigned status_at(uint64_t ns)
{
    vga_at_ns(ns);
    return (unsigned)port_read(vga_pci.io, 0x3da, 1) & 9;
}

// 640x480 at 60 Hz: 525 lines of 31.777 us, retrace from line 490 on.
Test(vga_display, retrace_comes_with_time)
{
    const uint64_t line = 31777, frame = 525 * line, start = 100 * frame;
    vga_set_mode(0x12);
    cr_assert_eq(status_at(start + 10000), 9, "one has passed since the last look");
    cr_assert_eq(status_at(start + 10001), 0);
    cr_assert_eq(status_at(start + 30000), 1, "horizontal retrace");
    cr_assert_eq(status_at(start + 485 * line), 1, "below the picture");
    cr_assert_eq(status_at(start + 491 * line), 9);
    cr_assert_eq(status_at(start + 524 * line), 9);
    cr_assert_eq(status_at(start + frame + 200), 0);
    // None is missed by a program that was kept from looking.
    cr_assert_eq(status_at(start + 2 * frame + 200), 9);
    cr_assert_eq(status_at(start + 2 * frame + 300), 0);
    // While time stands still, nobody waits for ever.
    cr_assert_neq(status_at(start + 2 * frame + 300), status_at(start + 2 * frame + 300));
}

// --- its monitor and its relatives ---

Test(vga_display, edid)
{
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS, 4), 0xffffff00);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 4, 4), 0x00ffffff);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 54 + 2, 1), 1280 & 0xff);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 128, 1), 2, "the extension");
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + EDID_BYTES, 2), 0);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 0x600, 2), 8);
}

static void make_other(const struct device_type *type)
{
    vga_bench_destroy();
    vga_bench_create(type);
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 0, 4), 0x11111234);
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 9, 2), 0x8000, "a display of another kind");
    cr_assert_null(memory_map_find(vga_pci.machine->map, 0xa0000));
    cr_assert_null(memory_map_find(vga_pci.io, 0x3c0));
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS, 4), 0xffffff00);
    static const uint16_t registers[][2] = {{1, 800}, {2, 600}, {3, 32}, {4, 0x41}};
    for (unsigned i = 0; i < 4; i++)
        guest_write(vga_pci.machine, VGA_REGISTERS + 0x500 + 2 * registers[i][0], 2, registers[i][1]);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 4, 4, 0x112233);
    vga_look();
    cr_assert(vga_seen.surface && vga_seen.surface->width == 800 && vga_seen.surface->height == 600);
    cr_assert_eq(vga_pixel(1, 0), 0x112233);
}

Test(vga_display, bochs_display)
{
    make_other(&bochs_display_type);
    guest_write(vga_pci.machine, VGA_REGISTERS + 0x402, 1, 0x67);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 0x40c, 1), 0, "no registers of IBM's");
}

Test(vga_display, secondary_vga)
{
    make_other(&secondary_vga_type);
    guest_write(vga_pci.machine, VGA_REGISTERS + 0x402, 1, 0x67);
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 0x40c, 1), 0x67);
}

// --- hostile guests ---

static uint32_t seed;

static uint32_t next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void disturb(void)
{
    struct memory_map *io = vga_pci.io, *map = vga_pci.machine->map;
    struct mem_requester guest = {0};
    uint32_t kind = next() >> 13 & 7, value = next();
    uint64_t ignored;
    switch (kind) {
    case 0:
        memory_map_write(io, guest, 0x3b0 + value % 48, 2, value >> 6);
        break;
    case 1:
        vga_vbe(value % 16, value & 0x100000 ? next() & 0xfff : next());
        break;
    case 2:
        memory_map_read(io, guest, 0x3b0 + value % 48, 1, &ignored);
        break;
    case 3:
        guest_write(vga_pci.machine, VGA_REGISTERS + (value & 0xffe), 2, value >> 12);
        break;
    case 4:
        memory_map_read(map, guest, 0xa0000 + value % 0x20000, 4, &ignored);
        break;
    case 5:
        guest_write(vga_pci.machine, VGA_FRAMEBUFFER + value % ((16 << 20) - 4), 4, next());
        break;
    case 6:
        // What is needed to see anything.
        port_write(io, 0x3c2, 1, value | 3);
        port_write(io, 0x3c4, 2, 1 | (value & 9) << 8);
        port_read(io, 0x3da, 1);
        port_write(io, 0x3c0, 1, 0x20);
        vga_vbe(4, value >> 8 & 0x41);
        break;
    default:
        memory_map_write(map, guest, 0xa0000 + value % 0x20000, 4, next());
    }
}

static uint32_t sum(const struct surface *surface)
{
    uint32_t result = 0;
    for (unsigned y = 0; surface && y < surface->height; y++)
        for (unsigned x = 0; x < surface->width; x += 1 + x / 64)
            result = result * 31 + surface_line(surface, y)[x];
    return result;
}

Test(vga_display, hostile_registers)
{
    static struct display_text text;
    uint32_t all = 0;
    unsigned modes = 0;
    for (seed = 1; seed < 3; seed++)
        for (unsigned i = 0; i < 15000; i++) {
            disturb();
            if (i % 16)
                continue;
            vga_at_ns((uint64_t)i * 1000003 * (1 + next() % 5));
            vga_look();
            modes += vga_seen.surface_changed && vga_seen.surface;
            if (i % 256 == 0)
                all += sum(vga_seen.surface);
            display_get_text(vga_display, &text);
        }
    cr_log_info("%u modes, %x", modes, all);
    cr_assert_gt(modes, 50u);
}
