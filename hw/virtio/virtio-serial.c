// SPDX-License-Identifier: MIT
// Virtio console device with several ports (VIRTIO 1.2 section 5.3). Queues 0 and 1 belong to port 0, 2 and 3
// are for control messages, and port n > 0 has 2n + 2 and 2n + 3. Emergency writes go to port 0.
#include "hw/virtio/virtio-serial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum {
    QUEUES = 2 + 2 * VIRTIO_SERIAL_PORTS,
    QUEUE_CONTROL_IN = 2, // to the driver
    QUEUE_CONTROL_OUT = 3,
    CONTROL_BYTES = 8,
    MAX_CONTROL = 128, // messages waiting for the driver
    NAME_BYTES = 64,
};

enum control_event {
    CONTROL_DEVICE_READY = 0,
    CONTROL_PORT_ADD = 1,
    CONTROL_PORT_READY = 3,
    CONTROL_CONSOLE_PORT = 4,
    CONTROL_PORT_OPEN = 6,
    CONTROL_PORT_NAME = 7,
};

#define CONSOLE_F_MULTIPORT BIT64(1)
#define CONSOLE_F_EMERG_WRITE BIT64(2)
enum { CONFIG_EMERG_WRITE = 8, CONFIG_BYTES = 12 };

struct control_message {
    uint32_t port;
    uint16_t event, value;
};

struct virtio_serial {
    struct virtio_device virtio;
    struct bus sockets[VIRTIO_SERIAL_PORTS];
    char *bus_name;
    struct serial_port *ports[VIRTIO_SERIAL_PORTS];
    struct virtq_chain chain;
    uint16_t queue_sizes[QUEUES];
    struct virtio_class class; // with the sizes

    struct control_message control[MAX_CONTROL]; // a ring
    uint32_t control_first, control_count;
};

static struct virtqueue *port_queue(struct virtio_serial *serial, uint32_t port, bool out)
{
    return &serial->virtio.queues[(port ? 2 * port + 2 : 0) + out];
}

static bool multiport(const struct virtio_serial *serial)
{
    return virtio_has(&serial->virtio, CONSOLE_F_MULTIPORT);
}

static void flush_control(struct virtio_serial *serial)
{
    struct virtqueue *queue = &serial->virtio.queues[QUEUE_CONTROL_IN];
    struct virtq_chain *chain = &serial->chain;
    bool pushed = false;
    while (serial->control_count && virtqueue_pop(queue, chain)) {
        const struct control_message *message = &serial->control[serial->control_first];
        uint8_t raw[CONTROL_BYTES + NAME_BYTES];
        size_t length = CONTROL_BYTES;
        store_le32(raw, message->port);
        store_le16(raw + 4, message->event);
        store_le16(raw + 6, message->value);
        const struct serial_port *port = serial->ports[message->port];
        if (message->event == CONTROL_PORT_NAME && port && port->name) {
            size_t n = strnlen(port->name, NAME_BYTES);
            memcpy(raw + CONTROL_BYTES, port->name, n);
            length += n;
        }
        serial->control_first = (serial->control_first + 1) % MAX_CONTROL;
        serial->control_count--;
        uint64_t written = iovec_write(chain->write, chain->write_count, 0, raw, length);
        virtqueue_push(queue, chain, (uint32_t)written);
        pushed = true;
    }
    virtqueue_want_kicks(queue);
    if (pushed)
        virtqueue_notify(queue);
}

static void send_control(struct virtio_serial *serial, uint32_t port, enum control_event event,
                         uint16_t value)
{
    if (!multiport(serial) || !virtio_running(&serial->virtio) || serial->control_count == MAX_CONTROL)
        return;
    uint32_t slot = (serial->control_first + serial->control_count++) % MAX_CONTROL;
    serial->control[slot] = (struct control_message){port, (uint16_t)event, value};
    flush_control(serial);
}

static void introduce(struct virtio_serial *serial, const struct serial_port *port)
{
    if (port->console)
        send_control(serial, port->number, CONTROL_CONSOLE_PORT, 1);
    if (port->name)
        send_control(serial, port->number, CONTROL_PORT_NAME, 1);
    if (!port->chardev || port->chardev->open)
        send_control(serial, port->number, CONTROL_PORT_OPEN, 1);
}

