// SPDX-License-Identifier: MIT
// The drives that plug into IDE and SATA adapters: "ide-hd" and "ide-cd".
#pragma once

#include "hw/ide/ata.h"

extern const struct device_type ide_hd_type;
extern const struct device_type ide_cd_type;

// A place for a drive. The bus's opaque pointer is this.
struct ide_socket {
    struct bus bus;  // of type "IDE"
    unsigned number; // of the bus among the adapter's
    unsigned unit;   // on the cable
    struct ide_socket *sibling;
    // What the drive in it tells its host.
    const struct ata_host_ops *host;
    void *host_opaque;
    // NULL drive: it was taken out.
    void (*plugged)(void *opaque, unsigned unit, struct ata_drive *drive);
    void *opaque;
};

// Fills in bus `number` of an adapter, not yet in the machine's list; what the host hears of it is the caller's to fill in.
// Its name is "ID.NUMBER" if the user gave the adapter an id, else "ide.N", N being `first` + number.
void ide_socket_init(struct ide_socket *socket, struct device *owner, unsigned first, unsigned number, unsigned unit);
// Takes it out of the list.
void ide_socket_release(struct ide_socket *socket, struct machine *machine);
// The N from which on there is no bus "ide.N" yet.
unsigned ide_free_number(const struct machine *machine);
