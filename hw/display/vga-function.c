// SPDX-License-Identifier: MIT
// The VGA in a PCI function. The ports and the window at 0xa0000 are decoded while the command register says so.
#include "hw/display/vga-function.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "hw/display/vga-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    FRAMEBUFFER_BAR = 0,
    REGISTERS_BAR = 2,
    REGISTERS_BYTES = 4096,
    VGA_AT = 0x400,
    VBE_AT = 0x500,
    BYTE_ORDER_AT = 0x604
};
enum {
    WINDOW_BASE = 0xa0000,
    WINDOW_BYTES = 0x20000,
    WINDOW_PRIORITY = 2,
    PORTS = 4,
    VBE_INDEX_PORT = 0x1ce
};

struct port_range {
    struct vga_function *owner;
    uint16_t base;
    struct mem_window window;
};

struct vga_function {
    struct pci_device *pci;
    enum vga_function_kind kind;
    bool has_edid;
    uint8_t edid[EDID_BYTES];
    struct mem_window window;
    struct port_range ports[PORTS];

    struct vga vga;
};

const struct state_field vga_function_state[] = {
    STATE_STRUCT_FIELD(vga_function, vga, vga_state),
    STATE_END,
};

static uint64_t port_read(void *opaque, struct mmio_access access)
{
    const struct port_range *range = opaque;
    return vga_port_read(&range->owner->vga, (uint16_t)(range->base + access.offset));
}

static void port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    const struct port_range *range = opaque;
    vga_port_write(&range->owner->vga, (uint16_t)(range->base + access.offset), (uint8_t)value);
}

// The index is at 0x1ce. The data register is 16 bits wide at 0x1cf, where it arrives in halves, or at 0x1d0
// whole.
static uint64_t vbe_port_read(void *opaque, struct mmio_access access)
{
    const struct vga *vga = &((const struct port_range *)opaque)->owner->vga;
    uint16_t data = vbe_read(vga, vga->vbe_index);
    if (access.offset == 0)
        return vga->vbe_index;
    return access.offset == 2 && access.size == 1 ? data >> 8 : data;
}

static void vbe_port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct vga *vga = &((const struct port_range *)opaque)->owner->vga;
    if (access.offset == 0)
        vga->vbe_index = (uint16_t)value;
    else if (access.offset == 1)
        vga->vbe_low = (uint8_t)value;
    else if (access.offset == 2)
        vbe_write(vga, vga->vbe_index,
                  (uint16_t)(access.size == 1 ? vga->vbe_low | (value & 0xff) << 8 : value));
}

static bool is_vga_port(const struct vga_function *self, unsigned offset)
{
    return self->kind != VGA_FUNCTION_BOCHS && offset >= VGA_AT && offset < VGA_AT + 0x20;
}

static uint64_t registers_read(void *opaque, struct mmio_access access)
{
    struct vga_function *self = opaque;
    struct vga *vga = &self->vga;
    unsigned offset = (unsigned)access.offset;
    if (self->has_edid && range_inside(offset, access.size, EDID_BYTES))
        return load_le(self->edid + offset, access.size);
    if (is_vga_port(self, offset))
        return vga_port_read(vga, (uint16_t)(0x3c0 + offset - VGA_AT)) |
               (access.size == 2 ? (uint64_t)vga_port_read(vga, (uint16_t)(0x3c1 + offset - VGA_AT)) << 8
                                 : 0);
    if (offset >= VBE_AT && offset < VBE_AT + 2 * VBE_REGISTERS)
        return vbe_read(vga, (offset - VBE_AT) / 2);
    // The extension block's size, and its byte order.
    return offset == 0x600 ? 8 : offset == BYTE_ORDER_AT || offset == BYTE_ORDER_AT + 2 ? 0x1e1e : 0;
}

static void registers_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct vga_function *self = opaque;
    struct vga *vga = &self->vga;
    unsigned offset = (unsigned)access.offset;
    if (is_vga_port(self, offset)) {
        for (unsigned i = 0; i < access.size; i++)
            vga_port_write(vga, (uint16_t)(0x3c0 + offset - VGA_AT + i), (uint8_t)(value >> (8 * i)));
    } else if (offset >= VBE_AT && offset < VBE_AT + 2 * VBE_REGISTERS) {
        vbe_write(vga, (offset - VBE_AT) / 2, (uint16_t)value);
    }
}

static const struct mmio_ops port_ops = {port_read, port_write, 1, 1, false};
static const struct mmio_ops vbe_port_ops = {vbe_port_read, vbe_port_write, 1, 2, false};
static const struct mmio_ops registers_ops = {registers_read, registers_write, 1, 2, false};

