// SPDX-License-Identifier: MIT
// IDE cable.
#include "hw/ide/ide-channel.h"

#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { CONTROL_NIEN = 1 << 1, CONTROL_SRST = 1 << 2, CONTROL_HOB = 1 << 7, COMMAND_PORTS = 8 };

const struct state_field ide_channel_state[] = {
    STATE_FIELD(ide_channel, U8, select),
    STATE_FIELD(ide_channel, U8, control),
    STATE_END,
};

struct ata_drive *ide_channel_selected(const struct ide_channel *channel)
{
    return channel->drives[channel->select & ATA_DEVICE_SECOND ? 1 : 0];
}

void ide_channel_update(struct ide_channel *channel)
{
    const struct ata_drive *drive = ide_channel_selected(channel);
    irq_set(&channel->irq, drive && drive->interrupt && !(channel->control & CONTROL_NIEN));
}

static void interrupt(void *opaque, bool level)
{
    struct ide_channel *channel = opaque;
    if (level && channel->interrupted)
        channel->interrupted(channel->opaque, channel);
    ide_channel_update(channel);
}

static void dma_ready(void *opaque)
{
    struct ide_channel *channel = opaque;
    channel->dma_ready(channel->opaque, channel);
}

static void dma_done(void *opaque)
{
    struct ide_channel *channel = opaque;
    channel->dma_done(channel->opaque, channel);
}

static void plugged(void *opaque, unsigned unit, struct ata_drive *drive)
{
    ((struct ide_channel *)opaque)->drives[unit] = drive;
}

static uint64_t read_data(struct ata_drive *drive, unsigned size)
{
    uint64_t value = 0;
    if (!drive || drive->phase != ATA_PIO_IN)
        return 0;
    unsigned n = drive->block_end - drive->position;
    n = n < size ? n : size;
    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)drive->buffer[drive->position + i] << (8 * i);
    drive->position += n;
    ata_pio_moved(drive);
    return value;
}

static void write_data(struct ata_drive *drive, unsigned size, uint64_t value)
{
    if (!drive || (drive->phase != ATA_PIO_OUT && drive->phase != ATA_PACKET))
        return;
    unsigned n = drive->block_end - drive->position;
    n = n < size ? n : size;
    for (unsigned i = 0; i < n; i++)
        drive->buffer[drive->position + i] = (uint8_t)(value >> (8 * i));
    drive->position += n;
    ata_pio_moved(drive);
}

static uint8_t read_register(struct ide_channel *channel, unsigned reg)
{
    struct ata_drive *drive = ide_channel_selected(channel);
    if (!drive)
        return 0; // the lines are held low
    uint8_t value = ata_read(drive, (enum ata_register)reg, channel->control & CONTROL_HOB);
    if (reg == ATA_DEVICE)
        value = channel->select | 0xa0;
    if (reg == ATA_COMMAND)
        ata_take_interrupt(drive);
    return value;
}

static void write_register(struct ide_channel *channel, unsigned reg, uint8_t value)
{
    channel->control &= (uint8_t)~CONTROL_HOB;
    if (reg == ATA_COMMAND) {
        struct ata_drive *drive = ide_channel_selected(channel);
        if (drive)
            ata_write(drive, ATA_COMMAND, value);
        return;
    }
    if (reg == ATA_DEVICE)
        channel->select = value;
    // Both drives listen.
    for (unsigned i = 0; i < 2; i++)
        if (channel->drives[i])
            ata_write(channel->drives[i], (enum ata_register)reg, value);
    ide_channel_update(channel);
}

static uint64_t command_read(void *opaque, struct mmio_access access)
{
    struct ide_channel *channel = opaque;
    uint64_t value = 0;
    if (access.offset == ATA_DATA)
        return read_data(ide_channel_selected(channel), access.size);
    for (unsigned i = 0; i < access.size; i++)
        value |= (uint64_t)read_register(channel, (unsigned)access.offset + i) << (8 * i);
    return value;
}

static void command_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct ide_channel *channel = opaque;
    if (access.offset == ATA_DATA) {
        write_data(ide_channel_selected(channel), access.size, value);
        return;
    }
    for (unsigned i = 0; i < access.size; i++)
        write_register(channel, (unsigned)access.offset + i, (uint8_t)(value >> (8 * i)));
}

static uint64_t control_read(void *opaque, struct mmio_access access)
{
    (void)access;
    struct ide_channel *channel = opaque;
    struct ata_drive *drive = ide_channel_selected(channel);
    return drive ? drive->status : 0;
}

static void control_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct ide_channel *channel = opaque;
    bool ends = (channel->control & CONTROL_SRST) && !(value & CONTROL_SRST);
    channel->control = (uint8_t)value;
    for (unsigned i = 0; ends && i < 2; i++)
        if (channel->drives[i])
            ata_soft_reset(channel->drives[i]);
    if (ends)
        channel->select = 0;
    ide_channel_update(channel);
}

static const struct mmio_ops command_ops = {command_read, command_write, 1, 4, false};
static const struct mmio_ops control_ops = {control_read, control_write, 1, 1, false};

void ide_channel_init(struct ide_channel *channel, struct device *owner, unsigned number)
{
    channel->host = (struct ata_host_ops){interrupt, dma_ready, dma_done};
    // The bus that was added last is taken first.
    for (unsigned i = 2; i-- > 0;) {
        struct ide_socket *socket = &channel->sockets[i];
        ide_socket_init(socket, owner, 0, number, i);
        socket->sibling = &channel->sockets[!i];
        socket->host = &channel->host;
        socket->host_opaque = channel;
        socket->plugged = plugged;
        socket->opaque = channel;
        bus_add(owner->machine, &socket->bus);
    }
}

void ide_channel_map(struct ide_channel *channel, struct memory_map *io, uint16_t command, uint16_t control)
{
    struct mem_region_desc desc = {
        .name = "ide", .size = COMMAND_PORTS, .kind = MEM_MMIO, .ops = &command_ops, .opaque = channel};
    channel->command = (struct mem_window){io, desc, NULL};
    desc.size = 1;
    desc.ops = &control_ops;
    channel->control_block = (struct mem_window){io, desc, NULL};
    mem_window_show(&channel->command, true, command);
    mem_window_show(&channel->control_block, true, control);
}

void ide_channel_release(struct ide_channel *channel, struct machine *machine)
{
    mem_window_hide(&channel->command);
    mem_window_hide(&channel->control_block);
    for (unsigned i = 0; i < 2; i++)
        ide_socket_release(&channel->sockets[i], machine);
}

void ide_channel_reset(struct ide_channel *channel)
{
    channel->select = channel->control = 0;
    for (unsigned i = 0; i < 2; i++)
        if (channel->drives[i])
            ata_reset(channel->drives[i]);
    ide_channel_update(channel);
}
