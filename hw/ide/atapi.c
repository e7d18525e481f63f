// SPDX-License-Identifier: MIT
// CD-ROM drives (MMC-5; SFF-8020i for the mode pages that operating systems still ask for). A disc is one
// data track of the image's length. No audio, no writing; the tray cannot be opened by the guest.
#include <string.h>

#include "hw/core/machine.h"
#include "hw/ide/ata-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum atapi_command {
    TEST_UNIT_READY = 0x00,
    REQUEST_SENSE = 0x03,
    INQUIRY = 0x12,
    START_STOP_UNIT = 0x1b,
    PREVENT_REMOVAL = 0x1e,
    READ_CAPACITY = 0x25,
    READ_10 = 0x28,
    SEEK = 0x2b,
    READ_SUBCHANNEL = 0x42,
    READ_TOC = 0x43,
    GET_CONFIGURATION = 0x46,
    GET_EVENT_STATUS = 0x4a,
    READ_DISC_INFORMATION = 0x51,
    MODE_SENSE_10 = 0x5a,
    READ_12 = 0xa8,
    SET_SPEED = 0xbb,
    MECHANISM_STATUS = 0xbd,
    READ_CD = 0xbe,
};

enum sense { SENSE_NONE = 0, NOT_READY = 2, MEDIUM_ERROR = 3, ILLEGAL_REQUEST = 5 };
enum sense_code {
    INVALID_COMMAND = 0x20,
    OUT_OF_RANGE = 0x21,
    INVALID_FIELD = 0x24,
    NO_MEDIUM = 0x3a,
    READ_ERROR = 0x11,
};

// Interrupt reasons, in the sector count register.
enum { REASON_COMMAND = 1, REASON_TO_HOST = 2 };

enum { BUFFER_SECTORS = ATA_BUFFER_BYTES / ATAPI_SECTOR, LEAD_OUT = 0xaa };

static uint32_t disc_sectors(const struct ata_drive *drive)
{
    uint64_t sectors = drive->block ? drive->block->size / ATAPI_SECTOR : 0;
    return sectors < UINT32_MAX ? (uint32_t)sectors : UINT32_MAX;
}

void atapi_finish(struct ata_drive *drive)
{
    drive->count[0] = REASON_COMMAND | REASON_TO_HOST;
    drive->sense_key = drive->sense_code = drive->sense_qualifier = 0;
    ata_finish(drive);
}

static void fail(struct ata_drive *drive, enum sense key, enum sense_code code)
{
    drive->sense_key = (uint8_t)key;
    drive->sense_code = (uint8_t)code;
    drive->sense_qualifier = 0;
    drive->count[0] = REASON_COMMAND | REASON_TO_HOST;
    ata_abort(drive, (uint8_t)(key << 4 | ATA_ABRT));
}

void atapi_read_failed(struct ata_drive *drive)
{
    fail(drive, MEDIUM_ERROR, READ_ERROR);
}

// The next block of what is in the buffer, no longer than the host allows.
static void offer(struct ata_drive *drive)
{
    uint32_t limit = drive->byte_limit ? drive->byte_limit : 0xfffe,
             bytes = drive->buffer_end - drive->position;
    if (bytes > limit)
        bytes = limit > 1 ? limit & ~1u : 2; // only the last one may be odd
    drive->count[0] = REASON_TO_HOST;
    drive->lba_mid[0] = (uint8_t)bytes;
    drive->lba_high[0] = (uint8_t)(bytes >> 8);
    ata_offer_block(drive, ATA_PIO_IN, bytes);
}

static void read_done(struct block_request *request, int result)
{
    struct ata_drive *drive = ata_drive_of(request);
    if (result)
        atapi_read_failed(drive);
    else
        offer(drive);
}

static void fill_buffer(struct ata_drive *drive)
{
    uint32_t sectors = drive->left < BUFFER_SECTORS ? drive->left : BUFFER_SECTORS;
    uint64_t offset = drive->sector * ATAPI_SECTOR;
    drive->position = 0;
    drive->buffer_end = sectors * ATAPI_SECTOR;
    drive->vector = (struct iovec){drive->buffer, drive->buffer_end};
    drive->sector += sectors;
    drive->left -= sectors;
    ata_submit(drive, BLOCK_READ, offset, &drive->vector, 1, drive->buffer_end, read_done);
}

void atapi_block_taken(struct ata_drive *drive)
{
    if (drive->position < drive->buffer_end)
        offer(drive);
    else if (drive->left)
        fill_buffer(drive);
    else
        atapi_finish(drive);
}

