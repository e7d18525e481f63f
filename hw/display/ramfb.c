// SPDX-License-Identifier: MIT
// The file, big-endian: u64 address, u32 format (DRM's code), u32 flags, u32 width, u32 height, u32 bytes from line to
// line (0: as wide as the pixels). What cannot be shown (no such format, not all of it in one piece of RAM) shows
// nothing.
#include "hw/display/ramfb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/display.h"
#include "hw/core/machine.h"
#include "hw/core/ram-watch.h"
#include "hw/display/scanout.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { CONFIG_BYTES = 28, STRIDE_MAX = 4 * SURFACE_SIDE_MAX };

struct ramfb {
    struct device device;
    struct display display;
    struct ram_watch watch;
    struct scanout_lines lines; // counted from the page that the framebuffer starts in
    uint64_t ram_offset;        // of that page
    enum pixel_format format;
    bool redraw, watched;
    uint64_t *dirty_pages;

    uint8_t config[CONFIG_BYTES]; // as it was written
};

static bool find_format(uint32_t code, enum pixel_format *format)
{
#define CODE(A, B, C, D) ((uint32_t)(A) | (uint32_t)(B) << 8 | (uint32_t)(C) << 16 | (uint32_t)(D) << 24)
    static const struct {
        uint32_t code;
        enum pixel_format format;
    } formats[] = {{CODE('X', 'R', '2', '4'), PIXEL_XRGB8888}, {CODE('A', 'R', '2', '4'), PIXEL_XRGB8888},
                   {CODE('X', 'B', '2', '4'), PIXEL_XBGR8888}, {CODE('A', 'B', '2', '4'), PIXEL_XBGR8888},
                   {CODE('R', 'G', '2', '4'), PIXEL_RGB888},   {CODE('B', 'G', '2', '4'), PIXEL_BGR888},
                   {CODE('R', 'G', '1', '6'), PIXEL_RGB565},   {CODE('X', 'R', '1', '5'), PIXEL_XRGB1555}};
#undef CODE
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (formats[i].code == code) {
            *format = formats[i].format;
            return true;
        }
    return false;
}

// Where the framebuffer is in the RAM object. False when not all of it is RAM.
static bool find_memory(const struct machine *machine, uint64_t address, uint64_t bytes, uint64_t *ram_offset)
{
    const struct mem_range *range = memory_map_find(machine->map, address);
    if (!range || range->kind != MEM_RAM || !range_inside(address - range->base, bytes, range->size))
        return false;
    *ram_offset = range->ram_offset + (address - range->base);
    return true;
}

static void stop(struct ramfb *fb)
{
    ram_watch_end(&fb->watch);
    free(fb->dirty_pages);
    fb->dirty_pages = NULL;
    fb->lines.count = 0;
    display_set_surface(&fb->display, NULL);
}

static void watch(struct ramfb *fb)
{
    if (fb->watched && fb->lines.count)
        ram_watch_begin(&fb->watch, fb->device.machine->ram, fb->ram_offset,
                        scanout_pages(&fb->lines) << GUEST_PAGE_BITS);
    fb->redraw = true;
}

static void start(struct ramfb *fb, unsigned width, unsigned height, uint64_t ram_offset, uint32_t stride)
{
    uint8_t *pixels = fb->device.machine->ram->host + ram_offset;
    struct surface *surface = NULL;
    if (fb->format == PIXEL_XRGB8888)
        surface = surface_wrap(width, height, stride, pixels);
    if (!surface)
        surface = surface_create(width, height);
    if (!surface)
        return;
    uint64_t in_page = ram_offset & (GUEST_PAGE_SIZE - 1);
    fb->ram_offset = ram_offset - in_page;
    fb->lines = (struct scanout_lines){in_page, stride, width * pixel_bytes(fb->format), height};
    fb->dirty_pages = ALLOC_ARRAY(uint64_t, (scanout_pages(&fb->lines) + 63) / 64);
    display_set_surface(&fb->display, surface);
    watch(fb);
}

