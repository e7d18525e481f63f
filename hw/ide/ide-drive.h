// SPDX-License-Identifier: MIT
// The drives that plug into IDE and SATA adapters: "ide-hd" and "ide-cd".
#pragma once

#include "hw/ide/ata.h"

extern const struct device_type ide_hd_type;
extern const struct device_type ide_cd_type;

enum { IDE_BUSES_MAX = 6 };

// A place for a drive. The bus's opaque pointer is this.
struct ide_socket {
    struct bus bus; // of type "IDE"
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

// Bus "ide.NUMBER" of an adapter, not yet in the machine's list; what the host hears of it is the caller's to fill in.
void ide_socket_init(struct ide_socket *socket, struct device *owner, unsigned number, unsigned unit);
