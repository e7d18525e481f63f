// SPDX-License-Identifier: MIT
// A parallel ATA cable: the command and control blocks of ports, and up to two drives that share them.
#pragma once

#include "hw/core/irq.h"
#include "hw/ide/ide-drive.h"
#include "hw/pci/window.h"

struct ide_channel {
    struct ide_socket sockets[2];
    struct ata_drive *drives[2];
    struct mem_window command, control_block;
    struct ata_host_ops host;
    struct irq_line irq;
    // The bus master beside it.
    void (*dma_ready)(void *opaque, struct ide_channel *channel);
    void (*dma_done)(void *opaque, struct ide_channel *channel);
    void (*interrupted)(void *opaque, struct ide_channel *channel);
    void *opaque;

    uint8_t select;  // the device register as it was written last
    uint8_t control; // HOB, SRST, nIEN
};

extern const struct state_field ide_channel_state[];

void ide_channel_init(struct ide_channel *channel, struct device *owner, unsigned number);
void ide_channel_map(struct ide_channel *channel, struct memory_map *io, uint16_t command, uint16_t control);
void ide_channel_release(struct ide_channel *channel, struct machine *machine);
void ide_channel_reset(struct ide_channel *channel);
struct ata_drive *ide_channel_selected(const struct ide_channel *channel); // NULL: nobody
// Puts the interrupt line in step with the drives, after a state load.
void ide_channel_update(struct ide_channel *channel);
