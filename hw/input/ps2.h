// SPDX-License-Identifier: MIT
// PS/2 keyboard and mouse, without the wire: bytes go in one at a time and come out of a queue. The host
// embeds them and is told when there is something to take. Left out: scan code set 3 and a keyboard's own
// repetition, which the user interface's repeated key events take the place of.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/device.h"
#include "hw/core/input.h"

enum { PS2_REPLY_BYTES = 8, PS2_EVENT_BYTES = 256 };

// Answers to commands go before events.
struct ps2_output {
    uint8_t replies[PS2_REPLY_BYTES], events[PS2_EVENT_BYTES];
    uint32_t reply_count, event_first, event_count;
    uint8_t last; // for "resend"
};

extern const struct state_field ps2_output_state[];

bool ps2_output_ready(const struct ps2_output *output);
uint8_t ps2_output_take(struct ps2_output *output);
void ps2_output_reply(struct ps2_output *output, uint8_t byte);
// All of an event's bytes or none.
bool ps2_output_event(struct ps2_output *output, const uint8_t *bytes, unsigned count);
void ps2_output_drop_events(struct ps2_output *output);
void ps2_output_clear(struct ps2_output *output);
void ps2_output_sanitize(struct ps2_output *output);

struct ps2_keyboard {
    struct ps2_output output;
    bool enabled;
    uint8_t scan_set;    // 1 or 2
    uint8_t argument_of; // the command that waits for its argument, 0: none
    uint8_t leds, typematic;
    uint64_t late[INPUT_KEYS / 64]; // bit set of keys that went up when there was no room to say so
};

extern const struct state_field ps2_keyboard_state[];

void ps2_keyboard_reset(struct ps2_keyboard *keyboard);
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);
// A press that does not fit is lost, as on hardware; a release never is.
void ps2_keyboard_key(struct ps2_keyboard *keyboard, enum input_key key, bool down);
// The next byte; releases that were late follow when there is room.
uint8_t ps2_keyboard_take(struct ps2_keyboard *keyboard);
// What scan code set 1 has in place of a byte of set 2 (the host's translation).
uint8_t ps2_translate_set2(uint8_t byte);
// The key with that code of set 1 (0xe01d or 0x9d: 0x1d after the E0 prefix), -1: there is none.
int ps2_key_of_set1(unsigned code);

struct ps2_mouse {
    struct ps2_output output;
    bool enabled, remote, wrap, scaled;
    uint8_t resolution, rate, id; // id: 0, 3 with a wheel, 4 with a wheel and five buttons
    uint8_t knock[2];             // the last rates that were set, which make it change its id
    uint8_t argument_of, buttons, sent_buttons;
    uint32_t dx, dy, dz; // not sent yet, two's complement
};

extern const struct state_field ps2_mouse_state[];

void ps2_mouse_reset(struct ps2_mouse *mouse);
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte);
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int wheel, unsigned buttons);
// The next byte; what has accumulated follows when there is room.
uint8_t ps2_mouse_take(struct ps2_mouse *mouse);
