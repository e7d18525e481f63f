// SPDX-License-Identifier: MIT
// PL061.
#include "hw/gpio/pl061.h"

#include <assert.h>
#include <errno.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum pl061_register {
    GPIODATA_LAST = 0x3fc, // address bits 9:2 mask the data lines
    GPIODIR = 0x400,
    GPIOIS = 0x404,  // 1: level sensitive
    GPIOIBE = 0x408, // both edges
    GPIOIEV = 0x40c, // rising edge, or high level
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOMIS = 0x418,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420,
    GPIOIDREGS = 0xfe0,
};

enum { REGISTERS_SIZE = 0x1000 };

struct pl061 {
    struct device device;
    uint64_t base;
    struct irq_line irq, outputs[PL061_LINES];
    struct mem_region *region;

    uint8_t direction, output, input; // input: levels that others drive
    uint8_t sense, both, event, enable, edges, alternate;
};

// The lines as anybody sees them: inputs as driven from outside, outputs as written.
static uint8_t lines(const struct pl061 *gpio)
{
    return (uint8_t)((gpio->output & gpio->direction) | (gpio->input & ~gpio->direction));
}

static uint8_t raw_status(const struct pl061 *gpio)
{
    uint8_t level = (uint8_t) ~(lines(gpio) ^ gpio->event);
    return (uint8_t)((level & gpio->sense) | (gpio->edges & ~gpio->sense));
}

static void update_irq(struct pl061 *gpio)
{
    irq_set(&gpio->irq, raw_status(gpio) & gpio->enable);
}

static void drive_outputs(struct pl061 *gpio)
{
    for (unsigned i = 0; i < PL061_LINES; i++)
        if (gpio->direction >> i & 1)
            irq_set(&gpio->outputs[i], gpio->output >> i & 1);
}

// Notes edges between the lines as they were and as they are.
static void lines_changed(struct pl061 *gpio, uint8_t before)
{
    uint8_t now = lines(gpio), changed = now ^ before;
    gpio->edges |= changed & ~gpio->sense & (gpio->both | (uint8_t) ~(now ^ gpio->event));
    update_irq(gpio);
}

static void input_set(void *opaque, unsigned line, bool level)
{
    struct pl061 *gpio = opaque;
    uint8_t before = lines(gpio);
    gpio->input = (uint8_t)deposit32(gpio->input, line, 1, level);
    lines_changed(gpio, before);
}

struct irq_line pl061_input(struct device *device, unsigned line)
{
    assert(line < PL061_LINES);
    return (struct irq_line){input_set, device, line};
}

void pl061_connect_output(struct device *device, unsigned line, struct irq_line to)
{
    assert(line < PL061_LINES);
    ((struct pl061 *)device)->outputs[line] = to;
}

static uint64_t pl061_read(void *opaque, struct mmio_access access)
{
    struct pl061 *gpio = opaque;
    static const uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (access.offset <= GPIODATA_LAST)
        return lines(gpio) & (access.offset >> 2);
    if (access.offset >= GPIOIDREGS)
        return ids[(access.offset - GPIOIDREGS) / 4];
    switch (access.offset) {
    case GPIODIR:
        return gpio->direction;
    case GPIOIS:
        return gpio->sense;
    case GPIOIBE:
        return gpio->both;
    case GPIOIEV:
        return gpio->event;
    case GPIOIE:
        return gpio->enable;
    case GPIORIS:
        return raw_status(gpio);
    case GPIOMIS:
        return raw_status(gpio) & gpio->enable;
    case GPIOAFSEL:
        return gpio->alternate;
    }
    log_printf(LOG_GUEST_ERRORS, "pl061: read of register 0x%x\n", (unsigned)access.offset);
    return 0;
}

static void pl061_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct pl061 *gpio = opaque;
    uint8_t value = (uint8_t)wide, before = lines(gpio);
    if (access.offset <= GPIODATA_LAST) {
        uint8_t mask = (uint8_t)(access.offset >> 2) & gpio->direction;
        gpio->output = (uint8_t)((gpio->output & ~mask) | (value & mask));
        drive_outputs(gpio);
        lines_changed(gpio, before);
        return;
    }
    switch (access.offset) {
    case GPIODIR:
        gpio->direction = value;
        drive_outputs(gpio);
        lines_changed(gpio, before);
        return;
    case GPIOIS:
        gpio->sense = value;
        break;
    case GPIOIBE:
        gpio->both = value;
        break;
    case GPIOIEV:
        gpio->event = value;
        break;
    case GPIOIE:
        gpio->enable = value;
        break;
    case GPIOIC:
        gpio->edges &= (uint8_t)~value;
        break;
    case GPIOAFSEL:
        gpio->alternate = value;
        break;
    default:
        log_printf(LOG_GUEST_ERRORS, "pl061: write of register 0x%x\n", (unsigned)access.offset);
        return;
    }
    update_irq(gpio);
}

static const struct mmio_ops pl061_ops = {pl061_read, pl061_write, 4, 4, false};

void pl061_wire(struct device *device, uint64_t base, struct irq_line irq)
{
    struct pl061 *gpio = (struct pl061 *)device;
    gpio->base = base;
    gpio->irq = irq;
}

static int pl061_realize(struct device *device, struct error *error)
{
    struct pl061 *gpio = (struct pl061 *)device;
    struct mem_region_desc desc = {.name = "pl061",
                                   .base = gpio->base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &pl061_ops,
                                   .opaque = gpio};
    gpio->region = memory_map_add(device->machine->map, desc, error);
    return gpio->region ? 0 : -EINVAL;
}

static void pl061_unrealize(struct device *device)
{
    memory_map_remove(device->machine->map, ((struct pl061 *)device)->region);
}

static void pl061_reset(struct device *device)
{
    struct pl061 *gpio = (struct pl061 *)device;
    gpio->direction = gpio->output = gpio->sense = gpio->both = gpio->event = 0;
    gpio->enable = gpio->edges = gpio->alternate = 0;
    update_irq(gpio);
}

static void pl061_state_loaded(struct device *device)
{
    struct pl061 *gpio = (struct pl061 *)device;
    drive_outputs(gpio);
    update_irq(gpio);
}

static const struct state_field pl061_state[] = {
    STATE_FIELD(pl061, U8, direction), STATE_FIELD(pl061, U8, output),
    STATE_FIELD(pl061, U8, input),     STATE_FIELD(pl061, U8, sense),
    STATE_FIELD(pl061, U8, both),      STATE_FIELD(pl061, U8, event),
    STATE_FIELD(pl061, U8, enable),    STATE_FIELD(pl061, U8, edges),
    STATE_FIELD(pl061, U8, alternate), STATE_END,
};

const struct device_type pl061_type = {
    .name = "pl061",
    .help = "Arm PrimeCell GPIO (PL061)",
    .instance_size = sizeof(struct pl061),
    .state = pl061_state,
    .realize = pl061_realize,
    .unrealize = pl061_unrealize,
    .reset = pl061_reset,
    .state_loaded = pl061_state_loaded,
};
