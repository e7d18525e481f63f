// SPDX-License-Identifier: MIT
// Between the files of the ATA drive.
#pragma once

#include "hw/ide/ata.h"
#include "tcg/base/bits.h"

enum ata_transfer { ATA_READ_PIO, ATA_WRITE_PIO, ATA_READ_DMA, ATA_WRITE_DMA, ATA_VERIFY };

static inline struct ata_drive *ata_drive_of(struct block_request *request)
{
    return CONTAINER_OF(request, struct ata_drive, request);
}

// Ends the command and interrupts.
void ata_finish(struct ata_drive *drive);
void ata_abort(struct ata_drive *drive, uint8_t error);
void ata_set_interrupt(struct ata_drive *drive, bool level);

// ata-transfer.c: moves the sectors that the task file names, `block_sectors` of them a PIO block; 0 aborts the command.
void ata_start_transfer(struct ata_drive *drive, enum ata_transfer kind, bool extended, unsigned block_sectors);
// Presents `bytes` of the buffer from `position` on to the host, with an interrupt.
void ata_offer_block(struct ata_drive *drive, enum ata_phase phase, uint32_t bytes);
// Waits for memory.
void ata_want_dma(struct ata_drive *drive, bool to_host, bool buffered);
// Moves bytes between the disk and the buffer; `done` says how it went.
void ata_submit(struct ata_drive *drive, enum block_op op, uint64_t offset, const struct iovec *vector,
                unsigned count, uint64_t bytes, void (*done)(struct block_request *request, int result));

// atapi.c: the packet is in the buffer.
void atapi_execute(struct ata_drive *drive);
// The host took the block.
void atapi_block_taken(struct ata_drive *drive);
void atapi_read_failed(struct ata_drive *drive);
// Ends the command with its interrupt reason.
void atapi_finish(struct ata_drive *drive);
