// SPDX-License-Identifier: MIT
// Virtio block device (VIRTIO 1.2 section 5.2). Requests are handed to the backend as they come and finish in
// any order; data moves between the image and guest memory without a copy.
//
// A request is a readable header {le32 type, le32 reserved, le64 sector}, data, and a writable status byte at
// the very end; where descriptors begin and end says nothing.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/block.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    SECTOR = 512,
    ID_BYTES = 20,
    HEADER_BYTES = 16,
    RANGE_BYTES = 16, // a discard or write-zeroes range
    MAX_RANGE_SECTORS = 1 << 22,
};

enum request_type {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
};

enum request_status { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };

#define BLK_F_SEG_MAX BIT64(2)
#define BLK_F_RO BIT64(5)
#define BLK_F_BLK_SIZE BIT64(6)
#define BLK_F_FLUSH BIT64(9)
#define BLK_F_TOPOLOGY BIT64(10)
#define BLK_F_CONFIG_WCE BIT64(11)
#define BLK_F_MQ BIT64(12)
#define BLK_F_DISCARD BIT64(13)
#define BLK_F_WRITE_ZEROES BIT64(14)

struct virtio_blk {
    struct virtio_device virtio;
    struct block_backend *drive;
    char *serial;
    uint32_t queue_size, logical_block_size, boot_index;
    bool discard, write_zeroes;
    uint16_t queue_sizes[1];
    struct virtio_class class; // with the sizes that properties chose
    struct virtq_chain chain;
};

// A request in flight: what must be kept of the chain. The vector holds the data and, last, the writable
// memory.
struct blk_request {
    struct block_request block;
    struct virtqueue *queue;
    uint16_t head;
    uint32_t in_bytes; // data bytes that a success writes
    uint8_t *status;
    unsigned write_count;
    struct iovec *write; // device-writable memory as the driver gave it
    struct iovec vectors[];
};

static uint64_t blk_features(struct virtio_device *device)
{
    const struct virtio_blk *blk = (struct virtio_blk *)device;
    uint64_t features = BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_TOPOLOGY | BLK_F_FLUSH;
    if (blk->drive->readonly)
        return features | BLK_F_RO;
    return features | (blk->discard ? BLK_F_DISCARD : 0) | (blk->write_zeroes ? BLK_F_WRITE_ZEROES : 0);
}

static void blk_get_config(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_blk *blk = (struct virtio_blk *)device;
    store_le64(config + 0, blk->drive->size / SECTOR);
    store_le32(config + 12, blk->queue_size - 2); // seg_max: the header and the status take one each
    store_le32(config + 20, blk->logical_block_size);
    config[32] = blk->drive->write_back;
    store_le16(config + 34, 1); // queues
    store_le32(config + 36, MAX_RANGE_SECTORS);
    store_le32(config + 40, 1); // ranges in a discard
    store_le32(config + 44, blk->logical_block_size / SECTOR);
    store_le32(config + 48, MAX_RANGE_SECTORS);
    store_le32(config + 52, 1);
    config[56] = 1; // write zeroes may unmap
}

static void finish(struct virtqueue *queue, uint16_t head, const struct iovec *write, unsigned write_count,
                   uint8_t *status_at, uint8_t status, uint32_t data_bytes)
{
    *status_at = status;
    dma_wrote(queue->owner->device.machine->map, status_at, 1);
    virtqueue_push_parts(queue, head, write, write_count, data_bytes + 1);
    virtqueue_notify(queue);
}

static void block_done(struct block_request *block, int result)
{
    struct blk_request *request = (struct blk_request *)block;
    uint8_t status = result ? BLK_S_IOERR : BLK_S_OK;
    finish(request->queue, request->head, request->write, request->write_count, request->status, status,
           request->in_bytes);
    free(request);
}

// Cuts `length` bytes at `offset` out of a vector. The result has at most `count` parts.
static unsigned slice(const struct iovec *vector, unsigned count, uint64_t offset, uint64_t length,
                      struct iovec *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count && length; i++) {
        if (offset >= vector[i].iov_len) {
            offset -= vector[i].iov_len;
            continue;
        }
        uint64_t part = vector[i].iov_len - offset;
        part = part < length ? part : length;
        out[n++] = (struct iovec){(char *)vector[i].iov_base + offset, part};
        length -= part;
        offset = 0;
    }
    return n;
}

