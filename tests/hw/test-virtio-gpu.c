// SPDX-License-Identifier: MIT
// The virtio graphics device through a driver's eyes, and what its displays show.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/display.h"
#include "hw/core/dma.h"
#include "hw/core/rng.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "virtio-driver.h"

enum { CONFIG = 0x100, CONTROL = 0, CURSOR = 1 };
enum {
    GET_DISPLAY_INFO = 0x100,
    CREATE_2D,
    UNREF,
    SET_SCANOUT,
    FLUSH,
    TRANSFER,
    ATTACH,
    DETACH,
    GET_CAPSET_INFO,
    GET_CAPSET,
    GET_EDID,
    UPDATE_CURSOR = 0x300,
    MOVE_CURSOR,
};
enum {
    OK = 0x1100,
    OK_DISPLAY_INFO = 0x1101,
    OK_EDID = 0x1104,
    ERR_UNSPEC = 0x1200,
    ERR_OUT_OF_MEMORY,
    ERR_SCANOUT,
    ERR_RESOURCE,
    ERR_CONTEXT,
    ERR_PARAMETER
};
enum { BGRA = 1, BGRX, ARGB, XRGB, RGBA = 67, XBGR, ABGR = 121, RGBX = 134 };
#define F_EDID (UINT64_C(1) << 1)
#define REQUEST DRIVER_DATA
#define REPLY (DRIVER_DATA + 0x48000)
#define PIXELS (DRIVER_DATA + 0x100000)
enum { REPLY_BYTES = 1100, REPLY_BODY = 24 };

static struct virtio_driver driver;
static struct device *gpu;

static void start_with(const char *const *properties)
{
    driver_create(&driver, NULL);
    gpu = bare_device(driver.machine, &virtio_gpu_type, properties);
    driver_start(&driver, VIRTIO_F_VERSION_1 | F_EDID, 2);
}

static void start(void)
{
    start_with(NULL);
}

static void put(uint64_t address, const void *data, uint64_t bytes)
{
    cr_assert(dma_write(driver.machine->map, address, data, bytes));
}

static uint32_t word_at(uint64_t address)
{
    return (uint32_t)guest_read(driver.machine, address, 4);
}

static uint32_t answered; // bytes

// A command and the type of its answer. The words follow the header.
static uint32_t send(uint32_t type, unsigned count, const uint32_t *words)
{
    uint32_t request[6 + 64] = {type}, head;
    if (count)
        memcpy(request + 6, words, count * sizeof(words[0]));
    put(REQUEST, request, 24 + 4 * count);
    driver_send(&driver, CONTROL, 0, 2,
                (struct part[]){{REQUEST, 24 + 4 * count, false}, {REPLY, REPLY_BYTES, true}});
    cr_assert(driver_take(&driver, CONTROL, &head, &answered), "command 0x%x is not answered", type);
    return word_at(REPLY);
}

#define WORDS(...) sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__}
#define COMMAND(type, ...) send(type, WORDS(__VA_ARGS__))
#define EXPECT_OK(type, ...) cr_assert_eq(COMMAND(type, __VA_ARGS__), OK)
#define EXPECT(response, type, ...) cr_assert_eq(COMMAND(type, __VA_ARGS__), response, "not %s", #response)

static void attach(uint32_t id, uint64_t gpa, uint32_t length)
{
    EXPECT_OK(ATTACH, id, 1, (uint32_t)gpa, (uint32_t)(gpa >> 32), length, 0);
}

// A resource with memory of its size at PIXELS.
static void make(uint32_t id, uint32_t format, uint32_t width, uint32_t height)
{
    EXPECT_OK(CREATE_2D, id, format, width, height);
    attach(id, PIXELS, width * height * 4);
}

static void transfer(uint32_t id, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint64_t offset)
{
    EXPECT_OK(TRANSFER, x, y, width, height, (uint32_t)offset, (uint32_t)(offset >> 32), id, 0);
}

// Pixel (x, y) becomes base + y << 8 + x.
static void paint(uint32_t width, uint32_t height, uint32_t base)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            guest_write(driver.machine, PIXELS + 4 * (y * width + x), 4, base + (y << 8) + x);
}

static struct display *head(unsigned index)
{
    return display_at(driver.machine, index);
}

static uint32_t shown(unsigned index, unsigned x, unsigned y)
{
    const struct surface *surface = head(index)->surface;
    cr_assert(surface && x < surface->width && y < surface->height);
    return surface_line(surface, y)[x] & 0xffffff;
}

