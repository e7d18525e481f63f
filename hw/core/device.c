// SPDX-License-Identifier: MIT
// Life of devices, and the sockets they plug into.
#include "hw/core/device.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"

struct device *device_create(struct machine *machine, const struct device_type *type, const char *id)
{
    assert(type->instance_size >= sizeof(struct device));
    for (const struct part_replacement *r = machine->replacements; r && r->part; r++)
        if (r->part == type)
            type = r->replacement;
    struct device *device = alloc_zeroed(1, type->instance_size);
    device->type = type;
    device->machine = machine;
    device->id = id ? alloc_string(id) : NULL;
    property_set_defaults(type->properties, device);
    if (type->inner) {
        device->inner = device_create(machine, type->inner, NULL);
        device->inner->outer = device;
    }
    if (type->init)
        type->init(device);
    return device;
}

int device_set(struct device *device, const char *name, const char *text, struct error *error)
{
    char owner[128];
    snprintf(owner, sizeof(owner), "device '%s'", device->type->name);
    if (device->realized)
        return error_set(error, EBUSY, "%s: '%s' cannot be changed any more", owner, name);
    char **own = !strcmp(name, "id") ? &device->id : !strcmp(name, "bus") ? &device->bus_name : NULL;
    if (own && !property_find(device->type->properties, name)) {
        free(*own);
        *own = alloc_string(text);
        return 0;
    }
    struct device *target = device;
    while (target->inner && !property_find(target->type->properties, name) &&
           property_find(target->inner->type->properties, name))
        target = target->inner;
    return property_set(target->type->properties, target, owner, name, text, &device->machine->backends,
                        error);
}

void bus_add(struct machine *machine, struct bus *bus)
{
    struct bus **link = &machine->buses;
    while (*link)
        link = &(*link)->next;
    *link = bus;
}

void bus_remove(struct machine *machine, struct bus *bus)
{
    struct bus **link = &machine->buses;
    while (*link && *link != bus)
        link = &(*link)->next;
    if (*link)
        *link = bus->next;
}

static int find_bus(struct device *device, struct bus **result, struct error *error)
{
    struct bus *last_free = NULL;
    bool any = false, taken = false;
    for (struct bus *bus = device->machine->buses; bus; bus = bus->next) {
        if (strcmp(bus->type, device->type->bus))
            continue;
        any = true;
        bool wanted = !device->bus_name || !strcmp(device->bus_name, bus->name);
        if (wanted && bus->shared) {
            *result = bus;
            return 0;
        }
        if (wanted && !bus->device)
            last_free = bus;
        taken = taken || (wanted && bus->device);
    }
    *result = last_free;
    if (last_free)
        return 0;
    if (device->bus_name && taken)
        return error_set(error, EBUSY, "device '%s': bus '%s' is taken", device->type->name,
                         device->bus_name);
    if (device->bus_name)
        return error_set(error, ENOENT, "device '%s': there is no %s called '%s'", device->type->name,
                         device->type->bus, device->bus_name);
    return error_set(error, ENODEV,
                     any ? "device '%s': every %s is taken" : "device '%s': this machine has no %s",
                     device->type->name, device->type->bus);
}

static int check_id(struct device *device, struct error *error)
{
    for (struct device *other = device->machine->devices; device->id && other; other = other->next)
        if (other->id && !strcmp(other->id, device->id))
            return error_set(error, EEXIST, "the device id '%s' is used twice", device->id);
    return 0;
}

int device_realize(struct device *device, struct error *error)
{
    struct machine *machine = device->machine;
    struct bus *bus = NULL;
    int result = check_id(device, error);
    if (!result && device->type->bus)
        result = find_bus(device, &bus, error);
    if (result)
        return result;
    if (bus) {
        bus->device = bus->shared ? NULL : device;
        device->parent = bus;
    }
    if (device->type->realize)
        result = device->type->realize(device, error);
    if (result) {
        if (bus)
            bus->device = NULL;
        device->parent = NULL;
        return result;
    }
    device->realized = true;
    device->next = NULL;
    *machine->devices_tail = device;
    machine->devices_tail = &device->next;
    return 0;
}

void device_reset(struct device *device)
{
    if (device->type->reset)
        device->type->reset(device);
}

void device_unrealize(struct device *device)
{
    struct machine *machine = device->machine;
    if (!device->realized)
        return;
    if (device->type->unrealize)
        device->type->unrealize(device);
    struct device **link = &machine->devices;
    while (*link != device)
        link = &(*link)->next;
    *link = device->next;
    if (!*link)
        machine->devices_tail = link;
    if (device->parent)
        device->parent->device = NULL;
    device->parent = NULL;
    device->realized = false;
}

const char *device_user_id(const struct device *device)
{
    return device->id || !device->outer ? device->id : device_user_id(device->outer);
}

void device_destroy(struct device *device)
{
    if (!device)
        return;
    device_unrealize(device);
    device_destroy(device->inner);
    property_release(device->type->properties, device);
    free(device->id);
    free(device->bus_name);
    free(device);
}

bool device_firmware_path(const struct device *device, char *out, size_t size)
{
    const struct bus *bus = device->parent;
    *out = 0;
    if (!bus || !bus->firmware_name || (bus->owner && !device_firmware_path(bus->owner, out, size)))
        return false;
    size_t used = strlen(out);
    if (used + 1 >= size)
        return false;
    out[used++] = '/';
    bus->firmware_name(bus, device, out + used, size - used);
    return true;
}

void device_print_tree(struct machine *machine, FILE *out)
{
    for (struct device *device = machine->devices; device; device = device->next) {
        fprintf(out, "dev: %s, id \"%s\"\n", device->type->name, device->id ? device->id : "");
        if (device->parent)
            fprintf(out, "  bus: %s\n", device->parent->name);
        for (const struct property *p = device->type->properties; p && p->name; p++) {
            char *value = property_get(p, device);
            fprintf(out, "  %s = %s%s%s\n", p->name, p->type == PROPERTY_STRING ? "\"" : "", value,
                    p->type == PROPERTY_STRING ? "\"" : "");
            free(value);
        }
    }
}
