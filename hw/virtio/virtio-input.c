// SPDX-License-Identifier: MIT
// What virtio input devices share (VIRTIO 1.2 section 5.8): configuration space, events, life.
//
// Host events change a picture of how things are. Events for the driver are made from how that differs from what it was told
// before, a frame at a time, and wait in a ring for buffers. As long as there is room for a frame that is an event for each
// change, in order. After that changes add up: motion is summed, and keys and fingers end where they are, so one that was let
// go meanwhile is up for the driver too.
#include "hw/virtio/virtio-input.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { QUEUE_EVENTS = 0, QUEUE_STATUS = 1 };
enum { CONFIG_SELECT = 0, CONFIG_SUBSELECT = 1, CONFIG_SIZE = 2, CONFIG_DATA = 8, CONFIG_BYTES = 136, DATA_BYTES = 128 };
enum { ID_NAME = 0x01, ID_SERIAL = 0x02, ID_DEVIDS = 0x03, PROP_BITS = 0x10, EV_BITS = 0x11, ABS_INFO = 0x12 };
enum { BUS_VIRTUAL_ID = 0x06, VENDOR = 0x0627, VERSION = 1 };
enum {
    EVENT_BYTES = 8,
    FRAME_EVENTS_MAX = 48,
    MOTION_AHEAD = 16,   // with so many events waiting, further motion is summed instead
    MOTION_FAR = 1 << 20, // a sum goes no further
};

static const struct state_field touch_state[] = {
    STATE_FIELD(virtio_input_touch, U32, id),
    STATE_FIELD(virtio_input_touch, U32, x),
    STATE_FIELD(virtio_input_touch, U32, y),
    STATE_END,
};

static const struct state_field picture_state[] = {
    STATE_ARRAY(virtio_input_picture, U8, keys),
    STATE_FIELD(virtio_input_picture, U32, x),
    STATE_FIELD(virtio_input_picture, U32, y),
    STATE_STRUCTS(virtio_input_picture, touches, touch_state),
    STATE_END,
};

static const struct state_field event_state[] = {
    STATE_FIELD(virtio_input_event, U16, type),
    STATE_FIELD(virtio_input_event, U16, code),
    STATE_FIELD(virtio_input_event, U32, value),
    STATE_END,
};

const struct state_field virtio_input_state[] = {
    STATE_STRUCT_FIELD(virtio_input, virtio, virtio_state),
    STATE_FIELD(virtio_input, U8, select),
    STATE_FIELD(virtio_input, U8, subselect),
    STATE_FIELD(virtio_input, U32, leds),
    STATE_STRUCT_FIELD(virtio_input, now, picture_state),
    STATE_STRUCT_FIELD(virtio_input, told, picture_state),
    STATE_FIELD(virtio_input, U32, dx),
    STATE_FIELD(virtio_input, U32, dy),
    STATE_FIELD(virtio_input, U32, wheel_up),
    STATE_FIELD(virtio_input, U32, wheel_right),
    STATE_FIELD(virtio_input, U32, next_touch),
    STATE_STRUCTS(virtio_input, events, event_state),
    STATE_FIELD(virtio_input, U32, event_first),
    STATE_FIELD(virtio_input, U32, event_count),
    STATE_END,
};

// --- configuration space ---

static void set_bit(uint8_t *bits, unsigned n)
{
    bits[n / 8] |= (uint8_t)(1 << n % 8);
}

// Bitmaps end with their last byte that is not zero.
static unsigned length_of(const uint8_t data[DATA_BYTES])
{
    unsigned length = DATA_BYTES;
    while (length && !data[length - 1])
        length--;
    return length;
}

