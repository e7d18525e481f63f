// SPDX-License-Identifier: MIT
// Between the files of the virtio input devices: what they share (virtio-input.c) and what a keyboard, mouse, tablet or
// touchscreen is (virtio-input-devices.c). Codes are those of Linux's input-event-codes.h, as VIRTIO 1.2 section 5.8 has it.
#pragma once

#include "hw/core/input.h"
#include "hw/virtio/virtio.h"

enum {
    VIRTIO_INPUT_CODES = 0x180,  // of keys and buttons, all of ours are below
    VIRTIO_INPUT_WAITING = 256,  // events that the driver has no buffers for yet
    VIRTIO_INPUT_NO_TOUCH = -1,  // tracking id
};

struct virtio_input_kind {
    const char *name;
    uint16_t product;
    const struct input_ops *ops;
    const uint16_t *keys; // and buttons; zeros are skipped
    unsigned key_count;
    const uint16_t *axes; // absolute ones
    unsigned axis_count;
    uint32_t relative_bits, led_bits, property_bits;
    bool repeats; // the driver is to repeat keys that are held
};

struct virtio_input_touch {
    uint32_t id; // of the touch, or VIRTIO_INPUT_NO_TOUCH
    uint32_t x, y;
};

// Where everything is that stays where it is.
struct virtio_input_picture {
    uint8_t keys[VIRTIO_INPUT_CODES / 8]; // down: a bit each
    uint32_t x, y;
    struct virtio_input_touch touches[INPUT_TOUCH_SLOTS];
};

struct virtio_input_event {
    uint16_t type, code;
    uint32_t value;
};

struct virtio_input {
    struct virtio_device virtio;
    const struct virtio_input_kind *kind;
    struct input_handler handler;
    bool listening; // only while the driver runs, so that firmware has the keyboard that it knows
    struct virtq_chain chain;
    char *serial;

    uint8_t select, subselect; // what the driver wants to see in the configuration space
    uint32_t leds;
    // How things are, and how the events that were made so far leave them. Relative motion is what has not been told.
    struct virtio_input_picture now, told;
    uint32_t dx, dy, wheel_up, wheel_right; // two's complement
    uint32_t next_touch;
    struct virtio_input_event events[VIRTIO_INPUT_WAITING]; // a ring
    uint32_t event_first, event_count;
};

extern const struct state_field virtio_input_state[];

int virtio_input_realize(struct virtio_input *input, const struct virtio_input_kind *kind, struct error *error);
void virtio_input_unrealize(struct device *device);
void virtio_input_state_loaded(struct device *device);

// Change `now`; virtio_input_update then tells the driver.
void virtio_input_set_key(struct virtio_input *input, unsigned code, bool down);
void virtio_input_add_motion(uint32_t *sum, int delta);
void virtio_input_update(struct virtio_input *input);
