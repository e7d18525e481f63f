// SPDX-License-Identifier: MIT
// Displays and their views, surfaces, positions of pointers, and watched memory.
#include <criterion/criterion.h>
#include <string.h>

#include "bare-machine.h"
#include "hw/core/display.h"
#include "hw/core/ram-watch.h"

static struct machine *machine;
static struct display screen;
static unsigned refreshes, watch_changes, wakes;
static bool watched;

static void refresh(void *opaque)
{
    (void)opaque;
    refreshes++;
}

static void set_watched(void *opaque, bool on)
{
    (void)opaque;
    watch_changes++;
    watched = on;
}

static void woken(struct display_view *view)
{
    (void)view;
    wakes++;
}

static const struct display_ops screen_ops = {.refresh = refresh, .watched = set_watched};

static void setup(void)
{
    machine = bare_machine_create();
    screen = (struct display){.ops = &screen_ops, .name = "screen"};
    display_add(machine, &screen);
    refreshes = watch_changes = wakes = 0;
}

static void teardown(void)
{
    display_remove(&screen);
    bare_machine_destroy(machine);
}

TestSuite(display, .init = setup, .fini = teardown);
TestSuite(ram_watch, .init = setup, .fini = teardown);
TestSuite(input, .init = setup, .fini = teardown);

static bool covers(const struct display_damage *damage, unsigned x, unsigned y)
{
    for (unsigned i = 0; i < damage->count; i++) {
        const struct display_rect *r = &damage->rects[i];
        if (x - r->x < r->width && y - r->y < r->height)
            return true;
    }
    return false;
}

Test(display, part_of_a_surface)
{
    struct surface *whole = surface_create(20, 10);
    cr_assert(!surface_part(whole, 20, 0, 1, 1) && !surface_part(whole, 0, 5, 20, 6) && !surface_part(whole, 0, 0, 0, 1));
    cr_assert_null(surface_part(whole, UINT32_MAX, 0, 2, 1));
    struct surface *part = surface_part(whole, 3, 4, 17, 6);
    surface_line(whole, 9)[19] = 7;
    surface_drop(whole);
    cr_assert(part->width == 17 && part->height == 6 && surface_line(part, 5)[16] == 7);
    surface_drop(part);
}

Test(display, a_view_takes_each_change_once)
{
    struct display_view view = {.wake = woken};
    struct display_update update;
    display_attach(&screen, &view);
    cr_assert(watched);
    cr_assert_eq(wakes, 1);
    display_set_surface(&screen, surface_create(640, 480));
    cr_assert(display_take(&view, &update));
    cr_assert(update.surface_changed && update.surface->width == 640 && refreshes == 1);
    cr_assert(covers(&update.damage, 0, 0) && covers(&update.damage, 639, 479));
    display_update_release(&update);
    cr_assert_not(display_take(&view, &update), "nothing new");
    display_update_release(&update);
    wakes = 0;
    display_damage(&screen, 600, 470, 100, 100);
    display_damage(&screen, 1, 1, 1, 1);
    display_damage(&screen, 640, 0, 1, 1); // outside
    cr_assert_eq(wakes, 1, "once until it has looked");
    cr_assert(display_take(&view, &update));
    cr_assert_not(update.surface_changed);
    cr_assert(covers(&update.damage, 639, 479) && covers(&update.damage, 1, 1) && !covers(&update.damage, 2, 2));
    for (unsigned i = 0; i < update.damage.count; i++)
        cr_assert(update.damage.rects[i].x + update.damage.rects[i].width <= 640 &&
                  update.damage.rects[i].y + update.damage.rects[i].height <= 480);
    display_update_release(&update);
    display_detach(&view);
    cr_assert_not(watched);
    cr_assert_eq(watch_changes, 2);
}