Test(virtio_gpu, says_what_it_is)
{
    driver_create(&driver, NULL);
    gpu = bare_device(driver.machine, &virtio_gpu_type, (const char *const[]){"max_outputs=3", NULL});
    cr_assert_eq(mmio_get(&driver, 8), 16);
    cr_assert(driver_offered(&driver) & VIRTIO_F_VERSION_1);
    cr_assert(driver_offered(&driver) & F_EDID);
    cr_assert_not(driver_offered(&driver) & 0x1d, "no 3D, UUIDs or blobs");
    cr_assert_eq(mmio_get(&driver, CONFIG + 8), 3);
    cr_assert_eq(mmio_get(&driver, CONFIG + 12), 0);
    cr_assert_str_eq(head(0)->name, "gpu0");
    cr_assert_str_eq(head(1)->name, "gpu0.1");
    cr_assert_str_eq(head(2)->name, "gpu0.2");
    cr_assert_null(head(0)->surface);
    driver_destroy(&driver);
}

Test(virtio_gpu, properties_that_cannot_be)
{
    static const struct {
        const char *name, *value, *text;
    } cases[] = {{"max_outputs", "0", "max_outputs 0 is not 1 to 16"},
                 {"max_outputs", "17", "max_outputs 17 is not 1 to 16"},
                 {"xres", "0", "xres and yres are 1 to 16384, not 0 and 800"},
                 {"yres", "20000", "not 1280 and 20000"}};
    driver_create(&driver, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};
        struct device *device = device_create(driver.machine, &virtio_gpu_type, NULL);
        cr_assert_eq(device_set(device, cases[i].name, cases[i].value, &error), 0);
        cr_assert_lt(device_realize(device, &error), 0);
        cr_assert(strstr(error.text, cases[i].text), "%s", error.text);
        device_destroy(device);
    }
    driver_destroy(&driver);
}

static uint32_t mode(unsigned index, unsigned word)
{
    return word_at(REPLY + REPLY_BODY + 24 * index + 4 * word);
}

static void expect_mode(unsigned index, uint32_t x, uint32_t width, uint32_t height, bool enabled)
{
    cr_assert_eq(send(GET_DISPLAY_INFO, 0, NULL), OK_DISPLAY_INFO);
    cr_assert_eq(answered, 24 + 16 * 24);
    cr_assert_eq(mode(index, 4), enabled);
    cr_assert(mode(index, 0) == x && mode(index, 1) == 0 && mode(index, 2) == width && mode(index, 3) == height,
              "head %u is %ux%u at %u", index, mode(index, 2), mode(index, 3), mode(index, 0));
}

Test(virtio_gpu, displays_and_windows_of_other_sizes)
{
    start_with((const char *const[]){"max_outputs=2", "xres=1024", "yres=768", NULL});
    expect_mode(0, 0, 1024, 768, true);
    expect_mode(1, 1024, 1024, 768, false);
    expect_mode(2, 0, 0, 0, false);
    uint32_t generation = mmio_get(&driver, 0xfc);
    head(0)->ops->resize(head(0)->opaque, 1440, 900);
    cr_assert_eq(mmio_get(&driver, CONFIG), 1, "a display event");
    cr_assert(driver.irq.level && (mmio_get(&driver, 0x60) & 2));
    cr_assert_neq(mmio_get(&driver, 0xfc), generation);
    mmio_set(&driver, CONFIG + 4, 1);
    cr_assert_eq(mmio_get(&driver, CONFIG), 0);
    expect_mode(0, 0, 1440, 900, true);
    head(0)->ops->resize(head(0)->opaque, 1440, 900);
    cr_assert_eq(mmio_get(&driver, CONFIG), 0, "nothing has changed");
    head(1)->ops->resize(head(1)->opaque, 640, 480);
    cr_assert_eq(mmio_get(&driver, CONFIG), 1);
    expect_mode(1, 1440, 640, 480, true);
    head(1)->ops->resize(head(1)->opaque, 0, 0);
    expect_mode(1, 1440, 640, 480, false);
    head(0)->ops->resize(head(0)->opaque, 0, 0);
    expect_mode(0, 0, 1440, 900, true);
    head(0)->ops->resize(head(0)->opaque, 1, UINT32_MAX);
    expect_mode(0, 0, 64, 16384, true);
    driver_destroy(&driver);
}

Test(virtio_gpu, edid_names_the_size_of_the_window)
{
    start();
    head(0)->ops->resize(head(0)->opaque, 1366, 770);
    EXPECT(OK_EDID, GET_EDID, 0, 0);
    cr_assert_eq(answered, 24 + 8 + 1024);
    cr_assert_eq(word_at(REPLY + REPLY_BODY), 256);
    uint8_t edid[256];
    cr_assert(dma_read(driver.machine->map, REPLY + REPLY_BODY + 8, edid, sizeof(edid)));
    cr_assert_eq(memcmp(edid, "\0\xff\xff\xff\xff\xff\xff\0", 8), 0);
    const uint8_t *timing = edid + 54; // the preferred one
    cr_assert_eq(timing[2] | (timing[4] & 0xf0) << 4, 1366);
    cr_assert_eq(timing[5] | (timing[7] & 0xf0) << 4, 770);
    EXPECT(ERR_SCANOUT, GET_EDID, 1, 0);
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
    EXPECT(ERR_UNSPEC, GET_EDID, 0, 0);
    driver_destroy(&driver);
    driver_create(&driver, NULL);
    bare_device(driver.machine, &virtio_gpu_type, (const char *const[]){"edid=off", NULL});
    cr_assert_not(driver_offered(&driver) & F_EDID);
    driver_destroy(&driver);
}

