// SPDX-License-Identifier: MIT
// Output is dropped while the chardev takes none: a guest that prints for its debugger does not wait.
#include "hw/char/isa-debugcon.h"

#include <errno.h>

#include "hw/core/chardev.h"
#include "hw/core/isa.h"
#include "hw/core/port-set.h"

struct isa_debugcon {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    struct chardev *chardev;
    uint32_t iobase, readback;
};

static uint64_t debugcon_read(void *opaque, struct mmio_access access)
{
    (void)access;
    return ((struct isa_debugcon *)opaque)->readback;
}

static void debugcon_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct isa_debugcon *console = opaque;
    uint8_t byte = (uint8_t)value;
    chardev_write(console->chardev, &byte, 1);
}

static const struct mmio_ops debugcon_ops = {debugcon_read, debugcon_write, 1, 1, false};
static const struct chardev_front front = {NULL, NULL, NULL, NULL};

void isa_debugcon_wire(struct device *device, struct memory_map *io)
{
    ((struct isa_debugcon *)device)->io = io;
}

static int debugcon_realize(struct device *device, struct error *error)
{
    struct isa_debugcon *console = (struct isa_debugcon *)device;
    if (chardev_attach(console->chardev, &front, console))
        return error_set(error, EBUSY, "device 'isa-debugcon': chardev '%s' is used by another device",
                         console->chardev->id);
    struct port_range range = {console->iobase, 1, &debugcon_ops};
    int result =
        port_set_map(&console->ports, isa_io(device, console->io), "isa-debugcon", &range, 1, console, error);
    if (result)
        chardev_attach(console->chardev, NULL, NULL);
    return result;
}

static void debugcon_unrealize(struct device *device)
{
    struct isa_debugcon *console = (struct isa_debugcon *)device;
    chardev_attach(console->chardev, NULL, NULL);
    port_set_unmap(&console->ports);
}

static const struct property debugcon_properties[] = {
    {"chardev", PROPERTY_CHARDEV, offsetof(struct isa_debugcon, chardev), NULL, "where the output goes",
     NULL},
    {"iobase", PROPERTY_UINT32, offsetof(struct isa_debugcon, iobase), "0xe9", "I/O port", NULL},
    {"readback", PROPERTY_UINT32, offsetof(struct isa_debugcon, readback), "0xe9", "what a read gives", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type isa_debugcon_type = {
    .name = "isa-debugcon",
    .help = "debug console port",
    .instance_size = sizeof(struct isa_debugcon),
    .properties = debugcon_properties,
    .user_creatable = true,
    .realize = debugcon_realize,
    .unrealize = debugcon_unrealize,
};
