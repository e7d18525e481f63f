// SPDX-License-Identifier: MIT
// Floppy controller: registers, phases and the device.
#include "hw/block/fdc.h"

#include <errno.h>
#include <string.h>

#include "hw/block/fdc-internal.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { FDC_PORT = 0x3f0, DIR_CCR_PORT = 0x3f7 };
enum { SRA, SRB, DOR, TDR, MSR_DSR, FIFO };
enum { DOR_SELECT = 0x03, DOR_NOT_RESET = 0x04, DOR_DMA_GATE = 0x08 };
enum { MSR_RQM = 0x80, MSR_DIO = 0x40, MSR_NON_DMA = 0x20, MSR_BUSY = 0x10 };
enum { DSR_RESET = 0x80, RATE_MASK = 0x03, RATE_250K = 2, DIR_CHANGED = 0x80 };
enum { SRA_INTERRUPT = 0x80, SRA_NOT_DRIVE2 = 0x40 };

// The usual ones first.
enum { USUAL_FORMATS = 2 };
static const struct fdc_format formats[] = {
    {2, 80, 18, 0, FDC_DRIVE_1440K}, {2, 80, 36, 3, FDC_DRIVE_2880K}, {2, 80, 15, 0, FDC_DRIVE_1200K},
    {2, 80, 9, 2, FDC_DRIVE_720K},   {2, 40, 9, 2, FDC_DRIVE_360K},   {2, 80, 20, 0, FDC_DRIVE_1440K},
    {2, 80, 21, 0, FDC_DRIVE_1440K}, {2, 82, 21, 0, FDC_DRIVE_1440K}, {2, 83, 21, 0, FDC_DRIVE_1440K},
    {2, 80, 10, 2, FDC_DRIVE_720K},  {2, 40, 8, 2, FDC_DRIVE_360K},   {1, 40, 9, 2, FDC_DRIVE_360K},
    {1, 40, 8, 2, FDC_DRIVE_360K},
};

struct fdc_drive *fdc_drive_at(struct fdc *fdc, unsigned number)
{
    return number < FDC_DRIVES && fdc->drives[number].there ? &fdc->drives[number] : NULL;
}

void fdc_set_irq(struct fdc *fdc, bool level)
{
    fdc->irq_level = level;
    irq_set(&fdc->irq, level && (fdc->dor & DOR_DMA_GATE));
}

void fdc_results(struct fdc *fdc, const uint8_t *bytes, unsigned count)
{
    memcpy(fdc->result, bytes, count);
    fdc->result_count = (uint8_t)count;
    fdc->result_position = 0;
    fdc->phase = FDC_RESULT;
}

void fdc_data_results(struct fdc *fdc, const uint8_t *bytes, unsigned count)
{
    fdc_results(fdc, bytes, count);
    fdc_set_irq(fdc, false);
    fdc_set_irq(fdc, true);
}

void fdc_seek_end(struct fdc *fdc, uint8_t st0)
{
    fdc->phase = FDC_COMMAND;
    fdc->st0 = st0;
    fdc->interrupt = true;
    fdc_set_irq(fdc, false);
    fdc_set_irq(fdc, true);
}

void fdc_reset_config(struct fdc *fdc)
{
    fdc->configure[0] = 0;
    fdc->configure[1] = 0x20; // FIFO off
    fdc->configure[2] = 0;
}

static void software_reset(struct fdc *fdc)
{
    // A request in flight finds the phase changed when it comes back, and that must be before the next
    // begins.
    fdc->phase = FDC_COMMAND;
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        block_drain(fdc->drives[i].block);
    fdc->command_count = fdc->command_length = 0;
    fdc->interrupt = false;
    fdc->reset_senses = 0;
    if (!fdc->lock)
        fdc_reset_config(fdc);
    fdc_set_irq(fdc, false);
}

static void leave_reset(struct fdc *fdc)
{
    fdc->reset_senses = 4;
    fdc_set_irq(fdc, true);
}

static uint8_t main_status(const struct fdc *fdc)
{
    static const uint8_t phases[] = {
        [FDC_COMMAND] = MSR_RQM,
        [FDC_BUSY] = MSR_BUSY,
        [FDC_DATA_IN] = MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_BUSY,
        [FDC_DATA_OUT] = MSR_RQM | MSR_NON_DMA | MSR_BUSY,
        [FDC_RESULT] = MSR_RQM | MSR_DIO | MSR_BUSY,
    };
    if (!(fdc->dor & DOR_NOT_RESET))
        return 0;
    return phases[fdc->phase] | (fdc->command_count ? MSR_BUSY : 0);
}

