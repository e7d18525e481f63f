// SPDX-License-Identifier: MIT
// screens DIR LYREBIRD-OPTION...: runs a machine and writes what its first display shows to DIR/NAME.png, NAME being
// the byte that the guest has written to port 0xe9, in two hexadecimal digits. The guest stands still meanwhile.
//
// With SCREENS_EVERY=SECONDS in the environment, it does so at these times too, as DIR/time-N.png.
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#include "frontend/machine-setup.h"
#include "frontend/options.h"
#include "frontend/signals.h"
#include "hw/core/display.h"
#include "hw/core/isa.h"

enum { PORT = 0xe9 };

struct screens {
    const char *directory;
    struct machine *machine;
    struct display_view view;
    struct event tick;
    uint64_t every_ns;
    unsigned ticks;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "screens: %s\n", what);
    exit(2);
}

static void write_png(const char *path, const struct surface *surface)
{
    // Nothing is one black pixel.
    uint32_t black = 0;
    struct surface nothing = {.width = 1, .height = 1, .stride = sizeof(black), .pixels = (uint8_t *)&black};
    surface = surface ? surface : &nothing;
    size_t line = 3 * (size_t)surface->width;
    uint8_t *rgb = malloc(line * surface->height), *out = rgb;
    if (!rgb)
        give_up("no memory");
    for (unsigned y = 0; y < surface->height; y++)
        for (unsigned x = 0; x < surface->width; x++, out += 3) {
            uint32_t pixel = surface_line(surface, y)[x];
            out[0] = (uint8_t)(pixel >> 16);
            out[1] = (uint8_t)(pixel >> 8);
            out[2] = (uint8_t)pixel;
        }
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = surface->width, .height = surface->height, .format = PNG_FORMAT_RGB};
    if (!png_image_write_to_file(&image, path, 0, rgb, (png_int_32)line, NULL))
        give_up(image.message);
    free(rgb);
}

static void take(struct screens *screens, const char *name)
{
    struct display_update update;
    char path[4096];
    display_take(&screens->view, &update);
    snprintf(path, sizeof(path), "%s/%s.png", screens->directory, name);
    write_png(path, update.surface);
    display_update_release(&update);
}

static uint64_t port_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    (void)access;
    return 0xe9;
}

static void port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    char name[8];
    (void)access;
    snprintf(name, sizeof(name), "%02x", (unsigned)value & 0xff);
    take(opaque, name);
}

static void tick(void *opaque, uint64_t late_ns)
{
    struct screens *screens = opaque;
    char name[32];
    (void)late_ns;
    snprintf(name, sizeof(name), "time-%u", screens->ticks++);
    take(screens, name);
    event_set(&screens->tick, clock_now_ns(screens->machine->clock) + screens->every_ns);
}

static void follow(struct screens *screens)
{
    static const struct mmio_ops ops = {port_read, port_write, 1, 1, false};
    struct error error = {""};
    struct mem_region_desc port = {
        .name = "screens", .base = PORT, .size = 1, .kind = MEM_MMIO, .priority = 1, .ops = &ops, .opaque = screens};
    const char *every = getenv("SCREENS_EVERY");
    struct display *display = display_at(screens->machine, 0);
    if (!display || display->is_terminal)
        give_up("there is no display");
    if (screens->machine->isa && !memory_map_add(screens->machine->isa->io, port, &error))
        give_up(error.text);
    display_attach(display, &screens->view);
    event_init(&screens->tick, screens->machine->clock, tick, screens);
    if (every)
        screens->every_ns = (uint64_t)(atof(every) * 1e9);
    event_set(&screens->tick, every ? screens->every_ns : CLOCK_NEVER);
}

int main(int argc, char **argv)
{
    struct error error = {""};
    struct settings settings;
    struct setup setup;
    if (argc < 2)
        give_up("usage: screens DIR LYREBIRD-OPTION...");
    struct screens screens = {.directory = argv[1]};
    settings_init(&settings, "lyrebird");
    if (options_parse(&settings, argc - 1, argv + 1, &error))
        give_up(error.text);
    signals_block();
    if (setup_create(&setup, &settings, &error))
        give_up(error.text);
    screens.machine = setup.machine;
    follow(&screens);
    struct signals *signals = signals_listen(setup.machine, &error);
    vcpu_group_start(&setup.machine->vcpus);
    machine_run(setup.machine);
    vcpu_group_stop(&setup.machine->vcpus);
    signals_close(signals);
    event_cancel(&screens.tick);
    display_detach(&screens.view);
    int status = atomic_load(&setup.machine->exit_status);
    setup_destroy(&setup);
    settings_free(&settings);
    return status;
}
