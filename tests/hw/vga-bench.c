// SPDX-License-Identifier: MIT
#include "vga-bench.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hw/display/vga.h"

struct pci_machine vga_pci;
struct device *vga_device;
struct display *vga_display;
struct display_update vga_seen;
static struct display_view view;

struct mode {
    uint8_t number, misc, sequencer[5], graphics[9], attribute[5], crtc[25];
};

// Number, miscellaneous output, sequencer, graphics, attribute registers from 0x10 on, CRTC.
static const struct mode modes[] = {
    {0x01, 0x67, "\x03\x08\x03\x00\x02", "\x00\x00\x00\x00\x00\x10\x0e\x00\xff", "\x0c\x00\x0f\x08\x00",
     "\x2d\x27\x28\x90\x2b\xa0\xbf\x1f\x00\x4f\x0d\x0e\x00\x00\x00\x00\x9c\x8e\x8f\x14\x1f\x96\xb9\xa3\xff"},
    {0x03, 0x67, "\x03\x00\x03\x00\x02", "\x00\x00\x00\x00\x00\x10\x0e\x00\xff", "\x0c\x00\x0f\x08\x00",
     "\x5f\x4f\x50\x82\x55\x81\xbf\x1f\x00\x4f\x0d\x0e\x00\x00\x00\x00\x9c\x8e\x8f\x28\x1f\x96\xb9\xa3\xff"},
    {0x04, 0x63, "\x03\x09\x03\x00\x02", "\x00\x00\x00\x00\x00\x30\x0f\x00\xff", "\x01\x00\x03\x00\x00",
     "\x2d\x27\x28\x90\x2b\x80\xbf\x1f\x00\xc1\x00\x00\x00\x00\x00\x00\x9c\x8e\x8f\x14\x00\x96\xb9\xa2\xff"},
    {0x06, 0x63, "\x03\x01\x01\x00\x06", "\x00\x00\x00\x00\x00\x00\x0d\x00\xff", "\x01\x00\x01\x00\x00",
     "\x5f\x4f\x50\x82\x54\x80\xbf\x1f\x00\xc1\x00\x00\x00\x00\x00\x00\x9c\x8e\x8f\x28\x00\x96\xb9\xc2\xff"},
    {0x07, 0x66, "\x03\x00\x03\x00\x02", "\x00\x00\x00\x00\x00\x10\x0a\x00\xff", "\x0e\x00\x0f\x08\x00",
     "\x5f\x4f\x50\x82\x55\x81\xbf\x1f\x00\x4f\x0d\x0e\x00\x00\x00\x00\x9c\x8e\x8f\x28\x0d\x96\xb9\xa3\xff"},
    {0x0d, 0x63, "\x03\x09\x0f\x00\x06", "\x00\x00\x00\x00\x00\x00\x05\x0f\xff", "\x01\x00\x0f\x00\x00",
     "\x2d\x27\x28\x90\x2b\x80\xbf\x1f\x00\xc0\x00\x00\x00\x00\x00\x00\x9c\x8e\x8f\x14\x00\x96\xb9\xe3\xff"},
    {0x12, 0xe3, "\x03\x01\x0f\x00\x06", "\x00\x00\x00\x00\x00\x00\x05\x0f\xff", "\x01\x00\x0f\x00\x00",
     "\x5f\x4f\x50\x82\x54\x80\x0b\x3e\x00\x40\x00\x00\x00\x00\x00\x00\xea\x8c\xdf\x28\x00\xe7\x04\xe3\xff"},
    {0x13, 0x63, "\x03\x01\x0f\x00\x0e", "\x00\x00\x00\x00\x00\x40\x05\x0f\xff", "\x41\x00\x0f\x00\x00",
     "\x5f\x4f\x50\x82\x54\x80\xbf\x1f\x00\x41\x00\x00\x00\x00\x00\x00\x9c\x8e\x8f\x28\x40\x96\xb9\xa3\xff"},
};

