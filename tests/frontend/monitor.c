// SPDX-License-Identifier: MIT
// The monitor's commands, typed at a machine that has RAM and one processor which does nothing.
#include "frontend/monitor.h"

#include <capstone/capstone.h>
#include <criterion/criterion.h>
#include <png.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/settings.h"
#include "hw/core/chardev.h"
#include "hw/core/display.h"
#include "hw/core/dma.h"
#include "hw/core/input.h"
#include "tcg/base/log.h"
#include "tests/hw/bare-machine.h"

static struct machine *machine;
static struct monitor *monitor;
static struct settings settings = {.name = "guest one", .uuid = "12345678-1234-1234-1234-123456789abc"};
static struct vcpu cpu;

static uint64_t get_pc(const struct vcpu *self)
{
    (void)self;
    return BARE_RAM_BASE + 0x100;
}

static void print_registers(struct vcpu *self, FILE *out)
{
    (void)self;
    cr_assert_not(device_lock_held(&machine->lock), "a vCPU may wait for it");
    fprintf(out, "PC=0000\n");
}

// Virtual addresses are physical ones with the top bit set; page 3 is not mapped.
static bool translate(struct vcpu *self, uint64_t gva, uint64_t *gpa)
{
    (void)self;
    *gpa = gva & INT64_MAX;
    return gva >> 63 && (gva >> 12 & 0xf) != 3;
}

static void nothing(struct vcpu *self)
{
    (void)self;
}

static int code_arch = CS_ARCH_ARM64, code_mode = CS_MODE_LITTLE_ENDIAN;

static void disassembler(struct vcpu *vcpu, int *arch, int *mode)
{
    (void)vcpu;
    *arch = code_arch;
    *mode = code_mode;
}

static const struct vcpu_ops cpu_ops = {.arch = "aarch64", .get_pc = get_pc, .print_registers = print_registers,
                                        .disassembler = disassembler, .translate_debug = translate,
                                        .destroy = nothing};

static char shown[1 << 20];
static size_t shown_length, accepts = SIZE_MAX;

static size_t show(struct chardev *chardev, const void *data, size_t length)
{
    (void)chardev;
    length = length < accepts ? length : accepts;
    accepts -= length;
    memcpy(shown + shown_length, data, length);
    shown_length += length;
    shown[shown_length] = 0;
    return length;
}

static const struct chardev_ops chardev_ops = {"test", show, NULL, NULL};
static struct chardev terminal = {.ops = &chardev_ops};

static void begin(void)
{
    machine = bare_machine_create();
    cpu.ops = &cpu_ops;
    cpu.machine = machine;
    vcpu_group_add(&machine->vcpus, &cpu);
    monitor = monitor_create(machine, NULL, &settings, NULL, &terminal, NULL);
}

static void end(void)
{
    monitor_destroy(monitor);
    bare_machine_destroy(machine);
}

TestSuite(monitor, .init = begin, .fini = end);

// What a line brings to the screen, its echo and the next prompt included.
static const char *run(const char *line)
{
    shown_length = 0;
    device_lock_acquire(&machine->lock);
    for (; *line; line++)
        chardev_receive(&terminal, (const uint8_t *)line, 1);
    chardev_receive(&terminal, (const uint8_t *)"\r", 1);
    device_lock_release(&machine->lock);
    return shown;
}

#define EXPECT(line, text) cr_expect_not_null(strstr(run(line), (text)), "%s gave: %s", line, shown)

Test(monitor, prompt_and_help)
{
    cr_assert_str_eq(shown, "(lyrebird) ");
    EXPECT("help", "system_reset");
    EXPECT("?", "press the power button");
    EXPECT("info", "info mtree");
    cr_assert_str_eq(run("   "), "   \r\n(lyrebird) ");
}

Test(monitor, unknown_commands_name_the_nearest)
{
    EXPECT("contt", "unknown command 'contt'; did you mean 'cont'?");
    EXPECT("info qtre", "unknown command 'info qtre'; did you mean 'info qtree'?");
    EXPECT("zzzzzzzz", "'help' lists them");
    EXPECT("quit now", "'quit' takes no arguments");
}