void vga_function_update(struct vga_function *self)
{
    if (self->kind != VGA_FUNCTION_LEGACY)
        return;
    mem_window_show(&self->window, pci_memory_reaches(self->pci, WINDOW_BASE, WINDOW_BYTES), WINDOW_BASE);
    for (unsigned i = 0; i < PORTS; i++)
        mem_window_show(&self->ports[i].window, pci_command_has(self->pci, PCI_COMMAND_IO),
                        self->ports[i].base);
}

static void add_ports(struct vga_function *self)
{
    static const struct {
        uint16_t base, count;
        const struct mmio_ops *ops;
    } ranges[PORTS] = {{0x3b4, 2, &port_ops},
                       {0x3ba, 1, &port_ops},
                       {0x3c0, 32, &port_ops},
                       {VBE_INDEX_PORT, 4, &vbe_port_ops}};
    for (unsigned i = 0; i < PORTS; i++) {
        struct port_range *range = &self->ports[i];
        struct mem_region_desc desc = {.name = "vga-ports",
                                       .size = ranges[i].count,
                                       .kind = MEM_MMIO,
                                       .ops = ranges[i].ops,
                                       .opaque = range};
        range->owner = self;
        range->base = ranges[i].base;
        range->window = (struct mem_window){self->pci->bus->io, desc, NULL};
    }
}

static int add_memory(struct vga_function *self, uint64_t bytes, struct error *error)
{
    enum { MIB_LOG2 = 20 };
    struct guest_ram *ram = self->pci->device.machine->ram;
    if (!is_power_of_two(bytes) || bytes < UINT64_C(1) << MIB_LOG2 || bytes > UINT64_C(256) << MIB_LOG2)
        return error_set(error, EINVAL, "device '%s': video memory is to be a power of two of 1 to 256 MiB",
                         self->pci->device.type->name);
    self->vga.ram = ram;
    self->vga.memory_bytes = (uint32_t)bytes;
    return guest_ram_carve(ram, bytes, &self->vga.ram_offset, error);
}

static void add_windows(struct vga_function *self)
{
    struct pci_device *pci = self->pci;
    struct mem_region_desc framebuffer = {.name = "vga-framebuffer",
                                          .size = self->vga.memory_bytes,
                                          .kind = MEM_RAM,
                                          .ram_offset = self->vga.ram_offset};
    struct mem_region_desc registers = {
        .name = "vga-registers", .size = REGISTERS_BYTES, .kind = MEM_MMIO, .ops = &registers_ops, .opaque = self};
    struct mem_region_desc window = {.name = "vga-window",
                                     .size = WINDOW_BYTES,
                                     .kind = MEM_MMIO,
                                     .priority = WINDOW_PRIORITY,
                                     .ops = &vga_window_ops,
                                     .opaque = &self->vga,
                                     // A guest that reads the framebuffer just behind them may miss some, but those that have
                                     // one do not store here.
                                     .stores_may_wait = true};
    pci_add_bar(pci, FRAMEBUFFER_BAR, PCI_BAR_MEM32, true, framebuffer);
    pci_add_bar(pci, REGISTERS_BAR, PCI_BAR_MEM32, false, registers);
    if (self->kind != VGA_FUNCTION_LEGACY)
        return;
    self->window = (struct mem_window){pci->bus->memory, window, NULL};
    add_ports(self);
}

int vga_function_create(struct pci_device *pci, enum vga_function_kind kind, uint64_t memory_bytes, const char *rom,
                        struct vga_function **result, struct error *error)
{
    struct vga_function *self = ALLOC(struct vga_function);
    self->pci = pci;
    self->kind = kind;
    int status = add_memory(self, memory_bytes, error);
    if (!status)
        status = pci_add_rom(pci, rom, error);
    if (status) {
        free(self);
        return status;
    }
    add_windows(self);
    self->vga.clock = pci->device.machine->clock;
    vga_display_init(&self->vga);
    vga_reset(&self->vga);
    *result = self;
    return 0;
}

void vga_function_destroy(struct vga_function *self)
{
    vga_display_end(&self->vga);
    mem_window_hide(&self->window);
    for (unsigned i = 0; i < PORTS; i++)
        mem_window_hide(&self->ports[i].window);
    free(self);
}

void vga_function_set_edid(struct vga_function *self, const struct edid_info *info)
{
    self->has_edid = true;
    edid_build(info, self->edid);
}

void vga_function_reset(struct vga_function *self)
{
    vga_reset(&self->vga);
    vga_function_update(self);
}

void vga_function_state_loaded(struct vga_function *self)
{
    vga_function_update(self);
    self->vga.screen.redraw = self->vga.screen.recolor = true;
}

struct display *vga_function_display(struct vga_function *self)
{
    return &self->vga.screen.display;
}
