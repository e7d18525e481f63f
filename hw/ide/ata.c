// SPDX-License-Identifier: MIT
// ATA registers and commands. NCQ is the SATA host's. Left out: host protected areas, security, streaming,
// power management beyond accepting the commands.
#include "hw/ide/ata.h"

#include <string.h>

#include "hw/core/machine.h"
#include "hw/ide/ata-internal.h"
#include "tcg/base/bits.h"

enum ata_command {
    CMD_NOP = 0x00,
    CMD_DATA_SET_MANAGEMENT = 0x06,
    CMD_DEVICE_RESET = 0x08,
    CMD_RECALIBRATE = 0x10,
    CMD_READ_SECTORS = 0x20,
    CMD_READ_SECTORS_EXT = 0x24,
    CMD_READ_DMA_EXT = 0x25,
    CMD_READ_NATIVE_MAX_EXT = 0x27,
    CMD_READ_MULTIPLE_EXT = 0x29,
    CMD_WRITE_SECTORS = 0x30,
    CMD_WRITE_SECTORS_EXT = 0x34,
    CMD_WRITE_DMA_EXT = 0x35,
    CMD_WRITE_MULTIPLE_EXT = 0x39,
    CMD_WRITE_DMA_FUA_EXT = 0x3d,
    CMD_READ_VERIFY = 0x40,
    CMD_READ_VERIFY_EXT = 0x42,
    CMD_SEEK = 0x70,
    CMD_DIAGNOSTIC = 0x90,
    CMD_INITIALIZE_PARAMETERS = 0x91,
    CMD_PACKET = 0xa0,
    CMD_IDENTIFY_PACKET = 0xa1,
    CMD_SMART = 0xb0,
    CMD_READ_MULTIPLE = 0xc4,
    CMD_WRITE_MULTIPLE = 0xc5,
    CMD_SET_MULTIPLE = 0xc6,
    CMD_READ_DMA = 0xc8,
    CMD_WRITE_DMA = 0xca,
    CMD_STANDBY_IMMEDIATE = 0xe0,
    CMD_IDLE_IMMEDIATE = 0xe1,
    CMD_STANDBY = 0xe2,
    CMD_IDLE = 0xe3,
    CMD_CHECK_POWER = 0xe5,
    CMD_SLEEP = 0xe6,
    CMD_FLUSH = 0xe7,
    CMD_FLUSH_EXT = 0xea,
    CMD_IDENTIFY = 0xec,
    CMD_SET_FEATURES = 0xef,
    CMD_SECURITY_FREEZE = 0xf5,
    CMD_READ_NATIVE_MAX = 0xf8,
};

// A command's low bit says "without retries", which means nothing here.
enum { WITHOUT_RETRY = 1 };

enum {
    PACKET_BYTES = 12,
    SMART_READ_DATA = 0xd0,
    SMART_ENABLE = 0xd8,
    SMART_DISABLE = 0xd9,
    SMART_STATUS = 0xda
};
enum { FEATURE_TRANSFER_MODE = 0x03 };

const struct state_field ata_state[] = {
    STATE_ARRAY(ata_drive, U8, feature),         STATE_ARRAY(ata_drive, U8, count),
    STATE_ARRAY(ata_drive, U8, lba_low),         STATE_ARRAY(ata_drive, U8, lba_mid),
    STATE_ARRAY(ata_drive, U8, lba_high),        STATE_FIELD(ata_drive, U8, device),
    STATE_FIELD(ata_drive, U8, status),          STATE_FIELD(ata_drive, U8, error),
    STATE_FIELD(ata_drive, U8, multiple),        STATE_FIELD(ata_drive, U8, dma_mode),
    STATE_FIELD(ata_drive, U8, phase),           STATE_FIELD(ata_drive, BOOL, interrupt),
    STATE_FIELD(ata_drive, BOOL, extended),      STATE_FIELD(ata_drive, BOOL, dma_to_host),
    STATE_FIELD(ata_drive, BOOL, dma_buffered),  STATE_FIELD(ata_drive, BOOL, packet_dma),
    STATE_FIELD(ata_drive, BOOL, packet_data),   STATE_FIELD(ata_drive, BOOL, write),
    STATE_FIELD(ata_drive, BOOL, smart),         STATE_FIELD(ata_drive, U8, block_sectors),
    STATE_FIELD(ata_drive, U64, sector),         STATE_FIELD(ata_drive, U32, left),
    STATE_FIELD(ata_drive, U32, position),       STATE_FIELD(ata_drive, U32, block_end),
    STATE_FIELD(ata_drive, U32, buffer_end),     STATE_FIELD(ata_drive, U32, byte_limit),
    STATE_FIELD(ata_drive, U8, sense_key),       STATE_FIELD(ata_drive, U8, sense_code),
    STATE_FIELD(ata_drive, U8, sense_qualifier), STATE_FIELD(ata_drive, BOOL, locked),
    STATE_ARRAY(ata_drive, U8, buffer),          STATE_END,
};

