// SPDX-License-Identifier: MIT
// Split virtqueues.
//
//   descriptor table: size x { le64 addr; le32 len; le16 flags; le16 next }
//   available ring:   le16 flags; le16 idx; le16 ring[size]; le16 used_event
//   used ring:        le16 flags; le16 idx; { le32 id; le32 len } ring[size]; le16 avail_event
#include "hw/virtio/virtqueue.h"

#include <stdatomic.h>
#include <string.h>

#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/endian.h"

enum {
    DESCRIPTOR_SIZE = 16,
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    DESC_INDIRECT = 4,
    AVAIL_NO_INTERRUPT = 1,
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

const struct state_field virtqueue_state[] = {
    STATE_FIELD(virtqueue, U16, size),
    STATE_FIELD(virtqueue, BOOL, ready),
    STATE_FIELD(virtqueue, U64, descriptors),
    STATE_FIELD(virtqueue, U64, available),
    STATE_FIELD(virtqueue, U64, used),
    STATE_FIELD(virtqueue, U16, last_available),
    STATE_FIELD(virtqueue, U16, used_index),
    STATE_FIELD(virtqueue, U16, signalled),
    STATE_FIELD(virtqueue, BOOL, signalled_valid),
    STATE_END,
};

static struct memory_map *map_of(const struct virtqueue *queue)
{
    return queue->owner->device.machine->map;
}

static bool usable(const struct virtqueue *queue)
{
    return queue->ready && virtio_running(queue->owner);
}

// Entries that the driver has added and we have not taken; -1 when the ring makes no sense.
static int available_count(struct virtqueue *queue)
{
    uint16_t index;
    if (!dma_read_le16(map_of(queue), queue->available + 2, &index)) {
        virtio_broken(queue->owner, "available ring is not in memory");
        return -1;
    }
    uint16_t count = (uint16_t)(index - queue->last_available);
    if (count > queue->size) {
        virtio_broken(queue->owner, "available index is too far ahead");
        return -1;
    }
    return count;
}

bool virtqueue_has_more(struct virtqueue *queue)
{
    return usable(queue) && available_count(queue) > 0;
}

static bool read_descriptor(struct memory_map *map, uint64_t table, uint32_t index, struct descriptor *out)
{
    uint8_t raw[DESCRIPTOR_SIZE];
    if (!dma_read(map, table + (uint64_t)index * DESCRIPTOR_SIZE, raw, sizeof(raw)))
        return false;
    *out = (struct descriptor){load_le64(raw), load_le32(raw + 8), load_le16(raw + 12), load_le16(raw + 14)};
    return true;
}

// Adds the memory of one descriptor. NULL, or what is wrong with it.
static const char *add_segment(struct memory_map *map, struct virtq_chain *chain, const struct descriptor *d)
{
    bool write = d->flags & DESC_WRITE;
    uint64_t address = d->address, left = d->length;
    if (!write && chain->write_count)
        return "readable descriptor after a writable one";
    while (left) {
        unsigned used = chain->read_count + chain->write_count;
        uint64_t run = left;
        void *host = dma_map(map, address, &run, write);
        if (!host)
            return "descriptor outside of memory";
        if (used == VIRTQUEUE_MAX_SEGMENTS)
            return "descriptor chain is too long";
        chain->segments[used] = (struct iovec){host, run};
        if (write) {
            chain->write_count++;
            chain->write_bytes += run;
        } else {
            chain->read_count++;
            chain->read_bytes += run;
        }
        address += run;
        left -= run;
    }
    return NULL;
}

static const char *read_chain(struct virtqueue *queue, struct virtq_chain *chain)
{
    struct memory_map *map = map_of(queue);
    uint64_t table = queue->descriptors;
    uint32_t table_size = queue->size, index = chain->head;
    bool indirect = false;
    for (unsigned steps = 0; steps < VIRTQUEUE_MAX_SEGMENTS; steps++) {
        struct descriptor d;
        if (index >= table_size)
            return "descriptor index out of range";
        if (!read_descriptor(map, table, index, &d))
            return "descriptor table is not in memory";
        if (d.flags & DESC_INDIRECT) {
            if (indirect || !virtio_has(queue->owner, VIRTIO_F_INDIRECT_DESC))
                return "indirect descriptor where none may be";
            if (!d.length || d.length % DESCRIPTOR_SIZE)
                return "indirect table of a bad size";
            indirect = true;
            table = d.address;
            table_size = d.length / DESCRIPTOR_SIZE;
            index = 0;
            continue;
        }
        const char *problem = add_segment(map, chain, &d);
        if (problem)
            return problem;
        if (!(d.flags & DESC_NEXT)) {
            chain->read = chain->segments;
            chain->write = chain->segments + chain->read_count;
            return NULL;
        }
        index = d.next;
    }
    return "descriptor chain is too long";
}

bool virtqueue_pop(struct virtqueue *queue, struct virtq_chain *chain)
{
    if (!usable(queue) || available_count(queue) <= 0)
        return false;
    uint64_t entry = queue->available + 4 + 2 * (uint64_t)(queue->last_available % queue->size);
    chain->read_count = chain->write_count = 0;
    chain->read_bytes = chain->write_bytes = 0;
    const char *problem = "available ring is not in memory";
    if (dma_read_le16(map_of(queue), entry, &chain->head))
        problem = read_chain(queue, chain);
    if (problem) {
        virtio_broken(queue->owner, problem);
        return false;
    }
    queue->last_available++;
    return true;
}

void virtqueue_unpop(struct virtqueue *queue)
{
    queue->last_available--;
}

void virtqueue_push_parts(struct virtqueue *queue, uint16_t head, const struct iovec *write,
                          unsigned write_count, uint32_t written)
{
    struct memory_map *map = map_of(queue);
    uint32_t left = written;
    for (unsigned i = 0; i < write_count && left; i++) {
        uint32_t n = write[i].iov_len < left ? (uint32_t)write[i].iov_len : left;
        dma_wrote(map, write[i].iov_base, n);
        left -= n;
    }
    if (!usable(queue))
        return;
    uint8_t element[8];
    store_le32(element, head);
    store_le32(element + 4, written);
    uint64_t entry = queue->used + 4 + 8 * (uint64_t)(queue->used_index % queue->size);
    queue->used_index++;
    // The element first: dma_write_le16 is a release.
    if (!dma_write(map, entry, element, sizeof(element)) ||
        !dma_write_le16(map, queue->used + 2, queue->used_index))
        virtio_broken(queue->owner, "used ring is not in memory");
}

void virtqueue_push(struct virtqueue *queue, const struct virtq_chain *chain, uint32_t written)
{
    virtqueue_push_parts(queue, chain->head, chain->write, chain->write_count, written);
}

static bool interrupt_wanted(struct virtqueue *queue)
{
    uint16_t word;
    if (!virtio_has(queue->owner, VIRTIO_F_EVENT_IDX))
        return dma_read_le16(map_of(queue), queue->available, &word) && !(word & AVAIL_NO_INTERRUPT);
    // The driver wants an interrupt when the index passes used_event.
    if (!dma_read_le16(map_of(queue), queue->available + 4 + 2 * (uint64_t)queue->size, &word))
        return false;
    uint16_t before = queue->signalled, now = queue->used_index;
    bool valid = queue->signalled_valid;
    queue->signalled = now;
    queue->signalled_valid = true;
    return !valid || (uint16_t)(now - word - 1) < (uint16_t)(now - before);
}

void virtqueue_notify(struct virtqueue *queue)
{
    if (!usable(queue))
        return;
    // Our index must be visible before we look at what the driver asks for.
    atomic_thread_fence(memory_order_seq_cst);
    if (interrupt_wanted(queue))
        queue->owner->transport->interrupt(queue->owner->transport_opaque, queue);
}

// Without event indices the driver always kicks: our flag to stop it stays clear, as the driver made it.
void virtqueue_want_kicks(struct virtqueue *queue)
{
    if (!usable(queue) || !virtio_has(queue->owner, VIRTIO_F_EVENT_IDX))
        return;
    dma_write_le16(map_of(queue), queue->used + 4 + 8 * (uint64_t)queue->size, queue->last_available);
    atomic_thread_fence(memory_order_seq_cst);
}

bool virtqueue_next(struct virtqueue *queue, struct virtq_chain *chain, unsigned *budget)
{
    if (!*budget) {
        virtqueue_defer(queue);
        return false;
    }
    bool got = virtqueue_pop(queue, chain);
    if (!got) {
        virtqueue_want_kicks(queue);
        got = virtqueue_pop(queue, chain);
    }
    *budget -= got;
    return got;
}

void virtqueue_defer(struct virtqueue *queue)
{
    io_loop_post(queue->owner->device.machine->loop, &queue->task);
}

static uint64_t copy(const struct iovec *vector, unsigned count, uint64_t offset, char *buffer,
                     uint64_t length, bool out)
{
    uint64_t done = 0;
    for (unsigned i = 0; i < count && done < length; i++) {
        if (offset >= vector[i].iov_len) {
            offset -= vector[i].iov_len;
            continue;
        }
        uint64_t n = vector[i].iov_len - offset;
        n = n < length - done ? n : length - done;
        char *at = (char *)vector[i].iov_base + offset;
        memcpy(out ? at : buffer + done, out ? buffer + done : at, n);
        done += n;
        offset = 0;
    }
    return done;
}

uint64_t iovec_read(const struct iovec *vector, unsigned count, uint64_t offset, void *buffer,
                    uint64_t length)
{
    return copy(vector, count, offset, buffer, length, false);
}

uint64_t iovec_write(const struct iovec *vector, unsigned count, uint64_t offset, const void *buffer,
                     uint64_t length)
{
    return copy(vector, count, offset, (char *)buffer, length, true);
}
