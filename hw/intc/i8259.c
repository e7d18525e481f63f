// SPDX-License-Identifier: MIT
// 8259A pair. `irr` of a chip is computed: latched edges, and the lines of level-triggered inputs. The
// cascade input counts as level triggered, so that it follows the second chip's output through every
// acknowledge.
#include <assert.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/intc/i8259-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { FIRST_PORT = 0x20, SECOND_PORT = 0xa0, ELCR_PORT = 0x4d0, SPURIOUS = 7 };

// Initialisation command words.
enum { ICW1_IC4 = 1, ICW1_SNGL = 2, ICW1_INIT = 0x10 };
enum { ICW4_AEOI = 2, ICW4_SFNM = 0x10 };
// What the odd port expects next.
enum { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };
// Operation command words.
enum { OCW2_R = 0x80, OCW2_SL = 0x40, OCW2_EOI = 0x20 };
enum { OCW3 = 0x08, OCW3_ESMM = 0x40, OCW3_SMM = 0x20, OCW3_P = 4, OCW3_RR = 2, OCW3_RIS = 1 };

// Inputs that can be made level triggered: not those of timer, keyboard, cascade, clock and coprocessor.
static const uint8_t elcr_masks[2] = {0xf8, 0xde};

static unsigned chip_index(const struct i8259 *pic, const struct i8259_chip *chip)
{
    return (unsigned)(chip - pic->chips);
}

uint8_t i8259_requests(const struct i8259 *pic, const struct i8259_chip *chip)
{
    uint8_t level = chip->elcr | (chip_index(pic, chip) ? 0 : 1 << I8259_CASCADE);
    return (uint8_t)((chip->line & level) | (chip->latch & ~level));
}

// Place in the order of priorities of the first of `set`, 0 the highest; 8 for none.
static unsigned first_place(const struct i8259_chip *chip, uint8_t set)
{
    unsigned start = (chip->lowest + 1) & 7;
    return set ? ctz32((uint32_t)(set | set << 8) >> start) : 8;
}

static unsigned input_at(const struct i8259_chip *chip, unsigned place)
{
    return (chip->lowest + 1 + place) & 7;
}

int i8259_wanted(const struct i8259 *pic, const struct i8259_chip *chip)
{
    unsigned place = first_place(chip, i8259_requests(pic, chip) & (uint8_t)~chip->imr);
    uint8_t blocking = chip->isr;
    if (chip->special_mask)
        blocking &= (uint8_t)~chip->imr;
    if (chip->fully_nested && chip_index(pic, chip) == 0)
        blocking &= (uint8_t) ~(1 << I8259_CASCADE);
    return place < first_place(chip, blocking) ? (int)input_at(chip, place) : I8259_NONE;
}

static void set_line(struct i8259_chip *chip, unsigned input, bool level)
{
    uint8_t bit = (uint8_t)(1 << input);
    if (level && !(chip->line & bit))
        chip->latch |= bit;
    chip->line = (uint8_t)(level ? chip->line | bit : chip->line & ~bit);
}

static void update(struct i8259 *pic)
{
    set_line(&pic->chips[0], I8259_CASCADE, i8259_wanted(pic, &pic->chips[1]) != I8259_NONE);
    irq_set(&pic->intr, i8259_wanted(pic, &pic->chips[0]) != I8259_NONE);
}

static void take(struct i8259_chip *chip, unsigned input)
{
    chip->latch &= (uint8_t) ~(1 << input);
    if (!chip->auto_eoi)
        chip->isr |= (uint8_t)(1 << input);
    else if (chip->rotate_auto_eoi)
        chip->lowest = (uint8_t)input;
}

static int acknowledge_chip(struct i8259 *pic, struct i8259_chip *chip)
{
    int input = i8259_wanted(pic, chip);
    if (input == I8259_NONE)
        return chip->vector_base + SPURIOUS;
    take(chip, (unsigned)input);
    if (input == I8259_CASCADE && chip == &pic->chips[0])
        return acknowledge_chip(pic, &pic->chips[1]);
    return chip->vector_base + input;
}

int i8259_acknowledge(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    pthread_mutex_lock(&pic->lock);
    int vector = acknowledge_chip(pic, &pic->chips[0]);
    update(pic);
    pthread_mutex_unlock(&pic->lock);
    return vector;
}