static void handle_control(struct virtio_serial *serial, const uint8_t raw[CONTROL_BYTES])
{
    uint32_t number = load_le32(raw);
    uint16_t event = load_le16(raw + 4), value = load_le16(raw + 6);
    if (event == CONTROL_DEVICE_READY) {
        for (uint32_t i = 0; value && i < VIRTIO_SERIAL_PORTS; i++)
            if (serial->ports[i])
                send_control(serial, i, CONTROL_PORT_ADD, 1);
        return;
    }
    struct serial_port *port = number < VIRTIO_SERIAL_PORTS ? serial->ports[number] : NULL;
    if (!port) {
        log_printf(LOG_GUEST_ERRORS, "virtio-serial: message for port %u, which is not there\n", number);
        return;
    }
    if (event == CONTROL_PORT_READY && value)
        introduce(serial, port);
    else if (event == CONTROL_PORT_OPEN)
        port->guest_open = value != 0;
    if (event == CONTROL_PORT_OPEN && value)
        chardev_resume_input(port->chardev);
}

static void serve_control(struct virtio_serial *serial, struct virtqueue *queue)
{
    unsigned budget = queue->size;
    while (virtqueue_next(queue, &serial->chain, &budget)) {
        uint8_t raw[CONTROL_BYTES];
        bool whole =
            iovec_read(serial->chain.read, serial->chain.read_count, 0, raw, sizeof(raw)) == sizeof(raw);
        virtqueue_push(queue, &serial->chain, 0);
        if (whole)
            handle_control(serial, raw);
    }
    virtqueue_notify(queue);
}

// Moves what the guest sends to the backend. A request that the backend takes only in part stays at the head
// of the queue until the backend has room.
static void serve_output(struct virtio_serial *serial, struct serial_port *port, struct virtqueue *queue)
{
    struct virtq_chain *chain = &serial->chain;
    unsigned budget = queue->size;
    while (virtqueue_next(queue, chain, &budget)) {
        uint64_t at = 0;
        bool blocked = false;
        for (unsigned i = 0; i < chain->read_count && !blocked; i++) {
            const struct iovec *part = &chain->read[i];
            uint64_t skip = port->out_sent > at ? port->out_sent - at : 0;
            at += part->iov_len;
            if (skip >= part->iov_len)
                continue;
            size_t want = part->iov_len - skip;
            size_t sent = chardev_write(port->chardev, (char *)part->iov_base + skip, want);
            port->out_sent += (uint32_t)sent;
            blocked = sent < want;
        }
        if (blocked) {
            virtqueue_unpop(queue);
            break;
        }
        port->out_sent = 0;
        virtqueue_push(queue, chain, 0);
    }
    virtqueue_notify(queue);
}

static void serial_notify(struct virtio_device *device, struct virtqueue *queue)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    if (queue->index == QUEUE_CONTROL_IN) {
        flush_control(serial);
        return;
    }
    if (queue->index == QUEUE_CONTROL_OUT) {
        serve_control(serial, queue);
        return;
    }
    uint32_t number = queue->index < 2 ? 0 : queue->index / 2u - 1;
    struct serial_port *port = serial->ports[number];
    if (!port)
        return;
    if (queue->index & 1)
        serve_output(serial, port, queue);
    else
        chardev_resume_input(port->chardev);
}

static size_t port_room(void *opaque)
{
    struct serial_port *port = opaque;
    struct virtio_serial *serial = port->owner;
    if (multiport(serial) && !port->guest_open)
        return 0;
    struct virtqueue *queue = port_queue(serial, port->number, false);
    if (!virtqueue_pop(queue, &serial->chain)) {
        virtqueue_want_kicks(queue);
        if (!virtqueue_pop(queue, &serial->chain))
            return 0;
    }
    virtqueue_unpop(queue);
    // A buffer without room would make the backend wait for ever; it takes one byte and drops it.
    return serial->chain.write_bytes ? serial->chain.write_bytes : 1;
}

static void port_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct serial_port *port = opaque;
    struct virtio_serial *serial = port->owner;
    struct virtqueue *queue = port_queue(serial, port->number, false);
    while (length && virtqueue_pop(queue, &serial->chain)) {
        uint64_t n = iovec_write(serial->chain.write, serial->chain.write_count, 0, data, length);
        virtqueue_push(queue, &serial->chain, (uint32_t)n);
        data += n;
        length -= n;
    }
    virtqueue_notify(queue);
}

static void port_event(void *opaque, enum chardev_event event)
{
    struct serial_port *port = opaque;
    if (event != CHARDEV_BREAK)
        send_control(port->owner, port->number, CONTROL_PORT_OPEN, event == CHARDEV_OPENED);
}

static void port_writable(void *opaque)
{
    struct serial_port *port = opaque;
    struct virtqueue *queue = port_queue(port->owner, port->number, true);
    if (virtio_running(&port->owner->virtio) && queue->ready)
        serve_output(port->owner, port, queue);
}

static const struct chardev_front port_front = {port_room, port_receive, port_event, port_writable};