Test(virtio_gpu, a_picture)
{
    struct display_view view = {0};
    struct display_update update;
    start();
    display_attach(head(0), &view);
    display_take(&view, &update);
    display_update_release(&update);
    make(7, BGRX, 100, 50);
    paint(100, 50, 0x100000);
    EXPECT_OK(SET_SCANOUT, 0, 0, 100, 50, 0, 7);
    cr_assert(display_take(&view, &update));
    cr_assert(update.surface_changed && update.surface->width == 100 && update.surface->height == 50);
    cr_assert_eq(shown(0, 99, 49), 0, "nothing is transferred yet");
    display_update_release(&update);
    transfer(7, 0, 0, 100, 50, 0);
    cr_assert_not(display_take(&view, &update), "nothing is flushed yet");
    display_update_release(&update);
    EXPECT_OK(FLUSH, 10, 20, 30, 5, 7, 0);
    cr_assert(display_take(&view, &update));
    cr_assert_eq(update.damage.count, 1);
    struct display_rect rect = update.damage.rects[0];
    cr_assert(rect.x == 10 && rect.y == 20 && rect.width == 30 && rect.height == 5);
    display_update_release(&update);
    for (unsigned y = 0; y < 50; y++)
        for (unsigned x = 0; x < 100; x++)
            cr_assert_eq(shown(0, x, y), 0x100000 + (y << 8) + x);
    EXPECT_OK(SET_SCANOUT, 0, 0, 0, 0, 0, 0);
    cr_assert_null(head(0)->surface);
    display_detach(&view);
    driver_destroy(&driver);
}

Test(virtio_gpu, part_of_a_picture)
{
    start();
    make(1, BGRA, 64, 64);
    EXPECT_OK(SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    paint(64, 64, 0x200000);
    // As a driver says it: the offset is that of the rectangle's first pixel.
    transfer(1, 8, 16, 4, 3, 4 * (16 * 64 + 8));
    for (unsigned y = 0; y < 64; y++)
        for (unsigned x = 0; x < 64; x++) {
            bool inside = x >= 8 && x < 12 && y >= 16 && y < 19;
            cr_assert_eq(shown(0, x, y), inside ? 0x200000 + (y << 8) + x : 0, "%u, %u", x, y);
        }
    transfer(1, 0, 1, 64, 2, 0); // whole lines, from the start of the memory
    cr_assert(shown(0, 5, 1) == 0x200005 && shown(0, 5, 2) == 0x200105 && shown(0, 5, 3) == 0);
    driver_destroy(&driver);
}

Test(virtio_gpu, memory_in_pieces)
{
    start();
    EXPECT_OK(CREATE_2D, 1, BGRX, 32, 32);
    EXPECT_OK(SET_SCANOUT, 0, 0, 32, 32, 0, 1);
    // 4096 bytes as 1 + 1000 + 0 + 3095, which are elsewhere each.
    uint8_t all[4096];
    for (unsigned i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)(i * 7 ^ i >> 8);
    put(PIXELS + 0x5001, all, 1);
    put(PIXELS + 0x1003, all + 1, 1000);
    put(PIXELS + 0x3000, all + 1001, 3095);
    EXPECT_OK(ATTACH, 1, 4, (uint32_t)PIXELS + 0x5001, 0, 1, 0, (uint32_t)PIXELS + 0x1003, 0, 1000, 0, (uint32_t)PIXELS, 0, 0, 0,
              (uint32_t)PIXELS + 0x3000, 0, 3095, 0);
    transfer(1, 0, 0, 32, 32, 0);
    for (unsigned i = 0; i < 1024; i++)
        cr_assert_eq(shown(0, i % 32, i / 32), load_le32(all + 4 * i) & 0xffffff, "pixel %u", i);
    memset(all, 0, sizeof(all));
    put(PIXELS + 0x3000, all + 1001, 3095);
    transfer(1, 3, 9, 20, 10, 4 * (9 * 32 + 3));
    cr_assert_eq(shown(0, 22, 18), 0);
    cr_assert_neq(shown(0, 23, 18), 0);
    driver_destroy(&driver);
}

Test(virtio_gpu, formats)
{
    static const struct {
        uint32_t format;
        uint8_t bytes[4];
    } cases[] = {{BGRA, {0x33, 0x22, 0x11, 0xff}}, {BGRX, {0x33, 0x22, 0x11, 0}}, {ARGB, {0xff, 0x11, 0x22, 0x33}},
                 {XRGB, {0, 0x11, 0x22, 0x33}},    {RGBA, {0x11, 0x22, 0x33, 9}}, {XBGR, {7, 0x33, 0x22, 0x11}},
                 {ABGR, {1, 0x33, 0x22, 0x11}},    {RGBX, {0x11, 0x22, 0x33, 5}}};
    start();
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        make(1, cases[i].format, 20, 10);
        put(PIXELS + 4 * (3 * 20 + 4), cases[i].bytes, 4);
        EXPECT_OK(SET_SCANOUT, 1, 2, 19, 8, 0, 1);
        transfer(1, 0, 0, 20, 10, 0);
        EXPECT_OK(FLUSH, 0, 0, 20, 10, 1, 0);
        cr_assert_eq(shown(0, 3, 1), 0x112233, "format %u shows 0x%06x", cases[i].format, shown(0, 3, 1));
        cr_assert_eq(shown(0, 2, 1), 0);
        EXPECT_OK(UNREF, 1, 0);
        cr_assert_null(head(0)->surface);
    }
    driver_destroy(&driver);
}

