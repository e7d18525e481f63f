// SPDX-License-Identifier: MIT
#include "hw/input/i8042.h"

#include "hw/core/input.h"
#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "hw/input/ps2.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { DATA_PORT = 0x60, COMMAND_PORT = 0x64 };
enum {
    STATUS_OUTPUT_FULL = 0x01,
    STATUS_SYSTEM = 0x04,
    STATUS_COMMAND = 0x08,
    STATUS_UNLOCKED = 0x10,
    STATUS_MOUSE = 0x20
};
// The command byte.
enum {
    MODE_KEYBOARD_IRQ = 0x01,
    MODE_MOUSE_IRQ = 0x02,
    MODE_SYSTEM = 0x04,
    MODE_KEYBOARD_OFF = 0x10,
    MODE_MOUSE_OFF = 0x20,
    MODE_TRANSLATE = 0x40
};
enum { PORT_NOT_RESET = 0x01, PORT_A20 = 0x02, PORT_KEYBOARD_IRQ = 0x10, PORT_MOUSE_IRQ = 0x20 };
enum {
    READ_RAM = 0x20, // to 0x3f, as the next
    WRITE_RAM = 0x60,
    MOUSE_OFF = 0xa7,
    MOUSE_ON = 0xa8,
    TEST_MOUSE = 0xa9,
    SELF_TEST = 0xaa,
    TEST_KEYBOARD = 0xab,
    KEYBOARD_OFF = 0xad,
    KEYBOARD_ON = 0xae,
    READ_INPUT_PORT = 0xc0,
    READ_OUTPUT_PORT = 0xd0,
    WRITE_OUTPUT_PORT = 0xd1,
    WRITE_KEYBOARD_BUFFER = 0xd2,
    WRITE_MOUSE_BUFFER = 0xd3,
    WRITE_MOUSE = 0xd4,
    A20_OFF = 0xdd,
    A20_ON = 0xdf,
    READ_TEST_INPUTS = 0xe0,
    PULSE_OUTPUTS = 0xf0, // to 0xff: those whose bit is 0
};
enum { SELF_TEST_PASSED = 0x55, INPUT_PORT_UNLOCKED = 0x80, RAM_BYTES = 32, BREAK = 0xf0, RELEASED = 0x80 };
enum source { SOURCE_NONE, SOURCE_KEYBOARD, SOURCE_MOUSE };

struct i8042 {
    struct device device;
    struct i8042_wiring wiring;
    struct port_set ports;
    struct input_handler input;

    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
    uint8_t ram[RAM_BYTES]; // the first is the command byte
    uint8_t output, source; // the output buffer and whose byte it holds
    uint8_t output_port;
    uint8_t command; // that waits for its argument at the data port, 0: none
    bool last_was_command, break_prefix;
};

static uint8_t mode(const struct i8042 *chip)
{
    return chip->ram[0];
}

static void fill_output(struct i8042 *chip, uint8_t byte, enum source source)
{
    chip->output = byte;
    chip->source = (uint8_t)source;
}

// Translates a byte of the keyboard's; false: it is a prefix that becomes part of the next.
static bool translate(struct i8042 *chip, uint8_t *byte)
{
    if (!(mode(chip) & MODE_TRANSLATE))
        return true;
    if (*byte == BREAK) {
        chip->break_prefix = true;
        return false;
    }
    *byte = ps2_translate_set2(*byte) | (chip->break_prefix ? RELEASED : 0);
    chip->break_prefix = false;
    return true;
}

// Fetches the next byte when the buffer is free, and drives the interrupts.
static void update(struct i8042 *chip)
{
    while (!chip->source && !(mode(chip) & MODE_KEYBOARD_OFF) && ps2_output_ready(&chip->keyboard.output)) {
        uint8_t byte = ps2_keyboard_take(&chip->keyboard);
        if (translate(chip, &byte))
            fill_output(chip, byte, SOURCE_KEYBOARD);
    }
    if (!chip->source && !(mode(chip) & MODE_MOUSE_OFF) && ps2_output_ready(&chip->mouse.output))
        fill_output(chip, ps2_mouse_take(&chip->mouse), SOURCE_MOUSE);
    irq_set(&chip->wiring.keyboard, chip->source == SOURCE_KEYBOARD && (mode(chip) & MODE_KEYBOARD_IRQ));
    irq_set(&chip->wiring.mouse, chip->source == SOURCE_MOUSE && (mode(chip) & MODE_MOUSE_IRQ));
}

