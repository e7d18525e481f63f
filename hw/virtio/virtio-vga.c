// SPDX-License-Identifier: MIT
// Virtio graphics that is a VGA as well: firmware and systems without a driver use the VGA (BARs 0 and 2, ports, window), whose
// picture the first head shows until a driver shows one there, and again after that is reset.
#include "hw/core/machine.h"
#include "hw/display/vga-function.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-gpu.h"
#include "hw/virtio/virtio-pci-internal.h"
#include "hw/virtio/virtio-pci.h"

enum { CLASS_VGA = 0x030000, REVISION = 1, MIB_LOG2 = 20 };

struct virtio_vga {
    struct virtio_pci transport;
    struct vga_function *function;
    uint32_t memory_mib;
};

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    struct virtio_vga *self = (struct virtio_vga *)device;
    virtio_pci_config_written(device, offset, size);
    if (offset < PCI_CONFIG_HEADER_END)
        vga_function_update(self->function);
}

static int virtio_vga_realize(struct device *device, struct error *error)
{
    struct virtio_vga *self = (struct virtio_vga *)device;
    struct pci_device *pci = &self->transport.pci;
    int result = virtio_pci_realize(device, error);
    if (result)
        return result;
    uint64_t bytes = (uint64_t)self->memory_mib << MIB_LOG2;
    result = vga_function_create(pci, VGA_FUNCTION_LEGACY, bytes, "vgabios-virtio.bin", &self->function, error);
    if (result) {
        virtio_pci_unrealize(device);
        return result;
    }
    pci_define(pci, PCI_REVISION_ID, 4, CLASS_VGA << 8 | REVISION, 0);
    self->transport.class.config_written = config_written;
    virtio_gpu_set_behind(device->inner, vga_function_display(self->function));
    return 0;
}

static void virtio_vga_unrealize(struct device *device)
{
    struct virtio_vga *self = (struct virtio_vga *)device;
    virtio_gpu_set_behind(device->inner, NULL);
    vga_function_destroy(self->function);
    self->function = NULL;
    virtio_pci_unrealize(device);
}

static void virtio_vga_reset(struct device *device)
{
    virtio_pci_reset(device);
    vga_function_reset(((struct virtio_vga *)device)->function);
}

static void virtio_vga_state_loaded(struct device *device)
{
    virtio_pci_state_loaded(device);
    vga_function_state_loaded(((struct virtio_vga *)device)->function);
}

static const struct property virtio_vga_properties[] = {
    {"vgamem_mb", PROPERTY_UINT32, offsetof(struct virtio_vga, memory_mib), "8", "MiB of video memory of the VGA", NULL},
    VIRTIO_PCI_PROPERTIES("auto"),
};

static const struct state_field virtio_vga_state[] = {
    STATE_STRUCT_FIELD(virtio_vga, transport, virtio_pci_state),
    STATE_VGA_FUNCTION(virtio_vga, function),
    STATE_END,
};

const struct device_type virtio_vga_type = {
    .name = "virtio-vga",
    .help = "virtio graphics that is a VGA, too",
    .bus = "PCI",
    .instance_size = sizeof(struct virtio_vga),
    .properties = virtio_vga_properties,
    .state = virtio_vga_state,
    .user_creatable = true,
    .inner = &virtio_gpu_type,
    .realize = virtio_vga_realize,
    .unrealize = virtio_vga_unrealize,
    .reset = virtio_vga_reset,
    .state_loaded = virtio_vga_state_loaded,
};
