// SPDX-License-Identifier: MIT
// ATA disks and ATAPI CD-ROM drives (ATA/ATAPI-8 ACS, MMC-5), apart from what they are plugged into. The host
// adapter writes the task file, moves data by PIO or hands memory over for DMA, and is told of interrupts.
//
// PIO: while the status has DRQ, `buffer` from `position` to `block_end` is the data of this block. DMA: the
// drive says dma_ready when a command waits for memory; the host answers with ata_dma_go when its engine is
// started.
//
// Device lock held in all calls. Every register may hold anything: sectors are checked against the disk's
// size, and no transfer is longer than a command's 65536 sectors.
#pragma once

#include <sys/uio.h>

#include "hw/core/block.h"
#include "hw/core/device.h"

enum { ATA_SECTOR = 512, ATAPI_SECTOR = 2048, ATA_BUFFER_BYTES = 64 << 10, ATA_MULTIPLE_MAX = 16 };

enum ata_status_bit {
    ATA_ERR = 1 << 0,
    ATA_DRQ = 1 << 3,
    ATA_DSC = 1 << 4,
    ATA_DF = 1 << 5,
    ATA_DRDY = 1 << 6,
    ATA_BSY = 1 << 7,
};

enum ata_error_bit { ATA_ABRT = 1 << 2, ATA_IDNF = 1 << 4, ATA_UNC = 1 << 6 };

// Task file registers by their port offsets.
enum ata_register {
    ATA_DATA,
    ATA_FEATURE,
    ATA_COUNT,
    ATA_LBA_LOW,
    ATA_LBA_MID,
    ATA_LBA_HIGH,
    ATA_DEVICE,
    ATA_COMMAND
};

enum { ATA_DEVICE_SECOND = 1 << 4, ATA_DEVICE_LBA = 1 << 6 };

enum ata_phase {
    ATA_IDLE,
    ATA_BUSY,     // a request is with the backend
    ATA_PIO_IN,   // data for the host
    ATA_PIO_OUT,  // data from the host
    ATA_PACKET,   // the command packet from the host
    ATA_DMA_WAIT, // for memory
};

struct ata_host_ops {
    void (*interrupt)(void *opaque, bool level);
    void (*dma_ready)(void *opaque);
    void (*dma_done)(void *opaque); // before the interrupt
};

struct ata_drive {
    struct machine *machine;
    struct block_backend *block; // NULL: a CD-ROM drive without a disc
    bool packet;                 // a CD-ROM drive
    const char *serial, *model;
    const struct ata_host_ops *host;
    void *host_opaque;
    struct block_request request;
    struct iovec vector;

    // Task file; [1] is what was written before, which 48-bit commands use.
    uint8_t feature[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    uint8_t device, status, error;
    uint8_t multiple;  // sectors of a block of READ and WRITE MULTIPLE
    uint8_t dma_mode;  // as SET FEATURES set it
    uint8_t phase;     // enum ata_phase
    bool interrupt;    // what the host was told last
    bool extended;     // the command uses 48-bit addresses
    bool dma_to_host;  // direction
    bool dma_buffered; // the data are in the buffer rather than on the disk
    bool packet_dma;   // the packet asked for DMA
    bool packet_data;  // the data are a packet command's
    bool write;        // the command's data go to the disk
    bool smart;
    uint8_t block_sectors;
    uint64_t sector; // next one
    uint32_t left;   // sectors still to be moved
    uint32_t position, block_end, buffer_end;
    uint32_t byte_limit; // of a block of a packet command
    uint8_t sense_key, sense_code, sense_qualifier;
    bool locked; // the disc
    uint8_t buffer[ATA_BUFFER_BYTES];
};

extern const struct state_field ata_state[];

void ata_reset(struct ata_drive *drive); // by power or the reset line
void ata_soft_reset(struct ata_drive *drive);
// Task file registers but data; ATA_COMMAND starts a command.
void ata_write(struct ata_drive *drive, enum ata_register reg, uint8_t value);
uint8_t ata_read(struct ata_drive *drive, enum ata_register reg, bool previous);
// Acknowledges the interrupt, as reading the status register does.
void ata_take_interrupt(struct ata_drive *drive);
// A PIO block has been moved up to `position`; goes on when that is its end.
void ata_pio_moved(struct ata_drive *drive);
// Bytes that the command that waits for memory wants to move.
uint32_t ata_dma_bytes(const struct ata_drive *drive);
// The memory, at least as much as wanted; less fails the command. The vector must stay until dma_done.
void ata_dma_go(struct ata_drive *drive, const struct iovec *vector, unsigned count, uint64_t bytes);

// IDENTIFY (PACKET) DEVICE.
void ata_identify(const struct ata_drive *drive, uint8_t data[ATA_SECTOR]);
uint64_t ata_sectors(const struct ata_drive *drive); // of 512 bytes