static void set_output_port(struct i8042 *chip, uint8_t value)
{
    chip->output_port = (value & PORT_A20) | PORT_NOT_RESET;
    irq_set(&chip->wiring.a20, value & PORT_A20);
    if (!(value & PORT_NOT_RESET))
        irq_pulse(&chip->wiring.reset);
}

static uint8_t output_port(const struct i8042 *chip)
{
    return (uint8_t)(chip->output_port | (chip->source == SOURCE_KEYBOARD ? PORT_KEYBOARD_IRQ : 0) |
                     (chip->source == SOURCE_MOUSE ? PORT_MOUSE_IRQ : 0));
}

static void write_command(struct i8042 *chip, uint8_t command)
{
    chip->command = 0;
    switch (command) {
    case MOUSE_OFF:
        chip->ram[0] |= MODE_MOUSE_OFF;
        break;
    case MOUSE_ON:
        chip->ram[0] &= (uint8_t)~MODE_MOUSE_OFF;
        break;
    case KEYBOARD_OFF:
        chip->ram[0] |= MODE_KEYBOARD_OFF;
        break;
    case KEYBOARD_ON:
        chip->ram[0] &= (uint8_t)~MODE_KEYBOARD_OFF;
        break;
    case SELF_TEST:
        chip->ram[0] |= MODE_SYSTEM | MODE_KEYBOARD_OFF | MODE_MOUSE_OFF;
        fill_output(chip, SELF_TEST_PASSED, SOURCE_KEYBOARD);
        break;
    case TEST_MOUSE:
    case TEST_KEYBOARD:
    case READ_TEST_INPUTS:
        fill_output(chip, 0, SOURCE_KEYBOARD);
        break;
    case READ_INPUT_PORT:
        fill_output(chip, INPUT_PORT_UNLOCKED, SOURCE_KEYBOARD);
        break;
    case READ_OUTPUT_PORT:
        fill_output(chip, output_port(chip), SOURCE_KEYBOARD);
        break;
    case WRITE_OUTPUT_PORT:
    case WRITE_KEYBOARD_BUFFER:
    case WRITE_MOUSE_BUFFER:
    case WRITE_MOUSE:
        chip->command = command;
        break;
    case A20_OFF:
    case A20_ON:
        set_output_port(chip, PORT_NOT_RESET | (command == A20_ON ? PORT_A20 : 0));
        break;
    default:
        if (command >= READ_RAM && command < READ_RAM + RAM_BYTES)
            fill_output(chip, chip->ram[command - READ_RAM], SOURCE_KEYBOARD);
        else if (command >= WRITE_RAM && command < WRITE_RAM + RAM_BYTES)
            chip->command = command;
        else if (command < PULSE_OUTPUTS)
            log_printf(LOG_GUEST_ERRORS, "i8042: unknown command 0x%02x\n", command);
        else if (!(command & PORT_NOT_RESET))
            irq_pulse(&chip->wiring.reset);
    }
}

static void write_data(struct i8042 *chip, uint8_t value)
{
    uint8_t command = chip->command;
    chip->command = 0;
    switch (command) {
    case 0: // for the keyboard, which this also switches on
        chip->ram[0] &= (uint8_t)~MODE_KEYBOARD_OFF;
        ps2_keyboard_write(&chip->keyboard, value);
        break;
    case WRITE_OUTPUT_PORT:
        set_output_port(chip, value);
        break;
    case WRITE_KEYBOARD_BUFFER:
    case WRITE_MOUSE_BUFFER:
        fill_output(chip, value, command == WRITE_MOUSE_BUFFER ? SOURCE_MOUSE : SOURCE_KEYBOARD);
        break;
    case WRITE_MOUSE:
        ps2_mouse_write(&chip->mouse, value);
        break;
    default:
        chip->ram[command - WRITE_RAM] = value;
    }
}

static uint64_t data_read(void *opaque, struct mmio_access access)
{
    (void)access;
    struct i8042 *chip = opaque;
    uint8_t value = chip->output;
    // The lines fall before the next byte raises them again.
    chip->source = SOURCE_NONE;
    irq_set(&chip->wiring.keyboard, false);
    irq_set(&chip->wiring.mouse, false);
    update(chip);
    return value;
}

static void data_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct i8042 *chip = opaque;
    chip->last_was_command = false;
    write_data(chip, (uint8_t)value);
    update(chip);
}

