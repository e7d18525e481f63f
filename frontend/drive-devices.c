// SPDX-License-Identifier: MIT
// Which device shows a drive: a disk or CD-ROM drive on the cable that index=, or bus= and unit=, name, or a virtio disk.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/drives.h"
#include "frontend/registry.h"
#include "frontend/settings.h"
#include "hw/core/block.h"
#include "hw/core/machine.h"

enum { CDROM_INDEX = 2, PLACES_MAX = 64 };

// Where IDE drives go: `per_bus` of them on each of "ide.0", "ide.1" and so on.
struct ide_places {
    uint32_t per_bus, count;
    bool taken[PLACES_MAX];
};

static void find_ide_places(const struct machine *machine, struct ide_places *places)
{
    *places = (struct ide_places){0};
    for (const struct bus *bus = machine->buses; bus; bus = bus->next) {
        if (strcmp(bus->type, "IDE"))
            continue;
        places->count += places->count < PLACES_MAX;
        places->per_bus += !strcmp(bus->name, "ide.0");
    }
}

static void add_device(struct settings *settings, struct setting_group *group, const char *text,
                       const char *const (*pairs)[2], size_t count)
{
    struct keyval_list device = {.text = text};
    for (size_t i = 0; i < count; i++)
        if (pairs[i][1])
            keyval_set(&settings->arena, &device, pairs[i][0], pairs[i][1]);
    setting_group_add(settings, group, device);
}

// `id` is NULL for a CD-ROM drive without a disc.
static void add_ide(struct settings *settings, const struct ide_places *places, uint32_t place, bool cdrom, const char *id)
{
    char bus[16], unit[16];
    int bus_length = snprintf(bus, sizeof(bus), "ide.%" PRIu32, place / places->per_bus);
    int unit_length = snprintf(unit, sizeof(unit), "%" PRIu32, place % places->per_bus);
    const char *driver = cdrom ? "ide-cd" : "ide-hd";
    const char *const pairs[][2] = {{"driver", driver},
                                    {"bus", arena_string(&settings->arena, bus, (size_t)bus_length)},
                                    {"unit", arena_string(&settings->arena, unit, (size_t)unit_length)},
                                    {"drive", id}};
    add_device(settings, &settings->board_devices, driver, pairs, 4);
}

static int place_ide(const struct machine *machine, struct settings *settings, struct ide_places *places,
                     const struct drive *drive, struct error *error)
{
    if (!places->count)
        return error_set(error, EINVAL, "machine '%s' has no IDE; use if=virtio", machine->type->name);
    uint32_t place = drive->index;
    if (place == DRIVE_ANYWHERE && drive->bus != DRIVE_ANYWHERE) {
        uint32_t unit = drive->unit == DRIVE_ANYWHERE ? 0 : drive->unit;
        if (drive->bus >= places->count / places->per_bus || unit >= places->per_bus)
            return error_set(error, EINVAL, "machine '%s' has IDE buses 0 to %" PRIu32 " with units 0 to %" PRIu32,
                             machine->type->name, places->count / places->per_bus - 1, places->per_bus - 1);
        place = drive->bus * places->per_bus + unit;
        while (drive->unit == DRIVE_ANYWHERE && unit + 1 < places->per_bus && places->taken[place])
            unit++, place++;
    } else if (place == DRIVE_ANYWHERE) {
        place = drive->unit == DRIVE_ANYWHERE ? 0 : drive->unit;
        while (drive->unit == DRIVE_ANYWHERE && place < places->count && places->taken[place])
            place++;
    }
    if (place >= places->count)
        return error_set(error, EINVAL, "machine '%s' has room for %" PRIu32 " IDE drives", machine->type->name,
                         places->count);
    if (places->taken[place])
        return error_set(error, EEXIST, "there is a drive with index=%" PRIu32 " (bus=%" PRIu32 ",unit=%" PRIu32
                         ") already", place, place / places->per_bus, place % places->per_bus);
    places->taken[place] = true;
    add_ide(settings, places, place, drive->cdrom, drive->block ? drive->id : NULL);
    return 0;
}

// In a slot that the board has for virtio, else on PCI.
static int place_virtio(const struct machine *machine, struct settings *settings, const struct drive *drive,
                        struct error *error)
{
    const char *driver = "virtio-blk-pci";
    for (const struct bus *bus = machine->buses; bus; bus = bus->next)
        if (!strcmp(bus->type, "virtio-bus"))
            driver = "virtio-blk-device";
    if (!registry_find_device(driver, error))
        return -ENOENT;
    const char *const pairs[][2] = {{"driver", driver}, {"drive", drive->id}};
    add_device(settings, &settings->devices, driver, pairs, 2);
    return 0;
}

static bool asks_for(const struct settings *settings, const char *driver)
{
    for (size_t i = 0; i < settings->devices.count; i++)
        if (!strcmp(keyval_get(&settings->devices.items[i], "driver"), driver))
            return true;
    return false;
}

int drives_add_devices(const struct machine *machine, struct settings *settings, const struct drives *drives,
                       struct error *error)
{
    struct ide_places places;
    find_ide_places(machine, &places);
    bool ide_by_default = machine->type->default_drive && !strcmp(machine->type->default_drive, "ide");
    bool cdrom = ide_by_default && places.count > CDROM_INDEX && !settings->nodefaults && !asks_for(settings, "ide-cd") &&
                 !asks_for(settings, "ide-hd");
    for (size_t i = 0; i < drives->count; i++) {
        const struct drive *drive = &drives->items[i];
        int status = 0;
        if (drive->interface == DRIVE_IDE)
            status = place_ide(machine, settings, &places, drive, error);
        else if (drive->interface == DRIVE_VIRTIO)
            status = place_virtio(machine, settings, drive, error);
        if (status) {
            error_prefix(error, "%s", drive->text);
            return status;
        }
    }
    if (cdrom && !places.taken[CDROM_INDEX])
        add_ide(settings, &places, CDROM_INDEX, true, NULL);
    return 0;
}
