// SPDX-License-Identifier: MIT
// Paravirtual panic port (docs/specs/pvpanic in QEMU's documentation).
#include <errno.h>

#include "hw/core/isa.h"
#include "hw/core/port-set.h"
#include "hw/misc/pc-misc.h"
#include "tcg/base/log.h"

enum { EVENT_PANICKED = 0x01, EVENT_CRASH_LOADED = 0x02, EVENT_ALL = 0x03 };

struct pvpanic {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    uint32_t ioport, events;
};

static uint64_t pvpanic_read(void *opaque, struct mmio_access access)
{
    (void)access;
    return ((struct pvpanic *)opaque)->events;
}

static void pvpanic_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct pvpanic *panic = opaque;
    if (value & ~panic->events)
        log_printf(LOG_GUEST_ERRORS, "pvpanic: unknown event 0x%x\n", (unsigned)value);
    if (value & panic->events & EVENT_PANICKED)
        machine_shutdown_request(panic->device.machine, SHUTDOWN_PANIC);
}

static const struct mmio_ops pvpanic_ops = {pvpanic_read, pvpanic_write, 1, 1, false};

void pvpanic_wire(struct device *device, struct memory_map *io)
{
    ((struct pvpanic *)device)->io = io;
}

static int pvpanic_realize(struct device *device, struct error *error)
{
    struct pvpanic *panic = (struct pvpanic *)device;
    if (panic->events & ~(uint32_t)EVENT_ALL)
        return error_set(error, EINVAL, "device 'pvpanic': events is at most 3, not %u", panic->events);
    struct port_range range = {panic->ioport, 1, &pvpanic_ops};
    return port_set_map(&panic->ports, isa_io(device, panic->io), "pvpanic", &range, 1, panic, error);
}

static void pvpanic_unrealize(struct device *device)
{
    port_set_unmap(&((struct pvpanic *)device)->ports);
}

static const struct property pvpanic_properties[] = {
    {"ioport", PROPERTY_UINT32, offsetof(struct pvpanic, ioport), "0x505", "I/O port", NULL},
    {"events", PROPERTY_UINT32, offsetof(struct pvpanic, events), "3", "events the guest is offered", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type pvpanic_type = {
    .name = "pvpanic",
    .help = "port by which the guest tells that it has died",
    .instance_size = sizeof(struct pvpanic),
    .properties = pvpanic_properties,
    .user_creatable = true,
    .realize = pvpanic_realize,
    .unrealize = pvpanic_unrealize,
};
