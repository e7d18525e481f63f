// SPDX-License-Identifier: MIT
// NOR flash, Intel command set (Common Flash Interface, JESD68; commands as in the Intel StrataFlash data
// sheets). Chips side by side get the same commands; the lower one's byte decides. Programming and erasing take no time.
//
// Contents are guest memory. What changed is written to the drive in the background, one request at a time,
// page by page from a bitmap, so a guest that programs in a loop cannot pile up requests.
#include "hw/block/pflash-cfi01.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/block.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum flash_command {
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_BUFFER = 0xe8,
    CMD_CONFIRM = 0xd0,
    CMD_READ_ARRAY = 0xff,
};

enum flash_status {
    STATUS_PROTECTED = 0x02,
    STATUS_PROGRAM_ERROR = 0x10,
    STATUS_ERASE_ERROR = 0x20,
    STATUS_SEQUENCE_ERROR = 0x30,
    STATUS_READY = 0x80,
};

// What the next write means, when it is not a command.
enum flash_phase {
    PHASE_COMMAND,
    PHASE_PROGRAM,
    PHASE_ERASE,
    PHASE_LOCK,
    PHASE_COUNT,
    PHASE_DATA,
    PHASE_CONFIRM
};

enum {
    BUFFER_LOG2 = 11, // of one chip
    MAX_CHIPS = 2,
    QUERY_BYTES = 0x52,
    MANUFACTURER = 0x89,
    DEVICE_CODE = 0x18,
    DIRTY_PAGE = 4096,
};

struct pflash {
    struct device device;
    const char *region_name;
    uint64_t base, size, ram_offset;
    unsigned width, chips; // bytes of a word of the bank; chips that share it
    uint32_t block_bytes, buffer_bytes;
    bool ready_shows; // PC firmware knows flash by a status of 0 between CLEAR STATUS and the next operation
    struct block_backend *drive;
    struct mem_region *region;
    uint8_t *contents;
    uint8_t query[QUERY_BYTES];
    struct block_request write;
    struct iovec write_vector;
    bool write_busy;

    uint8_t command; // what reads show: CMD_READ_ARRAY, _STATUS, _ID, or _QUERY
    uint8_t phase, status;
    uint32_t words_left; // of a buffered write
    uint64_t buffer_base;
    uint8_t buffer[MAX_CHIPS << BUFFER_LOG2];
    uint64_t *dirty; // a bit for each page that the drive does not have yet
    uint32_t dirty_words;
};

static void write_back_next(struct pflash *flash);

static void write_back_done(struct block_request *request, int result)
{
    struct pflash *flash = CONTAINER_OF(request, struct pflash, write);
    flash->write_busy = false;
    if (result)
        fprintf(stderr, "lyrebird: cannot write flash contents of '%s': %s\n", flash->region_name,
                strerror(-result));
    write_back_next(flash);
}

static void write_back_next(struct pflash *flash)
{
    if (!flash->drive || flash->drive->readonly || flash->write_busy)
        return;
    for (uint32_t w = 0; w < flash->dirty_words; w++) {
        if (!flash->dirty[w])
            continue;
        uint64_t offset = (w * 64 + (uint64_t)ctz64(flash->dirty[w])) * DIRTY_PAGE;
        flash->dirty[w] &= flash->dirty[w] - 1;
        flash->write_vector = (struct iovec){flash->contents + offset, DIRTY_PAGE};
        flash->write = (struct block_request){.op = BLOCK_WRITE,
                                              .offset = offset,
                                              .length = DIRTY_PAGE,
                                              .vector = &flash->write_vector,
                                              .vector_count = 1,
                                              .done = write_back_done};
        flash->write_busy = true;
        block_submit(flash->drive, &flash->write);
        return;
    }
}

static void contents_changed(struct pflash *flash, uint64_t offset, uint64_t length)
{
    guest_ram_wrote(flash->device.machine->ram, flash->ram_offset + offset, length);
    for (uint64_t page = offset / DIRTY_PAGE; page <= (offset + length - 1) / DIRTY_PAGE; page++)
        flash->dirty[page / 64] |= BIT64(page % 64);
    write_back_next(flash);
}

