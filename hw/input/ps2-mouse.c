// SPDX-License-Identifier: MIT
// PS/2 mouse, and Microsoft's IntelliMouse extensions of it: a driver that sets the rates 200, 100, 80 in
// turn gets a wheel, one that then sets 200, 200, 80 two more buttons. A packet is
//
//   y overflow | x overflow | y sign | x sign | 1 | middle | right | left,  x,  y,  and with a wheel
//   0 | 0 | extra | side | wheel 3:0      (five buttons)      or the wheel as a signed byte
#include "hw/input/ps2.h"

enum {
    SCALING_1_1 = 0xe6,
    SCALING_2_1 = 0xe7,
    SET_RESOLUTION = 0xe8,
    GET_STATUS = 0xe9,
    STREAM_MODE = 0xea,
    READ_DATA = 0xeb,
    RESET_WRAP = 0xec,
    SET_WRAP = 0xee,
    REMOTE_MODE = 0xf0,
    IDENTIFY = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    SET_DEFAULT = 0xf6,
    RESEND = 0xfe,
    RESET = 0xff,
};
enum { ACK = 0xfa, NACK = 0xfe, SELF_TEST_PASSED = 0xaa };
enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_FIVE_BUTTONS = 4, PACKET_MAX = 4 };
enum { STATUS_SCALED = 0x10, STATUS_ENABLED = 0x20, STATUS_REMOTE = 0x40 };

const struct state_field ps2_mouse_state[] = {
    STATE_STRUCT_FIELD(ps2_mouse, output, ps2_output_state),
    STATE_FIELD(ps2_mouse, BOOL, enabled),
    STATE_FIELD(ps2_mouse, BOOL, remote),
    STATE_FIELD(ps2_mouse, BOOL, wrap),
    STATE_FIELD(ps2_mouse, BOOL, scaled),
    STATE_FIELD(ps2_mouse, U8, resolution),
    STATE_FIELD(ps2_mouse, U8, rate),
    STATE_FIELD(ps2_mouse, U8, id),
    STATE_ARRAY(ps2_mouse, U8, knock),
    STATE_FIELD(ps2_mouse, U8, argument_of),
    STATE_FIELD(ps2_mouse, U8, buttons),
    STATE_FIELD(ps2_mouse, U8, sent_buttons),
    STATE_FIELD(ps2_mouse, U32, dx),
    STATE_FIELD(ps2_mouse, U32, dy),
    STATE_FIELD(ps2_mouse, U32, dz),
    STATE_END,
};

static void set_defaults(struct ps2_mouse *mouse)
{
    mouse->enabled = mouse->remote = mouse->scaled = false;
    mouse->resolution = 2;
    mouse->rate = 100;
    mouse->dx = mouse->dy = mouse->dz = 0;
    ps2_output_drop_events(&mouse->output);
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
    *mouse = (struct ps2_mouse){.buttons = mouse->buttons};
    set_defaults(mouse);
}

// Takes what one packet can carry out of an accumulator.
static int take_delta(uint32_t *accumulator, int least, int most)
{
    int32_t all = (int32_t)*accumulator;
    int32_t part = all < least ? least : all > most ? most : all;
    *accumulator -= (uint32_t)part;
    return part;
}

static int scale(const struct ps2_mouse *mouse, int delta)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    int size = delta < 0 ? -delta : delta;
    if (!mouse->scaled || mouse->remote)
        return delta;
    int scaled = size < (int)sizeof(small) ? small[size] : 2 * size;
    scaled = scaled > 255 ? 255 : scaled;
    return delta < 0 ? -scaled : scaled;
}

static unsigned make_packet(struct ps2_mouse *mouse, uint8_t packet[PACKET_MAX])
{
    int dx = scale(mouse, take_delta(&mouse->dx, -255, 255));
    int dy = scale(mouse, take_delta(&mouse->dy, -255, 255));
    mouse->sent_buttons = mouse->buttons;
    packet[0] = (uint8_t)(0x08 | (mouse->buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0));
    packet[1] = (uint8_t)dx;
    packet[2] = (uint8_t)dy;
    if (mouse->id == ID_PLAIN) {
        mouse->dz = 0;
        return 3;
    }
    int dz = mouse->id == ID_WHEEL ? take_delta(&mouse->dz, -127, 127) : take_delta(&mouse->dz, -7, 7);
    packet[3] = mouse->id == ID_WHEEL ? (uint8_t)dz : (uint8_t)((dz & 0xf) | (mouse->buttons >> 3 & 3) << 4);
    return 4;
}

static bool has_news(const struct ps2_mouse *mouse)
{
    return mouse->dx || mouse->dy || mouse->dz || mouse->buttons != mouse->sent_buttons;
}