static unsigned fill_event_bits(const struct virtio_input_kind *kind, unsigned type, uint8_t data[DATA_BYTES])
{
    switch (type) {
    case EV_KEY:
        for (unsigned i = 0; i < kind->key_count; i++)
            if (kind->keys[i])
                set_bit(data, kind->keys[i]);
        break;
    case EV_REL:
        store_le32(data, kind->relative_bits);
        break;
    case EV_ABS:
        for (unsigned i = 0; i < kind->axis_count; i++)
            set_bit(data, kind->axes[i]);
        break;
    case EV_LED:
        store_le32(data, kind->led_bits);
        break;
    case EV_REP:
        return kind->repeats; // no bits, but being there counts
    }
    return length_of(data);
}

static unsigned fill_axis(const struct virtio_input_kind *kind, unsigned axis, uint8_t data[DATA_BYTES])
{
    for (unsigned i = 0; i < kind->axis_count; i++) {
        if (kind->axes[i] != axis)
            continue;
        uint32_t most = axis == ABS_MT_SLOT          ? INPUT_TOUCH_SLOTS - 1
                        : axis == ABS_MT_TRACKING_ID ? UINT16_MAX
                                                     : INPUT_POSITION_MAX;
        store_le32(data + 4, most); // after the least; fuzz, flat and resolution follow
        return 20;
    }
    return 0;
}

static unsigned fill_text(const char *text, uint8_t data[DATA_BYTES])
{
    size_t length = text ? strnlen(text, DATA_BYTES) : 0;
    if (length)
        memcpy(data, text, length);
    return (unsigned)length;
}

static unsigned fill_data(const struct virtio_input *input, uint8_t data[DATA_BYTES])
{
    const struct virtio_input_kind *kind = input->kind;
    if (input->select == EV_BITS)
        return fill_event_bits(kind, input->subselect, data);
    if (input->select == ABS_INFO)
        return fill_axis(kind, input->subselect, data);
    if (input->subselect)
        return 0;
    switch (input->select) {
    case ID_NAME:
        return fill_text(kind->name, data);
    case ID_SERIAL:
        return fill_text(input->serial, data);
    case ID_DEVIDS:
        store_le16(data, BUS_VIRTUAL_ID);
        store_le16(data + 2, VENDOR);
        store_le16(data + 4, kind->product);
        store_le16(data + 6, VERSION);
        return 8;
    case PROP_BITS:
        store_le32(data, kind->property_bits);
        return length_of(data);
    }
    return 0;
}

static void get_config(struct virtio_device *device, uint8_t *config)
{
    const struct virtio_input *input = (struct virtio_input *)device;
    config[CONFIG_SELECT] = input->select;
    config[CONFIG_SUBSELECT] = input->subselect;
    config[CONFIG_SIZE] = (uint8_t)fill_data(input, config + CONFIG_DATA);
}

static void set_config(struct virtio_device *device, unsigned offset, unsigned size, uint32_t value)
{
    struct virtio_input *input = (struct virtio_input *)device;
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        if (offset + i == CONFIG_SELECT)
            input->select = (uint8_t)value;
        else if (offset + i == CONFIG_SUBSELECT)
            input->subselect = (uint8_t)value;
    }
}

// --- events ---

struct frame {
    unsigned count;
    struct virtio_input_event events[FRAME_EVENTS_MAX];
};

static void add(struct frame *frame, uint16_t type, uint16_t code, uint32_t value)
{
    frame->events[frame->count++] = (struct virtio_input_event){type, code, value};
}

static void add_if_not(struct frame *frame, uint16_t type, uint16_t code, uint32_t *told, uint32_t now)
{
    if (*told != now)
        add(frame, type, code, now);
    *told = now;
}

static void add_touches(struct virtio_input *input, struct frame *frame)
{
    for (unsigned slot = 0; slot < INPUT_TOUCH_SLOTS; slot++) {
        const struct virtio_input_touch *now = &input->now.touches[slot];
        struct virtio_input_touch *told = &input->told.touches[slot];
        if (!memcmp(now, told, sizeof(*now)))
            continue;
        add(frame, EV_ABS, ABS_MT_SLOT, slot);
        add_if_not(frame, EV_ABS, ABS_MT_TRACKING_ID, &told->id, now->id);
        add_if_not(frame, EV_ABS, ABS_MT_POSITION_X, &told->x, now->x);
        add_if_not(frame, EV_ABS, ABS_MT_POSITION_Y, &told->y, now->y);
    }
}

