// SPDX-License-Identifier: MIT
// The virtio input devices: keyboard, mouse, tablet (a pointer that tells where it is), and touchscreen (multitouch protocol B,
// as Linux's multi-touch-protocol document describes).
#include <linux/input-event-codes.h>

#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-input.h"
#include "tcg/base/bits.h"

static const uint16_t key_codes[INPUT_KEYS] = {
#define INPUT_KEY(name, usage, code, text) [INPUT_KEY_##name] = code,
#include "hw/core/input-keys.inc"
#undef INPUT_KEY
};

static const uint16_t button_codes[] = {
    [INPUT_BUTTON_LEFT] = BTN_LEFT, [INPUT_BUTTON_RIGHT] = BTN_RIGHT, [INPUT_BUTTON_MIDDLE] = BTN_MIDDLE,
    [INPUT_BUTTON_SIDE] = BTN_SIDE, [INPUT_BUTTON_EXTRA] = BTN_EXTRA,
};

static const uint16_t touch_codes[] = {BTN_TOUCH};
static const uint16_t tablet_axes[] = {ABS_X, ABS_Y};
static const uint16_t touch_axes[] = {ABS_MT_SLOT, ABS_MT_POSITION_X, ABS_MT_POSITION_Y, ABS_MT_TRACKING_ID};

static void key(void *opaque, enum input_key key, bool down)
{
    struct virtio_input *input = opaque;
    if (key_codes[key])
        virtio_input_set_key(input, key_codes[key], down);
    virtio_input_update(input);
}

static void turn(struct virtio_input *input, struct input_wheel wheel, unsigned buttons)
{
    virtio_input_add_motion(&input->wheel_up, wheel.up);
    virtio_input_add_motion(&input->wheel_right, wheel.right);
    for (unsigned i = 0; i < ARRAY_SIZE(button_codes); i++)
        virtio_input_set_key(input, button_codes[i], buttons >> i & 1);
    virtio_input_update(input);
}

static void motion(void *opaque, int dx, int dy, struct input_wheel wheel, unsigned buttons)
{
    struct virtio_input *input = opaque;
    virtio_input_add_motion(&input->dx, dx);
    virtio_input_add_motion(&input->dy, dy);
    turn(input, wheel, buttons);
}

static void position(void *opaque, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons)
{
    struct virtio_input *input = opaque;
    input->now.x = x;
    input->now.y = y;
    turn(input, wheel, buttons);
}

static void touch(void *opaque, unsigned slot, unsigned x, unsigned y, bool down)
{
    struct virtio_input *input = opaque;
    struct virtio_input_touch *finger = &input->now.touches[slot];
    if (!down) {
        finger->id = (uint32_t)VIRTIO_INPUT_NO_TOUCH;
    } else {
        if (finger->id == (uint32_t)VIRTIO_INPUT_NO_TOUCH)
            finger->id = input->next_touch++ & UINT16_MAX;
        finger->x = x;
        finger->y = y;
    }
    bool any = false;
    for (unsigned i = 0; i < INPUT_TOUCH_SLOTS; i++)
        any |= input->now.touches[i].id != (uint32_t)VIRTIO_INPUT_NO_TOUCH;
    virtio_input_set_key(input, BTN_TOUCH, any);
    virtio_input_update(input);
}

static const struct input_ops keyboard_ops = {.key = key};
static const struct input_ops mouse_ops = {.motion = motion};
static const struct input_ops tablet_ops = {.position = position};
static const struct input_ops touch_ops = {.touch = touch};

enum { WHEELS = 1 << REL_WHEEL | 1 << REL_HWHEEL };

static const struct virtio_input_kind keyboard_kind = {
    .name = "Lyrebird Virtio Keyboard",
    .product = 1,
    .ops = &keyboard_ops,
    .keys = key_codes,
    .key_count = ARRAY_SIZE(key_codes),
    .led_bits = 1 << LED_NUML | 1 << LED_CAPSL | 1 << LED_SCROLLL,
    .repeats = true,
};

static const struct virtio_input_kind mouse_kind = {
    .name = "Lyrebird Virtio Mouse",
    .product = 2,
    .ops = &mouse_ops,
    .keys = button_codes,
    .key_count = ARRAY_SIZE(button_codes),
    .relative_bits = 1 << REL_X | 1 << REL_Y | WHEELS,
};

static const struct virtio_input_kind tablet_kind = {
    .name = "Lyrebird Virtio Tablet",
    .product = 3,
    .ops = &tablet_ops,
    .keys = button_codes,
    .key_count = ARRAY_SIZE(button_codes),
    .axes = tablet_axes,
    .axis_count = ARRAY_SIZE(tablet_axes),
    .relative_bits = WHEELS,
};

static const struct virtio_input_kind multitouch_kind = {
    .name = "Lyrebird Virtio MultiTouch",
    .product = 4,
    .ops = &touch_ops,
    .keys = touch_codes,
    .key_count = ARRAY_SIZE(touch_codes),
    .axes = touch_axes,
    .axis_count = ARRAY_SIZE(touch_axes),
    .property_bits = 1 << INPUT_PROP_DIRECT,
};

static int keyboard_realize(struct device *device, struct error *error)
{
    return virtio_input_realize((struct virtio_input *)device, &keyboard_kind, error);
}

static int mouse_realize(struct device *device, struct error *error)
{
    return virtio_input_realize((struct virtio_input *)device, &mouse_kind, error);
}

static int tablet_realize(struct device *device, struct error *error)
{
    return virtio_input_realize((struct virtio_input *)device, &tablet_kind, error);
}

static int multitouch_realize(struct device *device, struct error *error)
{
    return virtio_input_realize((struct virtio_input *)device, &multitouch_kind, error);
}

static const struct property input_properties[] = {
    {"serial", PROPERTY_STRING, offsetof(struct virtio_input, serial), NULL, "serial number", NULL},
    VIRTIO_PROPERTIES(virtio_input),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

#define VIRTIO_INPUT_TYPE(NAME, HELP, REALIZE)                                                                              \
    {                                                                                                                       \
        .name = NAME, .help = HELP, .bus = "virtio-bus", .instance_size = sizeof(struct virtio_input),                      \
        .properties = input_properties, .state = virtio_input_state, .user_creatable = true, .realize = REALIZE,            \
        .unrealize = virtio_input_unrealize, .state_loaded = virtio_input_state_loaded                                      \
    }

const struct device_type virtio_keyboard_type =
    VIRTIO_INPUT_TYPE("virtio-keyboard-device", "virtio keyboard", keyboard_realize);
const struct device_type virtio_mouse_type = VIRTIO_INPUT_TYPE("virtio-mouse-device", "virtio mouse", mouse_realize);
const struct device_type virtio_tablet_type =
    VIRTIO_INPUT_TYPE("virtio-tablet-device", "virtio pointer that tells where it is", tablet_realize);
const struct device_type virtio_multitouch_type =
    VIRTIO_INPUT_TYPE("virtio-multitouch-device", "virtio touchscreen", multitouch_realize);
