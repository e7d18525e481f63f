// SPDX-License-Identifier: MIT
// Virtio keyboards, mice, tablets and touchscreens through a driver's eyes: what they say they are, events as they come, and
// what becomes of those that the driver has no buffers for.
#include <criterion/criterion.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/input.h"
#include "hw/core/rng.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/bits.h"
#include "virtio-driver.h"

enum { CONFIG = 0x100, EVENTS = 0, STATUS = 1, SEEN_MAX = 4096 };
#define NONE ((struct input_wheel){0, 0})

struct input_event {
    unsigned type, code;
    int value;
};

static struct virtio_driver driver;
static struct device *device;
static unsigned buffers, taken; // given so far, and those that came back
static struct input_event seen[SEEN_MAX];
static unsigned seen_count;

static void plug(const struct device_type *type, const char *const *properties)
{
    driver_create(&driver, NULL);
    device = bare_device(driver.machine, type, properties);
    buffers = taken = seen_count = 0;
}

static void start(const struct device_type *type)
{
    plug(type, NULL);
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
}

// As many as there is room for in the ring.
static void give(unsigned count)
{
    while (count-- && buffers - taken < RING_SIZE) {
        unsigned slot = buffers++ % RING_SIZE;
        driver_descriptor(&driver, EVENTS, slot, DRIVER_DATA + 8 * slot, 8, 2, 0);
        driver_offer(&driver, EVENTS, (uint16_t)slot);
    }
    driver_kick(&driver, EVENTS);
}

static void collect(void)
{
    uint32_t head, length;
    while (driver_take(&driver, EVENTS, &head, &length)) {
        uint64_t raw = guest_read(driver.machine, DRIVER_DATA + 8 * head, 8);
        cr_assert_eq(length, 8);
        cr_assert_lt(seen_count, SEEN_MAX);
        taken++;
        seen[seen_count++] = (struct input_event){raw & 0xffff, raw >> 16 & 0xffff, (int)(raw >> 32)};
    }
}

// All that there is to be had, a few buffers at a time.
static void collect_all(void)
{
    unsigned before;
    do {
        before = seen_count;
        give(3);
        collect();
    } while (seen_count != before);
}

static void expect(const struct input_event *wanted, unsigned count)
{
    collect();
    cr_assert_eq(seen_count, count, "%u events, not %u", seen_count, count);
    for (unsigned i = 0; i < count; i++)
        cr_assert(seen[i].type == wanted[i].type && seen[i].code == wanted[i].code && seen[i].value == wanted[i].value,
                  "event %u is %u %u %d, not %u %u %d", i, seen[i].type, seen[i].code, seen[i].value, wanted[i].type,
                  wanted[i].code, wanted[i].value);
    seen_count = 0;
}

#define EXPECT(...) expect((const struct input_event[]){__VA_ARGS__}, ARRAY_SIZE(((const struct input_event[]){__VA_ARGS__})))
#define SYNC {EV_SYN, SYN_REPORT, 0}

static uint8_t config(unsigned offset)
{
    return (uint8_t)guest_read(driver.machine, DRIVER_BASE + CONFIG + offset, 1);
}

// The size of what the configuration space has there; 0: nothing.
static unsigned choose(uint8_t select, uint8_t subselect)
{
    guest_write(driver.machine, DRIVER_BASE + CONFIG, 1, select);
    guest_write(driver.machine, DRIVER_BASE + CONFIG + 1, 1, subselect);
    cr_assert_eq(config(0), select);
    cr_assert_eq(config(1), subselect);
    return config(2);
}

static bool has_code(uint8_t type, unsigned code)
{
    unsigned size = choose(0x11, type);
    return code / 8 < size && config(8 + code / 8) >> code % 8 & 1;
}

static uint32_t config32(unsigned offset)
{
    return (uint32_t)guest_read(driver.machine, DRIVER_BASE + CONFIG + offset, 4);
}

static void expect_name(const char *name)
{
    unsigned size = choose(0x01, 0);
    cr_assert_eq(size, strlen(name));
    for (unsigned i = 0; i < size; i++)
        cr_assert_eq(config(8 + i), name[i]);
}

