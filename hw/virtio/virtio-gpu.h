// SPDX-License-Identifier: MIT
// Between the files of the virtio graphics device: commands and life (virtio-gpu.c), resources (virtio-gpu-resource.c), and
// heads, which show them (virtio-gpu-head.c). Device lock held in all calls. Rectangles and sizes may be what a hostile guest
// wrote until they were checked against a resource.
#pragma once

#include "hw/core/display.h"
#include "hw/virtio/virtio.h"

enum { GPU_HEADS_MAX = 16, GPU_BACKING_MAX = 16384, GPU_CURSOR_SIDE = 64, GPU_REPLY_BYTES = 1032 };

#define GPU_F_EDID (UINT64_C(1) << 1)

enum gpu_response {
    GPU_OK_NODATA = 0x1100,
    GPU_OK_DISPLAY_INFO = 0x1101,
    GPU_OK_EDID = 0x1104,
    GPU_ERR_UNSPEC = 0x1200,
    GPU_ERR_OUT_OF_MEMORY = 0x1201,
    GPU_ERR_INVALID_SCANOUT_ID = 0x1202,
    GPU_ERR_INVALID_RESOURCE_ID = 0x1203,
    GPU_ERR_INVALID_PARAMETER = 0x1205,
};

struct gpu_rect {
    uint32_t x, y, width, height;
};

// Guest memory that a part of a resource is transferred from.
struct gpu_backing {
    uint64_t gpa;
    uint32_t length;
};

// Pixels are as the guest has them, 32 bits each in an order that the format says.
struct gpu_resource {
    uint32_t id, format, width, height;
    struct surface *surface;
    uint32_t *pixels, pixel_count; // the surface's
    struct gpu_backing *backing;
    uint32_t backing_count; // 0: none is attached
};

struct gpu_head {
    struct virtio_gpu *gpu;
    struct display display;
    struct display *behind; // what it shows while the guest shows nothing there; NULL: nothing
    struct display_view behind_view; // attached while it is needed
    uint64_t converted_bytes; // of a surface of its own
    // What the guest is told to show.
    bool enabled;
    uint32_t width, height;
    // What it does show: a rectangle of a resource; id 0: nothing.
    uint32_t resource_id;
    struct gpu_rect rect;
    bool cursor_shown;
    uint32_t cursor_x, cursor_y, hot_x, hot_y; // of the image's corner, two's complement; in the image
    uint32_t cursor[GPU_CURSOR_SIDE * GPU_CURSOR_SIDE]; // as of struct display_cursor
};

struct virtio_gpu {
    struct virtio_device virtio;
    struct virtq_chain chain;
    struct gpu_head *heads;
    uint64_t memory_used;  // of what max_hostmem limits
    uint64_t moved_bytes;  // by the commands of one run

    uint32_t events;
    struct gpu_resource *resources; // by id
    uint32_t resource_count;

    // Properties.
    uint32_t head_count, width, height;
    bool edid;
    uint64_t memory_limit;
};

struct gpu_reply {
    uint32_t length;
    uint8_t data[GPU_REPLY_BYTES];
};

// What runs a command: `body` is what follows the header, as long as the table of commands says.
typedef enum gpu_response gpu_command_fn(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply);

struct gpu_rect gpu_load_rect(const uint8_t *at);
// What GET_DISPLAY_INFO says has changed.
void gpu_tell_of_displays(struct virtio_gpu *gpu);

// virtio-gpu-resource.c
extern const struct state_field gpu_resource_state[];
gpu_command_fn gpu_create_2d, gpu_unref, gpu_attach_backing, gpu_detach_backing, gpu_transfer_to_host_2d;
struct gpu_resource *gpu_find_resource(struct virtio_gpu *gpu, uint32_t id); // NULL: there is none
bool gpu_rect_inside(const struct gpu_resource *resource, struct gpu_rect rect);
// Accounts for memory. False, with nothing done: there would be too much.
bool gpu_take_memory(struct virtio_gpu *gpu, uint64_t bytes);
void gpu_give_memory(struct virtio_gpu *gpu, uint64_t bytes);
// Whether surfaces can show its pixels as they are.
bool gpu_resource_is_plain(const struct gpu_resource *resource);
// Copies a rectangle inside the resource to the upper left of `out`, for surfaces, or with alpha for cursors.
void gpu_resource_convert(const struct gpu_resource *resource, struct gpu_rect rect, uint32_t *out, unsigned out_stride);
void gpu_drop_resources(struct virtio_gpu *gpu);
// Makes sense of loaded state.
void gpu_resources_loaded(struct virtio_gpu *gpu);

// virtio-gpu.c: has the first head show another display while the guest shows nothing there; NULL for none again. That one is
// not the machine's, and has no other views.
void virtio_gpu_set_behind(struct device *device, struct display *display);

// virtio-gpu-head.c
extern const struct state_field gpu_head_state[];
gpu_command_fn gpu_get_display_info, gpu_get_edid, gpu_set_scanout, gpu_flush;
void gpu_update_cursor(struct virtio_gpu *gpu, const uint8_t *body, bool image);
void gpu_head_set_behind(struct gpu_head *head, struct display *display);
void gpu_heads_add(struct virtio_gpu *gpu);
void gpu_heads_remove(struct virtio_gpu *gpu);
// All show nothing, or only those that show the resource.
void gpu_heads_off(struct virtio_gpu *gpu);
void gpu_heads_forget(struct virtio_gpu *gpu, const struct gpu_resource *resource);
void gpu_heads_loaded(struct virtio_gpu *gpu);
