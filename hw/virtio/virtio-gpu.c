// SPDX-License-Identifier: MIT
// Virtio graphics device (VIRTIO 1.2 section 5.7), 2D: the guest draws into its own memory and tells what of it to copy into
// resources of the device, which heads show. Left out: 3D (virgl), blob resources and UUIDs, none of which is offered.
//
// Commands are answered as they come, so a fence has passed when its command is answered.
#include "hw/virtio/virtio-gpu.h"

#include <errno.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/virtio/virtio-devices.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { QUEUE_CONTROL = 0, QUEUE_CURSOR = 1 };
enum { CONFIG_EVENTS_READ = 0, CONFIG_EVENTS_CLEAR = 4, CONFIG_HEADS = 8, CONFIG_BYTES = 16, EVENT_DISPLAY = 1 };
enum { HEADER_BYTES = 24, BODY_BYTES_MAX = 32, FLAG_FENCE = 1 };

enum command_type {
    GET_DISPLAY_INFO = 0x100,
    RESOURCE_CREATE_2D = 0x101,
    RESOURCE_UNREF = 0x102,
    SET_SCANOUT = 0x103,
    RESOURCE_FLUSH = 0x104,
    TRANSFER_TO_HOST_2D = 0x105,
    RESOURCE_ATTACH_BACKING = 0x106,
    RESOURCE_DETACH_BACKING = 0x107,
    GET_CAPSET_INFO = 0x108,
    GET_CAPSET = 0x109,
    GET_EDID = 0x10a,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR = 0x301,
};

// So many bytes are copied without letting others have the device lock.
enum { MOVED_BYTES_MAX = 32 << 20 };

// num_capsets is 0, so none has the number that is asked for.
static enum gpu_response get_no_capset(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)gpu, (void)body, (void)reply;
    return GPU_ERR_INVALID_PARAMETER;
}

static const struct command {
    uint32_t type, body_bytes;
    gpu_command_fn *run;
} commands[] = {
    {GET_DISPLAY_INFO, 0, gpu_get_display_info},
    {RESOURCE_CREATE_2D, 16, gpu_create_2d},
    {RESOURCE_UNREF, 8, gpu_unref},
    {SET_SCANOUT, 24, gpu_set_scanout},
    {RESOURCE_FLUSH, 24, gpu_flush},
    {TRANSFER_TO_HOST_2D, 32, gpu_transfer_to_host_2d},
    {RESOURCE_ATTACH_BACKING, 8, gpu_attach_backing},
    {RESOURCE_DETACH_BACKING, 8, gpu_detach_backing},
    {GET_CAPSET_INFO, 8, get_no_capset},
    {GET_CAPSET, 8, get_no_capset},
    {GET_EDID, 8, gpu_get_edid},
};

struct gpu_rect gpu_load_rect(const uint8_t *at)
{
    return (struct gpu_rect){load_le32(at), load_le32(at + 4), load_le32(at + 8), load_le32(at + 12)};
}

void gpu_tell_of_displays(struct virtio_gpu *gpu)
{
    gpu->events |= EVENT_DISPLAY;
    virtio_config_changed(&gpu->virtio);
}

static enum gpu_response run_command(struct virtio_gpu *gpu, uint32_t type, struct gpu_reply *reply)
{
    uint8_t body[BODY_BYTES_MAX];
    uint64_t length = iovec_read(gpu->chain.read, gpu->chain.read_count, HEADER_BYTES, body, sizeof(body));
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        if (commands[i].type == type)
            return length < commands[i].body_bytes ? GPU_ERR_UNSPEC : commands[i].run(gpu, body, reply);
    return GPU_ERR_UNSPEC;
}

static uint32_t answer(struct virtio_gpu *gpu, const uint8_t header[HEADER_BYTES], enum gpu_response response,
                       const struct gpu_reply *reply)
{
    const struct virtq_chain *chain = &gpu->chain;
    uint8_t raw[HEADER_BYTES] = {0};
    store_le32(raw, response);
    if (load_le32(header + 4) & FLAG_FENCE) {
        store_le32(raw + 4, FLAG_FENCE);
        memcpy(raw + 8, header + 8, 12); // fence and context
    }
    uint64_t written = iovec_write(chain->write, chain->write_count, 0, raw, sizeof(raw));
    written += iovec_write(chain->write, chain->write_count, HEADER_BYTES, reply->data, reply->length);
    return (uint32_t)written;
}

static void serve_control(struct virtio_gpu *gpu, struct virtqueue *queue)
{
    unsigned budget = queue->size;
    gpu->moved_bytes = 0;
    while (virtqueue_next(queue, &gpu->chain, &budget)) {
        uint8_t header[HEADER_BYTES] = {0};
        struct gpu_reply reply = {0};
        iovec_read(gpu->chain.read, gpu->chain.read_count, 0, header, sizeof(header));
        uint32_t type = load_le32(header);
        enum gpu_response response = run_command(gpu, type, &reply);
        if (response >= GPU_ERR_UNSPEC)
            log_printf(LOG_GUEST_ERRORS, "virtio-gpu: command 0x%x is answered with error 0x%x\n", type, response);
        virtqueue_push(queue, &gpu->chain, answer(gpu, header, response, &reply));
        if (gpu->moved_bytes > MOVED_BYTES_MAX) {
            virtqueue_defer(queue);
            break;
        }
    }
    virtqueue_notify(queue);
}