// The first key that is not as told, VIRTIO_INPUT_CODES: there is none.
static unsigned changed_key(const struct virtio_input *input)
{
    for (unsigned i = 0; i < VIRTIO_INPUT_CODES / 8; i++) {
        unsigned changed = input->now.keys[i] ^ input->told.keys[i];
        if (changed)
            return 8 * i + ctz32(changed);
    }
    return VIRTIO_INPUT_CODES;
}

static bool fingers_changed(const struct virtio_input *input)
{
    for (unsigned slot = 0; slot < INPUT_TOUCH_SLOTS; slot++)
        if (input->now.touches[slot].id != input->told.touches[slot].id)
            return true;
    return false;
}

// Everything that has changed, but of keys only one: guests see them go down one after the other.
static void make_frame(struct virtio_input *input, unsigned key, struct frame *frame)
{
    uint32_t zero[4] = {0};
    add_touches(input, frame);
    add_if_not(frame, EV_ABS, ABS_X, &input->told.x, input->now.x);
    add_if_not(frame, EV_ABS, ABS_Y, &input->told.y, input->now.y);
    add_if_not(frame, EV_REL, REL_X, &zero[0], input->dx);
    add_if_not(frame, EV_REL, REL_Y, &zero[1], input->dy);
    add_if_not(frame, EV_REL, REL_WHEEL, &zero[2], input->wheel_up);
    add_if_not(frame, EV_REL, REL_HWHEEL, &zero[3], input->wheel_right);
    input->dx = input->dy = input->wheel_up = input->wheel_right = 0;
    if (key < VIRTIO_INPUT_CODES) {
        uint8_t bit = (uint8_t)(1 << key % 8);
        add(frame, EV_KEY, (uint16_t)key, (input->now.keys[key / 8] & bit) != 0);
        input->told.keys[key / 8] ^= bit;
    }
    if (frame->count)
        add(frame, EV_SYN, SYN_REPORT, 0);
}

static void make_events(struct virtio_input *input)
{
    while (input->event_count <= VIRTIO_INPUT_WAITING - FRAME_EVENTS_MAX) {
        unsigned key = changed_key(input);
        if (key == VIRTIO_INPUT_CODES && !fingers_changed(input) && input->event_count > MOTION_AHEAD)
            return;
        struct frame frame = {0};
        make_frame(input, key, &frame);
        if (!frame.count)
            return;
        for (unsigned i = 0; i < frame.count; i++)
            input->events[(input->event_first + input->event_count++) % VIRTIO_INPUT_WAITING] = frame.events[i];
    }
}

static void send_events(struct virtio_input *input)
{
    struct virtqueue *queue = &input->virtio.queues[QUEUE_EVENTS];
    const struct virtq_chain *chain = &input->chain;
    unsigned budget = queue->size;
    bool sent = false;
    while (input->event_count && virtqueue_next(queue, &input->chain, &budget)) {
        const struct virtio_input_event *event = &input->events[input->event_first];
        uint8_t raw[EVENT_BYTES];
        store_le16(raw, event->type);
        store_le16(raw + 2, event->code);
        store_le32(raw + 4, event->value);
        input->event_first = (input->event_first + 1) % VIRTIO_INPUT_WAITING;
        input->event_count--;
        uint64_t written = iovec_write(chain->write, chain->write_count, 0, raw, sizeof(raw));
        virtqueue_push(queue, chain, (uint32_t)written);
        sent = true;
    }
    if (sent)
        virtqueue_notify(queue);
}

void virtio_input_update(struct virtio_input *input)
{
    uint32_t before;
    do {
        make_events(input);
        before = input->event_count;
        send_events(input);
    } while (input->event_count < before); // which made room for what has added up
}

