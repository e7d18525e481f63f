// SPDX-License-Identifier: MIT
// The disk images of -drive and of the options that are short for it, and the devices that show them to the guest.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct block_backend;
struct machine;
struct settings;

enum drive_interface { DRIVE_NONE, DRIVE_IDE, DRIVE_FLOPPY, DRIVE_VIRTIO, DRIVE_PFLASH, DRIVE_INTERFACES };

extern const char *const drive_interface_names[DRIVE_INTERFACES + 1]; // ended by NULL

enum { DRIVE_ANYWHERE = UINT32_MAX };

struct drive {
    const char *text; // the option, for messages
    enum drive_interface interface;
    const char *id;
    struct block_backend *block; // NULL: a drive without a disc
    bool cdrom;
    uint32_t bus, unit, index; // as they were given; DRIVE_ANYWHERE: not
};

struct drives {
    struct drive *items; // in the settings' arena
    size_t count;
};

// Before machine_build: opens the images and adds them to machine->backends; flash and floppy disks are put where the
// board takes them from.
int drives_open(struct machine *machine, struct settings *settings, struct drives *drives, struct error *error);
// After it: adds the devices of the other drives to the settings, and the CD-ROM drive that PCs have by default.
int drives_add_devices(const struct machine *machine, struct settings *settings, const struct drives *drives,
                       struct error *error);