static uint64_t status_read(void *opaque, struct mmio_access access)
{
    (void)access;
    const struct i8042 *chip = opaque;
    return (uint64_t)STATUS_UNLOCKED | (chip->source ? STATUS_OUTPUT_FULL : 0) |
           (chip->source == SOURCE_MOUSE ? STATUS_MOUSE : 0) |
           (mode(chip) & MODE_SYSTEM ? STATUS_SYSTEM : 0) | (chip->last_was_command ? STATUS_COMMAND : 0);
}

static void command_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct i8042 *chip = opaque;
    chip->last_was_command = true;
    write_command(chip, (uint8_t)value);
    update(chip);
}

static const struct mmio_ops data_ops = {data_read, data_write, 1, 1, false};
static const struct mmio_ops command_ops = {status_read, command_write, 1, 1, false};
static const struct port_range i8042_ports[] = {{DATA_PORT, 1, &data_ops}, {COMMAND_PORT, 1, &command_ops}};

static void input_key(void *opaque, enum input_key key, bool down)
{
    struct i8042 *chip = opaque;
    ps2_keyboard_key(&chip->keyboard, key, down);
    update(chip);
}

static void input_motion(void *opaque, int dx, int dy, struct input_wheel wheel, unsigned buttons)
{
    struct i8042 *chip = opaque;
    ps2_mouse_move(&chip->mouse, dx, dy, wheel.up, buttons);
    update(chip);
}

static const struct input_ops input_ops = {.key = input_key, .motion = input_motion};

void i8042_wire(struct device *device, const struct i8042_wiring *wiring)
{
    ((struct i8042 *)device)->wiring = *wiring;
}

static int i8042_realize(struct device *device, struct error *error)
{
    struct i8042 *chip = (struct i8042 *)device;
    int result = port_set_map(&chip->ports, chip->wiring.io, "i8042", i8042_ports, ARRAY_SIZE(i8042_ports),
                              chip, error);
    if (result)
        return result;
    chip->input = (struct input_handler){.ops = &input_ops, .opaque = chip};
    input_add(device->machine, &chip->input);
    return 0;
}

static void i8042_unrealize(struct device *device)
{
    struct i8042 *chip = (struct i8042 *)device;
    input_remove(device->machine, &chip->input);
    port_set_unmap(&chip->ports);
}

static void i8042_reset(struct device *device)
{
    struct i8042 *chip = (struct i8042 *)device;
    ps2_keyboard_reset(&chip->keyboard);
    ps2_mouse_reset(&chip->mouse);
    for (unsigned i = 0; i < RAM_BYTES; i++)
        chip->ram[i] = 0;
    chip->ram[0] = MODE_KEYBOARD_IRQ | MODE_MOUSE_IRQ;
    chip->output = chip->source = chip->command = 0;
    chip->last_was_command = chip->break_prefix = false;
    set_output_port(chip, PORT_NOT_RESET | PORT_A20);
    update(chip);
}

static void i8042_state_loaded(struct device *device)
{
    struct i8042 *chip = (struct i8042 *)device;
    ps2_output_sanitize(&chip->keyboard.output);
    ps2_output_sanitize(&chip->mouse.output);
    if (chip->command < WRITE_OUTPUT_PORT || chip->command > WRITE_MOUSE)
        chip->command = (chip->command & ~(RAM_BYTES - 1)) == WRITE_RAM ? chip->command : 0;
    irq_set(&chip->wiring.a20, chip->output_port & PORT_A20);
    update(chip);
}

static const struct state_field i8042_state[] = {
    STATE_STRUCT_FIELD(i8042, keyboard, ps2_keyboard_state),
    STATE_STRUCT_FIELD(i8042, mouse, ps2_mouse_state),
    STATE_ARRAY(i8042, U8, ram),
    STATE_FIELD(i8042, U8, output),
    STATE_FIELD(i8042, U8, source),
    STATE_FIELD(i8042, U8, output_port),
    STATE_FIELD(i8042, U8, command),
    STATE_FIELD(i8042, BOOL, last_was_command),
    STATE_FIELD(i8042, BOOL, break_prefix),
    STATE_END,
};

const struct device_type i8042_type = {
    .name = "i8042",
    .help = "keyboard controller with PS/2 keyboard and mouse",
    .instance_size = sizeof(struct i8042),
    .state = i8042_state,
    .realize = i8042_realize,
    .unrealize = i8042_unrealize,
    .reset = i8042_reset,
    .state_loaded = i8042_state_loaded,
};
