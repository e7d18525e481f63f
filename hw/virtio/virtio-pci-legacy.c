// SPDX-License-Identifier: MIT
// The interface from before virtio 1.0 (VIRTIO 1.2 section 4.1.4.10): ports in BAR 0. The device's own
// configuration follows the common registers, which are two longer while MSI-X is on. A queue is one address
// in units of 4 KiB. A driver that writes here is one from before 1.0, for which checks differ.
#include "hw/core/machine.h"
#include "hw/virtio/virtio-pci-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum legacy_register {
    DEVICE_FEATURES = 0x00,
    DRIVER_FEATURES = 0x04,
    QUEUE_ADDRESS = 0x08,
    QUEUE_SIZE = 0x0c,
    QUEUE_SELECT = 0x0e,
    QUEUE_NOTIFY = 0x10,
    DEVICE_STATUS = 0x12,
    ISR_STATUS = 0x13,
    CONFIG = 0x14, // without MSI-X
    CONFIG_VECTOR = 0x14,
    QUEUE_VECTOR = 0x16,
    CONFIG_MSIX = 0x18,
};

enum { LEGACY_BAR = 0, PAGE_SHIFT = 12, QUEUE_ALIGN = 4096 };

static unsigned config_at(const struct virtio_pci *self)
{
    return pci_msix_enabled(&self->pci) ? CONFIG_MSIX : CONFIG;
}

static uint32_t read_register(struct virtio_pci *self, unsigned offset)
{
    const struct virtqueue *queue = virtio_pci_selected(self);
    switch (offset) {
    case DEVICE_FEATURES:
        return (uint32_t)self->plugged->host_features;
    case DRIVER_FEATURES:
        return (uint32_t)self->plugged->driver_features;
    case QUEUE_ADDRESS:
        return queue ? (uint32_t)(queue->descriptors >> PAGE_SHIFT) : 0;
    case QUEUE_SIZE:
        return queue ? queue->max_size : 0;
    case QUEUE_SELECT:
        return self->queue_select;
    case DEVICE_STATUS:
        return self->plugged->status;
    case ISR_STATUS:
        return virtio_pci_take_isr(self);
    case CONFIG_VECTOR:
        return self->config_vector;
    case QUEUE_VECTOR:
        return queue ? self->queue_vectors[self->queue_select] : VIRTIO_PCI_NO_VECTOR;
    }
    return 0;
}

static uint64_t legacy_read(void *opaque, struct mmio_access access)
{
    struct virtio_pci *self = opaque;
    unsigned config = config_at(self), offset = (unsigned)access.offset;
    return offset >= config ? virtio_read_config(self->plugged, offset - config, access.size)
                            : read_register(self, offset) & mask64(access.size * 8);
}

static void set_queue(struct virtio_pci *self, struct virtqueue *queue, uint32_t frame)
{
    if (!frame) {
        virtio_pci_set_status(self, 0);
        return;
    }
    queue->size = queue->max_size;
    queue->descriptors = (uint64_t)frame << PAGE_SHIFT;
    queue->available = queue->descriptors + 16 * (uint64_t)queue->size;
    queue->used = round_up(queue->available + 6 + 2 * (uint64_t)queue->size, QUEUE_ALIGN);
    virtio_queue_set_ready(queue, true);
}

static void legacy_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct virtio_pci *self = opaque;
    unsigned config = config_at(self), offset = (unsigned)access.offset;
    uint32_t value = (uint32_t)wide;
    if (offset >= config) {
        virtio_write_config(self->plugged, offset - config, access.size, value);
        return;
    }
    self->plugged->legacy = true;
    struct virtqueue *queue = virtio_pci_selected(self);
    switch (offset) {
    case DRIVER_FEATURES:
        virtio_set_driver_features(self->plugged, 0, value);
        break;
    case QUEUE_ADDRESS:
        if (queue)
            set_queue(self, queue, value);
        break;
    case QUEUE_SELECT:
        self->queue_select = (uint16_t)value;
        break;
    case QUEUE_NOTIFY:
        virtio_pci_kick(self, value & 0xffff);
        break;
    case DEVICE_STATUS:
        virtio_pci_set_status(self, (uint8_t)value);
        break;
    case CONFIG_VECTOR:
        self->config_vector = virtio_pci_vector(self, value);
        break;
    case QUEUE_VECTOR:
        if (queue)
            self->queue_vectors[self->queue_select] = virtio_pci_vector(self, value);
        break;
    }
}

static const struct mmio_ops legacy_ops = {legacy_read, legacy_write, 1, 4, false};

void virtio_pci_add_legacy(struct virtio_pci *self)
{
    uint64_t size = 32;
    while (size < CONFIG_MSIX + self->plugged->class->config_size)
        size *= 2;
    struct mem_region_desc desc = {
        .name = "virtio-pci-legacy", .size = size, .kind = MEM_MMIO, .ops = &legacy_ops, .opaque = self};
    self->legacy_doorbells = virtio_doorbells(self->plugged, QUEUE_NOTIFY, 0, 2);
    pci_add_bar(&self->pci, LEGACY_BAR, PCI_BAR_IO, false, desc);
}

void virtio_pci_legacy_running(struct virtio_pci *self, bool on)
{
    pci_bar_set_doorbells(&self->pci, LEGACY_BAR, self->legacy_doorbells, on ? self->plugged->queue_count : 0);
}
