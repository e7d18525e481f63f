// SPDX-License-Identifier: MIT
// Split virtqueues (VIRTIO 1.2 section 2.7): indirect descriptors and event indices, nothing packed.
//
// Every number in a ring may be hostile. A chain is checked while it is read: descriptors in range, no more
// than VIRTQUEUE_MAX_SEGMENTS of them (which also ends loops), device-readable ones first, and all of it
// ordinary memory. What breaks these rules marks the device as needing a reset, and its queues stay still
// until then.
//
// Device lock held in all calls.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hw/core/device.h"
#include "hw/core/io-loop.h"

struct virtio_device;

enum { VIRTQUEUE_MAX_SIZE = 1024, VIRTQUEUE_MAX_SEGMENTS = 1024 };

struct virtqueue {
    struct virtio_device *owner;
    uint16_t index, max_size; // in the device; largest size the driver may choose
    struct io_task task;      // for the rest of a long run of requests

    uint16_t size;
    bool ready;
    uint64_t descriptors, available, used; // guest physical
    uint16_t last_available;               // next entry of the available ring to take
    uint16_t used_index;                   // next entry of the used ring to fill
    uint16_t signalled;                    // used_index at the last interrupt
    bool signalled_valid;
};

extern const struct state_field virtqueue_state[];

// A request: memory to read from, then memory to write to, as host pointers.
struct virtq_chain {
    uint16_t head;
    unsigned read_count, write_count;
    uint64_t read_bytes, write_bytes;
    struct iovec *read, *write; // into `segments`
    struct iovec segments[VIRTQUEUE_MAX_SEGMENTS];
};

// Takes the next request. False: there is none (now or, after an error, ever).
bool virtqueue_pop(struct virtqueue *queue, struct virtq_chain *chain);
// For serving loops: as virtqueue_pop, but asks for kicks before it says that there is nothing, and when
// `budget` (say, the queue's size) is used up it leaves the rest to the I/O loop, so that a driver which
// keeps adding cannot keep a thread here.
bool virtqueue_next(struct virtqueue *queue, struct virtq_chain *chain, unsigned *budget);
// Takes back the last pop, which the device cannot serve yet.
void virtqueue_unpop(struct virtqueue *queue);
bool virtqueue_has_more(struct virtqueue *queue);
// Hands a request back; its first `written` device-writable bytes were filled. To be followed by
// virtqueue_notify.
void virtqueue_push(struct virtqueue *queue, const struct virtq_chain *chain, uint32_t written);
// The same for a device that has kept only what matters of a chain: its head and the memory to write to.
void virtqueue_push_parts(struct virtqueue *queue, uint16_t head, const struct iovec *write,
                          unsigned write_count, uint32_t written);
// Interrupts the driver if it wants to know of what was pushed.
void virtqueue_notify(struct virtqueue *queue);
// Asks the driver to tell when it adds requests from now on. Look again for some after that.
void virtqueue_want_kicks(struct virtqueue *queue);
// Has the device's `notify` called again by the I/O loop.
void virtqueue_defer(struct virtqueue *queue);

// Copies out of or into a vector at an offset; say how many bytes there were.
uint64_t iovec_read(const struct iovec *vector, unsigned count, uint64_t offset, void *buffer,
                    uint64_t length);
uint64_t iovec_write(const struct iovec *vector, unsigned count, uint64_t offset, const void *buffer,
                     uint64_t length);