static void read_sectors(struct ata_drive *drive, uint32_t first, uint32_t count)
{
    // A 32 MiB transfer is more than any host asks for.
    if (!range_inside(first, count, disc_sectors(drive)) || count > 16384) {
        fail(drive, ILLEGAL_REQUEST, OUT_OF_RANGE);
        return;
    }
    drive->sector = first;
    drive->left = count;
    if (!count)
        atapi_finish(drive);
    else if (drive->packet_dma)
        ata_want_dma(drive, true, false);
    else
        fill_buffer(drive);
}

// Sends what stands in the buffer, cut to what the host has room for.
static void reply(struct ata_drive *drive, uint32_t bytes, uint32_t room)
{
    drive->position = 0;
    drive->left = 0;
    drive->buffer_end = bytes < room ? bytes : room;
    if (!drive->buffer_end)
        atapi_finish(drive);
    else if (drive->packet_dma)
        ata_want_dma(drive, true, true);
    else
        offer(drive);
}

static void request_sense(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer;
    uint32_t room = packet[4];
    uint8_t key = drive->sense_key, code = drive->sense_code, qualifier = drive->sense_qualifier;
    memset(out, 0, 18);
    out[0] = 0x70;
    out[2] = key;
    out[7] = 10;
    out[12] = code;
    out[13] = qualifier;
    reply(drive, 18, room);
}

static void inquiry(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer;
    uint32_t room = load_be16(packet + 3);
    memset(out, 0, 36);
    out[0] = 5;    // CD-ROM
    out[1] = 0x80; // removable
    out[3] = 0x21;
    out[4] = 31;
    memset(out + 8, ' ', 28);
    memcpy(out + 8, "LYREBIRD", 8);
    memcpy(out + 16, "DVD-ROM", 7);
    memcpy(out + 32, "1.0", 3);
    reply(drive, 36, room);
}

static void put_address(uint8_t *out, bool msf, uint32_t sector)
{
    if (!msf) {
        store_be32(out, sector);
        return;
    }
    uint32_t frames = sector + 150;
    out[0] = 0;
    out[1] = (uint8_t)(frames / 75 / 60);
    out[2] = (uint8_t)(frames / 75 % 60);
    out[3] = (uint8_t)(frames % 75);
}

