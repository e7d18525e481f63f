// SPDX-License-Identifier: MIT
// Keyboard controller, keyboard and mouse through ports 0x60 and 0x64.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/core/input.h"
#include "hw/input/i8042.h"
#include "hw/input/ps2.h"
#include "pc-bench.h"

static struct pc_bench bench;
static struct irq_sink keyboard, mouse, a20, reset;

static void setup(void)
{
    memset(&reset, 0, sizeof(reset));
    pc_bench_create(&bench);
    struct device *chip = device_create(bench.machine, &i8042_type, NULL);
    struct i8042_wiring wiring = {bench.io, irq_sink_line(&keyboard), irq_sink_line(&mouse),
                                  irq_sink_line(&a20), irq_sink_line(&reset)};
    i8042_wire(chip, &wiring);
    pc_bench_realize(&bench, chip);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(i8042, .init = setup, .fini = teardown);

static void key(enum input_key key, bool down)
{
    cr_assert(input_send_key(bench.machine, key, down));
}

// A driver that does not read loses presses, but no release.
Test(i8042, no_key_is_stuck)
{
    static const enum input_key keys[] = {INPUT_KEY_SHIFT, INPUT_KEY_A, INPUT_KEY_ALT_RIGHT, INPUT_KEY_UP};
    static const uint8_t codes[] = {0x12, 0x1c, 0x11, 0x75};
    bool down[256] = {false}, released = false;
    unsigned bytes = 0;
    for (unsigned i = 0; i < 1000; i++)
        key(keys[i % 4], i / 4 % 2 == 0);
    for (unsigned i = 0; i < 4; i++)
        key(keys[i], true);
    for (unsigned i = 0; i < 4; i++)
        key(keys[i], false);
    for (; inb(&bench, 0x64) & 1; bytes++) {
        uint8_t byte = inb(&bench, 0x60);
        if (byte != 0xf0 && byte != 0xe0)
            down[byte] = !released;
        if (byte != 0xe0)
            released = byte == 0xf0;
    }
    cr_assert(bytes > 200 && bytes < 400, "%u bytes", bytes);
    for (unsigned i = 0; i < 4; i++)
        cr_assert_not(down[codes[i]], "key %u", i);
    key(INPUT_KEY_A, true);
    cr_assert_eq(inb(&bench, 0x60), 0x1c);
}

// Everything there is to read must be these bytes.
static void expect(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert(inb(&bench, 0x64) & 1, "byte %zu is there", i);
        uint8_t byte = inb(&bench, 0x60);
        cr_assert_eq(byte, (uint8_t)bytes[i], "byte %zu is 0x%02x", i, byte);
    }
    cr_assert_not(inb(&bench, 0x64) & 1, "there is more");
}

#define EXPECT(bytes) expect(bytes, sizeof(bytes) - 1)

static void to_mouse(uint8_t byte)
{
    outb(&bench, 0x64, 0xd4);
    outb(&bench, 0x60, byte);
}

// As a driver does: waits for the acknowledge.
static void acknowledged(bool is_mouse, uint8_t byte)
{
    if (is_mouse)
        outb(&bench, 0x64, 0xd4);
    outb(&bench, 0x60, byte);
    cr_assert_eq(inb(&bench, 0x60), 0xfa);
}

static void set_mode(uint8_t mode)
{
    outb(&bench, 0x64, 0x60);
    outb(&bench, 0x60, mode);
}

Test(i8042, controller_commands)
{
    outb(&bench, 0x64, 0xaa);
    cr_assert_eq(inb(&bench, 0x64) & 0x0c, 0x0c);
    EXPECT("\x55");
    outb(&bench, 0x64, 0xab);
    EXPECT("\0");
    set_mode(0x47);
    outb(&bench, 0x64, 0x20);
    EXPECT("\x47");
    outb(&bench, 0x64, 0xa7);
    outb(&bench, 0x64, 0xad);
    outb(&bench, 0x64, 0x20);
    EXPECT("\x77");
    outb(&bench, 0x64, 0xd2);
    outb(&bench, 0x60, 0x99);
    cr_assert_not(inb(&bench, 0x64) & 0x20);
    EXPECT("\x99");
    outb(&bench, 0x64, 0xd3);
    outb(&bench, 0x60, 0x5a);
    cr_assert_eq(inb(&bench, 0x64) & 0x21, 0x21, "seems to be the mouse's");
    EXPECT("\x5a");
    outb(&bench, 0x64, 0x55);
    cr_assert_not(inb(&bench, 0x64) & 1);
}