static void begin_initialisation(struct i8259_chip *chip, uint8_t icw1)
{
    // The edge sense is cleared: a line that is up must fall before it counts again.
    *chip = (struct i8259_chip){.line = chip->line,
                                .elcr = chip->elcr,
                                .vector_base = chip->vector_base,
                                .icw1 = icw1,
                                .lowest = 7,
                                .expect = EXPECT_ICW2};
}

static void end_of_interrupt(struct i8259_chip *chip, uint8_t command)
{
    unsigned input = command & 7;
    if (!(command & OCW2_SL)) {
        uint8_t served = chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr;
        if (!served)
            return;
        input = input_at(chip, first_place(chip, served));
    }
    chip->isr &= (uint8_t) ~(1 << input);
    if (command & OCW2_R)
        chip->lowest = (uint8_t)input;
}

static void write_ocw2(struct i8259_chip *chip, uint8_t command)
{
    if (command & OCW2_EOI)
        end_of_interrupt(chip, command);
    else if (!(command & OCW2_SL))
        chip->rotate_auto_eoi = command & OCW2_R;
    else if (command & OCW2_R)
        chip->lowest = command & 7;
}

static void write_ocw3(struct i8259_chip *chip, uint8_t command)
{
    if (command & OCW3_ESMM)
        chip->special_mask = command & OCW3_SMM;
    if (command & OCW3_P)
        chip->poll = true;
    else if (command & OCW3_RR)
        chip->read_isr = command & OCW3_RIS;
}

static void write_odd(struct i8259_chip *chip, uint8_t value)
{
    switch (chip->expect) {
    case EXPECT_ICW2:
        chip->vector_base = value & 0xf8;
        chip->expect = chip->icw1 & ICW1_SNGL ? EXPECT_ICW4 : EXPECT_ICW3;
        break;
    case EXPECT_ICW3:
        chip->expect = EXPECT_ICW4;
        break;
    case EXPECT_ICW4:
        chip->auto_eoi = value & ICW4_AEOI;
        chip->fully_nested = value & ICW4_SFNM;
        chip->expect = EXPECT_OCW1;
        break;
    default:
        chip->imr = value;
        return;
    }
    if (chip->expect == EXPECT_ICW4 && !(chip->icw1 & ICW1_IC4))
        chip->expect = EXPECT_OCW1;
}

static void chip_write(struct i8259 *pic, struct i8259_chip *chip, bool odd, uint8_t value)
{
    pthread_mutex_lock(&pic->lock);
    if (odd)
        write_odd(chip, value);
    else if (value & ICW1_INIT)
        begin_initialisation(chip, value);
    else if (value & OCW3)
        write_ocw3(chip, value);
    else
        write_ocw2(chip, value);
    update(pic);
    pthread_mutex_unlock(&pic->lock);
}

// The answer to a poll is an acknowledge cycle of this chip alone.
static uint8_t poll(struct i8259 *pic, struct i8259_chip *chip)
{
    chip->poll = false;
    int input = i8259_wanted(pic, chip);
    if (input == I8259_NONE)
        return 0;
    take(chip, (unsigned)input);
    update(pic);
    return (uint8_t)(0x80 | input);
}

static uint8_t chip_read(struct i8259 *pic, struct i8259_chip *chip, bool odd)
{
    pthread_mutex_lock(&pic->lock);
    uint8_t value = chip->poll       ? poll(pic, chip)
                    : odd            ? chip->imr
                    : chip->read_isr ? chip->isr
                                     : i8259_requests(pic, chip);
    pthread_mutex_unlock(&pic->lock);
    return value;
}

static uint64_t first_read(void *opaque, struct mmio_access access)
{
    struct i8259 *pic = opaque;
    return chip_read(pic, &pic->chips[0], access.offset);
}

static void first_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct i8259 *pic = opaque;
    chip_write(pic, &pic->chips[0], access.offset, (uint8_t)value);
}

static uint64_t second_read(void *opaque, struct mmio_access access)
{
    struct i8259 *pic = opaque;
    return chip_read(pic, &pic->chips[1], access.offset);
}

static void second_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct i8259 *pic = opaque;
    chip_write(pic, &pic->chips[1], access.offset, (uint8_t)value);
}

static uint64_t elcr_read(void *opaque, struct mmio_access access)
{
    struct i8259 *pic = opaque;
    pthread_mutex_lock(&pic->lock);
    uint8_t value = pic->chips[access.offset].elcr;
    pthread_mutex_unlock(&pic->lock);
    return value;
}

