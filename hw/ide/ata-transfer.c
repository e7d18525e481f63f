// SPDX-License-Identifier: MIT
// ATA drives: how a command's data move between disk and host, by PIO through the buffer a block at a time (ATA/ATAPI-8 ACS,
// section 4; the states of ATA8-APT), or by DMA in one request.
#include <string.h>

#include "hw/core/machine.h"
#include "hw/ide/ata-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

void ata_offer_block(struct ata_drive *drive, enum ata_phase phase, uint32_t bytes)
{
    drive->phase = (uint8_t)phase;
    drive->block_end = drive->position + bytes;
    drive->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    // A host that is to send something first is not interrupted: it waits for DRQ.
    if (phase == ATA_PIO_IN)
        ata_set_interrupt(drive, true);
}

void ata_want_dma(struct ata_drive *drive, bool to_host, bool buffered)
{
    drive->phase = ATA_DMA_WAIT;
    drive->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    drive->dma_to_host = to_host;
    drive->dma_buffered = buffered;
    drive->host->dma_ready(drive->host_opaque);
}

void ata_submit(struct ata_drive *drive, enum block_op op, uint64_t offset, const struct iovec *vector,
                unsigned count, uint64_t bytes, void (*done)(struct block_request *request, int result))
{
    drive->phase = ATA_BUSY;
    drive->status = ATA_BSY;
    drive->request = (struct block_request){
        .op = op, .offset = offset, .length = bytes, .vector = vector, .vector_count = count, .done = done};
    block_submit(drive->block, &drive->request);
}

static uint32_t block_bytes(const struct ata_drive *drive)
{
    return (drive->left < drive->block_sectors ? drive->left : drive->block_sectors) * ATA_SECTOR;
}

static void buffer_transfer(struct ata_drive *drive, enum block_op op,
                            void (*done)(struct block_request *request, int result))
{
    uint32_t bytes = block_bytes(drive);
    drive->vector = (struct iovec){drive->buffer, bytes};
    drive->position = 0;
    ata_submit(drive, op, drive->sector * ATA_SECTOR, &drive->vector, 1, bytes, done);
}

static void advance(struct ata_drive *drive)
{
    uint32_t sectors = block_bytes(drive) / ATA_SECTOR;
    drive->sector += sectors;
    drive->left -= sectors;
}

static void pio_read_done(struct block_request *request, int result)
{
    struct ata_drive *drive = ata_drive_of(request);
    if (result) {
        ata_abort(drive, ATA_UNC);
        return;
    }
    uint32_t bytes = block_bytes(drive);
    advance(drive);
    ata_offer_block(drive, ATA_PIO_IN, bytes);
}

static void pio_write_done(struct block_request *request, int result)
{
    struct ata_drive *drive = ata_drive_of(request);
    if (result) {
        ata_abort(drive, ATA_ABRT);
        return;
    }
    advance(drive);
    if (!drive->left) {
        ata_finish(drive);
        return;
    }
    drive->position = 0;
    ata_offer_block(drive, ATA_PIO_OUT, block_bytes(drive));
    ata_set_interrupt(drive, true);
}

void ata_pio_moved(struct ata_drive *drive)
{
    if (drive->position < drive->block_end)
        return;
    if (drive->phase == ATA_PACKET) {
        atapi_execute(drive);
    } else if (drive->phase == ATA_PIO_OUT) {
        buffer_transfer(drive, BLOCK_WRITE, pio_write_done);
    } else if (drive->phase == ATA_PIO_IN && drive->packet_data) {
        atapi_block_taken(drive);
    } else if (drive->phase == ATA_PIO_IN && drive->left) {
        buffer_transfer(drive, BLOCK_READ, pio_read_done);
    } else if (drive->phase == ATA_PIO_IN) {
        drive->phase = ATA_IDLE;
        drive->status = ATA_DRDY | ATA_DSC;
    }
}

uint32_t ata_dma_bytes(const struct ata_drive *drive)
{
    if (drive->phase != ATA_DMA_WAIT)
        return 0;
    return drive->dma_buffered ? drive->buffer_end
                               : drive->left * (drive->packet ? ATAPI_SECTOR : ATA_SECTOR);
}