static void read_toc(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer;
    bool msf = packet[1] & 2;
    unsigned format = packet[9] >> 6 ? packet[9] >> 6 : packet[2] & 15, start = packet[6];
    uint32_t room = load_be16(packet + 7), bytes = 4;
    memset(out, 0, 64);
    out[2] = out[3] = 1; // first and last track, or session
    if (format == 0 && start <= 1) {
        out[5] = 0x14; // a data track
        out[6] = 1;
        put_address(out + 8, msf, 0);
        bytes = 12;
    }
    if (format == 0 && (start <= 1 || start == LEAD_OUT)) {
        out[bytes + 1] = 0x16;
        out[bytes + 2] = LEAD_OUT;
        put_address(out + bytes + 4, msf, disc_sectors(drive));
        bytes += 8;
    } else if (format == 1) {
        out[5] = 0x14;
        out[6] = 1;
        put_address(out + 8, msf, 0);
        bytes = 12;
    } else {
        fail(drive, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    store_be16(out, (uint16_t)(bytes - 2));
    reply(drive, bytes, room);
}

static void mode_sense(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer, page = packet[2] & 0x3f;
    uint32_t room = load_be16(packet + 7), bytes = 8;
    memset(out, 0, 64);
    if (page == 0x01 || page == 0x3f) { // error recovery
        out[bytes] = 0x01;
        out[bytes + 1] = 6;
        out[bytes + 3] = 5;
        bytes += 8;
    }
    if (page == 0x2a || page == 0x3f) { // capabilities
        uint8_t *cap = out + bytes;
        cap[0] = 0x2a;
        cap[1] = 0x12;
        cap[4] = 0x70;
        cap[6] = 0x29 | (drive->locked ? 2 : 0); // locks, ejects, has a tray
        store_be16(cap + 8, 706);                // kB/s
        store_be16(cap + 12, 512);
        store_be16(cap + 14, 706);
        bytes += 0x14;
    }
    if (bytes == 8) {
        fail(drive, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    store_be16(out, (uint16_t)(bytes - 2));
    out[2] = drive->block ? 0x01 : 0x70;
    reply(drive, bytes, room);
}

static void get_configuration(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer;
    uint32_t room = load_be16(packet + 7), bytes = 8;
    bool dvd = disc_sectors(drive) > 360000; // more than 80 minutes
    memset(out, 0, 64);
    store_be16(out + 6, drive->block ? (dvd ? 0x10 : 0x08) : 0);
    // Profile list: DVD-ROM and CD-ROM.
    static const uint8_t profiles[] = {0, 0, 3, 8, 0, 0x10, 0, 0, 0, 0x08, 0, 0};
    memcpy(out + bytes, profiles, sizeof(profiles));
    out[bytes + 6] = drive->block && dvd;
    out[bytes + 10] = drive->block && !dvd;
    bytes += sizeof(profiles);
    static const uint8_t core[] = {0, 1, 3, 4, 0, 0, 0, 1}; // ATAPI
    memcpy(out + bytes, core, sizeof(core));
    bytes += sizeof(core);
    static const uint8_t removable[] = {0, 3, 3, 4, 0x29, 0, 0, 0};
    memcpy(out + bytes, removable, sizeof(removable));
    bytes += sizeof(removable);
    store_be32(out, bytes - 4);
    reply(drive, bytes, room);
}

static void event_status(struct ata_drive *drive, const uint8_t *packet)
{
    uint8_t *out = drive->buffer;
    uint32_t room = load_be16(packet + 7);
    if (!(packet[1] & 1)) { // only polling
        fail(drive, ILLEGAL_REQUEST, INVALID_FIELD);
        return;
    }
    bool media = packet[4] & (1 << 4);
    memset(out, 0, 8);
    store_be16(out, media ? 6 : 2);
    out[2] = media ? 4 : 0x80;
    out[3] = 1 << 4;
    out[5] = drive->block ? 2 : 0; // a disc is there
    reply(drive, media ? 8 : 4, room);
}

static void disc_information(struct ata_drive *drive, const uint8_t *packet)
{
    uint32_t room = load_be16(packet + 7);
    memset(drive->buffer, 0, 34);
    store_be16(drive->buffer, 32);
    drive->buffer[2] = 0x0e; // finished, complete
    drive->buffer[3] = drive->buffer[4] = drive->buffer[5] = drive->buffer[6] = 1;
    drive->buffer[7] = 0x20;
    reply(drive, 34, room);
}

static void read_cd(struct ata_drive *drive, const uint8_t *packet)
{
    uint32_t first = load_be32(packet + 2), count = load_be32(packet + 5) & 0xffffff;
    if (!(packet[9] & 0xf8))
        atapi_finish(drive); // nothing is wanted
    else if ((packet[9] & 0xf8) == 0x10)
        read_sectors(drive, first, count);
    else
        fail(drive, ILLEGAL_REQUEST, INVALID_FIELD); // raw sectors
}

static bool needs_disc(uint8_t command)
{
    switch (command) {
    case TEST_UNIT_READY:
    case READ_CAPACITY:
    case READ_10:
    case READ_12:
    case READ_CD:
    case SEEK:
    case READ_SUBCHANNEL:
    case READ_TOC:
    case READ_DISC_INFORMATION:
        return true;
    }
    return false;
}

void atapi_execute(struct ata_drive *drive)
{
    uint8_t packet[12];
    memcpy(packet, drive->buffer, sizeof(packet));
    if (needs_disc(packet[0]) && !drive->block) {
        fail(drive, NOT_READY, NO_MEDIUM);
        return;
    }
    switch (packet[0]) {
    case REQUEST_SENSE:
        request_sense(drive, packet);
        break;
    case INQUIRY:
        inquiry(drive, packet);
        break;
    case PREVENT_REMOVAL:
        drive->locked = packet[4] & 1;
        atapi_finish(drive);
        break;
    case TEST_UNIT_READY:
    case START_STOP_UNIT:
    case SEEK:
    case SET_SPEED:
        atapi_finish(drive);
        break;
    case READ_CAPACITY:
        store_be32(drive->buffer, disc_sectors(drive) ? disc_sectors(drive) - 1 : 0);
        store_be32(drive->buffer + 4, ATAPI_SECTOR);
        reply(drive, 8, 8);
        break;
    case READ_10:
        read_sectors(drive, load_be32(packet + 2), load_be16(packet + 7));
        break;
    case READ_12:
        read_sectors(drive, load_be32(packet + 2), load_be32(packet + 6));
        break;
    case READ_CD:
        read_cd(drive, packet);
        break;
    case READ_TOC:
        read_toc(drive, packet);
        break;
    case READ_SUBCHANNEL:
        memset(drive->buffer, 0, 4);
        drive->buffer[1] = 0x15; // no audio
        reply(drive, 4, load_be16(packet + 7));
        break;
    case MODE_SENSE_10:
        mode_sense(drive, packet);
        break;
    case GET_CONFIGURATION:
        get_configuration(drive, packet);
        break;
    case GET_EVENT_STATUS:
        event_status(drive, packet);
        break;
    case READ_DISC_INFORMATION:
        disc_information(drive, packet);
        break;
    case MECHANISM_STATUS:
        memset(drive->buffer, 0, 8);
        reply(drive, 8, load_be16(packet + 8));
        break;
    default:
        fail(drive, ILLEGAL_REQUEST, INVALID_COMMAND);
    }
}