static bool protected(const struct pflash *flash)
{
    return flash->drive && flash->drive->readonly;
}

// Programming turns ones into zeroes, never back.
static void program(struct pflash *flash, uint64_t offset, const uint8_t *data, uint64_t length)
{
    if (protected(flash)) {
        flash->status |= STATUS_READY | STATUS_PROGRAM_ERROR | STATUS_PROTECTED;
        return;
    }
    flash->status |= STATUS_READY;
    for (uint64_t i = 0; i < length; i++)
        flash->contents[offset + i] &= data[i];
    contents_changed(flash, offset, length);
}

static void erase(struct pflash *flash, uint64_t offset)
{
    if (protected(flash)) {
        flash->status |= STATUS_READY | STATUS_ERASE_ERROR | STATUS_PROTECTED;
        return;
    }
    flash->status |= STATUS_READY;
    uint64_t block = offset - offset % flash->block_bytes;
    memset(flash->contents + block, 0xff, flash->block_bytes);
    contents_changed(flash, block, flash->block_bytes);
}

static void show(struct pflash *flash, enum flash_command what)
{
    flash->command = (uint8_t)what;
    memory_map_set_direct_read(flash->device.machine->map, flash->region, what == CMD_READ_ARRAY);
}

// What a chip shows at a word of a block.
static uint8_t chip_shows(const struct pflash *flash, uint64_t index)
{
    switch (flash->command) {
    case CMD_READ_ID:
        return index == 0 ? MANUFACTURER : index == 1 ? DEVICE_CODE : 0;
    case CMD_QUERY:
        return index < QUERY_BYTES ? flash->query[index] : 0;
    default:
        return flash->status;
    }
}

static uint64_t pflash_read(void *opaque, struct mmio_access access)
{
    struct pflash *flash = opaque;
    if (flash->command == CMD_READ_ARRAY)
        return load_le(flash->contents + access.offset, access.size);
    uint64_t value = 0;
    for (unsigned i = 0; i < access.size; i++) {
        uint64_t in_block = (access.offset + i) % flash->block_bytes;
        if (in_block % (flash->width / flash->chips) == 0) // the low byte of a chip's word; the high one is 0
            value |= (uint64_t)chip_shows(flash, in_block / flash->width) << (i * 8);
    }
    return value;
}

static void bad_sequence(struct pflash *flash, uint64_t offset, uint64_t value)
{
    log_printf(LOG_GUEST_ERRORS, "flash: unexpected 0x%x at 0x%llx\n", (unsigned)value,
               (unsigned long long)offset);
    flash->status |= STATUS_SEQUENCE_ERROR;
    flash->phase = PHASE_COMMAND;
}

static void write_command(struct pflash *flash, uint64_t offset, uint8_t command)
{
    switch (command) {
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        flash->phase = PHASE_PROGRAM;
        show(flash, CMD_READ_STATUS);
        break;
    case CMD_ERASE:
        flash->phase = PHASE_ERASE;
        show(flash, CMD_READ_STATUS);
        break;
    case CMD_LOCK:
        flash->phase = PHASE_LOCK;
        show(flash, CMD_READ_STATUS);
        break;
    case CMD_BUFFER:
        flash->phase = PHASE_COUNT;
        show(flash, CMD_READ_STATUS);
        break;
    case CMD_CLEAR_STATUS:
        flash->status = flash->ready_shows ? STATUS_READY : 0;
        break;
    case CMD_READ_STATUS:
    case CMD_READ_ID:
    case CMD_QUERY:
        show(flash, (enum flash_command)command);
        break;
    case CMD_READ_ARRAY:
    case 0xf0: // drivers that try the other command set first
    case 0x00:
        show(flash, CMD_READ_ARRAY);
        break;
    default:
        log_printf(LOG_GUEST_ERRORS, "flash: unknown command 0x%02x at 0x%llx\n", command,
                   (unsigned long long)offset);
        show(flash, CMD_READ_ARRAY);
    }
}

