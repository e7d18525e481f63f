// SPDX-License-Identifier: MIT
// The interface of virtio 1.0 (VIRTIO 1.2 section 4.1.4): four structures, a page each in BAR 4, found by
// vendor capabilities, and a window to them through configuration space.
#include "hw/core/machine.h"
#include "hw/virtio/virtio-pci-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    MODERN_BAR = 4,
    PART_BYTES = 0x1000,
    COMMON_AT = 0x0000,
    ISR_AT = 0x1000,
    DEVICE_AT = 0x2000,
    NOTIFY_AT = 0x3000,
    BAR_BYTES = 0x4000,
    NOTIFY_MULTIPLIER = 4,
};

enum capability_type { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_PCI = 5 };

// struct virtio_pci_cap
enum {
    CAP_LENGTH = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_SIZE = 12,
    CAP_MORE = 16,
    CAP_BYTES = 16
};

enum common_register {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    MSIX_CONFIG = 0x10,
    NUM_QUEUES = 0x12,
    DEVICE_STATUS = 0x14,
    CONFIG_GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
};

static uint32_t read_queue(const struct virtio_pci *self, unsigned offset)
{
    const struct virtqueue *queue = virtio_pci_selected(self);
    if (!queue)
        return offset == QUEUE_MSIX_VECTOR ? VIRTIO_PCI_NO_VECTOR : 0;
    switch (offset) {
    case QUEUE_SIZE:
        return queue->size;
    case QUEUE_MSIX_VECTOR:
        return self->queue_vectors[self->queue_select];
    case QUEUE_ENABLE:
        return queue->ready;
    case QUEUE_NOTIFY_OFF:
        return self->queue_select;
    }
    const uint64_t addresses[] = {queue->descriptors, queue->available, queue->used};
    if (offset >= QUEUE_DESC && offset < QUEUE_DESC + 24)
        return (uint32_t)(addresses[(offset - QUEUE_DESC) / 8] >> (offset & 4 ? 32 : 0));
    return 0;
}

static uint32_t read_common(struct virtio_pci *self, unsigned offset)
{
    const struct virtio_device *device = self->plugged;
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return self->device_feature_select;
    case DEVICE_FEATURE:
        return self->device_feature_select < 2
                   ? (uint32_t)(device->host_features >> (32 * self->device_feature_select))
                   : 0;
    case DRIVER_FEATURE_SELECT:
        return self->driver_feature_select;
    case DRIVER_FEATURE:
        return self->driver_feature_select < 2
                   ? (uint32_t)(device->driver_features >> (32 * self->driver_feature_select))
                   : 0;
    case MSIX_CONFIG:
        return self->config_vector;
    case NUM_QUEUES:
        return device->queue_count;
    case DEVICE_STATUS:
        return device->status;
    case CONFIG_GENERATION:
        return device->config_generation & 0xff;
    case QUEUE_SELECT:
        return self->queue_select;
    }
    return read_queue(self, offset);
}

static void write_queue(struct virtio_pci *self, unsigned offset, uint32_t value)
{
    struct virtqueue *queue = virtio_pci_selected(self);
    if (!queue)
        return;
    if (offset == QUEUE_MSIX_VECTOR) {
        self->queue_vectors[self->queue_select] = virtio_pci_vector(self, value);
        return;
    }
    if (queue->ready)
        return; // until a reset
    if (offset == QUEUE_SIZE) {
        queue->size = value > queue->max_size ? 0 : (uint16_t)value; // 0 is refused when it is enabled
    } else if (offset == QUEUE_ENABLE && value == 1) {
        virtio_queue_set_ready(queue, true);
    } else if (offset >= QUEUE_DESC && offset < QUEUE_DESC + 24) {
        uint64_t *addresses[] = {&queue->descriptors, &queue->available, &queue->used};
        uint64_t *address = addresses[(offset - QUEUE_DESC) / 8];
        *address = deposit64(*address, offset & 4 ? 32 : 0, 32, value);
    }
}

static void write_common(struct virtio_pci *self, unsigned offset, uint32_t value)
{
    self->plugged->legacy = false;
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        self->device_feature_select = value;
        break;
    case DRIVER_FEATURE_SELECT:
        self->driver_feature_select = value;
        break;
    case DRIVER_FEATURE:
        virtio_set_driver_features(self->plugged, self->driver_feature_select, value);
        break;
    case MSIX_CONFIG:
        self->config_vector = virtio_pci_vector(self, value);
        break;
    case DEVICE_STATUS:
        virtio_pci_set_status(self, (uint8_t)value);
        break;
    case QUEUE_SELECT:
        self->queue_select = (uint16_t)value;
        break;
    default:
        write_queue(self, offset, value);
    }
}

