// SPDX-License-Identifier: MIT
#include "hw/dma/i8237.h"

#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { FIRST_PORT = 0x00, SECOND_PORT = 0xc0, PAGE_PORT = 0x80, PAGES = 16, CHANNELS = 4, CASCADE = 4 };
enum {
    STATUS_COMMAND = 0x8,
    REQUEST = 0x9,
    SINGLE_MASK = 0xa,
    MODE = 0xb,
    CLEAR_FLIP_FLOP = 0xc,
    MASTER_CLEAR = 0xd,
    CLEAR_MASK = 0xe,
    WRITE_MASK = 0xf,
};
enum { COMMAND_DISABLE = 0x04 };
enum {
    MODE_TRANSFER = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_TO_MEMORY = 0x04,
    MODE_FROM_MEMORY = 0x08,
    MODE_AUTO = 0x10,
    MODE_DECREMENT = 0x20
};

struct i8237_channel {
    uint16_t base_address, base_count, address, count;
    uint8_t mode;
};

struct i8237_chip {
    struct i8237_channel channels[CHANNELS];
    uint8_t command, mask, done; // a bit a channel
    bool high_byte;              // the flip-flop
};

struct i8237 {
    struct device device;
    struct memory_map *io;
    struct port_set ports;
    struct i8237_chip chips[2];
    uint8_t pages[PAGES];
};

