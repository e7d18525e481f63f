// SPDX-License-Identifier: MIT
// Heads of the virtio graphics device: what the guest is told of them, the rectangle of a resource that each shows, its cursor.
//
// A resource whose pixels a surface can show is shown itself; a view reads what the guest transfers. Of other formats the head
// has a converted copy, which flushes bring up to date.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/display/edid.h"
#include "hw/virtio/virtio-gpu.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { MODE_BYTES = 24, EDID_AT = 8, EDID_ROOM = 1024, SIDE_LEAST = 64 };

static const struct state_field rect_state[] = {
    STATE_FIELD(gpu_rect, U32, x),
    STATE_FIELD(gpu_rect, U32, y),
    STATE_FIELD(gpu_rect, U32, width),
    STATE_FIELD(gpu_rect, U32, height),
    STATE_END,
};

const struct state_field gpu_head_state[] = {
    STATE_FIELD(gpu_head, BOOL, enabled),
    STATE_FIELD(gpu_head, U32, width),
    STATE_FIELD(gpu_head, U32, height),
    STATE_FIELD(gpu_head, U32, resource_id),
    STATE_STRUCT_FIELD(gpu_head, rect, rect_state),
    STATE_FIELD(gpu_head, BOOL, cursor_shown),
    STATE_FIELD(gpu_head, U32, cursor_x),
    STATE_FIELD(gpu_head, U32, cursor_y),
    STATE_FIELD(gpu_head, U32, hot_x),
    STATE_FIELD(gpu_head, U32, hot_y),
    STATE_ARRAY(gpu_head, U32, cursor),
    STATE_END,
};

// --- what the guest is told ---

static uint32_t clamp_side(unsigned side)
{
    return side < SIDE_LEAST ? SIDE_LEAST : side > SURFACE_SIDE_MAX ? SURFACE_SIDE_MAX : side;
}

// A window of another size: the guest is asked to fill it. One of no size takes the monitor away, but for the first.
static void resize(void *opaque, unsigned width, unsigned height)
{
    struct gpu_head *head = opaque;
    bool on = width && height;
    if (!on && (head == head->gpu->heads || !head->enabled))
        return;
    width = on ? clamp_side(width) : head->width;
    height = on ? clamp_side(height) : head->height;
    if (on == head->enabled && width == head->width && height == head->height)
        return;
    head->enabled = on;
    head->width = width;
    head->height = height;
    gpu_tell_of_displays(head->gpu);
}

// --- a display behind ---

static void look_behind(struct gpu_head *head)
{
    bool needed = head->behind && head->display.views && !head->resource_id;
    if (needed && !head->behind_view.display)
        display_attach(head->behind, &head->behind_view);
    else if (!needed)
        display_detach(&head->behind_view);
}

static void watched(void *opaque, bool on)
{
    (void)on;
    look_behind(opaque);
}

static void refresh(void *opaque)
{
    struct gpu_head *head = opaque;
    struct display_update update;
    if (!head->behind_view.display)
        return;
    display_take(&head->behind_view, &update);
    if (update.surface_changed)
        display_set_surface(&head->display, surface_take(update.surface));
    for (unsigned i = 0; i < update.damage.count; i++) {
        const struct display_rect *rect = &update.damage.rects[i];
        display_damage(&head->display, rect->x, rect->y, rect->width, rect->height);
    }
    display_update_release(&update);
}

static bool get_text(void *opaque, struct display_text *text)
{
    const struct gpu_head *head = opaque;
    return head->behind && !head->resource_id && display_get_text(head->behind, text);
}

void gpu_head_set_behind(struct gpu_head *head, struct display *display)
{
    display_detach(&head->behind_view);
    head->behind = display;
    if (!head->resource_id && head->display.surface)
        display_set_surface(&head->display, NULL);
    look_behind(head);
}

static const struct display_ops head_ops = {.refresh = refresh, .text = get_text, .watched = watched, .resize = resize};