uint64_t ata_sectors(const struct ata_drive *drive)
{
    return drive->block ? drive->block->size / ATA_SECTOR : 0;
}

void ata_set_interrupt(struct ata_drive *drive, bool level)
{
    drive->interrupt = level;
    drive->host->interrupt(drive->host_opaque, level);
}

void ata_take_interrupt(struct ata_drive *drive)
{
    if (drive->interrupt)
        ata_set_interrupt(drive, false);
}

void ata_finish(struct ata_drive *drive)
{
    drive->phase = ATA_IDLE;
    drive->status = ATA_DRDY | ATA_DSC;
    ata_set_interrupt(drive, true);
}

void ata_abort(struct ata_drive *drive, uint8_t error)
{
    drive->phase = ATA_IDLE;
    drive->status = ATA_DRDY | ATA_DSC | ATA_ERR;
    drive->error = error;
    ata_set_interrupt(drive, true);
}

static void plain_done(struct block_request *request, int result)
{
    struct ata_drive *drive = ata_drive_of(request);
    if (result)
        ata_abort(drive, ATA_ABRT);
    else
        ata_finish(drive);
}

static void reply_sector(struct ata_drive *drive)
{
    drive->position = 0;
    drive->left = 0;
    drive->buffer_end = ATA_SECTOR;
    ata_offer_block(drive, ATA_PIO_IN, ATA_SECTOR);
}

static void signature(struct ata_drive *drive)
{
    drive->count[0] = drive->lba_low[0] = 1;
    drive->lba_mid[0] = drive->packet ? 0x14 : 0;
    drive->lba_high[0] = drive->packet ? 0xeb : 0;
    drive->device &= ATA_DEVICE_SECOND;
}

static void set_features(struct ata_drive *drive)
{
    switch (drive->feature[0]) {
    case FEATURE_TRANSFER_MODE:
        drive->dma_mode = drive->count[0];
        break;
    case 0x02: // write cache on, off; look-ahead; power-on defaults; power management
    case 0x82:
    case 0x55:
    case 0xaa:
    case 0x66:
    case 0xcc:
    case 0x05:
    case 0x85:
    case 0x42:
    case 0xc2:
        break;
    default:
        ata_abort(drive, ATA_ABRT);
        return;
    }
    ata_finish(drive);
}

static void smart(struct ata_drive *drive)
{
    if (drive->lba_mid[0] != 0x4f || drive->lba_high[0] != 0xc2) {
        ata_abort(drive, ATA_ABRT);
        return;
    }
    switch (drive->feature[0]) {
    case SMART_ENABLE:
    case SMART_DISABLE:
        drive->smart = drive->feature[0] == SMART_ENABLE;
        ata_finish(drive);
        break;
    case SMART_STATUS: // the key bytes unchanged: nothing is wrong
        ata_finish(drive);
        break;
    case SMART_READ_DATA:
        memset(drive->buffer, 0, ATA_SECTOR);
        drive->buffer[0] = 1;
        drive->buffer[511] = 0xff; // the sum of all bytes is zero
        reply_sector(drive);
        break;
    default:
        ata_abort(drive, ATA_ABRT);
    }
}

