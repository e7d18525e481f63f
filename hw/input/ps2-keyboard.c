// SPDX-License-Identifier: MIT
// PS/2 keyboard, as in IBM's technical reference: codes of set 2, made from the neutral key codes; set 1 is
// derived from it by the translation that hosts use.
#include "hw/input/ps2.h"

#include "tcg/base/bits.h"

enum {
    SET_LEDS = 0xed,
    ECHO = 0xee,
    SCAN_SET = 0xf0,
    IDENTIFY = 0xf2,
    SET_TYPEMATIC = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    SET_DEFAULT = 0xf6,
    SET_ALL_FIRST = 0xf7, // to 0xfa: what all keys send, in set 3
    SET_KEY_FIRST = 0xfb, // to 0xfd: what one key sends, in set 3
    RESEND = 0xfe,
    RESET = 0xff,
};
enum { ACK = 0xfa, NACK = 0xfe, SELF_TEST_PASSED = 0xaa, ID_FIRST = 0xab, ID_SECOND = 0x83 };
enum { BREAK = 0xf0, EXTENDED = 0xe0, DEFAULT_TYPEMATIC = 0x2b, RELEASED = 0x80 };

static const uint16_t set2_codes[INPUT_KEYS] = {
#define PS2_KEY(name, code) [INPUT_KEY_##name] = code,
#include "hw/input/ps2-keys.inc"
#undef PS2_KEY
};

static const uint8_t translation[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, //
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, //
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, //
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, //
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, //
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, //
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, //
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

const struct state_field ps2_keyboard_state[] = {
    STATE_STRUCT_FIELD(ps2_keyboard, output, ps2_output_state),
    STATE_FIELD(ps2_keyboard, BOOL, enabled),
    STATE_FIELD(ps2_keyboard, U8, scan_set),
    STATE_FIELD(ps2_keyboard, U8, argument_of),
    STATE_FIELD(ps2_keyboard, U8, leds),
    STATE_FIELD(ps2_keyboard, U8, typematic),
    STATE_ARRAY(ps2_keyboard, U64, late),
    STATE_END,
};

uint8_t ps2_translate_set2(uint8_t byte)
{
    if (byte < ARRAY_SIZE(translation))
        return translation[byte];
    // F7 and Alt+Print are the only codes up here.
    return byte == 0x83 ? 0x41 : byte == 0x84 ? 0x54 : byte;
}

int ps2_key_of_set1(unsigned code)
{
    if (code >= RELEASED && code <= 0xff)
        code = EXTENDED << 8 | (code & ~RELEASED);
    // Those with sequences of their own.
    if (code == 0x54 || code == (EXTENDED << 8 | 0x37))
        return INPUT_KEY_PRINT;
    if (code == (EXTENDED << 8 | 0x46))
        return INPUT_KEY_PAUSE;
    for (int key = 0; key < INPUT_KEYS; key++)
        if (set2_codes[key] && ((set2_codes[key] & 0xff00u) | ps2_translate_set2((uint8_t)set2_codes[key])) == code)
            return key;
    return -1;
}

static void set_defaults(struct ps2_keyboard *keyboard)
{
    keyboard->scan_set = 2;
    keyboard->typematic = DEFAULT_TYPEMATIC;
    ps2_output_drop_events(&keyboard->output);
}

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
    *keyboard = (struct ps2_keyboard){.enabled = true};
    set_defaults(keyboard);
}

static void write_argument(struct ps2_keyboard *keyboard, uint8_t command, uint8_t byte)
{
    struct ps2_output *output = &keyboard->output;
    if (command == SCAN_SET && byte > 2) {
        ps2_output_reply(output, NACK);
        return;
    }
    ps2_output_reply(output, ACK);
    if (command == SET_LEDS)
        keyboard->leds = byte & 7;
    else if (command == SET_TYPEMATIC)
        keyboard->typematic = byte & 0x7f;
    else if (command == SCAN_SET && byte == 0)
        ps2_output_reply(output, keyboard->scan_set);
    else if (command == SCAN_SET)
        keyboard->scan_set = byte;
}

