// SPDX-License-Identifier: MIT
// Resources of the virtio graphics device: pictures that the device keeps, the guest memory that is attached to them, and
// transfers from there. Their number and size are limited by max_hostmem, of which each takes a page at least.
//
// Attached memory is named by guest addresses and looked up for each transfer: what is no memory by then is skipped.
#include <stdlib.h>
#include <string.h>

#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio-gpu.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { PIXEL_BYTES = 4, RESOURCE_BYTES_LEAST = 4096, ENTRY_BYTES = 16, ENTRIES_AT = 32 };

// Named by the order of bytes in memory.
enum format {
    B8G8R8A8 = 1,
    B8G8R8X8 = 2,
    A8R8G8B8 = 3,
    X8R8G8B8 = 4,
    R8G8B8A8 = 67,
    X8B8G8R8 = 68,
    A8B8G8R8 = 121,
    R8G8B8X8 = 134,
};

static const struct state_field backing_state[] = {
    STATE_FIELD(gpu_backing, U64, gpa),
    STATE_FIELD(gpu_backing, U32, length),
    STATE_END,
};

// The lengths of arrays are the guest's choice: whoever loads state into a device makes them as long as they were before.
const struct state_field gpu_resource_state[] = {
    STATE_FIELD(gpu_resource, U32, id),
    STATE_FIELD(gpu_resource, U32, format),
    STATE_FIELD(gpu_resource, U32, width),
    STATE_FIELD(gpu_resource, U32, height),
    STATE_POINTER(gpu_resource, U32, pixels, pixel_count),
    STATE_POINTER_STRUCTS(gpu_resource, backing, backing_count, backing_state),
    STATE_END,
};

bool gpu_take_memory(struct virtio_gpu *gpu, uint64_t bytes)
{
    if (!range_inside(gpu->memory_used, bytes, gpu->memory_limit))
        return false;
    gpu->memory_used += bytes;
    return true;
}

void gpu_give_memory(struct virtio_gpu *gpu, uint64_t bytes)
{
    gpu->memory_used -= bytes;
}

static uint64_t picture_bytes(uint32_t width, uint32_t height)
{
    uint64_t bytes = (uint64_t)width * height * PIXEL_BYTES;
    return bytes < RESOURCE_BYTES_LEAST ? RESOURCE_BYTES_LEAST : bytes;
}

static uint64_t backing_bytes(uint32_t count)
{
    return (uint64_t)count * sizeof(struct gpu_backing);
}