Test(monitor, info)
{
    EXPECT("info status", "VM status: paused (prelaunch)");
    EXPECT("info version", "Lyrebird version ");
    EXPECT("info name", "guest one");
    EXPECT("info uuid", settings.uuid);
    EXPECT("info mtree", "ram");
    EXPECT("info cpus", "* CPU #0: pc=0x40000100");
    EXPECT("info registers", "PC=0000");
    EXPECT("info registers -a", "CPU#0");
    EXPECT("info registers -b", "'-b' is not understood");
    EXPECT("info irq", "CPU #0: off, input lines 0x0");
    EXPECT("info jit", "this accelerator has no jit");
    EXPECT("info kvm", "kvm support: disabled");
    EXPECT("cpu 1", "'1' is not a processor from 0 to 0");
}

static void print_irq(struct device *device, FILE *out)
{
    fprintf(out, "the controller\n");
    cr_assert(device_lock_held(&device->machine->lock), "its inputs may change");
}

static const struct device_type controller_type = {.name = "controller", .instance_size = sizeof(struct device), .print_irq = print_irq};

Test(monitor, interrupt_controllers_are_asked)
{
    bare_device(machine, &controller_type, NULL);
    EXPECT("info irq", "the controller\r\n");
    cr_expect_not(device_lock_held(&machine->lock));
}

Test(monitor, physical_memory)
{
    static const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44, 0xff, 0xff, 0xff, 0xff, 'A', 0, 0, 0, 0, 0, 0, 0, 9};
    cr_assert(dma_write(machine->map, BARE_RAM_BASE, bytes, sizeof(bytes)));
    EXPECT("xp/4xw 0x40000000", "\n0000000040000000: 0x44332211 0xffffffff 0x00000041 0x00000000\r\n");
    EXPECT("xp/5xw 0x40000000", "\n0000000040000010: 0x00000009\r\n");
    EXPECT("xp/2dw 0x40000000", " 1144201745 -1\r\n");
    EXPECT("xp/1uw 0x40000004", " 4294967295\r\n");
    EXPECT("xp/1ow 0x40000008", " 000000000101\r\n");
    EXPECT("xp/2c 0x40000008", " 'A' '\\x00'\r\n");
    EXPECT("xp/1xg 0x40000000", " 0xffffffff44332211\r\n");
    EXPECT("xp/1xb 0x40000000", " 0x11\r\n");
    EXPECT("xp/2xh 0x40000000", " 0x2211 0x4433\r\n");
    EXPECT("xp 0x40000000 + 4", "\n0000000040000004: 0xffffffff\r\n");
    EXPECT("xp 0x100", "Cannot access memory at address 0x100");
    EXPECT("xp/3xw 0x40fffff8", "0x00000000 0x00000000\r\nCannot access memory at address 0x41000000");
    EXPECT("xp/999999999x 0", "at most 65536 units");
    EXPECT("xp/4q 0", "write x/FMT ADDRESS");
    EXPECT("xp", "write x/FMT ADDRESS");
    EXPECT("xp 12z", "write x/FMT ADDRESS");
}

Test(monitor, virtual_memory)
{
    static const uint32_t code[] = {0xd503201f, 0xd65f03c0};
    cr_assert(dma_write(machine->map, BARE_RAM_BASE + 0x100, code, sizeof(code)));
    EXPECT("x/1xw 0x8000000040000100", ": 0xd503201f\r\n");
    EXPECT("x/2i 0x8000000040000100", "nop");
    cr_assert_not_null(strstr(shown, "ret"));
    EXPECT("xp/1i $pc + 4", "ret");
    EXPECT("x/1xw 0x40000000", "Cannot access memory");
    EXPECT("x/2xg 0x8000000040002ff8", "Cannot access memory at address 0x8000000040003000");
}

Test(monitor, instructions_of_the_current_mode)
{
    static const uint8_t code[] = {0xb8, 0x34, 0x12, 0xf4, 0x90, 0xc3};
    cr_assert(dma_write(machine->map, BARE_RAM_BASE + 0x200, code, sizeof(code)));
    code_arch = CS_ARCH_X86;
    code_mode = CS_MODE_16;
    EXPECT("xp/3i 0x40000200", "0x40000200:  b8 34 12                 mov      ax, 0x1234\r\n"
                               "0x40000203:  f4                       hlt\r\n"
                               "0x40000204:  90                       nop\r\n");
    code_mode = CS_MODE_32;
    EXPECT("xp/2i 0x40000200", "mov      eax, 0x90f41234\r\n0x40000205:  c3                       ret\r\n");
    EXPECT("xp/2i 0x40ffffff", "Cannot access memory at address 0x41000000");
}

