// SPDX-License-Identifier: MIT
// A port that ends the program with a status, for test guests.
#include <errno.h>

#include "hw/core/isa.h"
#include "hw/core/port-set.h"
#include "hw/misc/pc-misc.h"

struct isa_debug_exit {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    uint32_t iobase, iosize;
};

static uint64_t exit_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    (void)access;
    return 0;
}

static void exit_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct isa_debug_exit *exit = opaque;
    (void)access;
    machine_exit_request(exit->device.machine, (int)(value << 1 & 0xff) | 1);
}

static const struct mmio_ops exit_ops = {exit_read, exit_write, 1, 4, false};

void isa_debug_exit_wire(struct device *device, struct memory_map *io)
{
    ((struct isa_debug_exit *)device)->io = io;
}

static int exit_realize(struct device *device, struct error *error)
{
    struct isa_debug_exit *exit = (struct isa_debug_exit *)device;
    if (exit->iosize != 1 && exit->iosize != 2 && exit->iosize != 4)
        return error_set(error, EINVAL, "device 'isa-debug-exit': iosize is 1, 2 or 4, not %u", exit->iosize);
    struct port_range range = {exit->iobase, exit->iosize, &exit_ops};
    return port_set_map(&exit->ports, isa_io(device, exit->io), "isa-debug-exit", &range, 1, exit, error);
}

static void exit_unrealize(struct device *device)
{
    port_set_unmap(&((struct isa_debug_exit *)device)->ports);
}

static const struct property exit_properties[] = {
    {"iobase", PROPERTY_UINT32, offsetof(struct isa_debug_exit, iobase), "0x501", "I/O port", NULL},
    {"iosize", PROPERTY_UINT32, offsetof(struct isa_debug_exit, iosize), "2", "bytes of the port", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type isa_debug_exit_type = {
    .name = "isa-debug-exit",
    .help = "port that ends the program with a status",
    .instance_size = sizeof(struct isa_debug_exit),
    .properties = exit_properties,
    .user_creatable = true,
    .realize = exit_realize,
    .unrealize = exit_unrealize,
};