void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte)
{
    struct ps2_output *output = &keyboard->output;
    uint8_t command = keyboard->argument_of;
    output->reply_count = 0;
    keyboard->argument_of = 0;
    // A byte that is a command ends the wait for an argument.
    if (command && byte < SET_LEDS) {
        write_argument(keyboard, command, byte);
        return;
    }
    switch (byte) {
    case SET_LEDS:
    case SCAN_SET:
    case SET_TYPEMATIC:
    case SET_KEY_FIRST:
    case SET_KEY_FIRST + 1:
    case SET_KEY_FIRST + 2:
        keyboard->argument_of = byte;
        break;
    case ECHO:
        ps2_output_reply(output, ECHO);
        return;
    case IDENTIFY:
        ps2_output_reply(output, ACK);
        ps2_output_reply(output, ID_FIRST);
        ps2_output_reply(output, ID_SECOND);
        return;
    case ENABLE:
        keyboard->enabled = true;
        ps2_output_drop_events(output);
        break;
    case DISABLE:
    case SET_DEFAULT:
        set_defaults(keyboard);
        keyboard->enabled = byte == SET_DEFAULT ? keyboard->enabled : false;
        break;
    case SET_ALL_FIRST:
    case SET_ALL_FIRST + 1:
    case SET_ALL_FIRST + 2:
    case SET_ALL_FIRST + 3:
        break;
    case RESEND:
        ps2_output_reply(output, output->last);
        return;
    case RESET:
        ps2_keyboard_reset(keyboard);
        ps2_output_reply(output, ACK);
        ps2_output_reply(output, SELF_TEST_PASSED);
        return;
    default:
        ps2_output_reply(output, NACK);
        return;
    }
    ps2_output_reply(output, ACK);
}

struct sequence {
    uint8_t bytes[8];
    unsigned count;
};

static void put(struct sequence *sequence, uint8_t byte)
{
    sequence->bytes[sequence->count++] = byte;
}

static void put_code(const struct ps2_keyboard *keyboard, struct sequence *sequence, uint16_t code, bool down)
{
    if (code >> 8)
        put(sequence, EXTENDED);
    if (keyboard->scan_set == 1) {
        put(sequence, ps2_translate_set2((uint8_t)code) | (down ? 0 : RELEASED));
        return;
    }
    if (!down)
        put(sequence, BREAK);
    put(sequence, (uint8_t)code);
}

static bool send_pause(struct ps2_keyboard *keyboard)
{
    static const uint8_t set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const uint8_t set2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    bool is_set1 = keyboard->scan_set == 1;
    return ps2_output_event(&keyboard->output, is_set1 ? set1 : set2, is_set1 ? sizeof(set1) : sizeof(set2));
}

// False: there is no room.
static bool send(struct ps2_keyboard *keyboard, enum input_key key, bool down)
{
    struct sequence sequence = {.count = 0};
    if (key == INPUT_KEY_PAUSE) // has no release
        return !down || send_pause(keyboard);
    if (key == INPUT_KEY_PRINT) { // comes with a shift key that nobody pressed
        put_code(keyboard, &sequence, down ? 0xe012 : 0xe07c, down);
        put_code(keyboard, &sequence, down ? 0xe07c : 0xe012, down);
    } else if (set2_codes[key]) {
        put_code(keyboard, &sequence, set2_codes[key], down);
    }
    return ps2_output_event(&keyboard->output, sequence.bytes, sequence.count);
}

// Says what is late; whether nothing is any more.
static bool send_late(struct ps2_keyboard *keyboard)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keyboard->late); i++)
        while (keyboard->late[i]) {
            if (!send(keyboard, (enum input_key)(i * 64 + ctz64(keyboard->late[i])), false))
                return false;
            keyboard->late[i] &= keyboard->late[i] - 1;
        }
    return true;
}

void ps2_keyboard_key(struct ps2_keyboard *keyboard, enum input_key key, bool down)
{
    if (!keyboard->enabled || (unsigned)key >= INPUT_KEYS)
        return;
    if (!(send_late(keyboard) && send(keyboard, key, down)) && !down)
        keyboard->late[key / 64] |= UINT64_C(1) << (key % 64);
}

uint8_t ps2_keyboard_take(struct ps2_keyboard *keyboard)
{
    uint8_t byte = ps2_output_take(&keyboard->output);
    send_late(keyboard);
    return byte;
}