Test(display, a_slow_view_keeps_its_surface)
{
    struct display_view slow = {0}, quick = {0};
    struct display_update update, other;
    display_attach(&screen, &slow);
    display_attach(&screen, &quick);
    cr_assert_eq(watch_changes, 1, "the first one counts");
    display_set_surface(&screen, surface_create(8, 8));
    display_take(&slow, &update);
    surface_line(update.surface, 7)[7] = 0x123456;
    display_set_surface(&screen, NULL);
    cr_assert(display_take(&quick, &other) && !other.surface && other.surface_changed);
    cr_assert_eq(surface_line(update.surface, 7)[7], 0x123456, "still there");
    display_update_release(&update);
    display_update_release(&other);
    display_detach(&slow);
    display_detach(&quick);
}

Test(display, a_view_outlives_its_display)
{
    struct display_view view = {0};
    struct display_update update;
    struct display gone = {.ops = &screen_ops, .name = "gone"};
    display_add(machine, &gone);
    cr_assert_eq(display_at(machine, 1), &gone);
    display_attach(&gone, &view);
    display_remove(&gone);
    cr_assert(display_take(&view, &update) && !update.surface && update.surface_changed);
    display_detach(&view);
    cr_assert_null(display_at(machine, 1));
}

Test(display, terminals_come_last)
{
    struct display terminal = {.ops = &screen_ops, .name = "serial0", .is_terminal = true};
    struct display second = {.ops = &screen_ops, .name = "second"};
    display_add(machine, &terminal);
    display_add(machine, &second);
    cr_assert_eq(display_at(machine, 0), &screen);
    cr_assert_eq(display_at(machine, 1), &second);
    cr_assert_eq(display_at(machine, 2), &terminal);
    display_remove(&terminal);
    display_remove(&second);
}

Test(display, damage_is_bounded_and_loses_nothing)
{
    struct display_damage damage = {0};
    struct display_rect rects[200];
    for (unsigned i = 0; i < 200; i++) {
        rects[i] = (struct display_rect){i * 37 % 500, i * 91 % 400, 1 + i % 7, 1 + i % 5};
        display_damage_add(&damage, rects[i]);
        cr_assert_leq(damage.count, (unsigned)DISPLAY_DAMAGE_RECTS);
    }
    for (unsigned i = 0; i < 200; i++)
        cr_assert(covers(&damage, rects[i].x, rects[i].y) &&
                  covers(&damage, rects[i].x + rects[i].width - 1, rects[i].y + rects[i].height - 1));
    // Lines of text that are drawn one after the other become one.
    damage.count = 0;
    for (unsigned y = 0; y < 480; y += 16)
        display_damage_add(&damage, (struct display_rect){0, y, 640, 16});
    cr_assert_eq(damage.count, 1);
}

Test(display, surfaces_of_hostile_sizes_are_refused)
{
    uint32_t pixels[4];
    cr_assert_null(surface_create(0, 1));
    cr_assert_null(surface_create(SURFACE_SIDE_MAX + 1, 1));
    cr_assert_null(surface_create(SURFACE_SIDE_MAX, SURFACE_SIDE_MAX));
    cr_assert_null(surface_wrap(1, 1, 6, pixels));
    cr_assert_null(surface_wrap(1, 1, 4, (char *)pixels + 1));
    cr_assert_null(display_cursor_create(DISPLAY_CURSOR_SIDE_MAX + 1, 1, 0, 0));
    struct display_cursor *cursor = display_cursor_create(4, 4, 9, 9);
    cr_assert(cursor->hot_x == 3 && cursor->hot_y == 3);
    display_set_cursor(&screen, cursor);
}

