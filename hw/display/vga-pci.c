// SPDX-License-Identifier: MIT
// The PCI functions of the VGA: BAR 0 is the framebuffer, BAR 2 has the monitor's EDID at 0 and the registers once
// more (VGA ports from 0x400 on, the Bochs interface at 0x500, both little-endian). The ports and the window at 0xa0000
// are where they have always been, decoded while the command register says so; "secondary-vga" has none, and
// "bochs-display" has no more than the Bochs interface.
#include <errno.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/display/edid.h"
#include "hw/display/vga-internal.h"
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

struct vga_pci;

struct port_range {
    struct vga_pci *owner;
    uint16_t base;
    struct mem_window window;
};

struct vga_pci {
    struct pci_device pci;
    uint64_t memory_bytes; // of "bochs-display"; the others have
    uint32_t memory_mib;
    uint32_t width, height, max_width, max_height;
    bool has_edid;
    uint8_t edid[EDID_BYTES];
    struct mem_window window;
    struct port_range ports[PORTS];

    struct vga vga;
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

// The first one: with what a PC's firmware and programs expect.
static bool is_legacy(const struct vga_pci *self)
{
    return self->pci.device.type == &vga_pci_type;
}

static bool is_vga_port(const struct vga_pci *self, unsigned offset)
{
    return self->pci.device.type != &bochs_display_type && offset >= VGA_AT && offset < VGA_AT + 0x20;
}

static uint64_t registers_read(void *opaque, struct mmio_access access)
{
    struct vga_pci *self = opaque;
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
    struct vga_pci *self = opaque;
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

static void update(struct vga_pci *self)
{
    if (!is_legacy(self))
        return;
    mem_window_show(&self->window, pci_memory_reaches(&self->pci, WINDOW_BASE, WINDOW_BYTES), WINDOW_BASE);
    for (unsigned i = 0; i < PORTS; i++)
        mem_window_show(&self->ports[i].window, pci_command_has(&self->pci, PCI_COMMAND_IO),
                        self->ports[i].base);
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset < PCI_CONFIG_HEADER_END)
        update((struct vga_pci *)device);
}

#define CLASS(CODE)                                                                                                    \
    {                                                                                                                  \
        .vendor_id = 0x1234, .device_id = 0x1111, .subsystem_vendor_id = 0x1af4, .subsystem_id = 0x1100,               \
        .revision = 2, .class_code = CODE, .config_written = config_written                                            \
    }
static const struct pci_class vga_class = CLASS(0x030000);
static const struct pci_class other_class = CLASS(0x038000); // a display of another kind
#undef CLASS

static void add_ports(struct vga_pci *self)
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
        range->window = (struct mem_window){self->pci.bus->io, desc, NULL};
    }
}

static int add_memory(struct vga_pci *self, struct error *error)
{
    enum { MIB_LOG2 = 20 };
    struct guest_ram *ram = self->pci.device.machine->ram;
    uint64_t bytes = self->memory_mib ? (uint64_t)self->memory_mib << MIB_LOG2 : self->memory_bytes;
    if (!is_power_of_two(bytes) || bytes < UINT64_C(1) << MIB_LOG2 || bytes > UINT64_C(256) << MIB_LOG2)
        return error_set(error, EINVAL, "device '%s': video memory is to be a power of two of 1 to 256 MiB",
                         self->pci.device.type->name);
    self->vga.ram = ram;
    self->vga.memory_bytes = (uint32_t)bytes;
    return guest_ram_carve(ram, bytes, &self->vga.ram_offset, error);
}

static void build_edid(struct vga_pci *self)
{
    struct edid_info info = {.width = self->width,
                             .height = self->height,
                             .max_width = self->max_width,
                             .max_height = self->max_height,
                             .name = "Lyrebird"};
    edid_build(&info, self->edid);
}

