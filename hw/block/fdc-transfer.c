// SPDX-License-Identifier: MIT
// Floppy controller: data commands. The sectors asked for on one side of a cylinder are one request to the
// image; their bytes go through the buffer, by DMA at once or by the guest's reads and writes of the data
// port.
#include <string.h>

#include "hw/block/fdc-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { SPECIFY_NO_DMA = 0x01, MULTI_TRACK = 0x80, ID_BYTES = 4 };

static bool uses_dma(const struct fdc *fdc)
{
    return !(fdc->specify[1] & SPECIFY_NO_DMA);
}

static void finish(struct fdc *fdc, uint8_t st0, uint8_t st1)
{
    const struct fdc_transfer *t = &fdc->transfer;
    fdc->st0 = (uint8_t)(st0 | t->head << 2 | t->drive);
    uint8_t results[7] = {fdc->st0, st1, 0, t->cylinder, t->head, t->sector, FDC_SECTOR_CODE};
    fdc_data_results(fdc, results, sizeof(results));
}

static void fail(struct fdc *fdc, uint8_t st1)
{
    finish(fdc, ST0_ABNORMAL, st1);
}

// What keeps a disk in this drive from being read or written: bits of ST1; 0 for nothing.
static uint8_t obstacle(const struct fdc *fdc, const struct fdc_drive *drive, bool write)
{
    if (!drive || !drive->format || drive->format->rate != fdc->rate)
        return ST1_NO_ID;
    return write && drive->block->readonly ? ST1_PROTECTED : 0;
}

static uint64_t image_offset(const struct fdc *fdc, uint8_t sector)
{
    const struct fdc_transfer *t = &fdc->transfer;
    const struct fdc_format *format = fdc->drives[t->drive].format;
    uint64_t track = (uint64_t)t->cylinder * format->heads + t->head;
    return (track * format->sectors + sector - 1) * FDC_SECTOR_BYTES;
}

static void request_done(struct block_request *request, int result);

// What is read beyond a short image's end is zeroes.
static void submit(struct fdc *fdc, uint8_t sector, uint32_t length)
{
    struct block_backend *block = fdc->drives[fdc->transfer.drive].block;
    uint64_t offset = image_offset(fdc, sector);
    if (!fdc->transfer.write) {
        offset = offset < block->size ? offset : block->size;
        uint32_t there = block->size - offset < length ? (uint32_t)(block->size - offset) : length;
        memset(fdc->buffer + there, 0, length - there);
        length = there;
    }
    fdc->phase = FDC_BUSY;
    fdc->vector = (struct iovec){fdc->buffer, length};
    fdc->request = (struct block_request){
        .op = fdc->transfer.write ? BLOCK_WRITE : BLOCK_READ,
        .offset = offset,
        .length = length,
        .vector = &fdc->vector,
        .vector_count = 1,
        .done = request_done,
    };
    block_submit(block, &fdc->request);
}

// Goes on to the sector after those that have been moved, as the result bytes show it.
static void step_sectors(struct fdc *fdc, uint32_t bytes)
{
    struct fdc_transfer *t = &fdc->transfer;
    t->sector = (uint8_t)(t->sector + (bytes + FDC_SECTOR_BYTES - 1) / FDC_SECTOR_BYTES);
    if (t->sector <= t->last_sector)
        return;
    t->sector = 1;
    if (!t->multi_track || t->head)
        t->cylinder++;
    if (t->multi_track)
        t->head ^= 1;
}

static void start_side(struct fdc *fdc);

// All bytes of this side have been moved.
static void side_done(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    bool second = t->multi_track && t->head == 0 && fdc->drives[t->drive].format->heads == 2 && !t->beyond;
    step_sectors(fdc, t->position);
    if (t->ended || t->verify)
        finish(fdc, 0, 0);
    else if (second)
        start_side(fdc);
    else
        fail(fdc, t->beyond ? ST1_NO_DATA : ST1_END_OF_CYLINDER);
}

// Moves the buffer's bytes from or to memory; true when there is something to go on with.
static bool move_by_dma(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    t->position = (uint32_t)fdc->dma.transfer(fdc->dma.opaque, FDC_DMA_CHANNEL, !t->write, fdc->buffer,
                                              t->length, &t->ended);
    if (t->position == t->length || t->ended)
        return true;
    fail(fdc, ST1_OVERRUN);
    return false;
}

static void wait_for_guest(struct fdc *fdc, enum fdc_phase phase)
{
    fdc->phase = (uint8_t)phase;
    fdc->transfer.position = 0;
    fdc_set_irq(fdc, true);
}

static void write_buffer(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    // The rest of a sector that was not filled is written as zeroes.
    uint32_t length = (uint32_t)round_up(t->position, FDC_SECTOR_BYTES);
    memset(fdc->buffer + t->position, 0, length - t->position);
    submit(fdc, t->sector, length);
}

static void format_track(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    uint8_t sectors = fdc->drives[t->drive].format->sectors;
    for (uint32_t i = 0; i < t->length; i += ID_BYTES) {
        const uint8_t *id = fdc->buffer + i;
        if (id[0] != t->cylinder || id[2] < 1 || id[2] > sectors || id[3] != FDC_SECTOR_CODE) {
            log_printf(LOG_GUEST_ERRORS, "fdc: a disk image keeps its format\n");
            fail(fdc, ST1_NO_DATA);
            return;
        }
    }
    memset(fdc->buffer, t->fill, (size_t)sectors * FDC_SECTOR_BYTES);
    submit(fdc, 1, (uint32_t)sectors * FDC_SECTOR_BYTES);
}

