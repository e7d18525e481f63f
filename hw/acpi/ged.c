// SPDX-License-Identifier: MIT
// Generic event device.
#include "hw/acpi/ged.h"

#include <errno.h>

#include "hw/acpi/pm.h"
#include "hw/core/machine.h"

enum { EVENT_BYTES = 4, SLEEP_ENABLE = 1 << 5, SLEEP_TYPE_SHIFT = 2, SLEEP_TYPE = 7 };

struct acpi_ged {
    struct device device;
    uint64_t events_base, registers_base;
    struct irq_line irq;
    struct memory_map *io;
    uint16_t timer_port;
    struct mem_region *events_region, *registers_region, *timer_region;

    uint32_t events;
};

static uint64_t events_read(void *opaque, struct mmio_access access)
{
    (void)access;
    struct acpi_ged *ged = opaque;
    uint32_t events = ged->events;
    ged->events = 0;
    irq_set(&ged->irq, false);
    return events;
}

static void ignore_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)opaque, (void)access, (void)value;
}

static uint64_t registers_read(void *opaque, struct mmio_access access)
{
    (void)opaque, (void)access;
    return 0;
}

static void registers_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct acpi_ged *ged = opaque;
    struct machine *machine = ged->device.machine;
    if (access.offset == ACPI_GED_SLEEP_CONTROL && (value & SLEEP_ENABLE) &&
        (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE) == ACPI_GED_SLEEP_SOFT_OFF)
        machine_shutdown_request(machine, SHUTDOWN_GUEST);
    else if (access.offset == ACPI_GED_RESET && value == ACPI_GED_RESET_VALUE)
        machine_reset_request(machine);
}

static uint64_t timer_read(void *opaque, struct mmio_access access)
{
    (void)access;
    const struct acpi_ged *ged = opaque;
    unsigned __int128 now = clock_now_ns(ged->device.machine->clock);
    return (uint64_t)(now * ACPI_PM_TIMER_HZ / 1000000000) & 0xffffff;
}

static const struct mmio_ops timer_ops = {timer_read, ignore_write, 4, 4, false};
static const struct mmio_ops events_ops = {events_read, ignore_write, 4, 4, false};
static const struct mmio_ops registers_ops = {registers_read, registers_write, 1, 1, false};

void acpi_ged_wire(struct device *device, uint64_t events, uint64_t registers, struct irq_line irq, struct memory_map *io,
                   uint16_t timer_port)
{
    struct acpi_ged *ged = (struct acpi_ged *)device;
    ged->events_base = events;
    ged->registers_base = registers;
    ged->irq = irq;
    ged->io = io;
    ged->timer_port = timer_port;
}

void acpi_ged_power_button(struct device *device)
{
    struct acpi_ged *ged = (struct acpi_ged *)device;
    ged->events |= ACPI_GED_POWER_BUTTON;
    irq_set(&ged->irq, true);
}

static void unmap(struct acpi_ged *ged)
{
    struct memory_map *map = ged->device.machine->map;
    if (ged->events_region)
        memory_map_remove(map, ged->events_region);
    if (ged->registers_region)
        memory_map_remove(map, ged->registers_region);
    if (ged->timer_region)
        memory_map_remove(ged->io, ged->timer_region);
}

static int ged_realize(struct device *device, struct error *error)
{
    struct acpi_ged *ged = (struct acpi_ged *)device;
    struct memory_map *map = device->machine->map;
    struct mem_region_desc events = {.name = "acpi-ged", .base = ged->events_base, .size = EVENT_BYTES, .kind = MEM_MMIO,
                                     .ops = &events_ops, .opaque = ged};
    struct mem_region_desc registers = {.name = "acpi-ged-regs", .base = ged->registers_base, .size = ACPI_GED_REGISTERS,
                                        .kind = MEM_MMIO, .ops = &registers_ops, .opaque = ged};
    struct mem_region_desc timer = {.name = "acpi-timer", .base = ged->timer_port, .size = 4, .kind = MEM_MMIO,
                                    .ops = &timer_ops, .opaque = ged};
    ged->events_region = memory_map_add(map, events, error);
    ged->registers_region = ged->events_region ? memory_map_add(map, registers, error) : NULL;
    ged->timer_region = ged->registers_region ? memory_map_add(ged->io, timer, error) : NULL;
    if (ged->timer_region)
        return 0;
    unmap(ged);
    return -EINVAL;
}

static void ged_unrealize(struct device *device)
{
    unmap((struct acpi_ged *)device);
}

static void ged_state_loaded(struct device *device)
{
    struct acpi_ged *ged = (struct acpi_ged *)device;
    irq_set(&ged->irq, ged->events != 0);
}

static void ged_reset(struct device *device)
{
    ((struct acpi_ged *)device)->events = 0;
    ged_state_loaded(device);
}

static const struct state_field ged_state[] = {
    STATE_FIELD(acpi_ged, U32, events),
    STATE_END,
};

const struct device_type acpi_ged_type = {
    .name = "acpi-ged",
    .help = "ACPI generic event device",
    .instance_size = sizeof(struct acpi_ged),
    .state = ged_state,
    .realize = ged_realize,
    .reset = ged_reset,
    .state_loaded = ged_state_loaded,
    .unrealize = ged_unrealize,
};