static void serve_cursor(struct virtio_gpu *gpu, struct virtqueue *queue)
{
    unsigned budget = queue->size;
    while (virtqueue_next(queue, &gpu->chain, &budget)) {
        const struct virtq_chain *chain = &gpu->chain;
        uint8_t raw[HEADER_BYTES + BODY_BYTES_MAX];
        bool whole = iovec_read(chain->read, chain->read_count, 0, raw, sizeof(raw)) == sizeof(raw);
        uint32_t type = whole ? load_le32(raw) : 0;
        if (type == UPDATE_CURSOR || type == MOVE_CURSOR)
            gpu_update_cursor(gpu, raw + HEADER_BYTES, type == UPDATE_CURSOR);
        else
            log_printf(LOG_GUEST_ERRORS, "virtio-gpu: command 0x%x for the cursor\n", type);
        virtqueue_push(queue, chain, 0);
    }
    virtqueue_notify(queue);
}

static void notify(struct virtio_device *device, struct virtqueue *queue)
{
    if (queue->index == QUEUE_CURSOR)
        serve_cursor((struct virtio_gpu *)device, queue);
    else
        serve_control((struct virtio_gpu *)device, queue);
}

static uint64_t features(struct virtio_device *device)
{
    return ((struct virtio_gpu *)device)->edid ? GPU_F_EDID : 0;
}

static void get_config(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    store_le32(config + CONFIG_EVENTS_READ, gpu->events);
    store_le32(config + CONFIG_HEADS, gpu->head_count);
}

static void set_config(struct virtio_device *device, unsigned offset, unsigned size, uint32_t value)
{
    struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    if (offset == CONFIG_EVENTS_CLEAR && size == 4)
        gpu->events &= ~value;
}

static void stop(struct virtio_device *device)
{
    struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    gpu_heads_off(gpu);
    gpu_drop_resources(gpu);
    gpu->events = 0;
}

static const uint16_t queue_sizes[] = {256, 16};

static const struct virtio_class gpu_class = {
    .device_id = 16,
    .queue_count = 2,
    .queue_sizes = queue_sizes,
    .config_size = CONFIG_BYTES,
    .modern_only = true,
    .features = features,
    .get_config = get_config,
    .set_config = set_config,
    .notify = notify,
    .stop = stop,
};

static int gpu_realize(struct device *device, struct error *error)
{
    struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    const char *name = device->type->name;
    if (!gpu->head_count || gpu->head_count > GPU_HEADS_MAX)
        return error_set(error, EINVAL, "device '%s': max_outputs %u is not 1 to %u", name, gpu->head_count, GPU_HEADS_MAX);
    if (!gpu->width || !gpu->height || gpu->width > SURFACE_SIDE_MAX || gpu->height > SURFACE_SIDE_MAX)
        return error_set(error, EINVAL, "device '%s': xres and yres are 1 to %u, not %u and %u", name, SURFACE_SIDE_MAX,
                         gpu->width, gpu->height);
    int result = virtio_realize(&gpu->virtio, &gpu_class, error);
    if (!result)
        gpu_heads_add(gpu);
    return result;
}

void virtio_gpu_set_behind(struct device *device, struct display *display)
{
    gpu_head_set_behind(((struct virtio_gpu *)device)->heads, display);
}

static void gpu_unrealize(struct device *device)
{
    struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    virtio_unrealize(&gpu->virtio);
    gpu_heads_remove(gpu);
}

static void gpu_state_loaded(struct device *device)
{
    struct virtio_gpu *gpu = (struct virtio_gpu *)device;
    gpu_resources_loaded(gpu);
    gpu_heads_loaded(gpu);
}

static const struct property gpu_properties[] = {
    {"max_outputs", PROPERTY_UINT32, offsetof(struct virtio_gpu, head_count), "1", "heads, up to 16", NULL},
    {"xres", PROPERTY_UINT32, offsetof(struct virtio_gpu, width), "1280", "width that the guest is asked for, in pixels", NULL},
    {"yres", PROPERTY_UINT32, offsetof(struct virtio_gpu, height), "800", "height that the guest is asked for, in pixels",
     NULL},
    {"edid", PROPERTY_BOOL, offsetof(struct virtio_gpu, edid), "on", "tell of monitors by EDID", NULL},
    {"max_hostmem", PROPERTY_SIZE, offsetof(struct virtio_gpu, memory_limit), "256M",
     "host memory that the guest's pictures may take", NULL},
    VIRTIO_PROPERTIES(virtio_gpu),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field gpu_state[] = {
    STATE_STRUCT_FIELD(virtio_gpu, virtio, virtio_state),
    STATE_FIELD(virtio_gpu, U32, events),
    STATE_POINTER_STRUCTS(virtio_gpu, heads, head_count, gpu_head_state),
    STATE_POINTER_STRUCTS(virtio_gpu, resources, resource_count, gpu_resource_state),
    STATE_END,
};

const struct device_type virtio_gpu_type = {
    .name = "virtio-gpu-device",
    .help = "virtio graphics",
    .bus = "virtio-bus",
    .instance_size = sizeof(struct virtio_gpu),
    .properties = gpu_properties,
    .state = gpu_state,
    .user_creatable = true,
    .realize = gpu_realize,
    .unrealize = gpu_unrealize,
    .state_loaded = gpu_state_loaded,
};