// The place of the first resource with that id or a greater one.
static uint32_t find_place(const struct virtio_gpu *gpu, uint32_t id)
{
    uint32_t low = 0, high = gpu->resource_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (gpu->resources[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct gpu_resource *gpu_find_resource(struct virtio_gpu *gpu, uint32_t id)
{
    uint32_t place = find_place(gpu, id);
    return place < gpu->resource_count && gpu->resources[place].id == id ? &gpu->resources[place] : NULL;
}

bool gpu_rect_inside(const struct gpu_resource *resource, struct gpu_rect rect)
{
    return range_inside(rect.x, rect.width, resource->width) && range_inside(rect.y, rect.height, resource->height);
}

static bool is_format(uint32_t format)
{
    static const uint8_t formats[] = {B8G8R8A8, B8G8R8X8, A8R8G8B8, X8R8G8B8, R8G8B8A8, X8B8G8R8, A8B8G8R8, R8G8B8X8};
    return format && format <= UINT8_MAX && memchr(formats, (int)format, sizeof(formats));
}

enum gpu_response gpu_create_2d(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_resource resource = {
        .id = load_le32(body), .format = load_le32(body + 4), .width = load_le32(body + 8), .height = load_le32(body + 12)};
    uint32_t place = find_place(gpu, resource.id);
    if (!resource.id || gpu_find_resource(gpu, resource.id))
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!is_format(resource.format) || !resource.width || !resource.height)
        return GPU_ERR_INVALID_PARAMETER;
    uint64_t bytes = picture_bytes(resource.width, resource.height);
    if (!gpu_take_memory(gpu, bytes))
        return GPU_ERR_OUT_OF_MEMORY;
    resource.surface = surface_create(resource.width, resource.height);
    if (!resource.surface) {
        gpu_give_memory(gpu, bytes);
        return GPU_ERR_OUT_OF_MEMORY;
    }
    resource.pixels = surface_line(resource.surface, 0);
    resource.pixel_count = resource.width * resource.height;
    gpu->resources = alloc_resize(gpu->resources, gpu->resource_count + 1, sizeof(resource));
    memmove(&gpu->resources[place + 1], &gpu->resources[place], (gpu->resource_count++ - place) * sizeof(resource));
    gpu->resources[place] = resource;
    return GPU_OK_NODATA;
}

static void detach(struct virtio_gpu *gpu, struct gpu_resource *resource)
{
    gpu_give_memory(gpu, backing_bytes(resource->backing_count));
    free(resource->backing);
    resource->backing = NULL;
    resource->backing_count = 0;
}

static void release(struct virtio_gpu *gpu, struct gpu_resource *resource)
{
    detach(gpu, resource);
    gpu_give_memory(gpu, picture_bytes(resource->width, resource->height));
    surface_drop(resource->surface);
}

enum gpu_response gpu_unref(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_resource *resource = gpu_find_resource(gpu, load_le32(body));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    gpu_heads_forget(gpu, resource);
    release(gpu, resource);
    uint32_t after = --gpu->resource_count - (uint32_t)(resource - gpu->resources);
    memmove(resource, resource + 1, after * sizeof(*resource));
    return GPU_OK_NODATA;
}

void gpu_drop_resources(struct virtio_gpu *gpu)
{
    while (gpu->resource_count)
        release(gpu, &gpu->resources[--gpu->resource_count]);
    free(gpu->resources);
    gpu->resources = NULL;
}

static bool all_memory(struct memory_map *map, const struct gpu_backing *entry)
{
    uint64_t gpa = entry->gpa, left = entry->length;
    while (left) {
        uint64_t run = left;
        if (!dma_map(map, gpa, &run, false))
            return false;
        gpa += run;
        left -= run;
    }
    return true;
}

// Fills in the entries that follow the command. False: they are not what they should be.
static bool load_backing(struct virtio_gpu *gpu, struct gpu_backing *backing, uint32_t count)
{
    const struct virtq_chain *chain = &gpu->chain;
    size_t bytes = (size_t)count * ENTRY_BYTES;
    uint8_t *raw = alloc_zeroed(count, ENTRY_BYTES);
    bool good = iovec_read(chain->read, chain->read_count, ENTRIES_AT, raw, bytes) == bytes;
    for (uint32_t i = 0; good && i < count; i++) {
        const uint8_t *at = raw + (size_t)i * ENTRY_BYTES;
        backing[i] = (struct gpu_backing){load_le64(at), load_le32(at + 8)};
        good = all_memory(gpu->virtio.device.machine->map, &backing[i]);
    }
    free(raw);
    return good;
}

enum gpu_response gpu_attach_backing(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_resource *resource = gpu_find_resource(gpu, load_le32(body));
    uint32_t count = load_le32(body + 4);
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!count || count > GPU_BACKING_MAX || resource->backing)
        return GPU_ERR_UNSPEC;
    if (!gpu_take_memory(gpu, backing_bytes(count)))
        return GPU_ERR_OUT_OF_MEMORY;
    resource->backing = ALLOC_ARRAY(struct gpu_backing, count);
    resource->backing_count = count;
    if (load_backing(gpu, resource->backing, count))
        return GPU_OK_NODATA;
    detach(gpu, resource);
    return GPU_ERR_UNSPEC;
}

enum gpu_response gpu_detach_backing(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_resource *resource = gpu_find_resource(gpu, load_le32(body));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!resource->backing)
        return GPU_ERR_UNSPEC;
    detach(gpu, resource);
    return GPU_OK_NODATA;
}

// Where in the attached memory a transfer is; it only goes forward.
struct place {
    uint32_t entry;
    uint64_t start; // offset of the entry
};