// Which page register belongs to a channel.
static const uint8_t page_index[2 * CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

static uint8_t chip_read(struct i8237_chip *chip, unsigned index)
{
    if (index < 2 * CHANNELS) {
        const struct i8237_channel *channel = &chip->channels[index / 2];
        uint16_t value = index & 1 ? channel->count : channel->address;
        bool high = chip->high_byte;
        chip->high_byte = !high;
        return (uint8_t)(high ? value >> 8 : value);
    }
    if (index == WRITE_MASK)
        return chip->mask | 0xf0;
    if (index != STATUS_COMMAND)
        return 0;
    uint8_t value = chip->done;
    chip->done = 0;
    return value;
}

static void write_half(uint16_t *base, uint16_t *current, bool high, uint8_t value)
{
    *base = (uint16_t)(high ? (*base & 0x00ff) | value << 8 : (*base & 0xff00) | value);
    *current = *base;
}

static void chip_reset(struct i8237_chip *chip)
{
    chip->command = chip->done = 0;
    chip->mask = 0xf;
    chip->high_byte = false;
}

static void chip_write(struct i8237_chip *chip, unsigned index, uint8_t value)
{
    uint8_t bit = (uint8_t)(1 << (value & 3));
    if (index < 2 * CHANNELS) {
        struct i8237_channel *channel = &chip->channels[index / 2];
        if (index & 1)
            write_half(&channel->base_count, &channel->count, chip->high_byte, value);
        else
            write_half(&channel->base_address, &channel->address, chip->high_byte, value);
        chip->high_byte = !chip->high_byte;
        return;
    }
    switch (index) {
    case STATUS_COMMAND:
        chip->command = value;
        break;
    case REQUEST:
        log_printf(LOG_UNIMP, "i8237: requests by software are not there\n");
        break;
    case SINGLE_MASK:
        chip->mask = (uint8_t)(value & 4 ? chip->mask | bit : chip->mask & ~bit);
        break;
    case MODE:
        chip->channels[value & 3].mode = value & 0xfc;
        break;
    case CLEAR_FLIP_FLOP:
        chip->high_byte = false;
        break;
    case MASTER_CLEAR:
        chip_reset(chip);
        break;
    case CLEAR_MASK:
        chip->mask = 0;
        break;
    case WRITE_MASK:
        chip->mask = value & 0xf;
        break;
    }
}

static uint64_t first_read(void *opaque, struct mmio_access access)
{
    return chip_read(&((struct i8237 *)opaque)->chips[0], (unsigned)access.offset);
}

static void first_write(void *opaque, struct mmio_access access, uint64_t value)
{
    chip_write(&((struct i8237 *)opaque)->chips[0], (unsigned)access.offset, (uint8_t)value);
}

// The second chip's registers are two ports apart.
static uint64_t second_read(void *opaque, struct mmio_access access)
{
    return chip_read(&((struct i8237 *)opaque)->chips[1], (unsigned)access.offset / 2);
}

static void second_write(void *opaque, struct mmio_access access, uint64_t value)
{
    chip_write(&((struct i8237 *)opaque)->chips[1], (unsigned)access.offset / 2, (uint8_t)value);
}

static uint64_t page_read(void *opaque, struct mmio_access access)
{
    return ((struct i8237 *)opaque)->pages[access.offset];
}

static void page_write(void *opaque, struct mmio_access access, uint64_t value)
{
    ((struct i8237 *)opaque)->pages[access.offset] = (uint8_t)value;
}

static const struct mmio_ops first_ops = {first_read, first_write, 1, 1, false};
static const struct mmio_ops second_ops = {second_read, second_write, 1, 1, false};
static const struct mmio_ops page_ops = {page_read, page_write, 1, 1, false};
static const struct port_range i8237_ports[] = {
    {FIRST_PORT, 16, &first_ops}, {SECOND_PORT, 32, &second_ops}, {PAGE_PORT, PAGES, &page_ops}};

// Moves one run of bytes that neither wraps nor passes the count. False: it is not in memory.
static bool move_run(struct memory_map *map, uint64_t gpa, uint8_t transfer, void *data, size_t length)
{
    if (transfer == MODE_TO_MEMORY)
        return dma_write(map, gpa, data, length);
    return transfer == MODE_VERIFY || dma_read(map, gpa, data, length);
}

static void end_of_count(struct i8237_chip *chip, unsigned index)
{
    struct i8237_channel *channel = &chip->channels[index];
    chip->done |= (uint8_t)(1 << index);
    if (!(channel->mode & MODE_AUTO)) {
        chip->mask |= (uint8_t)(1 << index);
        return;
    }
    channel->address = channel->base_address;
    channel->count = channel->base_count;
}

static size_t dma_transfer(void *opaque, unsigned number, bool to_memory, void *data, size_t length,
                           bool *terminal_count)
{
    struct i8237 *dma = opaque;
    struct i8237_chip *chip = &dma->chips[number / CHANNELS];
    unsigned index = number % CHANNELS, unit = number < CASCADE ? 1 : 2;
    struct i8237_channel *channel = &chip->channels[index];
    uint8_t transfer = channel->mode & MODE_TRANSFER;
    uint8_t *bytes = data;
    size_t done = 0;
    *terminal_count = false;
    bool direction = transfer == MODE_VERIFY || transfer == (to_memory ? MODE_TO_MEMORY : MODE_FROM_MEMORY);
    if ((chip->mask >> index & 1) || (chip->command & COMMAND_DISABLE) || !direction)
        return 0;
    while (length - done >= unit && !*terminal_count) {
        // Downwards, one at a time; else as far as address, count and data go.
        size_t units = (length - done) / unit;
        if (channel->mode & MODE_DECREMENT)
            units = 1;
        if (units > channel->count + 1u)
            units = channel->count + 1u;
        if (units > 0x10000u - channel->address)
            units = 0x10000u - channel->address;
        uint64_t page = dma->pages[page_index[number]];
        uint64_t gpa =
            unit == 1 ? page << 16 | channel->address : (page & 0xfe) << 16 | (uint64_t)channel->address << 1;
        if (!move_run(dma->device.machine->map, gpa, transfer, bytes + done, units * unit))
            log_printf(LOG_GUEST_ERRORS, "i8237: channel %u is set up for 0x%llx, which is not memory\n",
                       number, (unsigned long long)gpa);
        size_t step = channel->mode & MODE_DECREMENT ? SIZE_MAX : units;
        channel->address = (uint16_t)(channel->address + step);
        *terminal_count = units == channel->count + 1u;
        channel->count = (uint16_t)(channel->count - units);
        done += units * unit;
    }
    if (*terminal_count)
        end_of_count(chip, index);
    return done;
}

struct isa_dma i8237_dma(struct device *device)
{
    return (struct isa_dma){dma_transfer, device};
}

void i8237_wire(struct device *device, struct memory_map *io)
{
    ((struct i8237 *)device)->io = io;
}

static int i8237_realize(struct device *device, struct error *error)
{
    struct i8237 *dma = (struct i8237 *)device;
    return port_set_map(&dma->ports, dma->io, "i8237", i8237_ports, ARRAY_SIZE(i8237_ports), dma, error);
}

static void i8237_unrealize(struct device *device)
{
    port_set_unmap(&((struct i8237 *)device)->ports);
}

static void i8237_reset(struct device *device)
{
    struct i8237 *dma = (struct i8237 *)device;
    for (unsigned i = 0; i < 2; i++)
        chip_reset(&dma->chips[i]);
}

static const struct state_field channel_state[] = {
    STATE_FIELD(i8237_channel, U16, base_address), STATE_FIELD(i8237_channel, U16, base_count),
    STATE_FIELD(i8237_channel, U16, address),      STATE_FIELD(i8237_channel, U16, count),
    STATE_FIELD(i8237_channel, U8, mode),          STATE_END,
};

static const struct state_field chip_state[] = {
    STATE_STRUCTS(i8237_chip, channels, channel_state),
    STATE_FIELD(i8237_chip, U8, command),
    STATE_FIELD(i8237_chip, U8, mask),
    STATE_FIELD(i8237_chip, U8, done),
    STATE_FIELD(i8237_chip, BOOL, high_byte),
    STATE_END,
};

static const struct state_field i8237_state[] = {STATE_STRUCTS(i8237, chips, chip_state),
                                                 STATE_ARRAY(i8237, U8, pages), STATE_END};

const struct device_type i8237_type = {
    .name = "i8237",
    .help = "pair of 8237A DMA controllers",
    .instance_size = sizeof(struct i8237),
    .state = i8237_state,
    .realize = i8237_realize,
    .unrealize = i8237_unrealize,
    .reset = i8237_reset,
};