static uint8_t read_fifo(struct fdc *fdc)
{
    if (fdc->phase == FDC_DATA_IN)
        return fdc_pio_read(fdc);
    if (fdc->phase != FDC_RESULT || !(fdc->dor & DOR_NOT_RESET)) {
        log_printf(LOG_GUEST_ERRORS, "fdc: data is read when there is none\n");
        return 0;
    }
    fdc_set_irq(fdc, false);
    uint8_t byte = fdc->result[fdc->result_position++];
    if (fdc->result_position == fdc->result_count)
        fdc->phase = FDC_COMMAND;
    return byte;
}

static void write_fifo(struct fdc *fdc, uint8_t byte)
{
    if (fdc->phase == FDC_DATA_OUT) {
        fdc_pio_write(fdc, byte);
        return;
    }
    if (fdc->phase != FDC_COMMAND || !(fdc->dor & DOR_NOT_RESET)) {
        log_printf(LOG_GUEST_ERRORS, "fdc: a command is written when none is expected\n");
        return;
    }
    if (!fdc->command_count)
        fdc->command_length = (uint8_t)fdc_command_length(byte);
    fdc->command[fdc->command_count++] = byte;
    if (fdc->command_count < fdc->command_length)
        return;
    fdc->command_count = 0;
    fdc_run_command(fdc);
}

static void write_dor(struct fdc *fdc, uint8_t value)
{
    uint8_t changed = fdc->dor ^ value;
    fdc->dor = value;
    if ((changed & DOR_NOT_RESET) && (value & DOR_NOT_RESET))
        leave_reset(fdc);
    else if (changed & DOR_NOT_RESET)
        software_reset(fdc);
    fdc_set_irq(fdc, fdc->irq_level); // the gate may have changed
}

static uint64_t fdc_read(void *opaque, struct mmio_access access)
{
    struct fdc *fdc = opaque;
    switch (access.offset) {
    case SRA:
        return (fdc->irq_level ? SRA_INTERRUPT : 0) | (fdc->drives[1].there ? 0 : SRA_NOT_DRIVE2);
    case SRB:
        return 0xc0 | (fdc->dor >> 4 & 3) | (fdc->dor & 1 ? 0x20 : 0);
    case DOR:
        return fdc->dor;
    case TDR:
        return fdc->tdr;
    case MSR_DSR:
        return main_status(fdc);
    default:
        return read_fifo(fdc);
    }
}

static void fdc_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct fdc *fdc = opaque;
    switch (access.offset) {
    case DOR:
        write_dor(fdc, (uint8_t)value);
        break;
    case TDR:
        fdc->tdr = value & 3;
        break;
    case MSR_DSR:
        fdc->rate = value & RATE_MASK;
        if (value & DSR_RESET) { // a pulse
            software_reset(fdc);
            leave_reset(fdc);
        }
        break;
    case FIFO:
        write_fifo(fdc, (uint8_t)value);
        break;
    }
}

static uint64_t dir_read(void *opaque, struct mmio_access access)
{
    (void)access;
    struct fdc *fdc = opaque;
    const struct fdc_drive *drive = fdc_drive_at(fdc, fdc->dor & DOR_SELECT);
    return drive && drive->changed ? DIR_CHANGED : 0;
}

static void ccr_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    ((struct fdc *)opaque)->rate = value & RATE_MASK;
}

static const struct mmio_ops fdc_ops = {fdc_read, fdc_write, 1, 1, false};
static const struct mmio_ops dir_ops = {dir_read, ccr_write, 1, 1, false};
static const struct port_range fdc_ports[] = {{FDC_PORT, 6, &fdc_ops}, {DIR_CCR_PORT, 1, &dir_ops}};

void fdc_wire(struct device *device, struct memory_map *io, struct irq_line irq, struct isa_dma dma)
{
    struct fdc *fdc = (struct fdc *)device;
    fdc->io = io;
    fdc->irq = irq;
    fdc->dma = dma;
}

void fdc_connect(struct device *device, unsigned drive, struct block_backend *block)
{
    struct fdc_drive *place = &((struct fdc *)device)->drives[drive];
    place->there = true;
    place->block = block;
}

enum fdc_drive_type fdc_drive_type(const struct device *device, unsigned drive)
{
    const struct fdc_drive *place = &((const struct fdc *)device)->drives[drive];
    if (!place->there)
        return FDC_DRIVE_NONE;
    return place->format ? place->format->drive : FDC_DRIVE_2880K;
}

static uint64_t format_bytes(const struct fdc_format *format)
{
    return (uint64_t)format->heads * format->tracks * format->sectors * FDC_SECTOR_BYTES;
}

// The one of just this size, else the smaller of the two usual ones that are large enough; NULL: neither is.
static const struct fdc_format *find_format(uint64_t bytes)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (bytes == format_bytes(&formats[i]))
            return &formats[i];
    for (size_t i = 0; i < USUAL_FORMATS; i++)
        if (bytes < format_bytes(&formats[i]))
            return &formats[i];
    return NULL;
}