Test(virtio_gpu, several_heads_show_parts_of_one_picture)
{
    struct display_view views[2] = {{0}, {0}};
    struct display_update update[2];
    start_with((const char *const[]){"max_outputs=2", NULL});
    make(1, BGRX, 200, 100);
    paint(200, 100, 0);
    transfer(1, 0, 0, 200, 100, 0);
    EXPECT_OK(SET_SCANOUT, 0, 0, 120, 100, 0, 1);
    EXPECT_OK(SET_SCANOUT, 120, 10, 80, 90, 1, 1);
    cr_assert(head(1)->surface->width == 80 && head(1)->surface->height == 90);
    cr_assert_eq(shown(0, 119, 0), 119);
    cr_assert_eq(shown(1, 1, 2), 12 << 8 | 121);
    for (unsigned i = 0; i < 2; i++) {
        display_attach(head(i), &views[i]);
        display_take(&views[i], &update[i]);
        display_update_release(&update[i]);
    }
    EXPECT_OK(FLUSH, 110, 5, 20, 10, 1, 0);
    for (unsigned i = 0; i < 2; i++)
        cr_assert(display_take(&views[i], &update[i]) && update[i].damage.count == 1);
    struct display_rect left = update[0].damage.rects[0], right = update[1].damage.rects[0];
    cr_assert(left.x == 110 && left.y == 5 && left.width == 10 && left.height == 10);
    cr_assert(right.x == 0 && right.y == 0 && right.width == 10 && right.height == 5);
    // What a view still reads outlives the resource and the device.
    EXPECT_OK(UNREF, 1, 0);
    cr_assert(head(0)->surface == NULL && head(1)->surface == NULL);
    cr_assert_eq(surface_line(update[1].surface, 2)[1], 12 << 8 | 121);
    driver_destroy(&driver);
    cr_assert_null(views[1].display);
    cr_assert_eq(surface_line(update[1].surface, 2)[1], 12 << 8 | 121);
    display_update_release(&update[0]);
    display_update_release(&update[1]);
}

