// SPDX-License-Identifier: MIT
// A small virtio driver for tests: sets a device up over MMIO, puts chains into a ring and takes them out
// again. Rings of 16 entries lie in RAM, a page for each part, so that a test can put anything into them.
#pragma once

#include "bare-machine.h"

enum { DRIVER_BASE = 0x0a000000, RING_SIZE = 16 };

struct virtio_driver {
    struct machine *machine;
    struct irq_sink irq;
    uint16_t available[8], used[8]; // of each queue
};

#define DRIVER_DATA (BARE_RAM_BASE + 0x100000) // free for buffers

// Where a queue's parts are.
uint64_t ring_descriptors(unsigned queue);
uint64_t ring_available(unsigned queue);
uint64_t ring_used(unsigned queue);

// A machine with one virtio-mmio slot (properties may be NULL).
void driver_create(struct virtio_driver *driver, const char *const *slot_properties);
void driver_destroy(struct virtio_driver *driver);
uint32_t mmio_get(struct virtio_driver *driver, unsigned offset);
void mmio_set(struct virtio_driver *driver, unsigned offset, uint32_t value);
uint64_t driver_offered(struct virtio_driver *driver);
// Accepts `features`, sets up the first `queues` queues, and starts.
void driver_start(struct virtio_driver *driver, uint64_t features, unsigned queues);

struct part {
    uint64_t address;
    uint32_t length;
    bool write;
};
void driver_descriptor(struct virtio_driver *driver, unsigned queue, unsigned index, uint64_t address,
                       uint32_t length, uint16_t flags, uint16_t next);
// Makes descriptor `head` available without a kick.
void driver_offer(struct virtio_driver *driver, unsigned queue, uint16_t head);
// A chain of parts from descriptor `head` on, made available, with a kick.
void driver_send(struct virtio_driver *driver, unsigned queue, uint16_t head, unsigned count,
                 const struct part *parts);
void driver_kick(struct virtio_driver *driver, unsigned queue);
// The next used entry. False: none.
bool driver_take(struct virtio_driver *driver, unsigned queue, uint32_t *head, uint32_t *length);
// Waits for one.
void driver_wait(struct virtio_driver *driver, unsigned queue, uint32_t *head, uint32_t *length);