// A request whose data part is `length` bytes at `offset` of `data`.
static struct blk_request *make_request(struct virtio_blk *blk, struct virtqueue *queue, uint8_t *status,
                                        enum block_op op, const struct iovec *data, unsigned data_count,
                                        uint64_t offset, uint64_t length)
{
    const struct virtq_chain *chain = &blk->chain;
    size_t bytes = sizeof(struct blk_request) + (data_count + chain->write_count) * sizeof(struct iovec);
    struct blk_request *request = alloc_zeroed(1, bytes);
    request->queue = queue;
    request->head = chain->head;
    request->status = status;
    request->write = request->vectors;
    request->write_count = chain->write_count;
    memcpy(request->write, chain->write, chain->write_count * sizeof(struct iovec));
    struct iovec *vector = request->vectors + chain->write_count;
    request->block.op = op;
    request->block.vector = vector;
    request->block.vector_count = slice(data, data_count, offset, length, vector);
    request->block.length = length;
    request->block.done = block_done;
    return request;
}

// IN and OUT. False: a bad request.
static bool start_transfer(struct virtio_blk *blk, struct virtqueue *queue, uint8_t *status, bool out,
                           uint64_t sector)
{
    const struct virtq_chain *chain = &blk->chain;
    uint64_t length = out ? chain->read_bytes - HEADER_BYTES : chain->write_bytes - 1;
    if (length % SECTOR || sector > UINT64_MAX / SECTOR || length > UINT32_MAX - 1 ||
        !range_inside(sector * SECTOR, length, blk->drive->size))
        return false;
    struct blk_request *request =
        out ? make_request(blk, queue, status, BLOCK_WRITE, chain->read, chain->read_count, HEADER_BYTES,
                           length)
            : make_request(blk, queue, status, BLOCK_READ, chain->write, chain->write_count, 0, length);
    request->block.offset = sector * SECTOR;
    request->in_bytes = out ? 0 : (uint32_t)length;
    block_submit(blk->drive, &request->block);
    return true;
}

// DISCARD and WRITE_ZEROES. False: a bad request.
static bool start_range(struct virtio_blk *blk, struct virtqueue *queue, uint8_t *status, bool zeroes)
{
    const struct virtq_chain *chain = &blk->chain;
    uint8_t range[RANGE_BYTES];
    if (chain->read_bytes != HEADER_BYTES + RANGE_BYTES)
        return false; // we offer one range a request
    iovec_read(chain->read, chain->read_count, HEADER_BYTES, range, sizeof(range));
    uint64_t sector = load_le64(range), length = (uint64_t)load_le32(range + 8) * SECTOR;
    uint32_t flags = load_le32(range + 12);
    if (sector > UINT64_MAX / SECTOR || length > (uint64_t)MAX_RANGE_SECTORS * SECTOR ||
        !range_inside(sector * SECTOR, length, blk->drive->size) || flags > (zeroes ? 1 : 0))
        return false;
    enum block_op op = zeroes ? BLOCK_WRITE_ZEROES : BLOCK_DISCARD;
    struct blk_request *request = make_request(blk, queue, status, op, NULL, 0, 0, 0);
    request->block.offset = sector * SECTOR;
    request->block.length = length;
    request->block.may_unmap = flags & 1;
    block_submit(blk->drive, &request->block);
    return true;
}

static uint32_t give_id(struct virtio_blk *blk)
{
    const struct virtq_chain *chain = &blk->chain;
    char id[ID_BYTES] = {0};
    if (blk->serial)
        memcpy(id, blk->serial, strnlen(blk->serial, sizeof(id)));
    uint64_t room = chain->write_bytes - 1;
    return (uint32_t)iovec_write(chain->write, chain->write_count, 0, id, room < ID_BYTES ? room : ID_BYTES);
}

