// SPDX-License-Identifier: MIT
// A virtio device, apart from how the guest reaches it. A device type (block, console) embeds `struct
// virtio_device` and supplies a class; a transport (MMIO, PCI) offers it a bus of type "virtio-bus" and turns
// register accesses into the calls below. Device lock held in all of them.
#pragma once

#include "hw/core/device.h"
#include "hw/virtio/virtqueue.h"

struct virtio_device;

enum { VIRTIO_CONFIG_MAX = 256 };

enum virtio_status {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

struct virtio_class {
    uint16_t device_id;
    unsigned queue_count;
    const uint16_t *queue_sizes; // largest size of each
    unsigned config_size;
    bool modern_only; // came with virtio 1.0: there is no interface from before it
    uint64_t (*features)(struct virtio_device *device); // the device's own; ring features are added
    // Fills in the configuration space, which is zero. NULL when there is none.
    void (*get_config)(struct virtio_device *device, uint8_t *config);
    void (*set_config)(struct virtio_device *device, unsigned offset, unsigned size, uint32_t value);
    void (*notify)(struct virtio_device *device, struct virtqueue *queue); // the driver added requests
    void (*started)(struct virtio_device *device);                         // DRIVER_OK; may be NULL
    void (*stop)(struct virtio_device *device); // gives up all requests in flight; may be NULL
};

// The transport's side.
struct virtio_transport_ops {
    void (*interrupt)(void *opaque, struct virtqueue *queue); // queue NULL: configuration change
    // The driver uses the queues, or no longer does: time for doorbells, which hosts are slow to take away.
    void (*running)(void *opaque, bool on);
};

struct virtio_device {
    struct device device;
    const struct virtio_class *class;
    const struct virtio_transport_ops *transport;
    void *transport_opaque;
    uint64_t host_features;
    bool legacy; // the transport speaks the interface from before 1.0

    uint64_t driver_features;
    uint8_t status;
    uint32_t config_generation;
    uint32_t queue_count;
    struct virtqueue *queues;
    // Properties of every virtio device.
    bool offer_indirect, offer_event_idx;
};

// To be named in device types that embed struct virtio_device as member `virtio`.
#define VIRTIO_PROPERTIES(TYPE)                                                                              \
    {"indirect_desc",                                                                                        \
     PROPERTY_BOOL,                                                                                          \
     offsetof(struct TYPE, virtio.offer_indirect),                                                           \
     "on",                                                                                                   \
     "offer indirect descriptors",                                                                           \
     NULL},                                                                                                  \
    {                                                                                                        \
        "event_idx", PROPERTY_BOOL, offsetof(struct TYPE, virtio.offer_event_idx), "on",                     \
            "offer event indices", NULL                                                                      \
    }

extern const struct state_field virtio_state[]; // of struct virtio_device

// For device types, in realize and unrealize. The bus's opaque pointer is a struct virtio_socket.
struct virtio_socket {
    const struct virtio_transport_ops *ops;
    void *opaque;
    bool legacy;
    void (*plugged)(void *opaque, struct virtio_device *device); // NULL device: taken out
};
int virtio_realize(struct virtio_device *device, const struct virtio_class *class, struct error *error);
void virtio_unrealize(struct virtio_device *device);

// For transports.
void virtio_reset(struct virtio_device *device);
void virtio_set_status(struct virtio_device *device, uint8_t status);
void virtio_set_driver_features(struct virtio_device *device, unsigned word, uint32_t value);
uint32_t virtio_read_config(struct virtio_device *device, uint64_t offset, unsigned size);
void virtio_write_config(struct virtio_device *device, uint64_t offset, unsigned size, uint32_t value);
// Takes the addresses of a queue into use if they make sense.
void virtio_queue_set_ready(struct virtqueue *queue, bool ready);
void virtio_kick(struct virtio_device *device, uint32_t queue_index);
// Doorbells (hw/core/memory-map.h) for all queues, the first at `offset` and each `step` bytes further; where `step` is 0, the
// value stored is the number of the queue, and else it does not matter. To be freed.
struct mem_doorbell *virtio_doorbells(const struct virtio_device *device, unsigned offset, unsigned step, unsigned size);

// For devices.
static inline bool virtio_has(const struct virtio_device *device, uint64_t feature)
{
    return (device->driver_features & feature) != 0;
}
static inline bool virtio_running(const struct virtio_device *device)
{
    return (device->status & VIRTIO_STATUS_DRIVER_OK) && !(device->status & VIRTIO_STATUS_NEEDS_RESET);
}
void virtio_config_changed(struct virtio_device *device);
// The driver broke the rules: `what` is logged, and the device stands still until it is reset.
void virtio_broken(struct virtio_device *device, const char *what);
