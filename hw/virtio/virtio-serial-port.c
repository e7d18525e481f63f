// SPDX-License-Identifier: MIT
// Ports of a virtio serial device: a console, or a named channel for programs such as guest agents.
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-serial.h"

static void port_init(struct device *device)
{
    struct serial_port *port = (struct serial_port *)device;
    port->number = UINT32_MAX; // the next free one
    port->console = device->type == &virtconsole_type;
}

static int port_realize(struct device *device, struct error *error)
{
    return virtio_serial_plug(device->parent->opaque, (struct serial_port *)device, error);
}

static void port_unrealize(struct device *device)
{
    virtio_serial_unplug(device->parent->opaque, (struct serial_port *)device);
}

static const struct property port_properties[] = {
    {"chardev", PROPERTY_CHARDEV, offsetof(struct serial_port, chardev), NULL, "the other end of the line",
     NULL},
    {"name", PROPERTY_STRING, offsetof(struct serial_port, name), NULL, "the port's name in the guest", NULL},
    {"nr", PROPERTY_UINT32, offsetof(struct serial_port, number), NULL,
     "port number; the next free one by default", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct state_field serial_port_state[] = {
    STATE_FIELD(serial_port, BOOL, guest_open),
    STATE_FIELD(serial_port, U32, out_sent),
    STATE_END,
};

const struct device_type virtconsole_type = {
    .name = "virtconsole",
    .help = "console on a virtio serial device",
    .bus = "virtio-serial-bus",
    .instance_size = sizeof(struct serial_port),
    .properties = port_properties,
    .state = serial_port_state,
    .user_creatable = true,
    .init = port_init,
    .realize = port_realize,
    .unrealize = port_unrealize,
};

const struct device_type virtserialport_type = {
    .name = "virtserialport",
    .help = "named channel on a virtio serial device",
    .bus = "virtio-serial-bus",
    .instance_size = sizeof(struct serial_port),
    .properties = port_properties,
    .state = serial_port_state,
    .user_creatable = true,
    .init = port_init,
    .realize = port_realize,
    .unrealize = port_unrealize,
};