static void add_windows(struct vga_pci *self)
{
    struct pci_device *pci = &self->pci;
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
                                     .opaque = &self->vga};
    pci_add_bar(pci, FRAMEBUFFER_BAR, PCI_BAR_MEM32, true, framebuffer);
    pci_add_bar(pci, REGISTERS_BAR, PCI_BAR_MEM32, false, registers);
    if (!is_legacy(self))
        return;
    self->window = (struct mem_window){pci->bus->memory, window, NULL};
    add_ports(self);
}

static int vga_realize(struct device *device, struct error *error)
{
    struct vga_pci *self = (struct vga_pci *)device;
    struct pci_device *pci = &self->pci;
    int result = pci_realize(pci, is_legacy(self) ? &vga_class : &other_class, error);
    if (result)
        return result;
    result = add_memory(self, error);
    if (!result)
        result = pci_add_rom(pci, is_legacy(self) ? "vgabios-stdvga.bin" : NULL, error);
    if (result) {
        pci_unrealize(pci);
        return result;
    }
    build_edid(self);
    add_windows(self);
    self->vga.clock = device->machine->clock;
    const char *id = device_user_id(device);
    vga_display_add(&self->vga, device->machine, id ? id : device->type->name);
    vga_reset(&self->vga);
    return 0;
}

static void vga_unrealize(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    vga_display_remove(&self->vga);
    mem_window_hide(&self->window);
    for (unsigned i = 0; i < PORTS; i++)
        mem_window_hide(&self->ports[i].window);
    pci_unrealize(&self->pci);
}

static void vga_pci_reset(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    pci_reset(&self->pci);
    vga_reset(&self->vga);
    update(self);
}

static void vga_state_loaded(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    pci_state_loaded(&self->pci);
    update(self);
    self->vga.screen.redraw = self->vga.screen.recolor = true;
}

// Those of the monitor, which the guest learns of by EDID, and of all PCI devices.
#define COMMON_PROPERTIES                                                                                              \
    {"edid", PROPERTY_BOOL, offsetof(struct vga_pci, has_edid), "on", "the monitor has an EDID", NULL},                \
        {"xres", PROPERTY_UINT32, offsetof(struct vga_pci, width), "1280", "width that the monitor prefers", NULL},    \
        {"yres", PROPERTY_UINT32, offsetof(struct vga_pci, height), "800", "height that the monitor prefers", NULL},   \
        {"xmax", PROPERTY_UINT32, offsetof(struct vga_pci, max_width), "0", "largest width it offers", NULL},          \
        {"ymax", PROPERTY_UINT32, offsetof(struct vga_pci, max_height), "0", "largest height it offers", NULL},        \
        PCI_PROPERTIES(vga_pci, pci),                                                                                  \
    {                                                                                                                  \
        NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL                                                                       \
    }

static const struct property vga_properties[] = {
    {"vgamem_mb", PROPERTY_UINT32, offsetof(struct vga_pci, memory_mib), "16", "MiB of video memory", NULL},
    COMMON_PROPERTIES,
};

static const struct property bochs_display_properties[] = {
    {"vgamem", PROPERTY_SIZE, offsetof(struct vga_pci, memory_bytes), "16M", "video memory", NULL},
    COMMON_PROPERTIES,
};

static const struct state_field vga_pci_state[] = {
    STATE_STRUCT_FIELD(vga_pci, pci, pci_state),
    STATE_STRUCT_FIELD(vga_pci, vga, vga_state),
    STATE_END,
};

#define TYPE(NAME, HELP, PROPERTIES)                                                                                   \
    {                                                                                                                  \
        .name = NAME, .help = HELP, .bus = "PCI", .instance_size = sizeof(struct vga_pci), .properties = PROPERTIES,   \
        .state = vga_pci_state, .user_creatable = true, .realize = vga_realize, .unrealize = vga_unrealize,            \
        .reset = vga_pci_reset, .state_loaded = vga_state_loaded                                                       \
    }
const struct device_type vga_pci_type = TYPE("VGA", "standard VGA", vga_properties);
const struct device_type secondary_vga_type = TYPE("secondary-vga", "standard VGA without ports", vga_properties);
const struct device_type bochs_display_type = TYPE("bochs-display", "linear framebuffer", bochs_display_properties);