static void copy_in(struct memory_map *map, const struct gpu_resource *resource, struct place *place, uint64_t offset,
                    uint8_t *out, uint64_t length)
{
    while (length && place->entry < resource->backing_count) {
        const struct gpu_backing *entry = &resource->backing[place->entry];
        uint64_t skip = offset - place->start;
        if (skip >= entry->length) {
            place->start += entry->length;
            place->entry++;
            continue;
        }
        uint64_t run = entry->length - skip;
        run = run < length ? run : length;
        dma_read(map, entry->gpa + skip, out, run);
        offset += run;
        out += run;
        length -= run;
    }
}

enum gpu_response gpu_transfer_to_host_2d(struct virtio_gpu *gpu, const uint8_t *body, struct gpu_reply *reply)
{
    (void)reply;
    struct gpu_rect rect = gpu_load_rect(body);
    uint64_t offset = load_le64(body + 16);
    struct gpu_resource *resource = gpu_find_resource(gpu, load_le32(body + 24));
    if (!resource)
        return GPU_ERR_INVALID_RESOURCE_ID;
    if (!resource->backing)
        return GPU_ERR_UNSPEC;
    if (!gpu_rect_inside(resource, rect))
        return GPU_ERR_INVALID_PARAMETER;
    uint64_t line = (uint64_t)rect.width * PIXEL_BYTES, stride = resource->surface->stride, lines = rect.height;
    if (line == stride) { // one run
        line *= lines;
        lines = lines != 0;
    }
    // Offsets cannot wrap: beyond this nothing is attached.
    struct place place = {0};
    for (uint64_t y = 0; y < lines && offset <= INT64_MAX; y++, offset += stride)
        copy_in(gpu->virtio.device.machine->map, resource, &place, offset,
                (uint8_t *)(surface_line(resource->surface, (unsigned)(rect.y + y)) + rect.x), line);
    gpu->moved_bytes += line * lines;
    return GPU_OK_NODATA;
}

bool gpu_resource_is_plain(const struct gpu_resource *resource)
{
    return resource->format == B8G8R8A8 || resource->format == B8G8R8X8;
}

// Made for each combination, so that the loop has no choices to make.
static inline __attribute__((always_inline)) void convert_line(const uint32_t *in, uint32_t *out, uint32_t count, bool alpha_first,
                                                               bool red_last)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pixel = alpha_first ? __builtin_bswap32(in[i]) : in[i];
        out[i] = red_last ? (pixel & 0xff00ff00) | (pixel >> 16 & 0xff) | (pixel & 0xff) << 16 : pixel;
    }
}

void gpu_resource_convert(const struct gpu_resource *resource, struct gpu_rect rect, uint32_t *out, unsigned out_stride)
{
    uint32_t format = resource->format;
    bool alpha_first = format == A8R8G8B8 || format == X8R8G8B8 || format == A8B8G8R8 || format == X8B8G8R8;
    bool red_last = format == R8G8B8A8 || format == R8G8B8X8 || format == A8B8G8R8 || format == X8B8G8R8;
    for (uint32_t y = 0; y < rect.height; y++, out += out_stride) {
        const uint32_t *line = surface_line(resource->surface, rect.y + y) + rect.x;
        if (alpha_first && red_last)
            convert_line(line, out, rect.width, true, true);
        else if (alpha_first)
            convert_line(line, out, rect.width, true, false);
        else
            convert_line(line, out, rect.width, false, red_last);
    }
}

void gpu_resources_loaded(struct virtio_gpu *gpu)
{
    uint32_t last = 0;
    gpu->memory_used = 0;
    for (uint32_t i = 0; i < gpu->resource_count; i++) {
        struct gpu_resource *resource = &gpu->resources[i];
        // In order, each with an id of its own, and of the size that its pixels have.
        resource->id = resource->id > last ? resource->id : last + 1;
        last = resource->id;
        resource->format = is_format(resource->format) ? resource->format : B8G8R8X8;
        resource->width = resource->surface->width;
        resource->height = resource->surface->height;
        gpu->memory_used += picture_bytes(resource->width, resource->height) + backing_bytes(resource->backing_count);
    }
}
