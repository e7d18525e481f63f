// SPDX-License-Identifier: MIT
// The PCI functions of the VGA (hw/display/vga-function.h): "VGA", "secondary-vga", and "bochs-display".
#include <stdio.h>

#include "hw/core/display.h"
#include "hw/core/machine.h"
#include "hw/display/vga-function.h"
#include "hw/display/vga.h"
#include "hw/pci/pci.h"

struct vga_pci {
    struct pci_device pci;
    struct vga_function *function;
    uint64_t memory_bytes; // of "bochs-display"; the others have
    uint32_t memory_mib;
    uint32_t width, height, max_width, max_height;
    bool has_edid;
};

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset < PCI_CONFIG_HEADER_END)
        vga_function_update(((struct vga_pci *)device)->function);
}

#define CLASS(CODE)                                                                                                    \
    {                                                                                                                  \
        .vendor_id = 0x1234, .device_id = 0x1111, .subsystem_vendor_id = 0x1af4, .subsystem_id = 0x1100,               \
        .revision = 2, .class_code = CODE, .config_written = config_written                                            \
    }
static const struct pci_class vga_class = CLASS(0x030000);
static const struct pci_class other_class = CLASS(0x038000); // a display of another kind
#undef CLASS

static enum vga_function_kind kind_of(const struct device_type *type)
{
    return type == &vga_pci_type         ? VGA_FUNCTION_LEGACY
           : type == &secondary_vga_type ? VGA_FUNCTION_SECONDARY
                                         : VGA_FUNCTION_BOCHS;
}

static void set_edid(const struct vga_pci *self)
{
    struct edid_info info = {.width = self->width,
                             .height = self->height,
                             .max_width = self->max_width,
                             .max_height = self->max_height,
                             .name = "Lyrebird"};
    if (self->has_edid)
        vga_function_set_edid(self->function, &info);
}

static int vga_realize(struct device *device, struct error *error)
{
    enum { MIB_LOG2 = 20 };
    struct vga_pci *self = (struct vga_pci *)device;
    struct pci_device *pci = &self->pci;
    bool first = kind_of(device->type) == VGA_FUNCTION_LEGACY; // with what a PC's firmware and programs expect
    uint64_t bytes = self->memory_mib ? (uint64_t)self->memory_mib << MIB_LOG2 : self->memory_bytes;
    int result = pci_realize(pci, first ? &vga_class : &other_class, error);
    if (result)
        return result;
    result = vga_function_create(pci, kind_of(device->type), bytes, first ? "vgabios-stdvga.bin" : NULL, &self->function,
                                 error);
    if (result) {
        pci_unrealize(pci);
        return result;
    }
    set_edid(self);
    struct display *display = vga_function_display(self->function);
    const char *id = device_user_id(device);
    snprintf(display->name, sizeof(display->name), "%s", id ? id : device->type->name);
    display_add(device->machine, display);
    return 0;
}

static void vga_unrealize(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    display_remove(vga_function_display(self->function));
    vga_function_destroy(self->function);
    self->function = NULL;
    pci_unrealize(&self->pci);
}

static void vga_pci_reset(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    pci_reset(&self->pci);
    vga_function_reset(self->function);
}

static void vga_state_loaded(struct device *device)
{
    struct vga_pci *self = (struct vga_pci *)device;
    pci_state_loaded(&self->pci);
    vga_function_state_loaded(self->function);
}

// Those of the monitor, which the guest learns of by EDID, and of all PCI devices.
#define COMMON_PROPERTIES                                                                                              \
    {"edid", PROPERTY_BOOL, offsetof(struct vga_pci, has_edid), "on", "the monitor has an EDID", NULL},                \
        {"xres", PROPERTY_UINT32, offsetof(struct vga_pci, width), "1280", "width that the monitor prefers", NULL},    \
        {"yres", PROPERTY_UINT32, offsetof(struct vga_pci, height), "800", "height that the monitor prefers", NULL},   \
        {"xmax", PROPERTY_UINT32, offsetof(struct vga_pci, max_width), "0", "largest width offered, 0: any", NULL},  \
        {"ymax", PROPERTY_UINT32, offsetof(struct vga_pci, max_height), "0", "largest height offered, 0: any", NULL}, \
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
    STATE_VGA_FUNCTION(vga_pci, function),
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
