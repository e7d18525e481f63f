// SPDX-License-Identifier: MIT
// What all virtio devices share: features, status, configuration space, queues.
#include "hw/virtio/virtio.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

const struct state_field virtio_state[] = {
    STATE_FIELD(virtio_device, U64, driver_features),
    STATE_FIELD(virtio_device, U8, status),
    STATE_FIELD(virtio_device, BOOL, legacy),
    STATE_FIELD(virtio_device, U32, config_generation),
    STATE_POINTER_STRUCTS(virtio_device, queues, queue_count, virtqueue_state),
    STATE_END,
};

static void run_deferred(void *opaque)
{
    struct virtqueue *queue = opaque;
    if (queue->ready && virtio_running(queue->owner))
        queue->owner->class->notify(queue->owner, queue);
}

int virtio_realize(struct virtio_device *device, const struct virtio_class *class, struct error *error)
{
    const struct virtio_socket *socket = device->device.parent->opaque;
    if (class->modern_only && socket->legacy)
        return error_set(error, EINVAL, "device '%s' needs the interface of virtio 1.0, which its bus does not have",
                         device->device.type->name);
    assert(class->config_size <= VIRTIO_CONFIG_MAX);
    device->class = class;
    device->transport = socket->ops;
    device->transport_opaque = socket->opaque;
    device->legacy = socket->legacy;
    device->queue_count = class->queue_count;
    device->queues = ALLOC_ARRAY(struct virtqueue, class->queue_count);
    for (unsigned i = 0; i < class->queue_count; i++) {
        struct virtqueue *queue = &device->queues[i];
        queue->owner = device;
        queue->index = (uint16_t)i;
        queue->max_size = class->queue_sizes[i];
        io_task_init(&queue->task, run_deferred, queue);
    }
    device->host_features = class->features(device) | (device->offer_indirect ? VIRTIO_F_INDIRECT_DESC : 0) |
                            (device->offer_event_idx ? VIRTIO_F_EVENT_IDX : 0) |
                            (device->legacy ? 0 : VIRTIO_F_VERSION_1);
    socket->plugged(socket->opaque, device);
    return 0;
}

void virtio_unrealize(struct virtio_device *device)
{
    const struct virtio_socket *socket = device->device.parent->opaque;
    virtio_reset(device);
    socket->plugged(socket->opaque, NULL);
    free(device->queues);
    device->queues = NULL;
}

void virtio_reset(struct virtio_device *device)
{
    // First, so that requests which finish now are not reported to the driver.
    bool was_running = device->status & VIRTIO_STATUS_DRIVER_OK;
    device->status = 0;
    if (was_running)
        device->transport->running(device->transport_opaque, false);
    if (device->class->stop)
        device->class->stop(device);
    device->driver_features = 0;
    for (unsigned i = 0; i < device->queue_count; i++) {
        struct virtqueue *queue = &device->queues[i];
        io_loop_unpost(device->device.machine->loop, &queue->task);
        queue->size = queue->max_size;
        queue->ready = queue->signalled_valid = false;
        queue->descriptors = queue->available = queue->used = 0;
        queue->last_available = queue->used_index = queue->signalled = 0;
    }
}

void virtio_set_driver_features(struct virtio_device *device, unsigned word, uint32_t value)
{
    if (word > 1 || (device->status & VIRTIO_STATUS_FEATURES_OK))
        return;
    device->driver_features = deposit64(device->driver_features, word * 32, 32, value);
    if (device->legacy) // without a step to refuse what was not offered
        device->driver_features &= device->host_features;
}

void virtio_set_status(struct virtio_device *device, uint8_t status)
{
    if (!status) {
        virtio_reset(device);
        return;
    }
    uint8_t before = device->status;
    bool sane = !(device->driver_features & ~device->host_features) &&
                (device->legacy || virtio_has(device, VIRTIO_F_VERSION_1));
    if (!sane && (status & VIRTIO_STATUS_FEATURES_OK)) {
        log_printf(LOG_GUEST_ERRORS, "%s: driver accepts features 0x%llx that were not offered\n",
                   device->device.type->name, (unsigned long long)device->driver_features);
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    }
    // A driver sets bits one after the other and clears them only by a reset.
    device->status = status | (before & VIRTIO_STATUS_NEEDS_RESET);
    bool starts = (status & VIRTIO_STATUS_DRIVER_OK) && !(before & VIRTIO_STATUS_DRIVER_OK);
    if (starts)
        device->transport->running(device->transport_opaque, true);
    if (starts && device->class->started)
        device->class->started(device);
}

static void fill_config(struct virtio_device *device, uint8_t config[VIRTIO_CONFIG_MAX])
{
    for (unsigned i = 0; i < VIRTIO_CONFIG_MAX; i++)
        config[i] = 0;
    if (device->class->get_config)
        device->class->get_config(device, config);
}

uint32_t virtio_read_config(struct virtio_device *device, uint64_t offset, unsigned size)
{
    uint8_t config[VIRTIO_CONFIG_MAX];
    if (!range_inside(offset, size, device->class->config_size))
        return 0;
    fill_config(device, config);
    return (uint32_t)load_le(config + offset, size);
}

void virtio_write_config(struct virtio_device *device, uint64_t offset, unsigned size, uint32_t value)
{
    if (range_inside(offset, size, device->class->config_size) && device->class->set_config)
        device->class->set_config(device, (unsigned)offset, size, value);
}

void virtio_queue_set_ready(struct virtqueue *queue, bool ready)
{
    queue->ready = false;
    if (!ready)
        return;
    bool size_ok = is_power_of_two(queue->size) && queue->size <= queue->max_size;
    bool aligned = !(queue->descriptors & 15) && !(queue->available & 1) && !(queue->used & 3);
    if (size_ok && aligned)
        queue->ready = true;
    else
        virtio_broken(queue->owner, "queue with a bad size or address");
}

void virtio_kick(struct virtio_device *device, uint32_t queue_index)
{
    if (queue_index >= device->queue_count || !virtio_running(device) || !device->queues[queue_index].ready)
        return;
    device->class->notify(device, &device->queues[queue_index]);
}

struct mem_doorbell *virtio_doorbells(const struct virtio_device *device, unsigned offset, unsigned step, unsigned size)
{
    struct mem_doorbell *bells = ALLOC_ARRAY(struct mem_doorbell, device->queue_count);
    for (unsigned i = 0; i < device->queue_count; i++)
        bells[i] = (struct mem_doorbell){offset + i * step, (uint8_t)size, step != 0, step ? 0 : i};
    return bells;
}

void virtio_config_changed(struct virtio_device *device)
{
    device->config_generation++;
    if (device->status & VIRTIO_STATUS_DRIVER_OK)
        device->transport->interrupt(device->transport_opaque, NULL);
}

void virtio_broken(struct virtio_device *device, const char *what)
{
    log_printf(LOG_GUEST_ERRORS, "%s: %s; the device stops until it is reset\n", device->device.type->name,
               what);
    if (device->status & VIRTIO_STATUS_NEEDS_RESET)
        return;
    bool tell = device->status & VIRTIO_STATUS_DRIVER_OK;
    device->status |= VIRTIO_STATUS_NEEDS_RESET;
    if (tell)
        device->transport->interrupt(device->transport_opaque, NULL);
}