static void handle(struct virtio_blk *blk, struct virtqueue *queue)
{
    const struct virtq_chain *chain = &blk->chain;
    uint8_t header[HEADER_BYTES];
    if (!chain->write_bytes ||
        iovec_read(chain->read, chain->read_count, 0, header, HEADER_BYTES) != HEADER_BYTES) {
        virtio_broken(&blk->virtio, "request without header or status");
        return;
    }
    const struct iovec *last = &chain->write[chain->write_count - 1];
    uint8_t *status_at = (uint8_t *)last->iov_base + last->iov_len - 1, status = BLK_S_IOERR;
    uint32_t type = load_le32(header), data_bytes = 0;
    uint64_t sector = load_le64(header + 8);
    bool writes = type == BLK_T_OUT || type == BLK_T_DISCARD || type == BLK_T_WRITE_ZEROES;
    bool started = false;
    if (writes && blk->drive->readonly) {
        status = BLK_S_IOERR;
    } else if (type == BLK_T_IN || type == BLK_T_OUT) {
        started = start_transfer(blk, queue, status_at, type == BLK_T_OUT, sector);
    } else if (type == BLK_T_FLUSH) {
        block_submit(blk->drive, &make_request(blk, queue, status_at, BLOCK_FLUSH, NULL, 0, 0, 0)->block);
        started = true;
    } else if (type == BLK_T_GET_ID) {
        data_bytes = give_id(blk);
        status = BLK_S_OK;
    } else if ((type == BLK_T_DISCARD && blk->discard) || (type == BLK_T_WRITE_ZEROES && blk->write_zeroes)) {
        started = start_range(blk, queue, status_at, type == BLK_T_WRITE_ZEROES);
    } else {
        status = BLK_S_UNSUPP;
    }
    if (!started)
        finish(queue, chain->head, chain->write, chain->write_count, status_at, status, data_bytes);
}

static void blk_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    unsigned budget = queue->size;
    while (virtqueue_next(queue, &blk->chain, &budget))
        handle(blk, queue);
}

static void blk_stop(struct virtio_device *device)
{
    block_drain(((struct virtio_blk *)device)->drive);
}

static const struct virtio_class blk_class = {
    .device_id = 2,
    .queue_count = 1,
    .config_size = 60,
    .features = blk_features,
    .get_config = blk_get_config,
    .notify = blk_notify,
    .stop = blk_stop,
};

static int blk_realize(struct device *device, struct error *error)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    if (!blk->drive)
        return error_set(error, EINVAL, "device 'virtio-blk-device' needs a drive; give it drive=ID");
    if (blk->drive->user)
        return error_set(error, EBUSY, "drive '%s' is used by another device",
                         blk->drive->id ? blk->drive->id : "");
    if (!is_power_of_two(blk->queue_size) || blk->queue_size < 4 || blk->queue_size > VIRTQUEUE_MAX_SIZE)
        return error_set(error, EINVAL,
                         "device 'virtio-blk-device': queue-size %u is not a power of two of 4 to %u",
                         blk->queue_size, VIRTQUEUE_MAX_SIZE);
    if (!is_power_of_two(blk->logical_block_size) || blk->logical_block_size < SECTOR ||
        blk->logical_block_size > 1 << 16)
        return error_set(error, EINVAL, "device 'virtio-blk-device': logical_block_size %u cannot be",
                         blk->logical_block_size);
    blk->queue_sizes[0] = (uint16_t)blk->queue_size;
    blk->class = blk_class;
    blk->class.queue_sizes = blk->queue_sizes;
    int result = virtio_realize(&blk->virtio, &blk->class, error);
    if (!result)
        blk->drive->user = blk;
    return result;
}

static void blk_unrealize(struct device *device)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    virtio_unrealize(&blk->virtio);
    blk->drive->user = NULL;
}

static const struct property blk_properties[] = {
    {"drive", PROPERTY_DRIVE, offsetof(struct virtio_blk, drive), NULL, "the disk image", NULL},
    {"serial", PROPERTY_STRING, offsetof(struct virtio_blk, serial), NULL,
     "serial number, up to 20 characters", NULL},
    {"queue-size", PROPERTY_UINT32, offsetof(struct virtio_blk, queue_size), "256", "entries of the queue",
     NULL},
    {"logical_block_size", PROPERTY_UINT32, offsetof(struct virtio_blk, logical_block_size), "512",
     "smallest unit of access", NULL},
    {"discard", PROPERTY_BOOL, offsetof(struct virtio_blk, discard), "on", "offer to discard sectors", NULL},
    {"write-zeroes", PROPERTY_BOOL, offsetof(struct virtio_blk, write_zeroes), "on", "offer to zero sectors",
     NULL},
    BOOT_INDEX_PROPERTY(virtio_blk),
    VIRTIO_PROPERTIES(virtio_blk),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type virtio_blk_type = {
    .name = "virtio-blk-device",
    .help = "virtio disk",
    .bus = "virtio-bus",
    .instance_size = sizeof(struct virtio_blk),
    .properties = blk_properties,
    .state = virtio_state,
    .user_creatable = true,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
};