Test(i8042, a20_and_reset)
{
    cr_assert(a20.level);
    outb(&bench, 0x64, 0xdd);
    cr_assert_not(a20.level);
    outb(&bench, 0x64, 0xd0);
    EXPECT("\x01");
    outb(&bench, 0x64, 0xd1);
    outb(&bench, 0x60, 0x03);
    cr_assert(a20.level);
    cr_assert_eq(reset.edges, 0);
    outb(&bench, 0x64, 0xfe);
    cr_assert_eq(reset.edges, 1);
    outb(&bench, 0x64, 0xff);
    cr_assert_eq(reset.edges, 1);
    outb(&bench, 0x64, 0xd1);
    outb(&bench, 0x60, 0x02);
    cr_assert_eq(reset.edges, 2);
}

Test(i8042, keys_in_each_set)
{
    set_mode(0x01);
    key(INPUT_KEY_A, true);
    cr_assert(keyboard.level);
    key(INPUT_KEY_A, false);
    key(INPUT_KEY_RIGHT, true);
    key(INPUT_KEY_RIGHT, false);
    EXPECT("\x1c\xf0\x1c\xe0\x74\xe0\xf0\x74");
    cr_assert_not(keyboard.level);
    set_mode(0x41);
    key(INPUT_KEY_A, true);
    key(INPUT_KEY_A, false);
    key(INPUT_KEY_RIGHT, true);
    key(INPUT_KEY_RIGHT, false);
    key(INPUT_KEY_F7, true);
    key(INPUT_KEY_F12, false);
    EXPECT("\x1e\x9e\xe0\x4d\xe0\xcd\x41\xd8");
    key(INPUT_KEY_PRINT, true);
    key(INPUT_KEY_PRINT, false);
    EXPECT("\xe0\x2a\xe0\x37\xe0\xb7\xe0\xaa");
    key(INPUT_KEY_PAUSE, true);
    key(INPUT_KEY_PAUSE, false);
    EXPECT("\xe1\x1d\x45\xe1\x9d\xc5");
    set_mode(0x01);
    outb(&bench, 0x60, 0xf0);
    EXPECT("\xfa");
    outb(&bench, 0x60, 1);
    EXPECT("\xfa");
    key(INPUT_KEY_DELETE, false);
    key(INPUT_KEY_PAUSE, true);
    EXPECT("\xe0\xd3\xe1\x1d\x45\xe1\x9d\xc5");
    acknowledged(false, 0xf0);
    outb(&bench, 0x60, 0);
    EXPECT("\xfa\x01");
    key((enum input_key)0xff, true);
    EXPECT("");
}

Test(i8042, every_key_name_sends_something)
{
    cr_assert_eq(input_key_find("ret"), INPUT_KEY_RETURN);
    cr_assert_eq(input_key_find("no such"), -1);
    set_mode(0x01);
    static const char *const names[] = {"z", "9", "f1", "kp_enter", "meta_r", "less", "muhenkan", "pause"};
    for (unsigned i = 0; i < 8; i++) {
        key((enum input_key)input_key_find(names[i]), true);
        cr_assert(inb(&bench, 0x64) & 1, "%s", names[i]);
        while (inb(&bench, 0x64) & 1)
            inb(&bench, 0x60);
    }
}

Test(i8042, keyboard_commands)
{
    set_mode(0x01);
    outb(&bench, 0x60, 0xff);
    EXPECT("\xfa\xaa");
    outb(&bench, 0x60, 0xf2);
    EXPECT("\xfa\xab\x83");
    outb(&bench, 0x60, 0xee);
    EXPECT("\xee");
    outb(&bench, 0x60, 0xed);
    EXPECT("\xfa");
    outb(&bench, 0x60, 0x02);
    EXPECT("\xfa");
    acknowledged(false, 0xf3);
    acknowledged(false, 0x20);
    outb(&bench, 0x60, 0xfe);
    EXPECT("\xfa");
    outb(&bench, 0x60, 0x11);
    EXPECT("\xfe");
    acknowledged(false, 0xf0);
    outb(&bench, 0x60, 3);
    EXPECT("\xfe");
    outb(&bench, 0x60, 0xf5);
    EXPECT("\xfa");
    key(INPUT_KEY_B, true);
    EXPECT("");
    outb(&bench, 0x60, 0xf4);
    EXPECT("\xfa");
    key(INPUT_KEY_B, true);
    EXPECT("\x32");
    set_mode(0x41);
    outb(&bench, 0x60, 0xf2);
    EXPECT("\xfa\xab\x41");
}

