// SPDX-License-Identifier: MIT
// Virtio entropy source (VIRTIO 1.2 section 5.4): fills the driver's buffers with random bytes.
#include "hw/core/rng.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"

enum { MAX_BYTES = 1 << 20 }; // of one request; a driver takes what it gets

struct virtio_rng {
    struct virtio_device virtio;
    struct rng rng;
    struct virtq_chain chain;
};

static uint64_t rng_features(struct virtio_device *device)
{
    (void)device;
    return 0;
}

static void rng_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_rng *self = (struct virtio_rng *)device;
    struct virtq_chain *chain = &self->chain;
    unsigned budget = queue->size;
    while (virtqueue_next(queue, chain, &budget)) {
        uint32_t done = 0;
        for (unsigned i = 0; i < chain->write_count && done < MAX_BYTES; i++) {
            size_t n =
                chain->write[i].iov_len < MAX_BYTES - done ? chain->write[i].iov_len : MAX_BYTES - done;
            rng_fill(&self->rng, chain->write[i].iov_base, n);
            done += (uint32_t)n;
        }
        virtqueue_push(queue, chain, done);
    }
    virtqueue_notify(queue);
}

static const uint16_t rng_queue_sizes[] = {64};

static const struct virtio_class rng_class = {
    .device_id = 4,
    .queue_count = 1,
    .queue_sizes = rng_queue_sizes,
    .features = rng_features,
    .notify = rng_notify,
};

static int rng_realize(struct device *device, struct error *error)
{
    struct virtio_rng *self = (struct virtio_rng *)device;
    self->rng = rng_from_host();
    return virtio_realize(&self->virtio, &rng_class, error);
}

static void rng_unrealize(struct device *device)
{
    virtio_unrealize((struct virtio_device *)device);
}

static const struct property rng_properties[] = {
    VIRTIO_PROPERTIES(virtio_rng),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type virtio_rng_type = {
    .name = "virtio-rng-device",
    .help = "virtio source of random numbers",
    .bus = "virtio-bus",
    .instance_size = sizeof(struct virtio_rng),
    .properties = rng_properties,
    .state = virtio_state,
    .user_creatable = true,
    .realize = rng_realize,
    .unrealize = rng_unrealize,
};