// Heads are side by side.
enum gpu_response gpu_get_display_info(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)body;
    uint32_t x = 0;
    for (uint32_t i = 0; i < gpu->head_count; i++) {
        const struct gpu_head *head = &gpu->heads[i];
        uint8_t *mode = reply->data + i * MODE_BYTES;
        store_le32(mode, x);
        store_le32(mode + 8, head->width);
        store_le32(mode + 12, head->height);
        store_le32(mode + 16, head->enabled);
        x += head->enabled ? head->width : 0;
    }
    reply->length = GPU_HEADS_MAX * MODE_BYTES;
    return GPU_OK_DISPLAY_INFO;
}

enum gpu_response gpu_get_edid(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    uint32_t index = load_le32(body);
    if (!virtio_has(&gpu->virtio, GPU_F_EDID))
        return GPU_ERR_UNSPEC;
    if (index >= gpu->head_count)
        return GPU_ERR_INVALID_SCANOUT_ID;
    const struct gpu_head *head = &gpu->heads[index];
    struct edid_info info = {.width = head->width, .height = head->height, .name = "Lyrebird"};
    edid_build(&info, reply->data + EDID_AT);
    store_le32(reply->data, EDID_BYTES);
    reply->length = EDID_AT + EDID_ROOM;
    return GPU_OK_EDID;
}

// --- what it shows ---

static void turn_off(struct gpu_head *head)
{
    gpu_give_memory(head->gpu, head->converted_bytes);
    head->converted_bytes = 0;
    bool showed = head->resource_id;
    head->resource_id = 0;
    head->rect = (struct gpu_rect){0};
    if (showed)
        display_set_surface(&head->display, NULL);
    look_behind(head);
}

static bool is_whole(const struct gpu_resource *resource, struct gpu_rect rect)
{
    return rect.width == resource->width && rect.height == resource->height;
}

static struct surface *convert(struct gpu_head *head, const struct gpu_resource *resource, struct gpu_rect rect)
{
    uint64_t bytes = (uint64_t)rect.width * rect.height * sizeof(uint32_t);
    if (!gpu_take_memory(head->gpu, bytes))
        return NULL;
    struct surface *surface = surface_create(rect.width, rect.height);
    if (!surface) {
        gpu_give_memory(head->gpu, bytes);
        return NULL;
    }
    head->converted_bytes = bytes;
    gpu_resource_convert(resource, rect, surface_line(surface, 0), surface->stride / sizeof(uint32_t));
    return surface;
}

static enum gpu_response show(struct gpu_head *head, struct gpu_resource *resource, struct gpu_rect rect)
{
    if (head->resource_id == resource->id && !memcmp(&head->rect, &rect, sizeof(rect)))
        return GPU_OK_NODATA;
    // What is converted for the last picture makes room for this one's; what is shown goes straight over.
    gpu_give_memory(head->gpu, head->converted_bytes);
    head->converted_bytes = 0;
    struct surface *surface = !gpu_resource_is_plain(resource)  ? convert(head, resource, rect)
                              : is_whole(resource, rect)        ? surface_take(resource->surface)
                                                                : surface_part(resource->surface, rect.x, rect.y, rect.width, rect.height);
    if (!surface) {
        turn_off(head);
        return GPU_ERR_OUT_OF_MEMORY;
    }
    head->resource_id = resource->id;
    head->rect = rect;
    look_behind(head);
    display_set_surface(&head->display, surface);
    return GPU_OK_NODATA;
}

enum gpu_response gpu_set_scanout(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_rect rect = gpu_load_rect(body);
    uint32_t index = load_le32(body + 16), id = load_le32(body + 20);
    if (index >= gpu->head_count)
        return GPU_ERR_INVALID_SCANOUT_ID;
    if (!id) {
        turn_off(&gpu->heads[index]);
        return GPU_OK_NODATA;
    }
    struct gpu_resource *resource = gpu_find_resource(gpu, id);
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!rect.width || !rect.height || !gpu_rect_inside(resource, rect))
        return GPU_ERR_INVALID_PARAMETER;
    return show(&gpu->heads[index], resource, rect);
}