Test(ram_watch, stores_are_told_of_once)
{
    struct ram_watch watch = {0};
    uint64_t dirty[2], base;
    struct error error;
    cr_assert_eq(guest_ram_carve(machine->ram, 100 << GUEST_PAGE_BITS, &base, &error), 0);
    ram_watch_begin(&watch, machine->ram, base, 100 << GUEST_PAGE_BITS);
    cr_assert(ram_watch_collect(&watch, 0, 100, dirty), "all of it at first");
    cr_assert_eq(dirty[0], UINT64_MAX);
    cr_assert_eq(dirty[1], (UINT64_C(1) << 36) - 1);
    ram_watch_collect(&watch, 0, 100, dirty); // once more, for stores that were under way
    cr_assert_not(ram_watch_collect(&watch, 0, 100, dirty));
    guest_ram_wrote(machine->ram, base + (70 << GUEST_PAGE_BITS) + 4095, 2);
    cr_assert(ram_watch_collect(&watch, 10, 64, dirty));
    cr_assert_eq(dirty[0], UINT64_C(3) << 60, "counted from where was asked");
    guest_ram_wrote(machine->ram, base - 1, 1);
    guest_ram_wrote(machine->ram, base + (100 << GUEST_PAGE_BITS), 1);
    ram_watch_collect(&watch, 0, 100, dirty);
    cr_assert_not(ram_watch_collect(&watch, 0, 100, dirty), "not of others");
    cr_assert_not(ram_watch_collect(&watch, 100, 1, dirty));
    ram_watch_end(&watch);
    guest_ram_wrote(machine->ram, base, 1);
    cr_assert_not(ram_watch_collect(&watch, 0, 100, dirty));
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(machine->ram->page_flags[(base >> GUEST_PAGE_BITS) + i], 0);
}

struct listener {
    struct input_handler handler;
    unsigned downs, ups, x, y;
};

static void listen_key(void *opaque, enum input_key key, bool down)
{
    struct listener *listener = opaque;
    (void)key;
    down ? listener->downs++ : listener->ups++;
}

static void listen_position(void *opaque, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons)
{
    struct listener *listener = opaque;
    (void)wheel;
    (void)buttons;
    listener->x = x;
    listener->y = y;
}

Test(input, a_key_goes_up_where_it_went_down)
{
    static const struct input_ops ops = {.key = listen_key};
    struct listener first = {.handler = {&ops, &first, NULL}}, second = {.handler = {&ops, &second, NULL}};
    cr_assert_not(input_send_key(machine, INPUT_KEY_A, true), "nobody listens");
    input_add(machine, &first.handler);
    input_send_key(machine, INPUT_KEY_A, true);
    input_add(machine, &second.handler);
    input_send_key(machine, INPUT_KEY_A, false);
    cr_assert(first.downs == 1 && first.ups == 1);
    input_send_key(machine, INPUT_KEY_A, true);
    cr_assert_eq(second.downs, 1);
    input_remove(machine, &second.handler);
    input_send_key(machine, INPUT_KEY_A, false);
    cr_assert(second.ups == 0 && first.ups == 2);
    cr_assert_not(input_send_key(machine, (enum input_key)INPUT_KEYS, true));
    cr_assert_str_eq(input_key_name(INPUT_KEY_RETURN), "ret");
    input_remove(machine, &first.handler);
}

// Guests compute pixel = position * pixels / 32768 (evdev's range has both ends) or position * (pixels - 1) / 32767.
Test(input, positions_are_exact)
{
    static const struct input_ops ops = {.position = listen_position};
    static const unsigned sizes[] = {1, 2, 640, 800, 1024, 1280, 1366, 1920, 2560, 3840};
    struct listener tablet = {.handler = {&ops, &tablet, NULL}};
    cr_assert_not(input_has_position(machine));
    input_add(machine, &tablet.handler);
    cr_assert(input_has_position(machine) && !input_has_touch(machine));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (unsigned at = 0; at < sizes[i]; at++) {
            input_send_position(machine, input_position_of(at, sizes[i]), 0, (struct input_wheel){0, 0}, 0);
            cr_assert_eq(tablet.x * sizes[i] / 32768, at, "pixel %u of %u", at, sizes[i]);
            double linear = (double)tablet.x * (sizes[i] - 1) / 32767;
            cr_assert(linear > at - 1.0 && linear < at + 1.0);
        }
    input_send_position(machine, 99999, 99999, (struct input_wheel){0, 0}, 0);
    cr_assert(tablet.x == INPUT_POSITION_MAX && tablet.y == INPUT_POSITION_MAX);
    input_remove(machine, &tablet.handler);
}