static void read_native_max(struct ata_drive *drive, bool extended)
{
    uint64_t last = ata_sectors(drive) ? ata_sectors(drive) - 1 : 0;
    if (!extended && last > 0xfffffff)
        last = 0xfffffff;
    drive->lba_low[0] = (uint8_t)last;
    drive->lba_mid[0] = (uint8_t)(last >> 8);
    drive->lba_high[0] = (uint8_t)(last >> 16);
    if (extended) {
        drive->lba_low[1] = (uint8_t)(last >> 24);
        drive->lba_mid[1] = (uint8_t)(last >> 32);
        drive->lba_high[1] = (uint8_t)(last >> 40);
    } else {
        drive->device = (uint8_t)((drive->device & 0xf0) | (last >> 24));
    }
    ata_finish(drive);
}

static void set_multiple(struct ata_drive *drive)
{
    uint8_t n = drive->count[0];
    if (n > ATA_MULTIPLE_MAX || (n && !is_power_of_two(n))) {
        ata_abort(drive, ATA_ABRT);
        return;
    }
    drive->multiple = n;
    ata_finish(drive);
}

// Commands of disks. Those of both kinds of drives are done already.
static void execute_disk(struct ata_drive *drive, uint8_t command)
{
    switch (command) {
    case CMD_READ_SECTORS:
    case CMD_READ_SECTORS | WITHOUT_RETRY:
        ata_start_transfer(drive, ATA_READ_PIO, false, 1);
        break;
    case CMD_READ_SECTORS_EXT:
        ata_start_transfer(drive, ATA_READ_PIO, true, 1);
        break;
    case CMD_READ_MULTIPLE:
    case CMD_READ_MULTIPLE_EXT:
        ata_start_transfer(drive, ATA_READ_PIO, command == CMD_READ_MULTIPLE_EXT, drive->multiple);
        break;
    case CMD_WRITE_SECTORS:
    case CMD_WRITE_SECTORS | WITHOUT_RETRY:
        ata_start_transfer(drive, ATA_WRITE_PIO, false, 1);
        break;
    case CMD_WRITE_SECTORS_EXT:
        ata_start_transfer(drive, ATA_WRITE_PIO, true, 1);
        break;
    case CMD_WRITE_MULTIPLE:
    case CMD_WRITE_MULTIPLE_EXT:
        ata_start_transfer(drive, ATA_WRITE_PIO, command == CMD_WRITE_MULTIPLE_EXT, drive->multiple);
        break;
    case CMD_READ_DMA:
    case CMD_READ_DMA | WITHOUT_RETRY:
    case CMD_READ_DMA_EXT:
        ata_start_transfer(drive, ATA_READ_DMA, command == CMD_READ_DMA_EXT, 1);
        break;
    case CMD_WRITE_DMA:
    case CMD_WRITE_DMA | WITHOUT_RETRY:
    case CMD_WRITE_DMA_EXT:
    case CMD_WRITE_DMA_FUA_EXT: // a failed power supply is not modelled
        ata_start_transfer(drive, ATA_WRITE_DMA, command >= CMD_WRITE_DMA_EXT && command <= CMD_WRITE_DMA_FUA_EXT, 1);
        break;
    case CMD_READ_VERIFY:
    case CMD_READ_VERIFY | WITHOUT_RETRY:
    case CMD_READ_VERIFY_EXT:
        ata_start_transfer(drive, ATA_VERIFY, command == CMD_READ_VERIFY_EXT, 1);
        break;
    case CMD_READ_NATIVE_MAX:
    case CMD_READ_NATIVE_MAX_EXT:
        read_native_max(drive, command == CMD_READ_NATIVE_MAX_EXT);
        break;
    case CMD_IDENTIFY:
        ata_identify(drive, drive->buffer);
        reply_sector(drive);
        break;
    case CMD_SET_MULTIPLE:
        set_multiple(drive);
        break;
    case CMD_SMART:
        smart(drive);
        break;
    case CMD_FLUSH:
    case CMD_FLUSH_EXT:
        ata_submit(drive, BLOCK_FLUSH, 0, NULL, 0, 0, plain_done);
        break;
    case CMD_RECALIBRATE:
    case CMD_SEEK:
    case CMD_INITIALIZE_PARAMETERS:
    case CMD_SECURITY_FREEZE:
        ata_finish(drive);
        break;
    default:
        ata_abort(drive, ATA_ABRT);
    }
}