static int claim(struct fdc *fdc, struct fdc_drive *drive, struct error *error)
{
    struct block_backend *block = drive->block;
    if (!block)
        return 0;
    drive->there = true;
    drive->format = find_format(block->size);
    const char *name = block->id ? block->id : "";
    if (!drive->format)
        return error_set(error, EINVAL, "device 'isa-fdc': drive '%s' has %llu bytes, more than any floppy disk", name,
                         (unsigned long long)block->size);
    if (block->user)
        return error_set(error, EBUSY, "device 'isa-fdc': drive '%s' is used by another device", name);
    block->user = fdc;
    return 0;
}

static void release(struct fdc *fdc)
{
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        if (fdc->drives[i].block && fdc->drives[i].block->user == fdc) {
            block_drain(fdc->drives[i].block);
            fdc->drives[i].block->user = NULL;
        }
}

static int fdc_realize(struct device *device, struct error *error)
{
    struct fdc *fdc = (struct fdc *)device;
    int result = 0;
    for (unsigned i = 0; i < FDC_DRIVES && !result; i++)
        result = claim(fdc, &fdc->drives[i], error);
    if (!result)
        result = port_set_map(&fdc->ports, fdc->io, "isa-fdc", fdc_ports, ARRAY_SIZE(fdc_ports), fdc, error);
    if (result)
        release(fdc);
    return result;
}

static void fdc_unrealize(struct device *device)
{
    struct fdc *fdc = (struct fdc *)device;
    release(fdc);
    port_set_unmap(&fdc->ports);
}

static void fdc_reset(struct device *device)
{
    struct fdc *fdc = (struct fdc *)device;
    fdc->lock = false;
    fdc->dor = DOR_NOT_RESET | DOR_DMA_GATE;
    software_reset(fdc);
    fdc->tdr = fdc->perpendicular = fdc->eot = 0;
    fdc->rate = RATE_250K;
    memset(fdc->specify, 0, sizeof(fdc->specify));
    memset(&fdc->transfer, 0, sizeof(fdc->transfer));
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        fdc->drives[i].track = 0;
        fdc->drives[i].changed = true;
    }
}

// A data command that was under way has to be given again.
static void fdc_state_loaded(struct device *device)
{
    struct fdc *fdc = (struct fdc *)device;
    bool sane = fdc->phase <= FDC_RESULT && fdc->command_count < FDC_COMMAND_BYTES &&
                fdc->command_length <= FDC_COMMAND_BYTES && fdc->result_count <= FDC_RESULT_BYTES &&
                fdc->result_position < FDC_RESULT_BYTES && fdc->reset_senses <= 4;
    if (!sane || (fdc->phase != FDC_COMMAND && fdc->phase != FDC_RESULT))
        software_reset(fdc);
    fdc_set_irq(fdc, fdc->irq_level);
}

static const struct property fdc_properties[] = {
    {"driveA", PROPERTY_DRIVE, offsetof(struct fdc, drives[0].block), NULL, "image in the first drive", NULL},
    {"driveB", PROPERTY_DRIVE, offsetof(struct fdc, drives[1].block), NULL, "image in the second drive",
     NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field drive_state[] = {STATE_FIELD(fdc_drive, U8, track),
                                                 STATE_FIELD(fdc_drive, BOOL, changed), STATE_END};

static const struct state_field fdc_state[] = {
    STATE_STRUCTS(fdc, drives, drive_state),
    STATE_FIELD(fdc, U8, dor),
    STATE_FIELD(fdc, U8, tdr),
    STATE_FIELD(fdc, U8, rate),
    STATE_FIELD(fdc, U8, phase),
    STATE_ARRAY(fdc, U8, specify),
    STATE_ARRAY(fdc, U8, configure),
    STATE_FIELD(fdc, U8, perpendicular),
    STATE_FIELD(fdc, U8, eot),
    STATE_FIELD(fdc, BOOL, lock),
    STATE_ARRAY(fdc, U8, command),
    STATE_ARRAY(fdc, U8, result),
    STATE_FIELD(fdc, U8, command_count),
    STATE_FIELD(fdc, U8, command_length),
    STATE_FIELD(fdc, U8, result_count),
    STATE_FIELD(fdc, U8, result_position),
    STATE_FIELD(fdc, U8, st0),
    STATE_FIELD(fdc, BOOL, interrupt),
    STATE_FIELD(fdc, U8, reset_senses),
    STATE_FIELD(fdc, BOOL, irq_level),
    STATE_END,
};

const struct device_type fdc_type = {
    .name = "isa-fdc",
    .help = "floppy disk controller (82077AA)",
    .instance_size = sizeof(struct fdc),
    .properties = fdc_properties,
    .state = fdc_state,
    .realize = fdc_realize,
    .unrealize = fdc_unrealize,
    .reset = fdc_reset,
    .state_loaded = fdc_state_loaded,
};
