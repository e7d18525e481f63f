// SPDX-License-Identifier: MIT
// What the parts of the floppy controller share.
#pragma once

#include "hw/block/fdc.h"
#include "hw/core/block.h"
#include "hw/core/port-set.h"

enum { FDC_SECTOR_BYTES = 512, FDC_SECTOR_CODE = 2, FDC_MAX_SECTORS = 36 };
enum { FDC_BUFFER_BYTES = FDC_MAX_SECTORS * FDC_SECTOR_BYTES, FDC_COMMAND_BYTES = 9, FDC_RESULT_BYTES = 10 };

enum fdc_phase {
    FDC_COMMAND,
    FDC_BUSY,     // the image is being read or written
    FDC_DATA_IN,  // without DMA: the guest reads the buffer
    FDC_DATA_OUT, // without DMA: the guest fills the buffer
    FDC_RESULT,
};

// Status registers.
enum {
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_READY_CHANGED = 0xc0,
    ST0_SEEK_END = 0x20,
    ST0_EQUIPMENT = 0x10,
    ST0_NOT_READY = 0x08,
};
enum {
    ST1_NO_ID = 0x01,
    ST1_PROTECTED = 0x02,
    ST1_NO_DATA = 0x04,
    ST1_OVERRUN = 0x10,
    ST1_DATA_ERROR = 0x20,
    ST1_END_OF_CYLINDER = 0x80
};
enum { ST3_TWO_SIDES = 0x08, ST3_TRACK0 = 0x10, ST3_READY = 0x20, ST3_PROTECTED = 0x40 };

struct fdc_format {
    uint8_t heads, tracks, sectors;
    uint8_t rate; // as the rate select bits
    enum fdc_drive_type drive;
};

struct fdc_drive {
    bool there;
    struct block_backend *block;     // the disk; NULL: none
    const struct fdc_format *format; // the disk's; NULL: there is none
    uint8_t track;                   // where the head is
    bool changed;                    // the disk-change line
};

// What a data command moves; one side of one cylinder at a time.
struct fdc_transfer {
    uint8_t drive, cylinder, head, sector, last_sector;
    bool write, verify, format, multi_track, beyond; // beyond: there are fewer sectors than was asked for
    bool ended;                                      // terminal count has come
    uint8_t fill;
    uint32_t length, position; // of the buffer
};

struct fdc {
    struct device device;
    struct memory_map *io;
    struct irq_line irq;
    struct isa_dma dma;
    struct port_set ports;
    struct fdc_drive drives[FDC_DRIVES];

    uint8_t dor, tdr, rate, phase;
    uint8_t specify[2], configure[3], perpendicular, eot; // configure: as the command has them
    bool lock;
    uint8_t command[FDC_COMMAND_BYTES], result[FDC_RESULT_BYTES];
    uint8_t command_count, command_length, result_count, result_position;
    uint8_t st0;          // for SENSE INTERRUPT STATUS
    bool interrupt;       // that it is to tell of
    uint8_t reset_senses; // drives whose change of readiness after a reset is still to be told
    bool irq_level;
    struct fdc_transfer transfer;

    uint8_t buffer[FDC_BUFFER_BYTES];
    struct block_request request;
    struct iovec vector;
};

// The drive that the command's second byte names, NULL: there is none.
struct fdc_drive *fdc_drive_at(struct fdc *fdc, unsigned number);
void fdc_set_irq(struct fdc *fdc, bool level);
// Ends a command: with these result bytes, with an interrupt that they explain, or with one that SENSE
// INTERRUPT STATUS explains.
void fdc_results(struct fdc *fdc, const uint8_t *bytes, unsigned count);
void fdc_data_results(struct fdc *fdc, const uint8_t *bytes, unsigned count);
void fdc_seek_end(struct fdc *fdc, uint8_t st0);
void fdc_reset_config(struct fdc *fdc);

// fdc-command.c: runs what is in `command`. The length of a command from its first byte.
unsigned fdc_command_length(uint8_t first);
void fdc_run_command(struct fdc *fdc);
// fdc-transfer.c
void fdc_start_transfer(struct fdc *fdc, bool write, bool verify, bool whole_track);
void fdc_start_format(struct fdc *fdc);
void fdc_read_id(struct fdc *fdc);
uint8_t fdc_pio_read(struct fdc *fdc);
void fdc_pio_write(struct fdc *fdc, uint8_t byte);