static void execute_cdrom(struct ata_drive *drive, uint8_t command)
{
    switch (command) {
    case CMD_PACKET:
        drive->packet_dma = drive->feature[0] & 1;
        drive->byte_limit = drive->lba_mid[0] | (uint32_t)drive->lba_high[0] << 8;
        drive->count[0] = 1; // the host sends a command
        drive->position = 0;
        drive->left = 0;
        ata_offer_block(drive, ATA_PACKET, PACKET_BYTES);
        break;
    case CMD_IDENTIFY_PACKET:
        ata_identify(drive, drive->buffer);
        reply_sector(drive);
        break;
    case CMD_DEVICE_RESET:
        ata_soft_reset(drive);
        drive->status = 0;
        break;
    case CMD_IDENTIFY:
    case CMD_READ_SECTORS:
        signature(drive); // how hosts tell the two kinds apart
        ata_abort(drive, ATA_ABRT);
        break;
    default:
        ata_abort(drive, ATA_ABRT);
    }
}

static void execute(struct ata_drive *drive, uint8_t command)
{
    if (drive->phase == ATA_BUSY)
        return; // the drive does not listen
    ata_take_interrupt(drive);
    drive->error = 0;
    drive->packet_data = drive->packet && command == CMD_PACKET;
    switch (command) {
    case CMD_DIAGNOSTIC:
        signature(drive);
        drive->error = 1; // passed
        ata_finish(drive);
        break;
    case CMD_SET_FEATURES:
        set_features(drive);
        break;
    case CMD_CHECK_POWER:
        drive->count[0] = 0xff; // active
        ata_finish(drive);
        break;
    case CMD_STANDBY_IMMEDIATE:
    case CMD_IDLE_IMMEDIATE:
    case CMD_STANDBY:
    case CMD_IDLE:
    case CMD_SLEEP:
        ata_finish(drive);
        break;
    default:
        if (drive->packet)
            execute_cdrom(drive, command);
        else
            execute_disk(drive, command);
    }
}

void ata_soft_reset(struct ata_drive *drive)
{
    block_drain(drive->block);
    ata_take_interrupt(drive);
    drive->phase = ATA_IDLE;
    drive->status = drive->packet ? 0 : ATA_DRDY | ATA_DSC;
    drive->error = 1;
    drive->left = drive->position = drive->block_end = 0;
    drive->device = 0;
    signature(drive);
}

void ata_reset(struct ata_drive *drive)
{
    ata_soft_reset(drive);
    drive->feature[0] = drive->feature[1] = drive->count[1] = 0;
    drive->lba_low[1] = drive->lba_mid[1] = drive->lba_high[1] = 0;
    drive->multiple = drive->dma_mode = 0;
    drive->sense_key = drive->sense_code = drive->sense_qualifier = 0;
    drive->smart = true;
    drive->locked = false;
}

static void push(uint8_t reg[2], uint8_t value)
{
    reg[1] = reg[0];
    reg[0] = value;
}

void ata_write(struct ata_drive *drive, enum ata_register reg, uint8_t value)
{
    if (drive->status & ATA_BSY)
        return;
    switch (reg) {
    case ATA_FEATURE:
        push(drive->feature, value);
        break;
    case ATA_COUNT:
        push(drive->count, value);
        break;
    case ATA_LBA_LOW:
        push(drive->lba_low, value);
        break;
    case ATA_LBA_MID:
        push(drive->lba_mid, value);
        break;
    case ATA_LBA_HIGH:
        push(drive->lba_high, value);
        break;
    case ATA_DEVICE:
        drive->device = value;
        break;
    case ATA_COMMAND:
        execute(drive, value);
        break;
    case ATA_DATA:
        break;
    }
}

uint8_t ata_read(struct ata_drive *drive, enum ata_register reg, bool previous)
{
    switch (reg) {
    case ATA_FEATURE:
        return drive->error;
    case ATA_COUNT:
        return drive->count[previous];
    case ATA_LBA_LOW:
        return drive->lba_low[previous];
    case ATA_LBA_MID:
        return drive->lba_mid[previous];
    case ATA_LBA_HIGH:
        return drive->lba_high[previous];
    case ATA_DEVICE:
        return drive->device | 0xa0;
    case ATA_COMMAND:
        return drive->status;
    case ATA_DATA:
        break;
    }
    return 0;
}