void vga_bench_create(const struct device_type *type)
{
    pci_machine_create(&vga_pci, false);
    vga_device = bare_device(vga_pci.machine, type, (const char *[]){"addr=2", "romfile=", NULL});
    config_set(vga_pci.io, VGA_AT, 0x10, 4, (uint32_t)VGA_FRAMEBUFFER);
    config_set(vga_pci.io, VGA_AT, 0x18, 4, (uint32_t)VGA_REGISTERS);
    config_set(vga_pci.io, VGA_AT, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    vga_display = display_at(vga_pci.machine, 0);
    vga_seen = (struct display_update){0};
}

void vga_bench_destroy(void)
{
    display_update_release(&vga_seen);
    display_detach(&view);
    pci_machine_destroy(&vga_pci);
}

void vga_indexed(uint16_t port, unsigned index, unsigned value)
{
    port_write(vga_pci.io, port, 2, index | value << 8);
}

static bool is_color(void)
{
    return port_read(vga_pci.io, 0x3cc, 1) & 1;
}

void vga_attribute(unsigned index, unsigned value)
{
    port_read(vga_pci.io, is_color() ? 0x3da : 0x3ba, 1);
    port_write(vga_pci.io, 0x3c0, 1, index);
    port_write(vga_pci.io, 0x3c0, 1, value);
    port_write(vga_pci.io, 0x3c0, 1, 0x20);
}

void vga_vbe(unsigned index, unsigned value)
{
    port_write(vga_pci.io, 0x1ce, 2, index);
    port_write(vga_pci.io, 0x1cf, 2, value);
}

unsigned vga_vbe_get(unsigned index)
{
    port_write(vga_pci.io, 0x1ce, 2, index);
    return (unsigned)port_read(vga_pci.io, 0x1cf, 2);
}

void vga_set_large_mode(unsigned width, unsigned height, unsigned bits)
{
    vga_vbe(4, 0);
    vga_vbe(1, width);
    vga_vbe(2, height);
    vga_vbe(3, bits);
    vga_vbe(4, 0x41);
}

static void set_table(void)
{
    port_write(vga_pci.io, 0x3c6, 1, 0xff);
    port_write(vga_pci.io, 0x3c8, 1, 0);
    for (unsigned i = 0; i < 256; i++) {
        port_write(vga_pci.io, 0x3c9, 1, i & 63);
        port_write(vga_pci.io, 0x3c9, 1, 63 - (i & 63));
        port_write(vga_pci.io, 0x3c9, 1, i >> 2);
    }
}

static uint32_t full(unsigned six)
{
    return six << 2 | six >> 4;
}

uint32_t vga_color(unsigned index)
{
    return full(index & 63) << 16 | full(63 - (index & 63)) << 8 | full(index >> 2);
}

void vga_set_mode(unsigned number)
{
    const struct mode *mode = modes;
    while (mode->number != number)
        mode++;
    port_write(vga_pci.io, 0x3c2, 1, mode->misc);
    for (unsigned i = 0; i < 5; i++)
        vga_indexed(0x3c4, i, mode->sequencer[i]);
    uint16_t crtc = is_color() ? 0x3d4 : 0x3b4;
    vga_indexed(crtc, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        vga_indexed(crtc, i, mode->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        vga_indexed(0x3ce, i, mode->graphics[i]);
    for (unsigned i = 0; i < 21; i++)
        vga_attribute(i, i < 16 ? i : mode->attribute[i - 16]);
    set_table();
}

void vga_at_ns(uint64_t ns)
{
    event_clock_set_now(vga_pci.machine->clock, ns);
}

bool vga_look(void)
{
    display_update_release(&vga_seen);
    if (!view.display)
        display_attach(vga_display, &view);
    return display_take(&view, &vga_seen);
}

uint32_t vga_pixel(unsigned x, unsigned y)
{
    cr_assert(vga_seen.surface && x < vga_seen.surface->width && y < vga_seen.surface->height, "%u, %u", x, y);
    return surface_line(vga_seen.surface, y)[x] & 0xffffff;
}

void vga_put_plane(unsigned plane, unsigned address, unsigned byte)
{
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 4 * address + plane, 1, byte);
}

void vga_put_cell(unsigned cell, unsigned code, unsigned attribute)
{
    vga_put_plane(0, cell, code);
    vga_put_plane(1, cell, attribute);
}

void vga_put_glyph(unsigned code, unsigned line, unsigned dots)
{
    vga_put_plane(2, 32 * code + line, dots);
}