Test(virtio_input, keyboard_says_what_it_is)
{
    plug(&virtio_keyboard_type, (const char *const[]){"serial=kbd-7", NULL});
    cr_assert_eq(mmio_get(&driver, 8), 18);
    cr_assert(driver_offered(&driver) & VIRTIO_F_VERSION_1);
    expect_name("Lyrebird Virtio Keyboard");
    cr_assert_eq(choose(0x02, 0), 5);
    cr_assert_eq(config(8), 'k');
    cr_assert_eq(choose(0x03, 0), 8);
    cr_assert_eq(config32(8), 0x06270006); // virtual bus
    cr_assert_eq(config32(12), 0x00010001);
    cr_assert(has_code(EV_KEY, KEY_A) && has_code(EV_KEY, KEY_RIGHTMETA) && has_code(EV_KEY, KEY_KPDOT));
    cr_assert_not(has_code(EV_KEY, BTN_LEFT) || has_code(EV_KEY, KEY_RESERVED));
    cr_assert(has_code(EV_LED, LED_NUML) && has_code(EV_LED, LED_CAPSL) && has_code(EV_LED, LED_SCROLLL));
    cr_assert_eq(choose(0x11, EV_REP), 1);
    cr_assert_eq(choose(0x11, EV_REL), 0);
    cr_assert_eq(choose(0x10, 0), 0);
    cr_assert_eq(choose(0x12, ABS_X), 0);
    cr_assert_eq(choose(0x7f, 3), 0);
    driver_destroy(&driver);
}

Test(virtio_input, pointers_say_what_they_are)
{
    plug(&virtio_mouse_type, NULL);
    expect_name("Lyrebird Virtio Mouse");
    cr_assert_eq(choose(0x02, 0), 0);
    cr_assert(has_code(EV_REL, REL_X) && has_code(EV_REL, REL_Y) && has_code(EV_REL, REL_WHEEL) && has_code(EV_REL, REL_HWHEEL));
    for (unsigned button = BTN_LEFT; button <= BTN_EXTRA; button++)
        cr_assert(has_code(EV_KEY, button));
    cr_assert_eq(choose(0x11, EV_REP), 0);
    driver_destroy(&driver);
    plug(&virtio_tablet_type, NULL);
    expect_name("Lyrebird Virtio Tablet");
    cr_assert(has_code(EV_ABS, ABS_X) && has_code(EV_ABS, ABS_Y) && has_code(EV_REL, REL_WHEEL));
    cr_assert_not(has_code(EV_REL, REL_X));
    cr_assert_eq(choose(0x12, ABS_Y), 20);
    cr_assert_eq(config32(8), 0);
    cr_assert_eq(config32(12), 0x7fff);
    driver_destroy(&driver);
    plug(&virtio_multitouch_type, NULL);
    expect_name("Lyrebird Virtio MultiTouch");
    cr_assert(has_code(EV_ABS, ABS_MT_SLOT) && has_code(EV_ABS, ABS_MT_TRACKING_ID) && has_code(EV_KEY, BTN_TOUCH));
    cr_assert_eq(choose(0x12, ABS_MT_SLOT), 20);
    cr_assert_eq(config32(12), INPUT_TOUCH_SLOTS - 1);
    cr_assert_eq(choose(0x12, ABS_MT_POSITION_X), 20);
    cr_assert_eq(config32(12), 0x7fff);
    cr_assert_eq(choose(0x10, 0), 1);
    cr_assert_eq(config(8), 1 << INPUT_PROP_DIRECT);
    driver_destroy(&driver);
}

Test(virtio_input, every_key_has_a_code_of_its_own)
{
    bool used[KEY_CNT] = {false};
    start(&virtio_keyboard_type);
    for (unsigned key = 0; key < INPUT_KEYS; key++) {
        if (!input_key_name((enum input_key)key))
            continue;
        cr_assert(input_send_key(driver.machine, (enum input_key)key, true));
        input_send_key(driver.machine, (enum input_key)key, false);
        collect_all();
        cr_assert_eq(seen_count, 4, "%s", input_key_name((enum input_key)key));
        cr_assert(seen[0].type == EV_KEY && seen[0].value == 1 && seen[2].code == seen[0].code && seen[2].value == 0);
        cr_assert_not(used[seen[0].code], "%s", input_key_name((enum input_key)key));
        used[seen[0].code] = true;
        seen_count = 0;
    }
    driver_destroy(&driver);
}

