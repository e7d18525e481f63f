// SPDX-License-Identifier: MIT
// screens [-c REFERENCES] [-e SECONDS] DIR LYREBIRD-OPTION...: runs a machine and writes what its first display shows
// to DIR/NAME.png, NAME being the byte that the guest has written to port 0xe9, in two hexadecimal digits (the guest
// stands still meanwhile), on machines without ports "end", when it has ended. With -e, it is done at these times too,
// as time-0.png and so on.
//
// Between these moments it follows the display as a window would: the pictures are put together from what was reported
// as changed, every few milliseconds.
//
// With -c, the pictures must be those of that folder, pixel by pixel, and all of them; 1 is the status when they are
// not. Without, the guest's status.
#include <dirent.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/machine-setup.h"
#include "frontend/options.h"
#include "frontend/signals.h"
#include "hw/core/display.h"
#include "hw/core/isa.h"

enum { PORT = 0xe9, FOLLOW_NS = 5000000 };

struct screens {
    const char *directory, *references;
    struct machine *machine;
    struct display_view view;
    struct event tick;
    uint64_t every_ns, next_ns;
    struct surface *picture; // NULL: nothing is shown
    unsigned ticks, taken, wrong;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "screens: %s\n", what);
    exit(2);
}

// The pixels as libpng has them; nothing is one black pixel.
static uint8_t *to_rgb(const struct surface *surface, png_image *image)
{
    uint32_t black = 0;
    struct surface nothing = {.width = 1, .height = 1, .stride = sizeof(black), .pixels = (uint8_t *)&black};
    surface = surface ? surface : &nothing;
    *image = (png_image){
        .version = PNG_IMAGE_VERSION, .width = surface->width, .height = surface->height, .format = PNG_FORMAT_RGB};
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(*image)), *out = rgb;
    if (!rgb)
        give_up("no memory");
    for (unsigned y = 0; y < surface->height; y++)
        for (unsigned x = 0; x < surface->width; x++) {
            uint32_t pixel = surface_line(surface, y)[x];
            *out++ = (uint8_t)(pixel >> 16);
            *out++ = (uint8_t)(pixel >> 8);
            *out++ = (uint8_t)pixel;
        }
    return rgb;
}

// How many pixels are others than those of the file; all of them when it has another size.
static unsigned count_differences(const char *path, const png_image *image, const uint8_t *rgb)
{
    png_image other = {.version = PNG_IMAGE_VERSION};
    unsigned pixels = image->width * image->height, count = 0;
    if (!png_image_begin_read_from_file(&other, path) || other.width != image->width || other.height != image->height) {
        png_image_free(&other);
        return pixels;
    }
    other.format = PNG_FORMAT_RGB;
    uint8_t *wanted = malloc(PNG_IMAGE_SIZE(other));
    if (!wanted || !png_image_finish_read(&other, NULL, wanted, 0, NULL))
        give_up(path);
    for (unsigned i = 0; i < pixels; i++)
        count += memcmp(wanted + 3 * (size_t)i, rgb + 3 * (size_t)i, 3) != 0;
    free(wanted);
    return count;
}

static void copy_damage(struct surface *to, const struct display_update *update)
{
    for (unsigned i = 0; i < update->damage.count; i++) {
        const struct display_rect *r = &update->damage.rects[i];
        for (unsigned y = r->y; y < r->y + r->height; y++)
            memcpy(surface_line(to, y) + r->x, surface_line(update->surface, y) + r->x, 4 * (size_t)r->width);
    }
}

static void catch_up(struct screens *screens)
{
    struct display_update update;
    display_take(&screens->view, &update);
    if (update.surface_changed) {
        surface_drop(screens->picture);
        screens->picture = update.surface ? surface_create(update.surface->width, update.surface->height) : NULL;
    }
    if (screens->picture)
        copy_damage(screens->picture, &update);
    display_update_release(&update);
}