static void start_buffer(struct pflash *flash, uint64_t offset, uint64_t value)
{
    flash->words_left = (uint32_t)(value & 0xffff) + 1;
    flash->buffer_base = offset - offset % flash->buffer_bytes;
    memset(flash->buffer, 0xff, sizeof(flash->buffer));
    if (flash->words_left > flash->buffer_bytes / flash->width)
        bad_sequence(flash, offset, value);
    else
        flash->phase = PHASE_DATA;
}

static void fill_buffer(struct pflash *flash, uint64_t offset, unsigned size, uint64_t value)
{
    if (offset - offset % flash->buffer_bytes != flash->buffer_base) {
        bad_sequence(flash, offset, value);
        return;
    }
    store_le(flash->buffer + offset % flash->buffer_bytes, size, value);
    if (--flash->words_left == 0)
        flash->phase = PHASE_CONFIRM;
}

static void pflash_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct pflash *flash = opaque;
    uint64_t offset = access.offset;
    uint8_t raw[8], low = (uint8_t)value;
    switch (flash->phase) {
    case PHASE_COMMAND:
        write_command(flash, offset, low);
        return;
    case PHASE_PROGRAM:
        store_le64(raw, value);
        program(flash, offset, raw, access.size);
        flash->phase = PHASE_COMMAND;
        return;
    case PHASE_COUNT:
        start_buffer(flash, offset, value);
        return;
    case PHASE_DATA:
        fill_buffer(flash, offset, access.size, value);
        return;
    }
    if (low != CMD_CONFIRM && !(flash->phase == PHASE_LOCK && low == 0x01)) {
        if (low == CMD_READ_ARRAY) {
            flash->phase = PHASE_COMMAND;
            show(flash, CMD_READ_ARRAY);
        } else {
            bad_sequence(flash, offset, value);
        }
        return;
    }
    if (flash->phase == PHASE_ERASE)
        erase(flash, offset);
    else if (flash->phase == PHASE_CONFIRM)
        program(flash, flash->buffer_base, flash->buffer, flash->buffer_bytes); // ones where nothing was written
    flash->phase = PHASE_COMMAND;
}

static const struct mmio_ops pflash_ops = {pflash_read, pflash_write, 1, 4, false};

static void fill_query(struct pflash *flash)
{
    uint64_t blocks = flash->size / flash->block_bytes, chip_block = flash->block_bytes / flash->chips;
    uint8_t *q = flash->query;
    memcpy(q + 0x10, "QRY", 3);
    q[0x13] = 0x01; // Intel command set
    q[0x15] = 0x31; // where its table is
    q[0x1b] = 0x45; // supply voltage, 4.5 to 5.5 V
    q[0x1c] = 0x55;
    q[0x1f] = 0x07; // typical times: word and buffer programming 128 us, block erase 1 s
    q[0x20] = 0x07;
    q[0x21] = 0x0a;
    q[0x23] = 0x04; // at most 16 times that
    q[0x24] = 0x04;
    q[0x25] = 0x04;
    q[0x27] = (uint8_t)(64 - clz64(flash->size / flash->chips - 1)); // size of one chip
    q[0x28] = flash->width == 1 ? 0x00 : 0x02;                        // 8 bits wide; 8 or 16
    q[0x2a] = BUFFER_LOG2;
    q[0x2c] = 1; // one region of equal blocks
    store_le16(q + 0x2d, (uint16_t)(blocks - 1));
    store_le16(q + 0x2f, (uint16_t)(chip_block / 256));
    memcpy(q + 0x31, "PRI10", 5);
}

void pflash_wire(struct device *device, enum pflash_kind kind, const char *region_name, uint64_t base, uint64_t size,
                 struct block_backend *drive)
{
    struct pflash *flash = (struct pflash *)device;
    flash->width = kind == PFLASH_8_BITS ? 1 : 4;
    flash->chips = kind == PFLASH_8_BITS ? 1 : 2;
    flash->block_bytes = kind == PFLASH_8_BITS ? PFLASH_SMALL_BLOCK_BYTES : PFLASH_BLOCK_BYTES;
    flash->ready_shows = kind != PFLASH_8_BITS;
    flash->buffer_bytes = flash->chips << BUFFER_LOG2;
    assert(size && size % flash->block_bytes == 0 && size / flash->block_bytes <= 65536);
    flash->region_name = region_name;
    flash->base = base;
    flash->size = size;
    flash->drive = drive;
}