Test(virtio_gpu, errors)
{
    start();
    make(1, BGRX, 64, 32);
    EXPECT(ERR_RESOURCE, CREATE_2D, 0, BGRX, 64, 64);
    EXPECT(ERR_RESOURCE, CREATE_2D, 1, BGRX, 64, 64);
    EXPECT(ERR_PARAMETER, CREATE_2D, 2, 0, 64, 64);
    EXPECT(ERR_PARAMETER, CREATE_2D, 2, 5, 64, 64);
    EXPECT(ERR_PARAMETER, CREATE_2D, 2, BGRX + 256, 64, 64);
    EXPECT(ERR_PARAMETER, CREATE_2D, 2, BGRX, 0, 64);
    EXPECT(ERR_PARAMETER, CREATE_2D, 2, BGRX, 64, 0);
    EXPECT(ERR_OUT_OF_MEMORY, CREATE_2D, 2, BGRX, UINT32_MAX, UINT32_MAX);
    EXPECT(ERR_OUT_OF_MEMORY, CREATE_2D, 2, BGRX, 0x40000000, 4);
    EXPECT(ERR_OUT_OF_MEMORY, CREATE_2D, 2, BGRX, 20000, 1);
    EXPECT(ERR_RESOURCE, UNREF, 2, 0);
    EXPECT(ERR_RESOURCE, UNREF, 0, 0);
    EXPECT(ERR_SCANOUT, SET_SCANOUT, 0, 0, 64, 32, 1, 1);
    EXPECT(ERR_SCANOUT, SET_SCANOUT, 0, 0, 64, 32, UINT32_MAX, 0);
    EXPECT(ERR_RESOURCE, SET_SCANOUT, 0, 0, 64, 32, 0, 2);
    EXPECT(ERR_PARAMETER, SET_SCANOUT, 0, 0, 65, 32, 0, 1);
    EXPECT(ERR_PARAMETER, SET_SCANOUT, 1, 0, 64, 32, 0, 1);
    EXPECT(ERR_PARAMETER, SET_SCANOUT, 0, UINT32_MAX, 64, 2, 0, 1);
    EXPECT(ERR_PARAMETER, SET_SCANOUT, 0, 0, 0, 32, 0, 1);
    EXPECT(ERR_RESOURCE, FLUSH, 0, 0, 64, 32, 2, 0);
    EXPECT(ERR_PARAMETER, FLUSH, 0, 0, 64, 33, 1, 0);
    EXPECT(ERR_PARAMETER, FLUSH, UINT32_MAX, 0, 2, 2, 1, 0);
    EXPECT(ERR_RESOURCE, TRANSFER, 0, 0, 64, 32, 0, 0, 2, 0);
    EXPECT(ERR_PARAMETER, TRANSFER, 0, 1, 64, 32, 0, 0, 1, 0);
    EXPECT(ERR_PARAMETER, TRANSFER, 32, 0, UINT32_MAX, 1, 0, 0, 1, 0);
    EXPECT(ERR_RESOURCE, ATTACH, 2, 1, 0x40000000, 0, 4096, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 1, 0x40000000, 0, 4096, 0);
    EXPECT(ERR_RESOURCE, DETACH, 2, 0);
    EXPECT_OK(DETACH, 1, 0);
    EXPECT(ERR_UNSPEC, DETACH, 1, 0);
    EXPECT(ERR_UNSPEC, TRANSFER, 0, 0, 64, 32, 0, 0, 1, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 2, 0x40000000, 0, 4096, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 16385, 0x40000000, 0, 4096, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, UINT32_MAX, 0x40000000, 0, 4096, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 1, DRIVER_BASE, 0, 4096, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 1, 0x40fff000, 0, 4097, 0);
    EXPECT(ERR_UNSPEC, ATTACH, 1, 1, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0);
    EXPECT_OK(ATTACH, 1, 1, 0x40fff000, 0, 4096, 0);
    EXPECT(ERR_PARAMETER, GET_CAPSET_INFO, 0, 0);
    EXPECT(ERR_PARAMETER, GET_CAPSET, 0, 0);
    EXPECT(ERR_UNSPEC, 0x10b, 1, 0); // a UUID
    EXPECT(ERR_UNSPEC, 0x200, 0, 0); // a context
    EXPECT(ERR_UNSPEC, UPDATE_CURSOR, 0, 0, 0, 0, 0, 0, 0, 0);
    EXPECT(ERR_UNSPEC, 0, 0);
    cr_assert_eq(mmio_get(&driver, 0x70), 15, "all of this is no reason to stop");
    driver_destroy(&driver);
}

Test(virtio_gpu, commands_that_are_cut_short)
{
    static const uint32_t types[] = {CREATE_2D, UNREF, SET_SCANOUT, FLUSH, TRANSFER, ATTACH, DETACH, GET_CAPSET_INFO, GET_EDID};
    uint32_t head_index;
    start();
    make(1, BGRX, 64, 32);
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        cr_assert_eq(send(types[i], 1, (uint32_t[]){1}), ERR_UNSPEC, "0x%x", types[i]);
    guest_write(driver.machine, REPLY, 4, 0);
    driver_send(&driver, CONTROL, 0, 2, (struct part[]){{REQUEST, 3, false}, {REPLY, 64, true}});
    cr_assert(driver_take(&driver, CONTROL, &head_index, &answered) && answered == 24);
    cr_assert_eq(word_at(REPLY), ERR_UNSPEC);
    driver_send(&driver, CONTROL, 0, 1, (struct part[]){{REPLY, 64, true}});
    cr_assert(driver_take(&driver, CONTROL, &head_index, &answered));
    guest_write(driver.machine, REQUEST, 4, GET_DISPLAY_INFO);
    driver_send(&driver, CONTROL, 0, 1, (struct part[]){{REQUEST, 24, false}});
    cr_assert(driver_take(&driver, CONTROL, &head_index, &answered) && answered == 0);
    driver_send(&driver, CONTROL, 0, 2, (struct part[]){{REQUEST, 24, false}, {REPLY, 30, true}});
    cr_assert(driver_take(&driver, CONTROL, &head_index, &answered) && answered == 30);
    driver_destroy(&driver);
}

Test(virtio_gpu, fences)
{
    uint32_t request[] = {GET_DISPLAY_INFO, 1, 0x55667788, 0x11223344, 42, 0}, head_index;
    start();
    send(GET_DISPLAY_INFO, 0, NULL);
    cr_assert_eq(guest_read(driver.machine, REPLY + 4, 4), 0);
    put(REQUEST, request, sizeof(request));
    driver_send(&driver, CONTROL, 0, 2, (struct part[]){{REQUEST, 24, false}, {REPLY, REPLY_BYTES, true}});
    cr_assert(driver_take(&driver, CONTROL, &head_index, &answered));
    cr_assert_eq(word_at(REPLY + 4), 1);
    cr_assert_eq(guest_read(driver.machine, REPLY + 8, 8), UINT64_C(0x1122334455667788));
    cr_assert_eq(word_at(REPLY + 16), 42);
    driver_destroy(&driver);
}

