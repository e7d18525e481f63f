// SPDX-License-Identifier: MIT
// Disks and CD-ROM drives as devices.
#include "hw/ide/ide-drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"

enum { UNIT_ANY = UINT32_MAX };

static void firmware_name(const struct bus *bus, const struct device *device, char *out, size_t size)
{
    (void)device;
    const struct ide_socket *socket = bus->opaque;
    snprintf(out, size, "drive@%x/disk@%x", socket->number, socket->unit);
}

void ide_socket_init(struct ide_socket *socket, struct device *owner, unsigned first, unsigned number, unsigned unit)
{
    *socket = (struct ide_socket){.number = number, .unit = unit};
    socket->bus = (struct bus){.type = "IDE", .opaque = socket, .owner = owner, .firmware_name = firmware_name};
    socket->bus.name = owner->id ? alloc_format("%s.%u", owner->id, number) : alloc_format("ide.%u", first + number);
}

void ide_socket_release(struct ide_socket *socket, struct machine *machine)
{
    bus_remove(machine, &socket->bus);
    free(socket->bus.name);
}

unsigned ide_free_number(const struct machine *machine)
{
    unsigned free_number = 0, number;
    for (const struct bus *bus = machine->buses; bus; bus = bus->next)
        if (sscanf(bus->name, "ide.%u", &number) == 1 && number >= free_number)
            free_number = number + 1;
    return free_number;
}

struct ide_drive {
    struct device device;
    struct block_backend *drive;
    char *serial;
    uint32_t unit, boot_index;
    struct ata_drive ata;
};

// The bus was found by its name; the unit is ours to choose.
static int choose_unit(struct ide_drive *self, struct ide_socket **socket, struct error *error)
{
    *socket = self->device.parent->opaque;
    if (self->unit == UNIT_ANY || self->unit == (*socket)->unit)
        return 0;
    struct ide_socket *other = (*socket)->sibling;
    if (!other || other->unit != self->unit || other->bus.device)
        return error_set(error, EBUSY, "device '%s': there is no free unit %u on bus '%s'",
                         self->device.type->name, self->unit, self->device.parent->name);
    (*socket)->bus.device = NULL;
    other->bus.device = &self->device;
    self->device.parent = &other->bus;
    *socket = other;
    return 0;
}

static int ide_realize(struct device *device, bool packet, struct error *error)
{
    struct ide_drive *self = (struct ide_drive *)device;
    struct ide_socket *socket;
    if (!self->drive && !packet)
        return error_set(error, EINVAL, "device '%s' needs a drive; give it drive=ID", device->type->name);
    if (self->drive && self->drive->user)
        return error_set(error, EBUSY, "drive '%s' is used by another device",
                         self->drive->id ? self->drive->id : "");
    int result = choose_unit(self, &socket, error);
    if (result)
        return result;
    if (self->drive)
        self->drive->user = self;
    self->ata.machine = device->machine;
    self->ata.block = self->drive;
    self->ata.packet = packet;
    self->ata.serial = self->serial;
    self->ata.model = packet ? "LYREBIRD DVD-ROM" : "LYREBIRD HARDDISK";
    self->ata.host = socket->host;
    self->ata.host_opaque = socket->host_opaque;
    socket->plugged(socket->opaque, socket->unit, &self->ata);
    ata_reset(&self->ata);
    return 0;
}

static int hd_realize(struct device *device, struct error *error)
{
    return ide_realize(device, false, error);
}

static int cd_realize(struct device *device, struct error *error)
{
    return ide_realize(device, true, error);
}

static void ide_unrealize(struct device *device)
{
    struct ide_drive *self = (struct ide_drive *)device;
    struct ide_socket *socket = device->parent->opaque;
    ata_soft_reset(&self->ata);
    socket->plugged(socket->opaque, socket->unit, NULL);
    if (self->drive)
        self->drive->user = NULL;
}

static void ide_reset(struct device *device)
{
    ata_reset(&((struct ide_drive *)device)->ata);
}

static const struct property ide_properties[] = {
    {"drive", PROPERTY_DRIVE, offsetof(struct ide_drive, drive), NULL, "the disk image", NULL},
    {"serial", PROPERTY_STRING, offsetof(struct ide_drive, serial), "LB00001",
     "serial number, up to 20 characters", NULL},
    {"unit", PROPERTY_UINT32, offsetof(struct ide_drive, unit), "4294967295",
     "0 or 1 on a cable for two; the first free one unless it is given", NULL},
    BOOT_INDEX_PROPERTY(ide_drive),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field ide_state[] = {
    STATE_STRUCT_FIELD(ide_drive, ata, ata_state),
    STATE_END,
};

const struct device_type ide_hd_type = {
    .name = "ide-hd",
    .help = "IDE or SATA disk",
    .bus = "IDE",
    .instance_size = sizeof(struct ide_drive),
    .properties = ide_properties,
    .state = ide_state,
    .user_creatable = true,
    .realize = hd_realize,
    .unrealize = ide_unrealize,
    .reset = ide_reset,
};

const struct device_type ide_cd_type = {
    .name = "ide-cd",
    .help = "IDE or SATA CD-ROM drive",
    .bus = "IDE",
    .instance_size = sizeof(struct ide_drive),
    .properties = ide_properties,
    .state = ide_state,
    .user_creatable = true,
    .realize = cd_realize,
    .unrealize = ide_unrealize,
    .reset = ide_reset,
};
