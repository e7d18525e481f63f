// SPDX-License-Identifier: MIT
// Floppy controller: which commands there are, and those that move no data.
#include "hw/block/fdc-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum {
    CONFIGURE_POLL_OFF = 0x10,
    VERSION_82077 = 0x90,

    LOCK_BIT = 0x80,
    DIRECTION_IN = 0x40
};

static void reply(struct fdc *fdc, uint8_t byte)
{
    fdc_results(fdc, &byte, 1);
}

static void read_data(struct fdc *fdc)
{
    fdc_start_transfer(fdc, false, false, false);
}

static void write_data(struct fdc *fdc)
{
    fdc_start_transfer(fdc, true, false, false);
}

static void read_track(struct fdc *fdc)
{
    fdc_start_transfer(fdc, false, false, true);
}

static void verify(struct fdc *fdc)
{
    fdc_start_transfer(fdc, false, true, false);
}

static void move_head(struct fdc *fdc, int track)
{
    uint8_t select = fdc->command[1] & 7;
    struct fdc_drive *drive = fdc_drive_at(fdc, select & 3);
    if (!drive) { // track 0 never shows
        bool recalibrate = fdc->command[0] == 0x07;
        fdc_seek_end(fdc,
                     (uint8_t)(ST0_SEEK_END | select | (recalibrate ? ST0_ABNORMAL | ST0_EQUIPMENT : 0)));
        return;
    }
    drive->track = (uint8_t)(track < 0 ? 0 : track > 255 ? 255 : track);
    drive->changed = !drive->block; // a step with a disk in the drive ends it
    fdc_seek_end(fdc, ST0_SEEK_END | select);
}

static void recalibrate(struct fdc *fdc)
{
    move_head(fdc, 0);
}

static void seek(struct fdc *fdc)
{
    move_head(fdc, fdc->command[2]);
}

static void relative_seek(struct fdc *fdc)
{
    const struct fdc_drive *drive = fdc_drive_at(fdc, fdc->command[1] & 3);
    int steps = fdc->command[0] & DIRECTION_IN ? fdc->command[2] : -(int)fdc->command[2];
    move_head(fdc, (drive ? drive->track : 0) + steps);
}

static void sense_interrupt(struct fdc *fdc)
{
    if (fdc->reset_senses) {
        uint8_t drive = (uint8_t)(4 - fdc->reset_senses--);
        const struct fdc_drive *there = fdc_drive_at(fdc, drive);
        fdc_results(fdc, (uint8_t[]){ST0_READY_CHANGED | drive, there ? there->track : 0}, 2);
    } else if (fdc->interrupt) {
        const struct fdc_drive *drive = fdc_drive_at(fdc, fdc->st0 & 3);
        fdc_results(fdc, (uint8_t[]){fdc->st0, drive ? drive->track : 0}, 2);
    } else {
        reply(fdc, ST0_INVALID);
    }
    fdc->interrupt = false;
    fdc_set_irq(fdc, false);
}

static void specify(struct fdc *fdc)
{
    fdc->specify[0] = fdc->command[1];
    fdc->specify[1] = fdc->command[2];
    fdc->phase = FDC_COMMAND;
}

static void sense_drive(struct fdc *fdc)
{
    uint8_t select = fdc->command[1] & 7;
    const struct fdc_drive *drive = fdc_drive_at(fdc, select & 3);
    reply(fdc, (uint8_t)(select | ST3_TWO_SIDES | ST3_READY | (drive && !drive->track ? ST3_TRACK0 : 0) |
                         (drive && drive->block && drive->block->readonly ? ST3_PROTECTED : 0)));
}

static void configure(struct fdc *fdc)
{
    for (unsigned i = 0; i < 3; i++)
        fdc->configure[i] = fdc->command[1 + i];
    fdc->phase = FDC_COMMAND;
}

static void perpendicular(struct fdc *fdc)
{
    // The drive bits change only with the overwrite bit.
    uint8_t drives = fdc->command[1] & 0x80 ? fdc->command[1] & 0x3c : fdc->perpendicular & 0x3c;
    fdc->perpendicular = (uint8_t)(drives | (fdc->command[1] & 3));
    fdc->phase = FDC_COMMAND;
}

static void dump_registers(struct fdc *fdc)
{
    uint8_t bytes[10] = {
        fdc->drives[0].track,
        fdc->drives[1].track,
        0,
        0,
        fdc->specify[0],
        fdc->specify[1],
        fdc->eot,
        (uint8_t)((fdc->lock ? LOCK_BIT : 0) | fdc->perpendicular),
        fdc->configure[1],
        fdc->configure[2],
    };
    fdc_results(fdc, bytes, sizeof(bytes));
}

static void lock(struct fdc *fdc)
{
    fdc->lock = fdc->command[0] & LOCK_BIT;
    reply(fdc, fdc->lock ? 0x10 : 0);
}

static void version(struct fdc *fdc)
{
    reply(fdc, VERSION_82077);
}

static void invalid(struct fdc *fdc)
{
    log_printf(LOG_GUEST_ERRORS, "fdc: unknown command 0x%02x\n", fdc->command[0]);
    reply(fdc, ST0_INVALID);
}

static const struct fdc_command {
    uint8_t mask, value, length;
    void (*run)(struct fdc *fdc);
} commands[] = {
    {0x1f, 0x06, 9, read_data},        {0x3f, 0x05, 9, write_data},    {0x1f, 0x0c, 9, read_data},
    {0x3f, 0x09, 9, write_data},       {0x9f, 0x02, 9, read_track},    {0x1f, 0x16, 9, verify},
    {0xbf, 0x0d, 6, fdc_start_format}, {0xff, 0x07, 2, recalibrate},   {0xff, 0x08, 1, sense_interrupt},
    {0xff, 0x03, 3, specify},          {0xff, 0x04, 2, sense_drive},   {0xff, 0x0f, 3, seek},
    {0xbf, 0x8f, 3, relative_seek},    {0xff, 0x13, 4, configure},     {0xff, 0x0e, 1, dump_registers},
    {0xbf, 0x0a, 2, fdc_read_id},      {0xff, 0x12, 2, perpendicular}, {0x7f, 0x14, 1, lock},
    {0xff, 0x10, 1, version},          {0x00, 0x00, 1, invalid},
};

static const struct fdc_command *find(uint8_t first)
{
    const struct fdc_command *command = commands;
    while ((first & command->mask) != command->value)
        command++;
    return command;
}

unsigned fdc_command_length(uint8_t first)
{
    return find(first)->length;
}

void fdc_run_command(struct fdc *fdc)
{
    find(fdc->command[0])->run(fdc);
}