uint64_t pflash_ram_offset(const struct device *device)
{
    return ((const struct pflash *)device)->ram_offset;
}

static void load_done(struct block_request *request, int result)
{
    (void)request;
    (void)result; // block_drain leaves it in the request
}

static int load_contents(struct pflash *flash, struct error *error)
{
    struct block_backend *drive = flash->drive;
    const char *id = drive->id ? drive->id : flash->region_name;
    if (drive->user)
        return error_set(error, EBUSY, "drive '%s' is used by another device", id);
    if (drive->size > flash->size || (drive->size < flash->size && !drive->readonly))
        return error_set(error, EINVAL, "flash image '%s' has %llu bytes, the flash bank %llu; %s", id,
                         (unsigned long long)drive->size, (unsigned long long)flash->size,
                         drive->size > flash->size ? "it does not fit" : "pad it, or make it read-only");
    struct iovec vector = {flash->contents, drive->size};
    struct block_request read = {
        .op = BLOCK_READ, .length = drive->size, .vector = &vector, .vector_count = 1, .done = load_done};
    block_submit(drive, &read);
    block_drain(drive);
    if (read.result)
        return error_set(error, -read.result, "cannot read flash image '%s': %s", id, strerror(-read.result));
    drive->user = flash;
    return 0;
}

static int pflash_realize(struct device *device, struct error *error)
{
    struct pflash *flash = (struct pflash *)device;
    struct machine *machine = device->machine;
    int result = guest_ram_carve(machine->ram, flash->size, &flash->ram_offset, error);
    if (result)
        return result;
    flash->contents = machine->ram->host + flash->ram_offset;
    if (flash->drive && (result = load_contents(flash, error)))
        return result;
    struct mem_region_desc desc = {.name = flash->region_name,
                                   .base = flash->base,
                                   .size = flash->size,
                                   .kind = MEM_ROM_DEVICE,
                                   .ram_offset = flash->ram_offset,
                                   .ops = &pflash_ops,
                                   .opaque = flash};
    flash->region = memory_map_add(machine->map, desc, error);
    if (!flash->region)
        return -EINVAL;
    fill_query(flash);
    flash->dirty_words = (uint32_t)((flash->size / DIRTY_PAGE + 63) / 64);
    flash->dirty = ALLOC_ARRAY(uint64_t, flash->dirty_words);
    return 0;
}

static void pflash_unrealize(struct device *device)
{
    struct pflash *flash = (struct pflash *)device;
    // Each completion starts the next write, and a drain ends when there is nothing more.
    block_drain(flash->drive);
    if (flash->drive)
        flash->drive->user = NULL;
    memory_map_remove(device->machine->map, flash->region);
    free(flash->dirty);
}

static void pflash_reset(struct device *device)
{
    struct pflash *flash = (struct pflash *)device;
    flash->phase = PHASE_COMMAND;
    flash->status = STATUS_READY;
    show(flash, CMD_READ_ARRAY);
}

static void pflash_state_loaded(struct device *device)
{
    struct pflash *flash = (struct pflash *)device;
    show(flash, (enum flash_command)flash->command);
    write_back_next(flash);
}

static const struct state_field pflash_state[] = {
    STATE_FIELD(pflash, U8, command),
    STATE_FIELD(pflash, U8, phase),
    STATE_FIELD(pflash, U8, status),
    STATE_FIELD(pflash, U32, words_left),
    STATE_FIELD(pflash, U64, buffer_base),
    STATE_ARRAY(pflash, U8, buffer),
    STATE_POINTER(pflash, U64, dirty, dirty_words),
    STATE_END,
};

const struct device_type pflash_cfi01_type = {
    .name = "cfi.pflash01",
    .help = "NOR flash with the Intel command set",
    .instance_size = sizeof(struct pflash),
    .state = pflash_state,
    .realize = pflash_realize,
    .unrealize = pflash_unrealize,
    .reset = pflash_reset,
    .state_loaded = pflash_state_loaded,
};