static uint64_t modern_read(void *opaque, struct mmio_access access)
{
    struct virtio_pci *self = opaque;
    unsigned offset = (unsigned)access.offset % PART_BYTES;
    switch (access.offset - offset) {
    case COMMON_AT:
        return read_common(self, offset) & mask64(access.size * 8);
    case ISR_AT:
        return offset ? 0 : virtio_pci_take_isr(self);
    case DEVICE_AT:
        return virtio_read_config(self->plugged, offset, access.size);
    }
    return 0;
}

static void modern_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct virtio_pci *self = opaque;
    unsigned offset = (unsigned)access.offset % PART_BYTES;
    switch (access.offset - offset) {
    case COMMON_AT:
        write_common(self, offset, (uint32_t)wide);
        break;
    case DEVICE_AT:
        virtio_write_config(self->plugged, offset, access.size, (uint32_t)wide);
        break;
    case NOTIFY_AT:
        virtio_pci_kick(self, offset / NOTIFY_MULTIPLIER);
        break;
    }
}

static const struct mmio_ops modern_ops = {modern_read, modern_write, 1, 4, false};

static unsigned add_capability(struct virtio_pci *self, enum capability_type type, uint32_t offset,
                               uint32_t size, unsigned more)
{
    struct pci_device *pci = &self->pci;
    unsigned at = pci_add_capability(pci, PCI_CAP_ID_VENDOR, 0, CAP_BYTES + more);
    pci_define(pci, at + CAP_LENGTH, 1, CAP_BYTES + more, 0);
    pci_define(pci, at + CAP_TYPE, 1, type, 0);
    pci_define(pci, at + CAP_BAR, 1, MODERN_BAR, 0);
    pci_define(pci, at + CAP_OFFSET, 4, offset, 0);
    pci_define(pci, at + CAP_SIZE, 4, size, 0);
    return at;
}

void virtio_pci_add_modern(struct virtio_pci *self)
{
    struct pci_device *pci = &self->pci;
    struct mem_region_desc desc = {
        .name = "virtio-pci-modern", .size = BAR_BYTES, .kind = MEM_MMIO, .ops = &modern_ops, .opaque = self};
    self->modern_doorbells = virtio_doorbells(self->plugged, NOTIFY_AT, NOTIFY_MULTIPLIER, 2);
    pci_add_bar(pci, MODERN_BAR, PCI_BAR_MEM64, true, desc);
    add_capability(self, CAP_COMMON, COMMON_AT, PART_BYTES, 0);
    add_capability(self, CAP_ISR, ISR_AT, PART_BYTES, 0);
    add_capability(self, CAP_DEVICE, DEVICE_AT, PART_BYTES, 0);
    unsigned notify = add_capability(self, CAP_NOTIFY, NOTIFY_AT, PART_BYTES, 4);
    pci_define(pci, notify + CAP_MORE, 4, NOTIFY_MULTIPLIER, 0);
    unsigned window = add_capability(self, CAP_PCI, 0, 0, 4);
    pci_define(pci, window + CAP_BAR, 1, 0, 0xff);
    pci_define(pci, window + CAP_OFFSET, 4, 0, UINT32_MAX);
    pci_define(pci, window + CAP_SIZE, 4, 0, UINT32_MAX);
    pci_define(pci, window + CAP_MORE, 4, 0, UINT32_MAX);
    self->cfg_capability = window;
}

void virtio_pci_modern_running(struct virtio_pci *self, bool on)
{
    pci_bar_set_doorbells(&self->pci, MODERN_BAR, self->modern_doorbells, on ? self->plugged->queue_count : 0);
}

// False: the driver asks for something that cannot be.
static bool window_access(const struct virtio_pci *self, struct mmio_access *access)
{
    const struct pci_device *pci = &self->pci;
    unsigned at = self->cfg_capability;
    uint32_t offset = pci_get(pci, at + CAP_OFFSET, 4), size = pci_get(pci, at + CAP_SIZE, 4);
    *access = (struct mmio_access){.offset = offset, .size = (uint8_t)size};
    return pci_get(pci, at + CAP_BAR, 1) == MODERN_BAR && (size == 1 || size == 2 || size == 4) &&
           !(offset & (size - 1)) && range_inside(offset, size, BAR_BYTES);
}

void virtio_pci_window_read(struct virtio_pci *self)
{
    struct mmio_access access;
    if (window_access(self, &access))
        pci_put(&self->pci, self->cfg_capability + CAP_MORE, 4, (uint32_t)modern_read(self, access));
}

void virtio_pci_window_written(struct virtio_pci *self)
{
    struct mmio_access access;
    if (window_access(self, &access))
        modern_write(self, access,
                     pci_get(&self->pci, self->cfg_capability + CAP_MORE, 4) & mask64(access.size * 8));
}