static void finish_dma(struct ata_drive *drive, bool ok)
{
    drive->host->dma_done(drive->host_opaque);
    if (drive->packet && ok)
        atapi_finish(drive);
    else if (drive->packet)
        atapi_read_failed(drive);
    else if (ok)
        ata_finish(drive);
    else
        ata_abort(drive, ATA_ABRT);
}

static void dma_done(struct block_request *request, int result)
{
    finish_dma(ata_drive_of(request), !result);
}

static void copy_to_host(const uint8_t *data, uint32_t bytes, const struct iovec *vector, unsigned count)
{
    for (unsigned i = 0; i < count && bytes; i++) {
        uint32_t n = vector[i].iov_len < bytes ? (uint32_t)vector[i].iov_len : bytes;
        memcpy(vector[i].iov_base, data, n);
        data += n;
        bytes -= n;
    }
}

void ata_dma_go(struct ata_drive *drive, const struct iovec *vector, unsigned count, uint64_t bytes)
{
    uint32_t wanted = ata_dma_bytes(drive);
    if (drive->phase != ATA_DMA_WAIT)
        return;
    if (bytes < wanted) {
        log_printf(LOG_GUEST_ERRORS, "ata: memory for %llu bytes of a transfer of %u\n",
                   (unsigned long long)bytes, wanted);
        finish_dma(drive, false);
    } else if (drive->dma_buffered) {
        copy_to_host(drive->buffer, wanted, vector, count);
        finish_dma(drive, true);
    } else {
        uint64_t offset = drive->sector * (drive->packet ? ATAPI_SECTOR : ATA_SECTOR);
        drive->left = 0;
        ata_submit(drive, drive->dma_to_host ? BLOCK_READ : BLOCK_WRITE, offset, vector, count, wanted,
                   dma_done);
    }
}

// The sectors a command is about. False: they are not on the disk.
static bool take_range(struct ata_drive *drive, bool extended)
{
    drive->extended = extended;
    if (extended) {
        drive->left = drive->count[0] | (uint32_t)drive->count[1] << 8;
        drive->left = drive->left ? drive->left : 65536;
        drive->sector = drive->lba_low[0] | (uint64_t)drive->lba_mid[0] << 8 |
                        (uint64_t)drive->lba_high[0] << 16 | (uint64_t)drive->lba_low[1] << 24 |
                        (uint64_t)drive->lba_mid[1] << 32 | (uint64_t)drive->lba_high[1] << 40;
    } else {
        drive->left = drive->count[0] ? drive->count[0] : 256;
        drive->sector =
            drive->lba_low[0] | (uint32_t)drive->lba_mid[0] << 8 | (uint32_t)drive->lba_high[0] << 16;
        if (drive->device & ATA_DEVICE_LBA) {
            drive->sector |= (uint32_t)(drive->device & 15) << 24;
        } else {
            // Cylinder, head and sector in the geometry that IDENTIFY tells.
            uint32_t cylinder = drive->lba_mid[0] | (uint32_t)drive->lba_high[0] << 8;
            uint32_t head = drive->device & 15, number = drive->lba_low[0];
            if (!number)
                return false;
            drive->sector = ((uint64_t)cylinder * 16 + head) * 63 + number - 1;
        }
    }
    return range_inside(drive->sector, drive->left, ata_sectors(drive));
}

void ata_start_transfer(struct ata_drive *drive, enum ata_transfer kind, bool extended, unsigned block_sectors)
{
    bool writes = kind == ATA_WRITE_PIO || kind == ATA_WRITE_DMA;
    if (!take_range(drive, extended)) {
        ata_abort(drive, ATA_IDNF);
        return;
    }
    if (!block_sectors || (writes && drive->block->readonly)) {
        ata_abort(drive, ATA_ABRT);
        return;
    }
    drive->block_sectors = (uint8_t)block_sectors;
    drive->position = 0;
    switch (kind) {
    case ATA_READ_PIO:
        buffer_transfer(drive, BLOCK_READ, pio_read_done);
        break;
    case ATA_WRITE_PIO:
        ata_offer_block(drive, ATA_PIO_OUT, block_bytes(drive));
        break;
    case ATA_READ_DMA:
    case ATA_WRITE_DMA:
        ata_want_dma(drive, kind == ATA_READ_DMA, false);
        break;
    case ATA_VERIFY:
        ata_finish(drive);
        break;
    }
}