Test(virtio_gpu, memory_is_limited)
{
    start_with((const char *const[]){"max_hostmem=1M", NULL});
    EXPECT(ERR_OUT_OF_MEMORY, CREATE_2D, 1, BGRX, 513, 512);
    EXPECT_OK(CREATE_2D, 1, XRGB, 256, 256);
    EXPECT_OK(CREATE_2D, 2, BGRX, 256, 512);
    EXPECT_OK(SET_SCANOUT, 0, 0, 256, 256, 0, 1); // converted: takes the last quarter
    EXPECT(ERR_OUT_OF_MEMORY, CREATE_2D, 3, BGRX, 1, 1);
    EXPECT(ERR_OUT_OF_MEMORY, ATTACH, 1, 1, (uint32_t)PIXELS, 0, 4096, 0);
    EXPECT_OK(UNREF, 2, 0);
    EXPECT_OK(CREATE_2D, 3, BGRX, 1, 1);
    EXPECT_OK(UNREF, 1, 0);
    EXPECT_OK(UNREF, 3, 0);
    // All is given back; small ones count a page each.
    uint32_t count = 0;
    while (COMMAND(CREATE_2D, 1000 - count, BGRX, 1, 1) == OK)
        count++;
    cr_assert_eq(count, 256);
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
    EXPECT_OK(CREATE_2D, 1, BGRX, 512, 512);
    driver_destroy(&driver);
}

Test(virtio_gpu, memory_that_is_short_or_goes_away)
{
    start();
    uint64_t offset;
    struct error error;
    cr_assert_eq(guest_ram_carve(driver.machine->ram, 4096, &offset, &error), 0);
    struct mem_region_desc desc = {.name = "away", .base = 0x60000000, .size = 4096, .kind = MEM_RAM, .ram_offset = offset};
    struct mem_region *away = memory_map_add(driver.machine->map, desc, &error);
    guest_write(driver.machine, 0x60000000, 4, 0x123456);
    paint(32, 32, 0x300000);
    EXPECT_OK(CREATE_2D, 1, BGRX, 32, 96);
    EXPECT_OK(SET_SCANOUT, 0, 0, 32, 96, 0, 1);
    EXPECT_OK(ATTACH, 1, 2, 0x60000000, 0, 4096, 0, (uint32_t)PIXELS, 0, 4096, 0);
    transfer(1, 0, 0, 32, 96, 0);
    cr_assert(shown(0, 0, 0) == 0x123456 && shown(0, 0, 32) == 0x300000 && shown(0, 0, 64) == 0);
    memory_map_remove(driver.machine->map, away);
    guest_write(driver.machine, PIXELS, 4, 0x999999);
    transfer(1, 0, 0, 32, 96, 0);
    cr_assert(shown(0, 0, 0) == 0x123456 && shown(0, 0, 32) == 0x999999);
    // Offsets that are far outside, or would wrap.
    transfer(1, 0, 0, 32, 96, UINT64_MAX);
    transfer(1, 4, 0, 8, 96, UINT64_MAX - 200);
    transfer(1, 4, 0, 8, 96, INT64_MAX);
    transfer(1, 4, 0, 8, 96, 8192);
    transfer(1, 0, 0, 0, 0, 0);
    cr_assert_eq(shown(0, 0, 32), 0x999999);
    driver_destroy(&driver);
}

static void cursor_command(uint32_t type, uint32_t index, int x, int y, uint32_t id, uint32_t hot_x, uint32_t hot_y)
{
    uint32_t request[14] = {type, 0, 0, 0, 0, 0, index, (uint32_t)x, (uint32_t)y, 0, id, hot_x, hot_y}, head_index;
    put(REQUEST, request, sizeof(request));
    driver_send(&driver, CURSOR, 0, 1, (struct part[]){{REQUEST, sizeof(request), false}});
    cr_assert(driver_take(&driver, CURSOR, &head_index, &answered) && answered == 0);
}