static void take(struct screens *screens, const char *name)
{
    char path[4096];
    png_image image;
    catch_up(screens);
    uint8_t *rgb = to_rgb(screens->picture, &image);
    snprintf(path, sizeof(path), "%s/%s.png", screens->directory, name);
    if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
        give_up(image.message);
    screens->taken++;
    if (screens->references) {
        snprintf(path, sizeof(path), "%s/%s.png", screens->references, name);
        unsigned differences = count_differences(path, &image, rgb);
        screens->wrong += differences != 0;
        if (differences)
            printf("%s: %u pixels of %u by %u are others\n", name, differences, image.width, image.height);
    }
    free(rgb);
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
    uint64_t now = clock_now_ns(screens->machine->clock);
    char name[32];
    (void)late_ns;
    if (now >= screens->next_ns) {
        snprintf(name, sizeof(name), "time-%u", screens->ticks++);
        take(screens, name);
        screens->next_ns += screens->every_ns;
    } else {
        catch_up(screens);
    }
    event_set(&screens->tick, now + FOLLOW_NS);
}

static void follow(struct screens *screens)
{
    static const struct mmio_ops ops = {port_read, port_write, 1, 1, false};
    struct error error = {""};
    struct mem_region_desc port = {
        .name = "screens", .base = PORT, .size = 1, .kind = MEM_MMIO, .priority = 1, .ops = &ops, .opaque = screens};
    struct display *display = display_at(screens->machine, 0);
    if (!display || display->is_terminal)
        give_up("there is no display");
    if (screens->machine->isa && !memory_map_add(screens->machine->isa->io, port, &error))
        give_up(error.text);
    display_attach(display, &screens->view);
    event_init(&screens->tick, screens->machine->clock, tick, screens);
    screens->next_ns = screens->every_ns ? screens->every_ns : CLOCK_NEVER;
    event_set(&screens->tick, FOLLOW_NS);
}

static void run(struct screens *screens)
{
    struct machine *machine = screens->machine;
    struct error error = {""};
    struct signals *signals = signals_listen(machine, &error);
    if (!signals)
        give_up(error.text);
    vcpu_group_start(&machine->vcpus);
    machine_run(machine);
    vcpu_group_stop(&machine->vcpus);
    signals_close(signals);
    device_lock_acquire(&machine->lock);
    event_cancel(&screens->tick);
    if (!machine->isa)
        take(screens, "end");
    display_detach(&screens->view);
    surface_drop(screens->picture);
    device_lock_release(&machine->lock);
}

static int is_picture(const struct dirent *entry)
{
    return strstr(entry->d_name, ".png") != NULL;
}

static bool all_right(const struct screens *screens)
{
    struct dirent **entries;
    int count = scandir(screens->references, &entries, is_picture, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    if (count > 0)
        free(entries);
    if ((unsigned)count != screens->taken)
        printf("%u pictures were taken, %d are there to compare with\n", screens->taken, count);
    return (unsigned)count == screens->taken && !screens->wrong;
}

int main(int argc, char **argv)
{
    static const char usage[] = "usage: screens [-c REFERENCES] [-e SECONDS] DIR LYREBIRD-OPTION...";
    struct error error = {""};
    struct settings settings;
    struct setup setup;
    struct screens screens = {0};
    for (int option; (option = getopt(argc, argv, "+c:e:")) != -1;) {
        if (option == 'c')
            screens.references = optarg;
        else if (option == 'e')
            screens.every_ns = (uint64_t)(atof(optarg) * 1e9);
        else
            give_up(usage);
    }
    if (optind >= argc)
        give_up(usage);
    screens.directory = argv[optind];
    settings_init(&settings, "lyrebird");
    if (options_parse(&settings, argc - optind, argv + optind, &error))
        give_up(error.text);
    signals_block();
    if (setup_create(&setup, &settings, &error))
        give_up(error.text);
    screens.machine = setup.machine;
    follow(&screens);
    run(&screens);
    int status = atomic_load(&setup.machine->exit_status);
    if (screens.references)
        status = !all_right(&screens);
    setup_destroy(&setup);
    settings_free(&settings);
    return status;
}
