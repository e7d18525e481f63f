// SPDX-License-Identifier: MIT
// Between the virtio serial device and the ports that plug into it.
#pragma once

#include "hw/core/chardev.h"
#include "hw/core/device.h"

enum { VIRTIO_SERIAL_PORTS = 31 };

struct virtio_serial;

// A port: "virtconsole" or "virtserialport".
struct serial_port {
    struct device device;
    struct chardev *chardev;
    char *name;
    uint32_t number;
    bool console;
    struct virtio_serial *owner;

    bool guest_open;   // somebody in the guest has the port open
    uint32_t out_sent; // of the request at the head of the transmit queue, bytes that the backend took
};

extern const struct state_field serial_port_state[];

// The bus's opaque pointer is the struct virtio_serial. Plugs the port in (NULL error on success).
int virtio_serial_plug(struct virtio_serial *serial, struct serial_port *port, struct error *error);
void virtio_serial_unplug(struct virtio_serial *serial, struct serial_port *port);