Test(virtio_input, keys_and_their_repetition)
{
    start(&virtio_keyboard_type);
    give(12);
    input_send_key(driver.machine, INPUT_KEY_CTRL, true);
    input_send_key(driver.machine, INPUT_KEY_C, true);
    cr_assert(driver.irq.level);
    input_send_key(driver.machine, INPUT_KEY_C, true); // the driver repeats by itself
    input_send_key(driver.machine, INPUT_KEY_C, false);
    input_send_key(driver.machine, INPUT_KEY_CTRL, false);
    EXPECT({EV_KEY, KEY_LEFTCTRL, 1}, SYNC, {EV_KEY, KEY_C, 1}, SYNC, {EV_KEY, KEY_C, 0}, SYNC, {EV_KEY, KEY_LEFTCTRL, 0}, SYNC);
    driver_destroy(&driver);
}

Test(virtio_input, motion_wheels_and_buttons)
{
    start(&virtio_mouse_type);
    give(14);
    cr_assert(input_send_motion(driver.machine, 3, -4, NONE, 0));
    EXPECT({EV_REL, REL_X, 3}, {EV_REL, REL_Y, -4}, SYNC);
    input_send_motion(driver.machine, 0, 1, (struct input_wheel){1, -2}, 1 << INPUT_BUTTON_RIGHT);
    EXPECT({EV_REL, REL_Y, 1}, {EV_REL, REL_WHEEL, 1}, {EV_REL, REL_HWHEEL, -2}, {EV_KEY, BTN_RIGHT, 1}, SYNC);
    input_send_motion(driver.machine, 0, 0, NONE, 1 << INPUT_BUTTON_EXTRA);
    EXPECT({EV_KEY, BTN_RIGHT, 0}, SYNC, {EV_KEY, BTN_EXTRA, 1}, SYNC);
    input_send_motion(driver.machine, 0, 0, NONE, 1 << INPUT_BUTTON_EXTRA);
    collect();
    cr_assert_eq(seen_count, 0, "nothing has changed");
    driver_destroy(&driver);
}

Test(virtio_input, positions)
{
    start(&virtio_tablet_type);
    cr_assert(input_has_position(driver.machine));
    cr_assert_not(input_send_motion(driver.machine, 1, 1, NONE, 0));
    give(10);
    input_send_position(driver.machine, 100, 0x7fff, NONE, 1 << INPUT_BUTTON_LEFT);
    EXPECT({EV_ABS, ABS_X, 100}, {EV_ABS, ABS_Y, 0x7fff}, {EV_KEY, BTN_LEFT, 1}, SYNC);
    input_send_position(driver.machine, 100, 0x7ffe, (struct input_wheel){-1, 0}, 0);
    EXPECT({EV_ABS, ABS_Y, 0x7ffe}, {EV_REL, REL_WHEEL, -1}, {EV_KEY, BTN_LEFT, 0}, SYNC);
    driver_destroy(&driver);
}

Test(virtio_input, fingers)
{
    start(&virtio_multitouch_type);
    cr_assert(input_has_touch(driver.machine));
    give(16);
    input_send_touch(driver.machine, 0, 10, 20, true);
    EXPECT({EV_ABS, ABS_MT_SLOT, 0}, {EV_ABS, ABS_MT_TRACKING_ID, 0}, {EV_ABS, ABS_MT_POSITION_X, 10},
           {EV_ABS, ABS_MT_POSITION_Y, 20}, {EV_KEY, BTN_TOUCH, 1}, SYNC);
    input_send_touch(driver.machine, 3, 30, 20, true);
    EXPECT({EV_ABS, ABS_MT_SLOT, 3}, {EV_ABS, ABS_MT_TRACKING_ID, 1}, {EV_ABS, ABS_MT_POSITION_X, 30},
           {EV_ABS, ABS_MT_POSITION_Y, 20}, SYNC);
    input_send_touch(driver.machine, 3, 31, 20, true);
    EXPECT({EV_ABS, ABS_MT_SLOT, 3}, {EV_ABS, ABS_MT_POSITION_X, 31}, SYNC);
    give(16);
    input_send_touch(driver.machine, 0, 0, 0, false);
    EXPECT({EV_ABS, ABS_MT_SLOT, 0}, {EV_ABS, ABS_MT_TRACKING_ID, -1}, SYNC);
    input_send_touch(driver.machine, 3, 0, 0, false);
    EXPECT({EV_ABS, ABS_MT_SLOT, 3}, {EV_ABS, ABS_MT_TRACKING_ID, -1}, {EV_KEY, BTN_TOUCH, 0}, SYNC);
    driver_destroy(&driver);
}