Test(monitor, output_waits_for_the_terminal)
{
    accepts = 10;
    run("help");
    cr_assert_eq(shown_length, 10);
    cr_assert_eq(chardev_room(&terminal), 0, "no more input until it has been shown");
    accepts = SIZE_MAX;
    chardev_writable(&terminal);
    cr_assert_not_null(strstr(shown, "(lyrebird) "));
    cr_assert_gt(chardev_room(&terminal), 0);
}

// --- keyboard and mouse ---

static char heard[512];

static void hear(const char *format, ...)
{
    va_list arguments;
    size_t length = strlen(heard);
    va_start(arguments, format);
    vsnprintf(heard + length, sizeof(heard) - length, format, arguments);
    va_end(arguments);
}

static void hear_key(void *opaque, enum input_key key, bool down)
{
    (void)opaque;
    hear("%c%s ", down ? '+' : '-', input_key_name(key));
}

static void hear_motion(void *opaque, int dx, int dy, struct input_wheel wheel, unsigned buttons)
{
    (void)opaque;
    hear("%d,%d,%d,%u ", dx, dy, wheel.up, buttons);
}

static void hear_position(void *opaque, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons)
{
    (void)opaque;
    hear("@%u,%u,%d,%u ", x, y, wheel.up, buttons);
}

static const struct input_ops keyboard_ops = {.key = hear_key}, mouse_ops = {.motion = hear_motion},
                              tablet_ops = {.position = hear_position};
static struct input_handler keyboard = {.ops = &keyboard_ops}, mouse = {.ops = &mouse_ops}, tablet = {.ops = &tablet_ops};

static bool heard_all(void *text)
{
    return !strcmp(heard, text);
}

static void expect_heard(const char *text)
{
    cr_expect(run_until(machine, heard_all, (void *)text), "'%s' was heard, not '%s'", heard, text);
    *heard = 0;
}

Test(monitor, keys_are_held_and_let_go)
{
    input_add(machine, &keyboard);
    run("sendkey ctrl-alt-f2");
    cr_assert_str_eq(heard, "+ctrl +alt +f2 ", "and time stands still");
    event_clock_start(machine->clock);
    expect_heard("+ctrl +alt +f2 -f2 -alt -ctrl ");
    // One after the other; scan codes of an extended key, in both spellings.
    run("sendkey a 1");
    run("sendkey 0x1e-<   2");
    run("sendkey 0xe04b-0xcb 0");
    run("sendkey 0xb7 0");
    expect_heard("+a -a +a +less -less -a +left +left -left -left +print -print ");
}

Test(monitor, keys_that_are_held_in_the_end_are_let_go)
{
    input_add(machine, &keyboard);
    run("sendkey shift-x");
    monitor_destroy(monitor);
    monitor = NULL;
    cr_assert_str_eq(heard, "+shift +x -x -shift ");
}

Test(monitor, keys_that_are_not)
{
    EXPECT("sendkey a", "no device of this machine listens to keys");
    EXPECT("sendkey", "sendkey KEY[-KEY...] [HOLD_MS]");
    EXPECT("sendkey ctrl-spd", "unknown key 'spd'; did you mean 'spc'?");
    EXPECT("sendkey ctrl-", "unknown key ''");
    EXPECT("sendkey 0x7f", "unknown key '0x7f'");
    EXPECT("sendkey 0x1ez", "unknown key '0x1ez'");
    EXPECT("sendkey a fast", "'fast' is not a time from 0 to 3600000 milliseconds");
    EXPECT("sendkey a -1", "'-1' is not a time");
    EXPECT("sendkey a 1 2", "'1 2' is not a time");
    EXPECT("sendkey a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a", "no more than 16 keys at once");
    for (unsigned i = 0; i < 255; i++)
        run("sendkey b");
    EXPECT("sendkey c", "too many keys are waiting");
}