Test(virtio_gpu, cursor)
{
    start();
    make(1, BGRA, 64, 64);
    guest_write(driver.machine, PIXELS + 4 * (2 * 64 + 3), 4, 0x80804020);
    guest_write(driver.machine, PIXELS, 4, 0x10ff0f11); // brighter than it can be
    transfer(1, 0, 0, 64, 64, 0);
    cursor_command(UPDATE_CURSOR, 0, 100, -7, 1, 3, 2);
    const struct display_cursor *cursor = head(0)->cursor;
    cr_assert(cursor && cursor->width == 64 && cursor->height == 64 && cursor->hot_x == 3 && cursor->hot_y == 2);
    cr_assert_eq(cursor->pixels[2 * 64 + 3], 0x80804020);
    cr_assert_eq(cursor->pixels[0], 0x10100f10);
    cr_assert(head(0)->cursor_x == 103 && head(0)->cursor_y == -5, "where the hot spot is");
    EXPECT_OK(UNREF, 1, 0);
    cursor_command(MOVE_CURSOR, 0, 10, 20, 0, 0, 0);
    cr_assert(head(0)->cursor == cursor && head(0)->cursor_x == 13 && head(0)->cursor_y == 22, "it has a copy");
    cursor_command(MOVE_CURSOR, 9, 1, 1, 0, 0, 0);
    cr_assert_eq(head(0)->cursor_x, 13);
    cursor_command(UPDATE_CURSOR, 0, 10, 20, 0, 0, 0);
    cr_assert_null(head(0)->cursor);
    make(2, XBGR, 64, 64); // Linux makes cursors in such formats, too
    guest_write(driver.machine, PIXELS + 4 * 5, 4, 0x20408080);
    transfer(2, 0, 0, 64, 64, 0);
    cursor_command(UPDATE_CURSOR, 0, 0, 0, 2, 1000, UINT32_MAX);
    cr_assert(head(0)->cursor && head(0)->cursor->hot_y == 63);
    cr_assert_eq(head(0)->cursor->pixels[5], 0x80204080, "%08x", head(0)->cursor->pixels[5]);
    cr_assert_eq(head(0)->cursor->pixels[6], 0);
    make(3, BGRA, 32, 64);
    cursor_command(UPDATE_CURSOR, 0, 0, 0, 3, 0, 0);
    cr_assert_null(head(0)->cursor, "cursors are 64 by 64");
    cursor_command(UPDATE_CURSOR, 0, 0, 0, 99, 0, 0);
    cr_assert_null(head(0)->cursor);
    driver_destroy(&driver);
}

Test(virtio_gpu, reset_forgets_all)
{
    start();
    make(1, BGRA, 64, 64);
    EXPECT_OK(SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    cursor_command(UPDATE_CURSOR, 0, 5, 5, 1, 0, 0);
    head(0)->ops->resize(head(0)->opaque, 800, 600);
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
    cr_assert(!head(0)->surface && !head(0)->cursor && !head(0)->cursor_x);
    EXPECT(ERR_RESOURCE, UNREF, 1, 0);
    expect_mode(0, 0, 800, 600, true); // the window is as it was
    driver_destroy(&driver);
}

// --- state ---

struct snapshot {
    uint64_t leaves[300000];
    unsigned count, at;
};

static void save_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)path, (void)kind;
    struct snapshot *snapshot = opaque;
    cr_assert_lt(snapshot->count, ARRAY_SIZE(snapshot->leaves));
    snapshot->leaves[snapshot->count++] = load_le(data, size);
}

static void load_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)path, (void)kind;
    struct snapshot *snapshot = opaque;
    store_le(data, size, snapshot->leaves[snapshot->at++]);
}

Test(virtio_gpu, state_is_all_that_there_is)
{
    static struct snapshot snapshot;
    start_with((const char *const[]){"max_outputs=2", NULL});
    make(4, BGRX, 80, 64);
    make(9, RGBA, 64, 64);
    paint(80, 64, 0x400000);
    transfer(4, 0, 0, 80, 64, 0);
    paint(64, 64, 0x80000000);
    transfer(9, 0, 0, 64, 64, 0);
    EXPECT_OK(SET_SCANOUT, 10, 10, 70, 54, 1, 4);
    EXPECT_OK(SET_SCANOUT, 0, 0, 64, 64, 0, 9);
    cursor_command(UPDATE_CURSOR, 1, 50, 60, 9, 1, 1);
    head(1)->ops->resize(head(1)->opaque, 333, 222);
    state_visit(gpu->type->state, gpu, save_leaf, &snapshot);

    // Another life with as many things.
    EXPECT_OK(UNREF, 9, 0);
    EXPECT_OK(UNREF, 4, 0);
    make(1, BGRX, 80, 64);
    make(2, BGRX, 64, 64);
    EXPECT_OK(SET_SCANOUT, 0, 0, 64, 64, 0, 1);
    cursor_command(UPDATE_CURSOR, 1, 0, 0, 0, 0, 0);
    head(1)->ops->resize(head(1)->opaque, 100, 100);
    paint(80, 64, 0x700000);
    transfer(1, 0, 0, 80, 64, 0);

    state_visit(gpu->type->state, gpu, load_leaf, &snapshot);
    cr_assert_eq(snapshot.at, snapshot.count);
    gpu->type->state_loaded(gpu);
    cr_assert(head(1)->surface->width == 70 && head(1)->surface->height == 54);
    cr_assert_eq(shown(1, 2, 3), 0x400000 + (13 << 8) + 12);
    cr_assert_eq(shown(0, 3, 1), 0x030100, "converted again");
    cr_assert(head(1)->cursor && head(1)->cursor->hot_x == 1 && head(1)->cursor_x == 51 && head(1)->cursor_y == 61);
    cr_assert_eq(head(1)->cursor->pixels[64 + 1], 0x80010100);
    driver_destroy(&driver);
}