// Takes over what the guest has written.
static void apply(struct ramfb *fb)
{
    const uint8_t *config = fb->config;
    uint64_t address = load_be64(config), ram_offset;
    uint32_t code = load_be32(config + 8), width = load_be32(config + 16), height = load_be32(config + 20);
    uint32_t stride = load_be32(config + 24);
    stop(fb);
    if (!width && !height)
        return;
    if (!width || !height || width > SURFACE_SIDE_MAX || height > SURFACE_SIDE_MAX || stride > STRIDE_MAX ||
        !find_format(code, &fb->format)) {
        log_printf(LOG_GUEST_ERRORS, "ramfb: %u by %u pixels of format 0x%08x with %u bytes a line\n", width, height,
                   code, stride);
        return;
    }
    uint32_t line = width * pixel_bytes(fb->format);
    stride = stride ? stride : line;
    if (stride < line || !find_memory(fb->device.machine, address, (uint64_t)stride * (height - 1) + line, &ram_offset))
        log_printf(LOG_GUEST_ERRORS, "ramfb: %u lines of %u bytes at 0x%llx are not in memory\n", height, stride,
                   (unsigned long long)address);
    else
        start(fb, width, height, ram_offset, stride);
}

static void config_written(void *opaque, const uint8_t *data, uint32_t length)
{
    struct ramfb *fb = opaque;
    memcpy(fb->config, data, length);
    apply(fb);
}

static void refresh(void *opaque)
{
    struct ramfb *fb = opaque;
    const struct surface *surface = fb->display.surface;
    if (!surface)
        return;
    if (!scanout_collect(&fb->lines, &fb->watch, fb->dirty_pages) && !fb->redraw)
        return;
    const uint8_t *first = fb->device.machine->ram->host + fb->ram_offset + fb->lines.first;
    struct scanout_band band = {.display = &fb->display};
    uint32_t *line = surface->owned ? ALLOC_ARRAY(uint32_t, surface->width) : NULL;
    for (unsigned y = 0; y < fb->lines.count; y++) {
        if (!fb->redraw && !scanout_is_dirty(&fb->lines, fb->dirty_pages, y))
            continue;
        if (!line) {
            scanout_damage_line(&band, y);
            continue;
        }
        pixels_convert(fb->format, first + y * fb->lines.step, surface->width, NULL, line);
        scanout_show_line(&band, y, line);
    }
    free(line);
    scanout_end(&band);
    fb->redraw = false;
}

static void watched(void *opaque, bool on)
{
    struct ramfb *fb = opaque;
    fb->watched = on;
    ram_watch_end(&fb->watch);
    watch(fb);
}

static const struct display_ops ramfb_display_ops = {.refresh = refresh, .watched = watched};

static int ramfb_realize(struct device *device, struct error *error)
{
    struct ramfb *fb = (struct ramfb *)device;
    if (!device->machine->fw_cfg)
        return error_set(error, ENODEV, "device 'ramfb': machine '%s' has no fw_cfg", device->machine->type->name);
    int result =
        fw_cfg_add_writable_file(device->machine->fw_cfg, "etc/ramfb", CONFIG_BYTES, config_written, fb, error);
    if (result)
        return result;
    fb->display = (struct display){.ops = &ramfb_display_ops, .opaque = fb, .name = "ramfb"};
    display_add(device->machine, &fb->display);
    return 0;
}

static void ramfb_unrealize(struct device *device)
{
    struct ramfb *fb = (struct ramfb *)device;
    stop(fb);
    display_remove(&fb->display);
}

static void ramfb_reset(struct device *device)
{
    struct ramfb *fb = (struct ramfb *)device;
    memset(fb->config, 0, sizeof(fb->config));
    apply(fb);
}

static void ramfb_state_loaded(struct device *device)
{
    apply((struct ramfb *)device);
}

static const struct state_field ramfb_state[] = {
    STATE_ARRAY(ramfb, U8, config),
    STATE_END,
};

const struct device_type ramfb_type = {
    .name = "ramfb",
    .help = "framebuffer in memory, for firmware",
    .instance_size = sizeof(struct ramfb),
    .state = ramfb_state,
    .user_creatable = true,
    .realize = ramfb_realize,
    .unrealize = ramfb_unrealize,
    .reset = ramfb_reset,
    .state_loaded = ramfb_state_loaded,
};
