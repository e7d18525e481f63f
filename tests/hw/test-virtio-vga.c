// SPDX-License-Identifier: MIT
// Virtio graphics that is a VGA as well: which of the two its display shows.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/core/dma.h"
#include "hw/core/rng.h"
#include "hw/virtio/virtio-pci.h"
#include "hw/virtio/virtio.h"
#include "vga-bench.h"

enum { RING = 4 };
#define QUEUE (BARE_RAM_BASE + 0x10000)
#define REQUEST (BARE_RAM_BASE + 0x20000)
#define REPLY (BARE_RAM_BASE + 0x21000)
#define PIXELS (BARE_RAM_BASE + 0x100000)

static struct display_view view;
static struct display_update update;
static uint16_t available;

static void begin(void)
{
    vga_bench_create(&virtio_vga_type);
    view = (struct display_view){0};
}

TestSuite(virtio_vga, .init = begin, .fini = vga_bench_destroy);

// What the driver does, apart from how it reaches the device.
static void start_driver(void)
{
    struct virtio_device *gpu = (struct virtio_device *)vga_device->inner;
    virtio_set_status(gpu, 0);
    virtio_set_status(gpu, 3);
    virtio_set_driver_features(gpu, 1, 1);
    virtio_set_status(gpu, 11);
    struct virtqueue *queue = &gpu->queues[0];
    queue->size = RING;
    queue->descriptors = QUEUE;
    queue->available = QUEUE + 0x1000;
    queue->used = QUEUE + 0x2000;
    guest_write(vga_pci.machine, queue->available, 4, 0);
    virtio_queue_set_ready(queue, true);
    virtio_set_status(gpu, 15);
    available = 0;
}

static void command(unsigned count, const uint32_t *words)
{
    uint32_t request[6 + 8] = {words[0]};
    memcpy(request + 6, words + 1, (count - 1) * 4);
    cr_assert(dma_write(vga_pci.machine->map, REQUEST, request, sizeof(request)));
    guest_write(vga_pci.machine, QUEUE, 8, REQUEST);
    guest_write(vga_pci.machine, QUEUE + 8, 8, sizeof(request) | UINT64_C(1) << 32 | UINT64_C(1) << 48);
    guest_write(vga_pci.machine, QUEUE + 16, 8, REPLY);
    guest_write(vga_pci.machine, QUEUE + 24, 8, 64 | UINT64_C(2) << 32);
    guest_write(vga_pci.machine, QUEUE + 0x1004 + 2 * (available % RING), 2, 0);
    guest_write(vga_pci.machine, QUEUE + 0x1002, 2, ++available);
    virtio_kick((struct virtio_device *)vga_device->inner, 0);
    cr_assert_eq(guest_read(vga_pci.machine, REPLY, 4), 0x1100, "0x%x fails", words[0]);
}

#define COMMAND(...) command(sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

static void show_picture(void)
{
    COMMAND(0x101, 1, 2, 64, 32);
    COMMAND(0x106, 1, 1, (uint32_t)PIXELS, 0, 64 * 32 * 4, 0);
    COMMAND(0x103, 0, 0, 64, 32, 0, 1);
}

// What there is to take; the update stays valid until the next one.
static bool take(void)
{
    display_update_release(&update);
    return display_take(&view, &update);
}

// There is nothing more to take, apart from memory of the VGA that was stored to and is told of twice.
static void expect_quiet(void)
{
    for (unsigned i = 0; i < 3 && take(); i++)
        cr_assert_not(update.surface_changed);
    cr_assert_not(take());
}

static void expect_size(unsigned width, unsigned height)
{
    cr_assert(take() && update.surface_changed && update.surface);
    cr_assert(update.surface->width == width && update.surface->height == height, "%ux%u", update.surface->width,
              update.surface->height);
    expect_quiet();
}

Test(virtio_vga, identity)
{
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 0, 4), 0x10501af4);
    cr_assert_eq(config_get(vga_pci.io, VGA_AT, 8, 4), 0x03000001);
    cr_assert(display_at(vga_pci.machine, 0) && !display_at(vga_pci.machine, 1), "one screen");
    cr_assert_eq(guest_read(vga_pci.machine, VGA_REGISTERS + 0x500, 2) & 0xfff0, 0xb0c0);
}

Test(virtio_vga, the_vga_shows_until_a_driver_does)
{
    display_attach(vga_display, &view);
    take();
    vga_set_large_mode(640, 480, 32);
    expect_size(640, 480);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER + 4 * (10 * 640 + 3), 4, 0x123456);
    cr_assert(take() && !update.surface_changed && update.damage.count, "stores are seen");
    cr_assert_eq(surface_line(update.surface, 10)[3] & 0xffffff, 0x123456);
    start_driver(); // which shows nothing yet
    expect_quiet();
    show_picture();
    expect_size(64, 32);
    guest_write(vga_pci.machine, VGA_FRAMEBUFFER, 4, 0x777777);
    vga_set_large_mode(800, 480, 32);
    cr_assert_not(take(), "the VGA is behind");
    COMMAND(0x103, 0, 0, 0, 0, 0, 0);
    expect_size(800, 480);
    COMMAND(0x103, 0, 0, 64, 32, 0, 1);
    expect_size(64, 32);
    start_driver();
    expect_size(800, 480);
    show_picture();
    device_reset(vga_device);
    take();
    cr_assert(!update.surface || update.surface->width != 64);
    display_update_release(&update);
    display_detach(&view);
}

Test(virtio_vga, views_come_and_go)
{
    start_driver();
    show_picture();
    display_attach(vga_display, &view);
    expect_size(64, 32);
    display_detach(&view);
    vga_set_large_mode(640, 480, 32);
    COMMAND(0x103, 0, 0, 0, 0, 0, 0);
    display_attach(vga_display, &view);
    expect_size(640, 480);
    // The device goes while the view is there.
    device_destroy(vga_device);
    cr_assert_null(view.display);
    cr_assert(take() && update.surface_changed && !update.surface);
}

Test(virtio_vga, text)
{
    static struct display_text text;
    vga_set_mode(3);
    vga_put_cell(81, 'x', 7);
    cr_assert(display_get_text(vga_display, &text));
    cr_assert(text.columns == 80 && text.rows == 25 && text.cells[81].code == 'x');
    start_driver();
    show_picture();
    cr_assert_not(display_get_text(vga_display, &text));
    COMMAND(0x103, 0, 0, 0, 0, 0, 0);
    cr_assert(display_get_text(vga_display, &text));
}

static struct rng rng;

static void scramble(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)opaque, (void)path;
    uint8_t luck;
    rng_fill(&rng, &luck, 1);
    if (kind != STATE_BOOL && luck % 8 == 0)
        rng_fill(&rng, data, size);
}

Test(virtio_vga, any_state_can_be_loaded)
{
    rng = rng_from_seed(1);
    display_attach(vga_display, &view);
    for (unsigned i = 0; i < 300; i++) {
        start_driver();
        if (i % 3 == 0)
            show_picture();
        state_visit(vga_device->type->state, vga_device, scramble, NULL);
        state_visit(vga_device->inner->type->state, vga_device->inner, scramble, NULL);
        vga_device->inner->type->state_loaded(vga_device->inner);
        vga_device->type->state_loaded(vga_device);
        take();
        device_reset(vga_device);
    }
    display_update_release(&update);
    display_detach(&view);
}
