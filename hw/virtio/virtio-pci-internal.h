// SPDX-License-Identifier: MIT
// Between the files of the PCI transport.
#pragma once

#include "hw/pci/pci.h"
#include "hw/virtio/virtio.h"

enum { VIRTIO_PCI_QUEUES_MAX = 128, VIRTIO_PCI_NO_VECTOR = 0xffff };

enum virtio_pci_isr { VIRTIO_PCI_ISR_QUEUE = 1, VIRTIO_PCI_ISR_CONFIG = 2 };

struct virtio_pci {
    struct pci_device pci;
    struct pci_class class; // depends on the device inside
    struct bus bus;
    struct virtio_socket socket;
    struct virtio_device *plugged;
    unsigned cfg_capability; // the window through configuration space
    struct mem_doorbell *modern_doorbells, *legacy_doorbells;

    uint8_t isr;
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select, config_vector;
    uint16_t queue_vectors[VIRTIO_PCI_QUEUES_MAX];

    // Properties.
    unsigned disable_legacy;
    bool disable_modern;
};

// NULL when the driver selected none of the device's.
struct virtqueue *virtio_pci_selected(const struct virtio_pci *self);
void virtio_pci_set_status(struct virtio_pci *self, uint8_t status);
// A driver may only make the device work on memory while it lets it be a bus master.
void virtio_pci_kick(struct virtio_pci *self, uint32_t queue_index);
uint8_t virtio_pci_take_isr(struct virtio_pci *self);
// A vector that there is, or none.
uint16_t virtio_pci_vector(const struct virtio_pci *self, uint32_t wanted);

// virtio-pci-legacy.c
void virtio_pci_add_legacy(struct virtio_pci *self);
void virtio_pci_legacy_running(struct virtio_pci *self, bool on);
// virtio-pci-modern.c
void virtio_pci_add_modern(struct virtio_pci *self);
void virtio_pci_modern_running(struct virtio_pci *self, bool on);
// The window's data register is about to be read, or was written.
void virtio_pci_window_read(struct virtio_pci *self);
void virtio_pci_window_written(struct virtio_pci *self);

// For functions that are more than the transport, and embed struct virtio_pci first.
extern const struct state_field virtio_pci_state[];
extern const char *const virtio_pci_legacy_choices[];
int virtio_pci_realize(struct device *device, struct error *error);
void virtio_pci_unrealize(struct device *device);
void virtio_pci_reset(struct device *device);
void virtio_pci_state_loaded(struct device *device);
void virtio_pci_config_written(struct pci_device *device, unsigned offset, unsigned size);
// Rows after a different default of disable-legacy.
#define VIRTIO_PCI_PROPERTIES(LEGACY)                                                                        \
    {"disable-legacy",                                                                                       \
     PROPERTY_CHOICE,                                                                                        \
     offsetof(struct virtio_pci, disable_legacy),                                                            \
     LEGACY,                                                                                                 \
     "do not offer the interface from before virtio 1.0",                                                    \
     virtio_pci_legacy_choices},                                                                                        \
        {"disable-modern",                                                                                   \
         PROPERTY_BOOL,                                                                                      \
         offsetof(struct virtio_pci, disable_modern),                                                        \
         "off",                                                                                              \
         "do not offer the interface of virtio 1.0",                                                         \
         NULL},                                                                                              \
        PCI_PROPERTIES(virtio_pci, pci),                                                                     \
    {                                                                                                        \
        NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL                                                             \
    }