Test(virtio_input, listens_only_while_its_driver_runs)
{
    plug(&virtio_keyboard_type, NULL);
    cr_assert_not(input_send_key(driver.machine, INPUT_KEY_A, true));
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
    cr_assert(input_send_key(driver.machine, INPUT_KEY_B, true));
    mmio_set(&driver, 0x70, 0);
    cr_assert_not(input_send_key(driver.machine, INPUT_KEY_B, false));
    // What went before is forgotten.
    driver_start(&driver, VIRTIO_F_VERSION_1, 2);
    buffers = taken = 0;
    give(4);
    input_send_key(driver.machine, INPUT_KEY_C, true);
    EXPECT({EV_KEY, KEY_C, 1}, SYNC);
    device_reset(driver.machine->devices);
    cr_assert_not(input_send_key(driver.machine, INPUT_KEY_C, false));
    driver_destroy(&driver);
}

// Keys that are down after all events.
static unsigned count_down(unsigned long long *presses)
{
    bool down[KEY_CNT] = {false};
    unsigned count = 0;
    for (unsigned i = 0; i < seen_count; i++) {
        if (seen[i].type != EV_KEY)
            continue;
        cr_assert_neq(down[seen[i].code], seen[i].value, "key %u is told twice", seen[i].code);
        down[seen[i].code] = seen[i].value;
        *presses += seen[i].value;
    }
    for (unsigned i = 0; i < KEY_CNT; i++)
        count += down[i];
    return count;
}

Test(virtio_input, no_key_sticks_when_the_driver_is_slow)
{
    unsigned long long presses = 0;
    start(&virtio_keyboard_type);
    for (unsigned round = 0; round < 200; round++)
        for (unsigned key = INPUT_KEY_A; key <= INPUT_KEY_Z; key++)
            input_send_key(driver.machine, (enum input_key)key, round % 2 == 0);
    input_send_key(driver.machine, INPUT_KEY_SHIFT, true);
    collect_all();
    cr_assert_eq(count_down(&presses), 1, "only shift is held");
    cr_assert_geq(presses, 27);
    cr_assert_eq(seen[seen_count - 1].type, EV_SYN);
    driver_destroy(&driver);
}

Test(virtio_input, what_is_typed_ahead_arrives_in_order)
{
    start(&virtio_keyboard_type);
    for (unsigned key = INPUT_KEY_A; key <= INPUT_KEY_Z; key++) {
        input_send_key(driver.machine, (enum input_key)key, true);
        input_send_key(driver.machine, (enum input_key)key, false);
    }
    collect_all();
    cr_assert_eq(seen_count, 26 * 4);
    cr_assert(seen[0].code == KEY_A && seen[2].code == KEY_A && seen[4].code == KEY_B && seen[100].code == KEY_Z);
    driver_destroy(&driver);
}

Test(virtio_input, motion_adds_up_when_the_driver_is_slow)
{
    int x = 0, y = 0;
    start(&virtio_mouse_type);
    for (unsigned i = 0; i < 10000; i++)
        input_send_motion(driver.machine, 2, -1, NONE, i == 5000 ? 1 << INPUT_BUTTON_LEFT : 0);
    collect_all();
    unsigned clicks = 0;
    for (unsigned i = 0; i < seen_count; i++) {
        x += seen[i].type == EV_REL && seen[i].code == REL_X ? seen[i].value : 0;
        y += seen[i].type == EV_REL && seen[i].code == REL_Y ? seen[i].value : 0;
        clicks += seen[i].type == EV_KEY && seen[i].value;
    }
    cr_assert(x == 20000 && y == -10000, "%d %d", x, y);
    cr_assert_eq(clicks, 1, "the click is not lost");
    cr_assert_lt(seen_count, 40, "and no trail of motion follows");
    driver_destroy(&driver);
}

Test(virtio_input, fingers_end_where_they_are)
{
    int ids[INPUT_TOUCH_SLOTS], slot = -1;
    start(&virtio_multitouch_type);
    for (unsigned i = 0; i < 1000; i++)
        input_send_touch(driver.machine, i % 10, i, i, i / 10 % 2 == 0 || i % 10 == 7);
    collect_all();
    memset(ids, 0xff, sizeof(ids));
    bool touched = false;
    for (unsigned i = 0; i < seen_count; i++) {
        if (seen[i].code == ABS_MT_SLOT && seen[i].type == EV_ABS)
            slot = seen[i].value;
        else if (seen[i].code == ABS_MT_TRACKING_ID && seen[i].type == EV_ABS)
            ids[slot] = seen[i].value;
        else if (seen[i].type == EV_KEY)
            touched = seen[i].value;
    }
    for (unsigned i = 0; i < INPUT_TOUCH_SLOTS; i++)
        cr_assert_eq(ids[i] != -1, i == 7, "finger %u", i);
    cr_assert(touched);
    driver_destroy(&driver);
}