static void buffer_filled(struct fdc *fdc)
{
    if (fdc->transfer.format)
        format_track(fdc);
    else
        write_buffer(fdc);
}

static void request_done(struct block_request *request, int result)
{
    struct fdc *fdc = CONTAINER_OF(request, struct fdc, request);
    struct fdc_transfer *t = &fdc->transfer;
    if (fdc->phase != FDC_BUSY) // a reset came between
        return;
    if (result)
        fail(fdc, ST1_DATA_ERROR);
    else if (t->format)
        finish(fdc, 0, 0);
    else if (t->write || t->verify)
        side_done(fdc);
    else if (!uses_dma(fdc))
        wait_for_guest(fdc, FDC_DATA_IN);
    else if (move_by_dma(fdc))
        side_done(fdc);
}

static void collect(struct fdc *fdc)
{
    if (!uses_dma(fdc))
        wait_for_guest(fdc, FDC_DATA_OUT);
    else if (move_by_dma(fdc))
        buffer_filled(fdc);
}

static void start_side(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct fdc_format *format = fdc->drives[t->drive].format;
    uint8_t last = t->last_sector < t->sector ? t->sector : t->last_sector;
    t->beyond = last > format->sectors;
    last = t->beyond ? format->sectors : last;
    if (t->cylinder >= format->tracks || t->head >= format->heads || t->sector < 1 || t->sector > last) {
        fail(fdc, ST1_NO_DATA);
        return;
    }
    t->length = (uint32_t)(last - t->sector + 1) * FDC_SECTOR_BYTES;
    t->position = t->verify ? t->length : 0;
    if (t->write)
        collect(fdc);
    else
        submit(fdc, t->sector, t->length);
}

void fdc_start_transfer(struct fdc *fdc, bool write, bool verify, bool whole_track)
{
    const uint8_t *command = fdc->command;
    unsigned number = command[1] & 3;
    struct fdc_drive *drive = fdc_drive_at(fdc, number);
    fdc->eot = command[6];
    fdc->transfer = (struct fdc_transfer){
        .drive = (uint8_t)number,
        .cylinder = command[2],
        .head = command[3] & 1,
        .sector = whole_track ? 1 : command[4],
        .last_sector = command[6],
        .write = write,
        .verify = verify,
        .multi_track = (command[0] & MULTI_TRACK) && !whole_track,
    };
    uint8_t wrong = obstacle(fdc, drive, write);
    if (!wrong && (command[5] != FDC_SECTOR_CODE || command[3] > 1))
        wrong = ST1_NO_DATA;
    if (wrong) {
        fail(fdc, wrong);
        return;
    }
    drive->track = command[2];
    start_side(fdc);
}

void fdc_start_format(struct fdc *fdc)
{
    const uint8_t *command = fdc->command;
    unsigned number = command[1] & 3;
    const struct fdc_drive *drive = fdc_drive_at(fdc, number);
    fdc->transfer = (struct fdc_transfer){
        .drive = (uint8_t)number,
        .cylinder = drive ? drive->track : 0,
        .head = command[1] >> 2 & 1,
        .sector = 1,
        .write = true,
        .format = true,
        .fill = command[5],
        .length = (uint32_t)command[3] * ID_BYTES,
    };
    const struct fdc_transfer *t = &fdc->transfer;
    uint8_t wrong = obstacle(fdc, drive, true);
    // Another number of sectors would not fit the image.
    if (!wrong && (command[2] != FDC_SECTOR_CODE || command[3] != drive->format->sectors ||
                   t->cylinder >= drive->format->tracks || t->head >= drive->format->heads))
        wrong = ST1_NO_DATA;
    if (wrong)
        fail(fdc, wrong);
    else
        collect(fdc);
}

void fdc_read_id(struct fdc *fdc)
{
    unsigned number = fdc->command[1] & 3;
    const struct fdc_drive *drive = fdc_drive_at(fdc, number);
    struct fdc_transfer *t = &fdc->transfer;
    uint8_t wrong = obstacle(fdc, drive, false);
    uint8_t last = t->sector;
    *t = (struct fdc_transfer){
        .drive = (uint8_t)number, .cylinder = drive ? drive->track : 0, .head = fdc->command[1] >> 2 & 1};
    if (!wrong && (t->cylinder >= drive->format->tracks || t->head >= drive->format->heads))
        wrong = ST1_NO_ID;
    // The next sector comes by.
    t->sector = wrong ? 1 : (uint8_t)(last % drive->format->sectors + 1);
    if (wrong)
        fail(fdc, wrong);
    else
        finish(fdc, 0, 0);
}

// Each byte has its interrupt.
static void next_byte(struct fdc *fdc)
{
    fdc_set_irq(fdc, false);
    fdc->transfer.position++;
    if (fdc->transfer.position < fdc->transfer.length)
        fdc_set_irq(fdc, true);
}

uint8_t fdc_pio_read(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    uint8_t byte = fdc->buffer[t->position];
    next_byte(fdc);
    if (t->position == t->length)
        side_done(fdc);
    return byte;
}

void fdc_pio_write(struct fdc *fdc, uint8_t byte)
{
    struct fdc_transfer *t = &fdc->transfer;
    fdc->buffer[t->position] = byte;
    next_byte(fdc);
    if (t->position == t->length)
        buffer_filled(fdc);
}