Test(i8042, switched_off_keyboard_keeps_its_codes)
{
    set_mode(0x51);
    key(INPUT_KEY_A, true);
    EXPECT("");
    outb(&bench, 0x64, 0xae);
    EXPECT("\x1e");
    // What nobody reads is dropped, whole keys at a time.
    for (unsigned i = 0; i < 1000; i++) {
        key(INPUT_KEY_UP, true);
        key(INPUT_KEY_UP, false);
    }
    unsigned bytes = 0, last = 0;
    for (; inb(&bench, 0x64) & 1; bytes++)
        last = inb(&bench, 0x60);
    cr_assert_leq(bytes, PS2_EVENT_BYTES + 8);
    cr_assert_eq(last & 0x7f, 0x48);
}

Test(i8042, mouse_packets)
{
    set_mode(0x02);
    to_mouse(0xff);
    cr_assert(mouse.level);
    EXPECT("\xfa\xaa\0");
    to_mouse(0xf2);
    EXPECT("\xfa\0");
    input_send_motion(bench.machine, 1, 1, (struct input_wheel){0, 0}, 0);
    EXPECT("");
    to_mouse(0xf4);
    EXPECT("\xfa");
    cr_assert(input_send_motion(bench.machine, 5, 3, (struct input_wheel){0, 0}, 1 << INPUT_BUTTON_LEFT));
    cr_assert_eq(inb(&bench, 0x64) & 0x21, 0x21);
    EXPECT("\x29\x05\xfd");
    input_send_motion(bench.machine, 0, 0, (struct input_wheel){0, 0}, 0);
    EXPECT("\x08\0\0");
    input_send_motion(bench.machine, -300, 0, (struct input_wheel){0, 0}, 0);
    EXPECT("\x18\x01\0\x18\xd3\0");
    to_mouse(0xe9);
    EXPECT("\xfa\x20\x02\x64");
    to_mouse(0xe7);
    EXPECT("\xfa");
    input_send_motion(bench.machine, 4, -10, (struct input_wheel){0, 0}, 2);
    EXPECT("\x0a\x06\x14");
    to_mouse(0xe9);
    EXPECT("\xfa\x31\x02\x64");
}

Test(i8042, mouse_with_wheel)
{
    static const uint8_t knock[] = {200, 100, 80}, again[] = {200, 200, 80};
    for (unsigned i = 0; i < 3; i++) {
        acknowledged(true, 0xf3);
        acknowledged(true, knock[i]);
    }
    to_mouse(0xf2);
    EXPECT("\xfa\x03");
    to_mouse(0xf4);
    EXPECT("\xfa");
    input_send_motion(bench.machine, 1, 0, (struct input_wheel){2, 0}, 4);
    EXPECT("\x0c\x01\0\xfe");
    for (unsigned i = 0; i < 3; i++) {
        acknowledged(true, 0xf3);
        acknowledged(true, again[i]);
    }
    to_mouse(0xf2);
    EXPECT("\xfa\x04");
    input_send_motion(bench.machine, 0, 0, (struct input_wheel){-1, 0}, 1 << INPUT_BUTTON_SIDE);
    EXPECT("\x08\0\0\x11");
}

Test(i8042, mouse_modes)
{
    to_mouse(0xf0);
    EXPECT("\xfa");
    input_send_motion(bench.machine, 7, 0, (struct input_wheel){0, 0}, 0);
    EXPECT("");
    to_mouse(0xeb);
    EXPECT("\xfa\x08\x07\0");
    acknowledged(true, 0xee);
    to_mouse(0x42);
    EXPECT("\x42");
    to_mouse(0xec);
    EXPECT("\xfa");
    to_mouse(0x10);
    EXPECT("\xfe");
    acknowledged(true, 0xea);
    acknowledged(true, 0xf4);
    // Motion that is not fetched adds up and stays bounded.
    for (unsigned i = 0; i < 100000; i++)
        input_send_motion(bench.machine, 1000000, -1000000, (struct input_wheel){100, 0}, i & 7);
    unsigned bytes = 0;
    for (; inb(&bench, 0x64) & 1; bytes++)
        inb(&bench, 0x60);
    cr_assert_leq(bytes, 600);
    acknowledged(true, 0xe8);
    to_mouse(0xff);
    EXPECT("\xfa\xaa\0");
}