int virtio_serial_plug(struct virtio_serial *serial, struct serial_port *port, struct error *error)
{
    if (port->number == UINT32_MAX) {
        // Port 0 is the console of drivers without multiport, so only a console takes it by itself.
        uint32_t n = port->console ? 0 : 1;
        while (n < VIRTIO_SERIAL_PORTS && serial->ports[n])
            n++;
        port->number = n;
    }
    if (port->number >= VIRTIO_SERIAL_PORTS || serial->ports[port->number])
        return error_set(error, EBUSY, "device '%s': port %u of the serial device is not free",
                         port->device.type->name, port->number);
    if (chardev_attach(port->chardev, &port_front, port))
        return error_set(error, EBUSY, "device '%s': chardev '%s' is used by another device",
                         port->device.type->name, port->chardev->id ? port->chardev->id : "");
    port->owner = serial;
    serial->ports[port->number] = port;
    send_control(serial, port->number, CONTROL_PORT_ADD, 1);
    return 0;
}

void virtio_serial_unplug(struct virtio_serial *serial, struct serial_port *port)
{
    chardev_attach(port->chardev, NULL, NULL);
    serial->ports[port->number] = NULL;
}

static uint64_t serial_features(struct virtio_device *device)
{
    (void)device;
    return CONSOLE_F_MULTIPORT | CONSOLE_F_EMERG_WRITE;
}

static void serial_get_config(struct virtio_device *device, uint8_t *config)
{
    (void)device;
    store_le32(config + 4, VIRTIO_SERIAL_PORTS);
}

static void serial_set_config(struct virtio_device *device, unsigned offset, unsigned size, uint32_t value)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    (void)size;
    char byte = (char)value;
    if (offset == CONFIG_EMERG_WRITE && serial->ports[0])
        chardev_write(serial->ports[0]->chardev, &byte, 1);
}

static void serial_started(struct virtio_device *device)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    if (!multiport(serial) && serial->ports[0])
        chardev_resume_input(serial->ports[0]->chardev);
}

static void serial_stop(struct virtio_device *device)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    serial->control_first = serial->control_count = 0;
    for (uint32_t i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
        if (!serial->ports[i])
            continue;
        serial->ports[i]->guest_open = false;
        serial->ports[i]->out_sent = 0;
    }
}

static const struct virtio_class serial_class = {
    .device_id = 3,
    .queue_count = QUEUES,
    .config_size = CONFIG_BYTES,
    .features = serial_features,
    .get_config = serial_get_config,
    .set_config = serial_set_config,
    .notify = serial_notify,
    .started = serial_started,
    .stop = serial_stop,
};

static int serial_realize(struct device *device, struct error *error)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    for (unsigned i = 0; i < QUEUES; i++)
        serial->queue_sizes[i] = i == QUEUE_CONTROL_IN || i == QUEUE_CONTROL_OUT ? 32 : 128;
    serial->class = serial_class;
    serial->class.queue_sizes = serial->queue_sizes;
    int result = virtio_realize(&serial->virtio, &serial->class, error);
    if (result)
        return result;
    serial->bus_name = alloc_format("%s.0", device_user_id(device) ? device_user_id(device) : "virtio-serial0");
    for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++) {
        serial->sockets[i] =
            (struct bus){.type = "virtio-serial-bus", .name = serial->bus_name, .opaque = serial};
        bus_add(device->machine, &serial->sockets[i]);
    }
    return 0;
}

static void serial_unrealize(struct device *device)
{
    struct virtio_serial *serial = (struct virtio_serial *)device;
    for (unsigned i = 0; i < VIRTIO_SERIAL_PORTS; i++)
        bus_remove(device->machine, &serial->sockets[i]);
    virtio_unrealize(&serial->virtio);
    free(serial->bus_name);
}

static const struct property serial_properties[] = {
    VIRTIO_PROPERTIES(virtio_serial),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field control_state[] = {
    STATE_FIELD(control_message, U32, port),
    STATE_FIELD(control_message, U16, event),
    STATE_FIELD(control_message, U16, value),
    STATE_END,
};

static const struct state_field serial_state[] = {
    STATE_STRUCT_FIELD(virtio_serial, virtio, virtio_state),
    STATE_STRUCTS(virtio_serial, control, control_state),
    STATE_FIELD(virtio_serial, U32, control_first),
    STATE_FIELD(virtio_serial, U32, control_count),
    STATE_END,
};

const struct device_type virtio_serial_type = {
    .name = "virtio-serial-device",
    .help = "virtio serial lines; plug virtconsole and virtserialport into it",
    .bus = "virtio-bus",
    .instance_size = sizeof(struct virtio_serial),
    .properties = serial_properties,
    .state = serial_state,
    .user_creatable = true,
    .realize = serial_realize,
    .unrealize = serial_unrealize,
};
