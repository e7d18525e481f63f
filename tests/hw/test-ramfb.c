// SPDX-License-Identifier: MIT
// A framebuffer in RAM that is described through fw_cfg, as firmware does it.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bare-machine.h"
#include "hw/core/display.h"
#include "hw/core/dma.h"
#include "hw/display/ramfb.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/endian.h"

#define CFG UINT64_C(0x09020000)
#define REQUEST BARE_RAM_BASE
#define CONFIG (BARE_RAM_BASE + 0x100)
#define PIXELS (BARE_RAM_BASE + 0x10000)
enum { XR24 = 0x34325258, BG24 = 0x34324742, RG16 = 0x36314752, CONFIG_BYTES = 28 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

static struct machine *machine;
static struct device *device;
static struct display_view view;
static struct display_update update;
static unsigned key; // of the file

static uint32_t run_dma(uint32_t control, uint64_t address, uint32_t length)
{
    uint8_t request[16];
    store_be32(request, control);
    store_be32(request + 4, length);
    store_be64(request + 8, address);
    cr_assert(dma_write(machine->map, REQUEST, request, sizeof(request)));
    store_be64(request, REQUEST);
    guest_write(machine, CFG + 16, 8, load_le64(request));
    cr_assert(dma_read(machine->map, REQUEST, request, 4));
    return load_be32(request);
}

static uint32_t select_file(uint32_t control)
{
    return key << 16 | DMA_SELECT | control;
}

static void find_file(void)
{
    uint8_t directory[4 + 64 * 4];
    cr_assert_eq(run_dma(FW_CFG_FILE_DIR << 16 | DMA_SELECT | DMA_READ, CONFIG, sizeof(directory)), 0);
    cr_assert(dma_read(machine->map, CONFIG, directory, sizeof(directory)));
    cr_assert_str_eq((char *)directory + 4 + 8, "etc/ramfb");
    cr_assert_eq(load_be32(directory + 4), CONFIG_BYTES);
    key = load_be16(directory + 8);
}

static void setup(void)
{
    machine = bare_machine_create();
    struct error error = {""};
    machine->fw_cfg = device_create(machine, &fw_cfg_type, NULL);
    fw_cfg_wire(machine->fw_cfg, CFG);
    cr_assert_eq(device_realize(machine->fw_cfg, &error), 0);
    cr_assert_eq(fw_cfg_add_file(machine->fw_cfg, "opt/fixed", "fixed", 5, &error), 0);
    device = bare_device(machine, &ramfb_type, NULL);
    find_file();
    memset(&view, 0, sizeof(view));
    update = (struct display_update){0};
    display_attach(display_at(machine, 0), &view);
}

static void teardown(void)
{
    display_update_release(&update);
    display_detach(&view);
    bare_machine_destroy(machine);
}

TestSuite(ramfb, .init = setup, .fini = teardown);

static bool look(void)
{
    display_update_release(&update);
    return display_take(&view, &update);
}

static void put_config(uint64_t address, uint32_t format, uint32_t width, uint32_t height, uint32_t stride)
{
    uint8_t config[CONFIG_BYTES] = {0};
    store_be64(config, address);
    store_be32(config + 8, format);
    store_be32(config + 16, width);
    store_be32(config + 20, height);
    store_be32(config + 24, stride);
    cr_assert(dma_write(machine->map, CONFIG, config, sizeof(config)));
}

static void show(uint64_t address, uint32_t format, uint32_t width, uint32_t height, uint32_t stride)
{
    put_config(address, format, width, height, stride);
    cr_assert_eq(run_dma(select_file(DMA_WRITE), CONFIG, CONFIG_BYTES), 0);
    look();
}

static uint32_t pixel(unsigned x, unsigned y)
{
    return surface_line(update.surface, y)[x] & 0xffffff;
}

Test(ramfb, shows_memory_as_it_is)
{
    look();
    cr_assert_null(update.surface, "nothing yet");
    show(PIXELS, XR24, 640, 480, 0);
    cr_assert(update.surface_changed && update.surface->width == 640 && update.surface->height == 480);
    cr_assert_null(update.surface->owned);
    for (unsigned i = 0; look(); i++)
        cr_assert_lt(i, 4u);
    guest_write(machine, PIXELS + 4 * (640 * 479 + 639), 4, 0xff123456);
    cr_assert_eq(pixel(639, 479), 0x123456);
    look();
    cr_assert(update.damage.count == 1 && update.damage.rects[0].y >= 478 && update.damage.rects[0].height <= 2);
    look();
    cr_assert_not(look(), "idle");
    show(PIXELS, XR24, 32, 16, 256);
    guest_write(machine, PIXELS + 256 + 4, 4, 5);
    cr_assert_eq(pixel(1, 1), 5);
    device_reset(device);
    cr_assert(look() && !update.surface);
}

Test(ramfb, other_formats)
{
    show(PIXELS + 1, BG24, 64, 48, 0);
    guest_write(machine, PIXELS + 1 + 3 * (64 * 2 + 5), 2, 0x2010);
    cr_assert(look());
    cr_assert_eq(pixel(5, 2), 0x102000);
    cr_assert(update.damage.count == 1 && update.damage.rects[0].x == 5 && update.damage.rects[0].width == 1);
    show(PIXELS, RG16, 64, 48, 130);
    guest_write(machine, PIXELS + 130 + 2, 2, 0xf800);
    look();
    cr_assert_eq(pixel(1, 1), 0xff0000);
    // Not aligned for the host: as a copy.
    show(PIXELS + 2, XR24, 64, 48, 0);
    guest_write(machine, PIXELS + 2, 4, 0x010203);
    look();
    cr_assert_eq(pixel(0, 0), 0x010203);
}

Test(ramfb, what_cannot_be_is_not_shown)
{
    static const struct {
        uint64_t address;
        uint32_t format, width, height, stride;
    } bad[] = {{PIXELS, 0x12345678, 640, 480, 0},
               {PIXELS, XR24, 0, 480, 0},
               {PIXELS, XR24, 0xffffffff, 0xffffffff, 0},
               {PIXELS, XR24, 16384, 16384, 0},
               {PIXELS, XR24, 640, 480, 100},
               {PIXELS, XR24, 2, 2, 0xffffffff},
               {CFG, XR24, 2, 1, 0},
               {UINT64_MAX - 7, XR24, 2, 2, 0},
               {BARE_RAM_BASE - 4, XR24, 2, 2, 0},
               {BARE_RAM_BASE + (BARE_RAM_MIB << 20) - 4 * 640 * 480 + 4, XR24, 640, 480, 0}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        show(PIXELS, XR24, 64, 48, 0);
        cr_assert(update.surface);
        show(bad[i].address, bad[i].format, bad[i].width, bad[i].height, bad[i].stride);
        cr_assert_null(update.surface, "row %u", i);
    }
    show(BARE_RAM_BASE + (BARE_RAM_MIB << 20) - 4 * 640 * 480, XR24, 640, 480, 0);
    cr_assert(update.surface, "the last one that fits");
}

Test(ramfb, files_are_written_in_parts_and_not_beyond)
{
    uint8_t byte;
    put_config(PIXELS, XR24, 64, 48, 0);
    cr_assert_eq(run_dma(select_file(DMA_WRITE), CONFIG, CONFIG_BYTES + 1), DMA_ERROR);
    look();
    cr_assert_null(update.surface);
    cr_assert_eq(run_dma(select_file(DMA_WRITE), CONFIG, 16), 0);
    cr_assert_eq(run_dma(DMA_WRITE, CONFIG + 16, 12), 0);
    look();
    cr_assert(update.surface && update.surface->width == 64);
    cr_assert_eq(run_dma(select_file(DMA_SKIP), 0, 20), 0);
    cr_assert_eq(run_dma(DMA_READ, CONFIG + 0x100, 4), 0);
    cr_assert_eq(guest_read(machine, CONFIG + 0x100, 4), 48u << 24, "what was written is read again");
    // Others are not writable, and memory that is not there is an error.
    cr_assert_eq(run_dma((key + 1) << 16 | DMA_SELECT | DMA_WRITE, CONFIG, 1), DMA_ERROR);
    run_dma((key + 1) << 16 | DMA_SELECT | DMA_READ, CONFIG, 1);
    cr_assert(dma_read(machine->map, CONFIG, &byte, 1) && byte == 'f');
    cr_assert_eq(run_dma(select_file(DMA_WRITE), 0x1000, 4), DMA_ERROR);
    cr_assert_eq(run_dma(0x3fff << 16 | DMA_SELECT | DMA_WRITE, CONFIG, 0), DMA_ERROR);
}

Test(ramfb, needs_fw_cfg)
{
    struct error error = {""};
    struct device *cfg = machine->fw_cfg, *second = device_create(machine, &ramfb_type, NULL);
    cr_assert_eq(device_realize(second, &error), -EEXIST, "one is enough");
    machine->fw_cfg = NULL;
    cr_assert_eq(device_realize(second, &error), -ENODEV);
    machine->fw_cfg = cfg;
    device_destroy(second);
}