static void elcr_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct i8259 *pic = opaque;
    pthread_mutex_lock(&pic->lock);
    pic->chips[access.offset].elcr = (uint8_t)value & elcr_masks[access.offset];
    update(pic);
    pthread_mutex_unlock(&pic->lock);
}

static const struct mmio_ops first_ops = {first_read, first_write, 1, 1, true};
static const struct mmio_ops second_ops = {second_read, second_write, 1, 1, true};
static const struct mmio_ops elcr_ops = {elcr_read, elcr_write, 1, 1, true};

static const struct port_range pic_ports[] = {
    {FIRST_PORT, 2, &first_ops}, {SECOND_PORT, 2, &second_ops}, {ELCR_PORT, 2, &elcr_ops}};

static void input_set(void *opaque, unsigned irq, bool level)
{
    struct i8259 *pic = opaque;
    pthread_mutex_lock(&pic->lock);
    set_line(&pic->chips[irq / 8], irq % 8, level);
    update(pic);
    pthread_mutex_unlock(&pic->lock);
}

struct irq_line i8259_input(struct device *device, unsigned irq)
{
    assert(irq < 16 && irq != I8259_CASCADE);
    return (struct irq_line){((struct i8259 *)device)->input_set, device, irq};
}

void i8259_wire(struct device *device, struct memory_map *io, struct irq_line intr)
{
    struct i8259 *pic = (struct i8259 *)device;
    pic->io = io;
    pic->intr = intr;
}

static void i8259_init(struct device *device)
{
    ((struct i8259 *)device)->input_set = input_set;
}

static int i8259_realize(struct device *device, struct error *error)
{
    struct i8259 *pic = (struct i8259 *)device;
    int result = port_set_map(&pic->ports, pic->io, "pic", pic_ports, ARRAY_SIZE(pic_ports), pic, error);
    if (!result)
        pthread_mutex_init(&pic->lock, NULL);
    return result;
}

static void i8259_unrealize(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    port_set_unmap(&pic->ports);
    pthread_mutex_destroy(&pic->lock);
}

void i8259_reset_registers(struct i8259 *pic)
{
    for (unsigned i = 0; i < 2; i++) // lines belong to the devices that drive them
        pic->chips[i] = (struct i8259_chip){.line = pic->chips[i].line, .lowest = 7};
}

static void i8259_reset(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    pthread_mutex_lock(&pic->lock);
    i8259_reset_registers(pic);
    update(pic);
    pthread_mutex_unlock(&pic->lock);
}

static void i8259_state_loaded(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    pthread_mutex_lock(&pic->lock);
    for (unsigned i = 0; i < 2; i++) {
        pic->chips[i].lowest &= 7;
        pic->chips[i].elcr &= elcr_masks[i];
    }
    update(pic);
    pthread_mutex_unlock(&pic->lock);
}

static const struct state_field chip_state[] = {
    STATE_FIELD(i8259_chip, U8, line),
    STATE_FIELD(i8259_chip, U8, latch),
    STATE_FIELD(i8259_chip, U8, imr),
    STATE_FIELD(i8259_chip, U8, isr),
    STATE_FIELD(i8259_chip, U8, elcr),
    STATE_FIELD(i8259_chip, U8, icw1),
    STATE_FIELD(i8259_chip, U8, vector_base),
    STATE_FIELD(i8259_chip, U8, expect),
    STATE_FIELD(i8259_chip, U8, lowest),
    STATE_FIELD(i8259_chip, BOOL, read_isr),
    STATE_FIELD(i8259_chip, BOOL, poll),
    STATE_FIELD(i8259_chip, BOOL, special_mask),
    STATE_FIELD(i8259_chip, BOOL, auto_eoi),
    STATE_FIELD(i8259_chip, BOOL, rotate_auto_eoi),
    STATE_FIELD(i8259_chip, BOOL, fully_nested),
    STATE_END,
};

const struct state_field i8259_state[] = {STATE_STRUCTS(i8259, chips, chip_state), STATE_END};

const struct device_type i8259_type = {
    .name = "isa-i8259",
    .help = "pair of 8259A interrupt controllers",
    .instance_size = sizeof(struct i8259),
    .state = i8259_state,
    .init = i8259_init,
    .realize = i8259_realize,
    .unrealize = i8259_unrealize,
    .reset = i8259_reset,
    .state_loaded = i8259_state_loaded,
    .print_irq = i8259_print_irq,
};