// The part of `rect` that is inside `frame`; empty when a side is 0.
static struct gpu_rect intersect(struct gpu_rect rect, struct gpu_rect frame)
{
    uint32_t left = rect.x > frame.x ? rect.x : frame.x, top = rect.y > frame.y ? rect.y : frame.y;
    uint32_t right = rect.x + rect.width, bottom = rect.y + rect.height;
    right = right < frame.x + frame.width ? right : frame.x + frame.width;
    bottom = bottom < frame.y + frame.height ? bottom : frame.y + frame.height;
    return (struct gpu_rect){left, top, right > left ? right - left : 0, bottom > top ? bottom - top : 0};
}

static void flush(struct gpu_head *head, const struct gpu_resource *resource, struct gpu_rect rect)
{
    struct gpu_rect part = intersect(rect, head->rect);
    struct surface *surface = head->display.surface;
    if (!surface || !part.width || !part.height)
        return;
    unsigned x = part.x - head->rect.x, y = part.y - head->rect.y;
    if (!gpu_resource_is_plain(resource)) {
        gpu_resource_convert(resource, part, surface_line(surface, y) + x, surface->stride / sizeof(uint32_t));
        head->gpu->moved_bytes += (uint64_t)part.width * part.height * sizeof(uint32_t);
    }
    display_damage(&head->display, x, y, part.width, part.height);
}

enum gpu_response gpu_flush(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_rect rect = gpu_load_rect(body);
    struct gpu_resource *resource = gpu_find_resource(gpu, load_le32(body + 16));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!gpu_rect_inside(resource, rect))
        return GPU_ERR_INVALID_PARAMETER;
    for (uint32_t i = 0; i < gpu->head_count; i++)
        if (gpu->heads[i].resource_id == resource->id)
            flush(&gpu->heads[i], resource, rect);
    return GPU_OK_NODATA;
}

// --- cursor ---

static void show_cursor(struct gpu_head *head)
{
    struct display_cursor *cursor = NULL;
    if (head->cursor_shown) {
        cursor = display_cursor_create(GPU_CURSOR_SIDE, GPU_CURSOR_SIDE, head->hot_x, head->hot_y);
        memcpy(cursor->pixels, head->cursor, sizeof(head->cursor));
    }
    if (cursor || head->display.cursor)
        display_set_cursor(&head->display, cursor);
}

static void move_cursor(struct gpu_head *head)
{
    // The guest says where the image is.
    display_move_cursor(&head->display, (int)(head->cursor_x + head->hot_x), (int)(head->cursor_y + head->hot_y));
}

// No color is brighter than its alpha, whatever the guest says.
static uint32_t premultiplied(uint32_t pixel)
{
    uint32_t alpha = pixel >> 24, out = alpha << 24;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t color = pixel >> shift & 0xff;
        out |= (color < alpha ? color : alpha) << shift;
    }
    return out;
}

static bool load_cursor(struct gpu_head *head, const struct gpu_resource *resource)
{
    struct gpu_rect whole = {0, 0, GPU_CURSOR_SIDE, GPU_CURSOR_SIDE};
    if (!resource || !is_whole(resource, whole))
        return false;
    gpu_resource_convert(resource, whole, head->cursor, GPU_CURSOR_SIDE);
    for (unsigned i = 0; i < ARRAY_SIZE(head->cursor); i++)
        head->cursor[i] = premultiplied(head->cursor[i]); // with alpha in any format: Linux makes cursors in one without
    return true;
}

void gpu_update_cursor(struct virtio_gpu *gpu, const uint8_t *body, bool image)
{
    uint32_t index = load_le32(body), id = load_le32(body + 16);
    if (index >= gpu->head_count) {
        log_printf(LOG_GUEST_ERRORS, "virtio-gpu: cursor of head %u, which is not there\n", index);
        return;
    }
    struct gpu_head *head = &gpu->heads[index];
    head->cursor_x = load_le32(body + 4);
    head->cursor_y = load_le32(body + 8);
    if (image) {
        uint32_t hot_x = load_le32(body + 20), hot_y = load_le32(body + 24);
        head->hot_x = hot_x < GPU_CURSOR_SIDE ? hot_x : GPU_CURSOR_SIDE - 1;
        head->hot_y = hot_y < GPU_CURSOR_SIDE ? hot_y : GPU_CURSOR_SIDE - 1;
        head->cursor_shown = load_cursor(head, id ? gpu_find_resource(gpu, id) : NULL);
        if (id && !head->cursor_shown)
            log_printf(LOG_GUEST_ERRORS, "virtio-gpu: cursor from resource %u, which is not one of 64x64\n", id);
        show_cursor(head);
    }
    move_cursor(head);
}