// Not further ahead of the driver than two packets, so that motion adds up instead of lagging behind.
static void send_news(struct ps2_mouse *mouse)
{
    uint8_t packet[PACKET_MAX];
    while (mouse->enabled && !mouse->remote && has_news(mouse) && mouse->output.event_count < 2 * PACKET_MAX)
        ps2_output_event(&mouse->output, packet, make_packet(mouse, packet));
}

static uint32_t add_clamped(uint32_t accumulator, int64_t delta)
{
    int64_t sum = (int32_t)accumulator + delta;
    enum { FAR = 1 << 15 };
    return (uint32_t)(sum < -FAR ? -FAR : sum > FAR ? FAR : sum);
}

void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int wheel, unsigned buttons)
{
    mouse->buttons = buttons & 0x1f;
    if (!mouse->enabled && !mouse->remote)
        return;
    mouse->dx = add_clamped(mouse->dx, dx);
    mouse->dy = add_clamped(mouse->dy, -(int64_t)dy); // up is positive here, for the wheel down is
    mouse->dz = add_clamped(mouse->dz, -(int64_t)wheel);
    send_news(mouse);
}

uint8_t ps2_mouse_take(struct ps2_mouse *mouse)
{
    uint8_t byte = ps2_output_take(&mouse->output);
    send_news(mouse);
    return byte;
}

static void set_rate(struct ps2_mouse *mouse, uint8_t rate)
{
    if (mouse->knock[0] == 200 && mouse->knock[1] == 100 && rate == 80)
        mouse->id = ID_WHEEL;
    if (mouse->knock[0] == 200 && mouse->knock[1] == 200 && rate == 80)
        mouse->id = ID_FIVE_BUTTONS;
    mouse->knock[0] = mouse->knock[1];
    mouse->knock[1] = rate;
    mouse->rate = rate;
}

static void reply_status(struct ps2_mouse *mouse)
{
    struct ps2_output *output = &mouse->output;
    uint8_t buttons = mouse->buttons & 7;
    // Left is bit 2 here, right bit 0.
    ps2_output_reply(output,
                     (uint8_t)((buttons & 1) << 2 | (buttons & 4) >> 1 | (buttons & 2) >> 1 |
                               (mouse->scaled ? STATUS_SCALED : 0) | (mouse->enabled ? STATUS_ENABLED : 0) |
                               (mouse->remote ? STATUS_REMOTE : 0)));
    ps2_output_reply(output, mouse->resolution);
    ps2_output_reply(output, mouse->rate);
}

static void reply_packet(struct ps2_mouse *mouse)
{
    uint8_t packet[PACKET_MAX];
    unsigned count = make_packet(mouse, packet);
    for (unsigned i = 0; i < count; i++)
        ps2_output_reply(&mouse->output, packet[i]);
}

// What follows the acknowledge of a command. False: there is no such command.
static bool run_command(struct ps2_mouse *mouse, uint8_t command)
{
    switch (command) {
    case SCALING_1_1:
    case SCALING_2_1:
        mouse->scaled = command == SCALING_2_1;
        return true;
    case SET_RESOLUTION:
    case SET_RATE:
        mouse->argument_of = command;
        return true;
    case GET_STATUS:
        reply_status(mouse);
        return true;
    case STREAM_MODE:
    case REMOTE_MODE:
        mouse->remote = command == REMOTE_MODE;
        return true;
    case READ_DATA:
        reply_packet(mouse);
        return true;
    case SET_WRAP:
    case RESET_WRAP:
        mouse->wrap = command == SET_WRAP;
        return true;
    case IDENTIFY:
        ps2_output_reply(&mouse->output, mouse->id);
        return true;
    case ENABLE:
    case DISABLE:
        mouse->enabled = command == ENABLE;
        return true;
    case SET_DEFAULT:
        set_defaults(mouse);
        return true;
    case RESET:
        ps2_mouse_reset(mouse);
        ps2_output_reply(&mouse->output, ACK);
        ps2_output_reply(&mouse->output, SELF_TEST_PASSED);
        ps2_output_reply(&mouse->output, mouse->id);
        return true;
    default:
        return false;
    }
}

void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte)
{
    struct ps2_output *output = &mouse->output;
    uint8_t command = mouse->argument_of;
    output->reply_count = 0;
    mouse->argument_of = 0;
    if (mouse->wrap && byte != RESET_WRAP && byte != RESET) {
        ps2_output_reply(output, byte);
        return;
    }
    if (byte == RESEND) {
        ps2_output_reply(output, output->last);
        return;
    }
    ps2_output_reply(output, ACK);
    if (byte == RESET)
        run_command(mouse, byte);
    else if (command == SET_RESOLUTION)
        mouse->resolution = byte & 3;
    else if (command == SET_RATE)
        set_rate(mouse, byte);
    else if (!run_command(mouse, byte))
        output->replies[0] = NACK;
}