Test(monitor, mouse)
{
    EXPECT("mouse_move 1 2", "no device of this machine listens to a mouse");
    input_add(machine, &mouse);
    run("mouse_move 3 -4");
    run("mouse_button 5");
    run("mouse_move 0 0 -9");
    run("mouse_button 2");
    run("mouse_button 0");
    cr_assert_str_eq(heard, "3,-4,0,0 0,0,0,3 0,0,-1,3 0,0,0,4 0,0,0,0 ");
    EXPECT("mouse_move 1", "mouse_move DX DY [DZ]");
    EXPECT("mouse_move 1 2 3 4", "no more than 3 numbers");
    EXPECT("mouse_move 1 z", "'z' is not a number");
    EXPECT("mouse_move 1 99999999999999999999", "is not a number from -32768 to 65535");
    EXPECT("mouse_button", "mouse_button STATE: 1 left");
    EXPECT("mouse_button 8", "mouse_button STATE: 1 left");
    EXPECT("mouse_button x", "'x' is not a number");
    input_remove(machine, &mouse);
}

Test(monitor, pointers_that_have_a_position)
{
    input_add(machine, &tablet);
    run("mouse_button 1");
    run("mouse_move 100 32767");
    run("mouse_move -5 40000 1");
    cr_assert_str_eq(heard, "@16384,16384,0,1 @100,32767,0,1 @0,32767,1,1 ");
    *heard = 0;
    input_remove(machine, &tablet);
    EXPECT("mouse_position 1 2", "no device of this machine tells positions");
    EXPECT("mouse_position 1", "mouse_position X Y: 0 to 32767");
    EXPECT("mouse_position 1 2 3", "no more than 2 numbers");
    EXPECT("mouse_position 1 z", "'z' is not a number");
    // Beside a mouse: buttons are pressed on the one that was moved last.
    input_add(machine, &tablet);
    input_add(machine, &mouse);
    run("mouse_button 0");
    run("mouse_position 7 40000");
    run("mouse_button 1");
    run("mouse_move 1 1");
    run("mouse_button 0");
    cr_assert_str_eq(heard, "0,0,0,0 @7,32767,0,0 @7,32767,0,1 @7,32767,0,0 1,1,0,1 0,0,0,0 ");
    input_remove(machine, &mouse);
    input_remove(machine, &tablet);
}

// --- displays ---

// Two pixels wide, one high: its device finds out what it shows when someone looks.
static uint32_t pixels[2] = {0x00123456, 0x00abcdef};
static bool is_text, is_dark;

static void refresh(void *opaque)
{
    display_set_surface(opaque, is_dark ? NULL : surface_wrap(2, 1, sizeof(pixels), pixels));
}

static bool get_text(void *opaque, struct display_text *text)
{
    (void)opaque;
    static const uint32_t letters[] = {'A', 0xe9, 0x2500, 0x6f22, 0, ' '};
    text->columns = 6;
    text->rows = 1;
    for (unsigned i = 0; i < 6; i++)
        text->cells[i].code = letters[i];
    return is_text;
}

static const struct display_ops screen_ops = {.refresh = refresh, .text = get_text}, no_ops = {0};
static struct display screen = {.ops = &screen_ops, .opaque = &screen, .name = "VGA"},
                      second = {.ops = &no_ops, .name = "gpu.1"},
                      vc = {.ops = &no_ops, .name = "serial0", .is_terminal = true};

static void add_displays(void)
{
    display_add(machine, &screen);
    display_add(machine, &second);
    display_add(machine, &vc);
    display_set_surface(&second, surface_create(3, 2));
}

static void remove_displays(void)
{
    display_remove(&screen);
    display_remove(&second);
    display_remove(&vc);
}

static char dump_path[] = "/tmp/screenXXXXXX/a b.png";

static const char *in_folder(void)
{
    char *slash = strrchr(dump_path, '/');
    *slash = 0;
    cr_assert(mkdtemp(dump_path));
    *slash = '/';
    return dump_path;
}

static void remove_dump(void)
{
    unlink(dump_path);
    *strrchr(dump_path, '/') = 0;
    cr_assert_eq(rmdir(dump_path), 0);
}

// The command, with the file's name in quotes in place of FILE; and what is then in the file.
static const char *dump(const char *command, const char *end, size_t *size)
{
    static char bytes[4096];
    char line[256];
    snprintf(line, sizeof(line), "%s \"%s\"%s", command, dump_path, end);
    run(line);
    cr_assert_str_eq(strchr(shown, '\n') + 1, "(lyrebird) ", "%s: nothing to say", line);
    FILE *file = fopen(dump_path, "rb");
    cr_assert(file, "%s", line);
    *size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return bytes;
}