// --- life ---

static bool name_taken(const struct machine *machine, const char *name)
{
    for (const struct display *display = machine->displays; display; display = display->next)
        if (!strcmp(display->name, name))
            return true;
    return false;
}

// The device's id, or "gpu0" and so on; further heads have their number after a dot.
static void name_heads(struct virtio_gpu *gpu)
{
    const struct device *device = &gpu->virtio.device;
    char base[sizeof(gpu->heads->display.name) - 3];
    snprintf(base, sizeof(base), "%s", device_user_id(device) ? device_user_id(device) : "gpu0");
    for (unsigned n = 1; !device_user_id(device) && name_taken(device->machine, base); n++)
        snprintf(base, sizeof(base), "gpu%u", n);
    for (uint32_t i = 0; i < gpu->head_count; i++)
        snprintf(gpu->heads[i].display.name, sizeof(gpu->heads[i].display.name), i ? "%s.%u" : "%s", base, i);
}

void gpu_heads_add(struct virtio_gpu *gpu)
{
    gpu->heads = ALLOC_ARRAY(struct gpu_head, gpu->head_count);
    name_heads(gpu);
    for (uint32_t i = 0; i < gpu->head_count; i++) {
        struct gpu_head *head = &gpu->heads[i];
        head->gpu = gpu;
        head->display.ops = &head_ops;
        head->display.opaque = head;
        head->enabled = i == 0;
        head->width = gpu->width;
        head->height = gpu->height;
        display_add(gpu->virtio.device.machine, &head->display);
    }
}

void gpu_heads_remove(struct virtio_gpu *gpu)
{
    for (uint32_t i = 0; i < gpu->head_count; i++)
        display_remove(&gpu->heads[i].display);
    free(gpu->heads);
    gpu->heads = NULL;
}

void gpu_heads_off(struct virtio_gpu *gpu)
{
    for (uint32_t i = 0; gpu->heads && i < gpu->head_count; i++) {
        struct gpu_head *head = &gpu->heads[i];
        turn_off(head);
        head->cursor_shown = false;
        head->cursor_x = head->cursor_y = head->hot_x = head->hot_y = 0;
        memset(head->cursor, 0, sizeof(head->cursor));
        show_cursor(head);
        move_cursor(head);
    }
}

void gpu_heads_forget(struct virtio_gpu *gpu, const struct gpu_resource *resource)
{
    for (uint32_t i = 0; i < gpu->head_count; i++)
        if (gpu->heads[i].resource_id == resource->id)
            turn_off(&gpu->heads[i]);
}

void gpu_heads_loaded(struct virtio_gpu *gpu)
{
    for (uint32_t i = 0; i < gpu->head_count; i++) {
        struct gpu_head *head = &gpu->heads[i];
        struct gpu_resource *resource = head->resource_id ? gpu_find_resource(gpu, head->resource_id) : NULL;
        struct gpu_rect rect = head->rect;
        head->width = clamp_side(head->width);
        head->height = clamp_side(head->height);
        head->hot_x %= GPU_CURSOR_SIDE;
        head->hot_y %= GPU_CURSOR_SIDE;
        for (unsigned pixel = 0; pixel < ARRAY_SIZE(head->cursor); pixel++)
            head->cursor[pixel] = premultiplied(head->cursor[pixel]);
        head->converted_bytes = 0; // as is all that is accounted for
        if (!head->behind_view.display)
            display_set_surface(&head->display, NULL);
        turn_off(head);
        if (resource && rect.width && rect.height && gpu_rect_inside(resource, rect))
            show(head, resource, rect);
        show_cursor(head);
        move_cursor(head);
    }
}