// --- fuzz ---

static struct rng rng;

static uint32_t draw(uint32_t below)
{
    uint32_t value;
    rng_fill(&rng, &value, sizeof(value));
    return value % below;
}

static uint32_t number(void)
{
    static const uint32_t odd[] = {0, 1, 63, 64, 65, 0x7fffffff, 0x80000000, UINT32_MAX, UINT32_MAX - 63, 16384, 16385};
    return draw(16) ? draw(70) : odd[draw(ARRAY_SIZE(odd))];
}

static uint32_t format(void)
{
    static const uint32_t formats[] = {BGRA, BGRX, ARGB, XRGB, RGBA, XBGR, ABGR, RGBX};
    return draw(20) ? formats[draw(ARRAY_SIZE(formats))] : number();
}

static void random_command(void)
{
    static const uint32_t lengths[] = {0, 16, 8, 24, 24, 32, 8, 8, 8, 8, 8, 8};
    uint32_t kind = draw(ARRAY_SIZE(lengths)), words[64], count = lengths[kind] / 4;
    bool sane = draw(5); // a rectangle that is likely to fit, and sides that it is likely to fit in
    for (unsigned i = 0; i < 64; i++)
        words[i] = sane && i < 4 ? draw(20) : number();
    uint32_t id = 1 + draw(12);
    switch (GET_DISPLAY_INFO + kind) {
    case CREATE_2D:
        words[0] = id;
        words[1] = format();
        words[2] += sane ? 20 : 0;
        words[3] += sane ? 20 : 0;
        break;
    case SET_SCANOUT:
        words[4] = draw(4);
        words[5] = draw(13);
        break;
    case FLUSH:
        words[4] = id;
        break;
    case TRANSFER:
        words[5] = draw(10) ? 0 : number();
        words[6] = id;
        break;
    case ATTACH:
        words[0] = id;
        words[1] = draw(10) ? 1 + draw(8) : number();
        for (unsigned i = 0; i < 12; i++) {
            words[2 + 4 * i] = draw(50) ? (uint32_t)PIXELS + draw(0x10000) : number();
            words[3 + 4 * i] = draw(200) ? 0 : number();
            words[4 + 4 * i] = draw(50) ? draw(5000) : number();
        }
        count = 2 + 4 * draw(14);
        break;
    default:
        words[0] = id;
    }
    if (!draw(30))
        count = draw(60);
    send(GET_DISPLAY_INFO + kind, count, words);
}

// What is loaded is made safe.
static void scramble(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)opaque, (void)path;
    if (kind != STATE_BOOL && !draw(8))
        store_le(data, size, number());
}

Test(virtio_gpu, random_commands, .timeout = 60)
{
    struct display_view views[3] = {{0}, {0}, {0}};
    rng = rng_from_seed(1);
    start_with((const char *const[]){"max_outputs=3", "max_hostmem=256K", NULL});
    static uint8_t noise[0x20000];
    rng_fill(&rng, noise, sizeof(noise));
    put(PIXELS, noise, sizeof(noise));
    for (unsigned i = 0; i < 3; i++)
        display_attach(head(i), &views[i]);
    unsigned good = 0, pictures = 0;
    for (unsigned round = 0; round < 200000; round++) {
        random_command();
        good += word_at(REPLY) < ERR_UNSPEC;
        if (!draw(8))
            cursor_command(UPDATE_CURSOR + draw(3), number(), (int)number(), (int)number(), draw(13), number(), number());
        if (!draw(2000))
            driver_start(&driver, VIRTIO_F_VERSION_1 | F_EDID, 2);
        if (!draw(500))
            head(draw(3))->ops->resize(head(0)->opaque, number(), number());
        struct display_view *view = &views[draw(3)];
        struct display_update update;
        display_take(view, &update);
        uint32_t sum = 0;
        for (unsigned y = 0; update.surface && y < update.surface->height; y++)
            sum += surface_line(update.surface, y)[update.surface->width - 1] + surface_line(update.surface, y)[0];
        pictures += sum != 0;
        display_update_release(&update);
        if (!draw(1000)) {
            state_visit(gpu->type->state, gpu, scramble, NULL);
            gpu->type->state_loaded(gpu);
            driver_start(&driver, VIRTIO_F_VERSION_1 | F_EDID, 2);
        }
    }
    cr_assert(good > 30000 && pictures > 1000, "%u %u", good, pictures);
    driver_destroy(&driver);
}