Test(monitor, screendump)
{
    static const char ppm[] = "P6\n2 1\n255\n\x12\x34\x56\xab\xcd\xef";
    size_t size;
    in_folder();
    add_displays();
    cr_expect(!memcmp(dump("screendump", "", &size), "\x89PNG", 4), "as the name says");
    cr_expect(!memcmp(dump("screendump  -f ppm", "", &size), ppm, sizeof(ppm) - 1));
    cr_expect_eq(size, sizeof(ppm) - 1);
    cr_expect(!memcmp(dump("screendump", " -f png", &size), "\x89PNG", 4), "QEMU's order");
    cr_expect(!memcmp(dump("screendump -d gpu.1 -f ppm", "", &size), "P6\n3 2\n", 7));
    cr_expect(!memcmp(dump("screendump", " -f ppm gpu 1", &size), "P6\n3 2\n", 7), "QEMU's device and head");
    cr_expect(!memcmp(dump("screendump", " -f ppm VGA 0", &size), "P6\n2 1\n", 7));
    cr_expect_null(screen.views, "nobody looks any more");
    remove_dump();
    remove_displays();
}

Test(monitor, screendump_of_nothing_shows_words)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t size;
    in_folder();
    add_displays();
    is_dark = true;
    dump("screendump", "", &size);
    cr_assert(png_image_begin_read_from_file(&image, dump_path));
    cr_assert(image.width == 640 && image.height == 480);
    image.format = PNG_FORMAT_GRAY;
    uint8_t *gray = malloc(640 * 480), brightest = 0;
    cr_assert(png_image_finish_read(&image, NULL, gray, 0, NULL));
    for (unsigned i = 0; i < 640 * 480; i++)
        brightest = gray[i] > brightest ? gray[i] : brightest;
    cr_expect_gt(brightest, 0, "letters");
    free(gray);
    remove_dump();
    remove_displays();
}

Test(monitor, screendump_without_sense)
{
    EXPECT("screendump x.png", "\nthis machine has no display\r\n");
    EXPECT("screendump -d VGA x.png", "\nthis machine has no display\r\n");
    add_displays();
    EXPECT("screendump", "screendump [-f png|ppm] [-d DISPLAY] FILE");
    EXPECT("screendump -q x.png", "'-q' is not understood");
    EXPECT("screendump -f jpeg x.png", "'jpeg' is not a format; there are png and ppm");
    EXPECT("screendump x.png -f", "'-f' needs a value");
    EXPECT("screendump x.png VGA 0 7", "'7' is one word too many");
    EXPECT("screendump \"x.png", "a quote is not closed");
    EXPECT("screendump 1 2 3 4 5 6 7 8 9", "too many words");
    EXPECT("screendump -d vga x.png", "there is no display 'vga'; 'info displays' lists them");
    EXPECT("screendump x.png gpu 2", "there is no display 'gpu 2'; 'info displays' lists them");
    EXPECT("screendump x.png gpu -1", "'-1' is not understood");
    EXPECT("screendump /proc/x/y.png", "cannot write '/proc/x/y.png': No such file or directory");
    remove_displays();
}

Test(monitor, displays)
{
    EXPECT("info displays", "\nnone\r\n");
    EXPECT("info screen", "\nno screen\r\n");
    add_displays();
    EXPECT("info displays", "\nVGA: 2 x 1\r\ngpu.1: 3 x 2\r\nserial0: shows nothing, terminal\r\n");
    display_set_cursor(&second, display_cursor_create(8, 8, 0, 0));
    display_move_cursor(&second, 2, -1);
    is_dark = true;
    EXPECT("info displays", "\nVGA: shows nothing\r\ngpu.1: 3 x 2, cursor at 2, -1\r\n");
    EXPECT("info screen", "\nthe screen is in a graphics mode\r\n");
    is_text = true;
    EXPECT("info screen", "\nA\xc3\xa9\xe2\x94\x80\xe6\xbc\xa2\r\n");
    remove_displays();
}

Test(monitor, log_items)
{
    EXPECT("log nonsense", "unknown log item 'nonsense'");
    run("log guest_errors");
    cr_assert_eq(log_mask, LOG_GUEST_ERRORS);
    run("log none");
    cr_assert_eq(log_mask, 0);
}