Test(virtio_input, lights)
{
    uint32_t head, length;
    start(&virtio_keyboard_type);
    static const struct input_event sent[] = {{EV_LED, LED_CAPSL, 1}, {EV_LED, LED_NUML, 1}, {EV_LED, LED_CAPSL, 0},
                                        {EV_LED, 77, 1},        {EV_KEY, 1, 1},        {EV_LED, LED_SCROLLL, 1}};
    for (unsigned i = 0; i < ARRAY_SIZE(sent); i++) {
        guest_write(driver.machine, DRIVER_DATA, 4, sent[i].type | sent[i].code << 16);
        guest_write(driver.machine, DRIVER_DATA + 4, 4, (uint32_t)sent[i].value);
        driver_send(&driver, STATUS, 0, 1, (struct part[]){{DRIVER_DATA, 8, false}});
        cr_assert(driver_take(&driver, STATUS, &head, &length));
        cr_assert_eq(length, 0);
    }
    driver_send(&driver, STATUS, 0, 1, (struct part[]){{DRIVER_DATA, 3, false}});
    cr_assert(driver_take(&driver, STATUS, &head, &length), "too short to say anything");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    device_print_state(device, out);
    fclose(out);
    cr_assert(strstr(text, "  leds=0x5\n"), "%s", text);
    free(text);
    driver_destroy(&driver);
}

Test(virtio_input, buffers_of_any_shape)
{
    uint32_t head, length;
    start(&virtio_keyboard_type);
    driver_send(&driver, EVENTS, 0, 2, (struct part[]){{DRIVER_DATA, 3, true}, {DRIVER_DATA + 3, 5, true}});
    driver_send(&driver, EVENTS, 2, 1, (struct part[]){{DRIVER_DATA + 64, 5, true}});
    driver_send(&driver, EVENTS, 3, 1, (struct part[]){{DRIVER_DATA + 128, 8, false}});
    input_send_key(driver.machine, INPUT_KEY_A, true);
    input_send_key(driver.machine, INPUT_KEY_A, false);
    cr_assert(driver_take(&driver, EVENTS, &head, &length) && length == 8);
    cr_assert_eq(guest_read(driver.machine, DRIVER_DATA, 8), UINT64_C(1) << 32 | KEY_A << 16 | EV_KEY);
    cr_assert(driver_take(&driver, EVENTS, &head, &length) && length == 5);
    cr_assert(driver_take(&driver, EVENTS, &head, &length) && length == 0);
    driver_destroy(&driver);
}

static struct rng rng;

static void scramble(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)opaque, (void)path;
    if (kind != STATE_BOOL)
        rng_fill(&rng, data, size);
}

Test(virtio_input, any_state_can_be_loaded)
{
    static const struct device_type *const types[] = {&virtio_keyboard_type, &virtio_mouse_type, &virtio_tablet_type,
                                                      &virtio_multitouch_type};
    rng = rng_from_seed(1);
    for (unsigned i = 0; i < 400; i++) {
        start(types[i % ARRAY_SIZE(types)]);
        state_visit(device->type->state, device, scramble, NULL);
        ((struct virtio_device *)device)->status = i % 8 < 4 ? 15 : 0;
        device->type->state_loaded(device);
        bool listens = input_send_key(driver.machine, INPUT_KEY_A, true) || input_send_motion(driver.machine, 1, 1, NONE, 1) ||
                       input_send_position(driver.machine, 1, 1, NONE, 1) || input_send_touch(driver.machine, 1, 1, 1, true);
        cr_assert_eq(listens, i % 8 < 4, "it listens when its driver runs");
        driver_start(&driver, VIRTIO_F_VERSION_1, 2);
        driver_destroy(&driver);
    }
}

Test(virtio_input, needs_virtio_1)
{
    struct error error = {""};
    driver_create(&driver, (const char *const[]){"force-legacy", "on", NULL});
    device = device_create(driver.machine, &virtio_keyboard_type, NULL);
    cr_assert_lt(device_realize(device, &error), 0);
    cr_assert_str_eq(error.text,
                     "device 'virtio-keyboard-device' needs the interface of virtio 1.0, which its bus does not have");
    device_destroy(device);
    driver_destroy(&driver);
}