void virtio_input_set_key(struct virtio_input *input, unsigned code, bool down)
{
    uint8_t bit = (uint8_t)(1 << code % 8), *byte = &input->now.keys[code / 8];
    *byte = (uint8_t)(down ? *byte | bit : *byte & ~bit);
}

void virtio_input_add_motion(uint32_t *sum, int delta)
{
    int64_t far = (int64_t)(int32_t)*sum + delta;
    *sum = (uint32_t)(far > MOTION_FAR ? MOTION_FAR : far < -MOTION_FAR ? -MOTION_FAR : far);
}

static void take_status(struct virtio_input *input, struct virtqueue *queue)
{
    const struct virtq_chain *chain = &input->chain;
    unsigned budget = queue->size;
    while (virtqueue_next(queue, &input->chain, &budget)) {
        uint8_t raw[EVENT_BYTES];
        bool whole = iovec_read(chain->read, chain->read_count, 0, raw, sizeof(raw)) == sizeof(raw);
        unsigned code = load_le16(raw + 2);
        if (whole && load_le16(raw) == EV_LED && code < 32 && (input->kind->led_bits & BIT32(code)))
            input->leds = deposit32(input->leds, code, 1, load_le32(raw + 4) != 0);
        virtqueue_push(queue, chain, 0);
    }
    virtqueue_notify(queue);
}

// --- life ---

static uint64_t no_features(struct virtio_device *device)
{
    (void)device;
    return 0;
}

static void notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_input *input = (struct virtio_input *)device;
    if (queue->index == QUEUE_STATUS)
        take_status(input, queue);
    else
        virtio_input_update(input);
}

static void listen(struct virtio_input *input, bool on)
{
    if (on && !input->listening)
        input_add(input->virtio.device.machine, &input->handler);
    else if (!on && input->listening)
        input_remove(input->virtio.device.machine, &input->handler);
    input->listening = on;
}

static void clear(struct virtio_input *input)
{
    input->now = (struct virtio_input_picture){0};
    for (unsigned i = 0; i < INPUT_TOUCH_SLOTS; i++)
        input->now.touches[i].id = (uint32_t)VIRTIO_INPUT_NO_TOUCH;
    input->told = input->now;
    input->dx = input->dy = input->wheel_up = input->wheel_right = 0;
    input->next_touch = 0;
    input->event_first = input->event_count = 0;
}

static void started(struct virtio_device *device)
{
    listen((struct virtio_input *)device, true);
}

static void stop(struct virtio_device *device)
{
    struct virtio_input *input = (struct virtio_input *)device;
    listen(input, false);
    clear(input);
    input->select = input->subselect = 0;
    input->leds = 0;
}

static const uint16_t queue_sizes[] = {64, 64};

static const struct virtio_class input_class = {
    .device_id = 18,
    .queue_count = 2,
    .queue_sizes = queue_sizes,
    .config_size = CONFIG_BYTES,
    .modern_only = true,
    .features = no_features,
    .get_config = get_config,
    .set_config = set_config,
    .notify = notify,
    .started = started,
    .stop = stop,
};

int virtio_input_realize(struct virtio_input *input, const struct virtio_input_kind *kind, struct error *error)
{
    input->kind = kind;
    input->handler = (struct input_handler){kind->ops, input, NULL};
    clear(input);
    return virtio_realize(&input->virtio, &input_class, error);
}

void virtio_input_unrealize(struct device *device)
{
    virtio_unrealize((struct virtio_device *)device);
}

void virtio_input_state_loaded(struct device *device)
{
    struct virtio_input *input = (struct virtio_input *)device;
    input->event_first %= VIRTIO_INPUT_WAITING;
    if (input->event_count > VIRTIO_INPUT_WAITING)
        input->event_count = VIRTIO_INPUT_WAITING;
    listen(input, virtio_running(&input->virtio));
}
