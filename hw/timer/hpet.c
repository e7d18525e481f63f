// SPDX-License-Identifier: MIT
#include "hw/timer/hpet.h"

#include <assert.h>
#include <errno.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { TIMERS = 3, REGISTERS_SIZE = 0x400, TICK_NS = HPET_TICK_FS / 1000000 };
enum { CAPABILITIES = 0x000, CONFIGURATION = 0x010, STATUS = 0x020, COUNTER = 0x0f0, TIMER_FIRST = 0x100 };
enum { TIMER_STRIDE = 0x20, TIMER_CONFIGURATION = 0x00, TIMER_COMPARATOR = 0x08 };

// Revision 1, three timers, 64-bit counter, legacy replacement, vendor 8086h.
#define CAPABILITY_BITS (UINT64_C(0x8086a201) | (uint64_t)HPET_TICK_FS << 32)
#define CONFIG_ENABLE BIT64(0)
#define CONFIG_LEGACY BIT64(1)

#define TIMER_LEVEL BIT64(1)
#define TIMER_ENABLE BIT64(2)
#define TIMER_PERIODIC BIT64(3)
#define TIMER_CAPABILITIES (BIT64(4) | BIT64(5)) // can be periodic, 64 bits
#define TIMER_SET_VALUE BIT64(6)
#define TIMER_32BIT BIT64(8)
#define TIMER_WRITABLE UINT64_C(0x3f4e)

#define MIN_INTERVAL_NS UINT64_C(20000)
#define LONGEST_TICKS (UINT64_C(1) << 58) // 91 years; in ns it still fits
// How far behind the counter (a tenth of a second) a comparator is late rather than a whole round ahead.
#define LATE_TICKS UINT64_C(10000000)

struct hpet_timer {
    struct hpet *hpet;
    unsigned index;
    struct event event;
    uint64_t config, comparator, period;
    uint64_t not_before_ns; // of the next event, so that a short period does not flood
    bool armed;             // the comparator has not been passed yet
};

struct hpet {
    struct device device;
    struct hpet_config wiring;
    struct mem_region *region;
    struct hpet_timer timers[TIMERS];
    uint64_t config, status;
    uint64_t counter; // while stopped
    uint64_t offset;  // counter minus machine time in ticks, while running
    bool legacy_inputs[HPET_LEGACY_LINES];
};

static bool running(const struct hpet *hpet)
{
    return hpet->config & CONFIG_ENABLE;
}

static uint64_t machine_ticks(const struct hpet *hpet)
{
    return clock_now_ns(hpet->device.machine->clock) / TICK_NS;
}

static uint64_t counter_now(const struct hpet *hpet)
{
    return running(hpet) ? hpet->offset + machine_ticks(hpet) : hpet->counter;
}

static uint64_t width_mask(const struct hpet_timer *timer)
{
    return timer->config & TIMER_32BIT ? UINT32_MAX : UINT64_MAX;
}

// In place of 8254 or clock.
static bool is_legacy(const struct hpet_timer *timer)
{
    return (timer->hpet->config & CONFIG_LEGACY) && timer->index < HPET_LEGACY_LINES;
}

static const struct irq_line *output(const struct hpet_timer *timer)
{
    const struct hpet_config *wiring = &timer->hpet->wiring;
    return is_legacy(timer) ? &wiring->legacy[timer->index] : &wiring->gsi[extract64(timer->config, 9, 5)];
}

static bool level_up(const struct hpet_timer *timer)
{
    return (timer->config & TIMER_LEVEL) && (timer->config & TIMER_ENABLE) &&
           (timer->hpet->status >> timer->index & 1);
}

static void interrupt(struct hpet_timer *timer)
{
    if (timer->config & TIMER_LEVEL)
        timer->hpet->status |= BIT64(timer->index);
    if (!(timer->config & TIMER_ENABLE))
        return;
    if (timer->config & TIMER_LEVEL)
        irq_set(output(timer), true);
    else
        irq_pulse(output(timer));
}

// Ticks until the counter comes to the comparator; 0 when it has just passed it.
static uint64_t ticks_left(const struct hpet_timer *timer)
{
    uint64_t mask = width_mask(timer);
    uint64_t left = (timer->comparator - counter_now(timer->hpet)) & mask;
    return left > mask - LATE_TICKS ? 0 : left;
}

static void schedule(struct hpet_timer *timer)
{
    struct hpet *hpet = timer->hpet;
    // A timer that cannot interrupt has nothing to say, and its comparator is brought up to date when looked
    // at.
    if (!running(hpet) || !(timer->config & TIMER_ENABLE) || !timer->armed) {
        event_cancel(&timer->event);
        return;
    }
    uint64_t left = ticks_left(timer);
    left = left > LONGEST_TICKS ? LONGEST_TICKS : left;
    uint64_t at_ns = (machine_ticks(hpet) + left) * TICK_NS;
    event_set(&timer->event, at_ns < timer->not_before_ns ? timer->not_before_ns : at_ns);
}

// Moves a periodic comparator past the counter.
static void advance(struct hpet_timer *timer)
{
    uint64_t mask = width_mask(timer), period = timer->period & mask;
    uint64_t behind = (counter_now(timer->hpet) - timer->comparator) & mask;
    if (!(timer->config & TIMER_PERIODIC) || !period || behind > mask / 2 || !running(timer->hpet))
        return;
    timer->comparator = (timer->comparator + (behind / period + 1) * period) & mask;
}

static void timer_fired(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct hpet_timer *timer = opaque;
    interrupt(timer);
    timer->not_before_ns = clock_now_ns(timer->event.clock) + MIN_INTERVAL_NS;
    timer->armed = (timer->config & TIMER_PERIODIC) && (timer->period & width_mask(timer));
    advance(timer);
    schedule(timer);
}

// Drives what a change of configuration may have moved: the lines that are levels.
static void update_lines(struct hpet *hpet)
{
    bool legacy = hpet->config & CONFIG_LEGACY;
    for (unsigned i = 0; i < HPET_LEGACY_LINES; i++)
        irq_set(&hpet->wiring.legacy[i], legacy ? level_up(&hpet->timers[i]) : hpet->legacy_inputs[i]);
    for (unsigned i = 0; i < TIMERS; i++)
        if (level_up(&hpet->timers[i]) && !is_legacy(&hpet->timers[i]))
            irq_set(output(&hpet->timers[i]), true);
}

static void lower(struct hpet_timer *timer)
{
    if (level_up(timer))
        irq_set(output(timer), false);
}

static uint64_t timer_read(struct hpet_timer *timer, unsigned offset)
{
    switch (offset) {
    case TIMER_CONFIGURATION:
        return timer->config | TIMER_CAPABILITIES | (uint64_t)timer->hpet->wiring.routes << 32;
    case TIMER_COMPARATOR:
        if (!event_pending(&timer->event))
            advance(timer);
        return timer->comparator & width_mask(timer);
    }
    return 0;
}

static uint64_t hpet_read(void *opaque, struct mmio_access access)
{
    struct hpet *hpet = opaque;
    unsigned aligned = (unsigned)access.offset & ~7u, timer = (aligned - TIMER_FIRST) / TIMER_STRIDE;
    uint64_t value = 0;
    switch (aligned) {
    case CAPABILITIES:
        value = CAPABILITY_BITS;
        break;
    case CONFIGURATION:
        value = hpet->config;
        break;
    case STATUS:
        value = hpet->status;
        break;
    case COUNTER:
        value = counter_now(hpet);
        break;
    default:
        if (aligned >= TIMER_FIRST && timer < TIMERS)
            value = timer_read(&hpet->timers[timer], aligned % TIMER_STRIDE);
    }
    return value >> (access.offset & 4) * 8;
}

static void write_config(struct hpet *hpet, uint64_t value)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        lower(&hpet->timers[i]);
        if (!event_pending(&hpet->timers[i].event))
            advance(&hpet->timers[i]);
    }
    uint64_t counter = counter_now(hpet);
    hpet->config = value & (CONFIG_ENABLE | CONFIG_LEGACY);
    hpet->counter = counter;
    hpet->offset = counter - machine_ticks(hpet);
    update_lines(hpet);
    for (unsigned i = 0; i < TIMERS; i++)
        schedule(&hpet->timers[i]);
}

static void write_status(struct hpet *hpet, uint64_t value)
{
    for (unsigned i = 0; i < TIMERS; i++)
        if (value >> i & 1)
            lower(&hpet->timers[i]);
    hpet->status &= ~value;
}

static void write_counter(struct hpet *hpet, unsigned shift, unsigned bits, uint64_t value)
{
    if (running(hpet)) {
        log_printf(LOG_GUEST_ERRORS, "hpet: the counter is written while it runs\n");
        return;
    }
    hpet->counter = deposit64(hpet->counter, shift, bits, value);
}

static void write_timer_config(struct hpet_timer *timer, unsigned shift, unsigned bits, uint64_t value)
{
    if (!event_pending(&timer->event))
        advance(timer);
    lower(timer);
    timer->config = deposit64(timer->config, shift, bits, value) & TIMER_WRITABLE;
    // A route that is not offered reads back as none was chosen.
    if (!(timer->hpet->wiring.routes >> extract64(timer->config, 9, 5) & 1))
        timer->config = deposit64(timer->config, 9, 5, 0);
    if (timer->config & TIMER_32BIT) {
        timer->comparator &= UINT32_MAX;
        timer->period &= UINT32_MAX;
    }
    update_lines(timer->hpet);
    schedule(timer);
}

static void write_comparator(struct hpet_timer *timer, unsigned shift, unsigned bits, uint64_t value)
{
    if ((timer->config & TIMER_32BIT) && shift)
        return;
    bool periodic = timer->config & TIMER_PERIODIC;
    if (!periodic || (timer->config & TIMER_SET_VALUE))
        timer->comparator = deposit64(timer->comparator, shift, bits, value) & width_mask(timer);
    if (periodic)
        timer->period = deposit64(timer->period, shift, bits, value) & width_mask(timer);
    timer->config &= ~TIMER_SET_VALUE;
    timer->armed = true;
    timer->not_before_ns = 0;
    schedule(timer);
}

static void hpet_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct hpet *hpet = opaque;
    unsigned aligned = (unsigned)access.offset & ~7u, index = (aligned - TIMER_FIRST) / TIMER_STRIDE;
    unsigned shift = (unsigned)(access.offset & 4) * 8, bits = access.size * 8u;
    struct hpet_timer *timer = aligned >= TIMER_FIRST && index < TIMERS ? &hpet->timers[index] : NULL;
    if (aligned == CONFIGURATION)
        write_config(hpet, deposit64(hpet->config, shift, bits, value));
    else if (aligned == STATUS)
        write_status(hpet, value << shift);
    else if (aligned == COUNTER)
        write_counter(hpet, shift, bits, value);
    else if (timer && aligned % TIMER_STRIDE == TIMER_CONFIGURATION)
        write_timer_config(timer, shift, bits, value);
    else if (timer && aligned % TIMER_STRIDE == TIMER_COMPARATOR)
        write_comparator(timer, shift, bits, value);
    else if (aligned != CAPABILITIES)
        log_printf(LOG_GUEST_ERRORS, "hpet: write of register 0x%x\n", (unsigned)access.offset);
}

static const struct mmio_ops hpet_ops = {hpet_read, hpet_write, 4, 8, false};

static void legacy_set(void *opaque, unsigned line, bool level)
{
    struct hpet *hpet = opaque;
    hpet->legacy_inputs[line] = level;
    if (!(hpet->config & CONFIG_LEGACY))
        irq_set(&hpet->wiring.legacy[line], level);
}

struct irq_line hpet_legacy_input(struct device *device, enum hpet_legacy line)
{
    assert(line < HPET_LEGACY_LINES);
    return (struct irq_line){legacy_set, device, line};
}

void hpet_configure(struct device *device, const struct hpet_config *config)
{
    ((struct hpet *)device)->wiring = *config;
}

static int hpet_realize(struct device *device, struct error *error)
{
    struct hpet *hpet = (struct hpet *)device;
    struct mem_region_desc desc = {.name = "hpet",
                                   .base = hpet->wiring.base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .priority = 1,
                                   .ops = &hpet_ops,
                                   .opaque = hpet};
    hpet->region = memory_map_add(device->machine->map, desc, error);
    for (unsigned i = 0; i < TIMERS; i++) {
        hpet->timers[i].hpet = hpet;
        hpet->timers[i].index = i;
        event_init(&hpet->timers[i].event, device->machine->clock, timer_fired, &hpet->timers[i]);
    }
    return hpet->region ? 0 : -EINVAL;
}

static void hpet_unrealize(struct device *device)
{
    struct hpet *hpet = (struct hpet *)device;
    for (unsigned i = 0; i < TIMERS; i++)
        event_cancel(&hpet->timers[i].event);
    memory_map_remove(device->machine->map, hpet->region);
}

static void hpet_reset(struct device *device)
{
    struct hpet *hpet = (struct hpet *)device;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct hpet_timer *timer = &hpet->timers[i];
        lower(timer);
        event_cancel(&timer->event);
        timer->config = timer->period = timer->not_before_ns = 0;
        timer->comparator = UINT64_MAX;
        timer->armed = false;
    }
    hpet->config = hpet->status = hpet->counter = 0;
    update_lines(hpet);
}

static void hpet_state_loaded(struct device *device)
{
    struct hpet *hpet = (struct hpet *)device;
    update_lines(hpet);
    for (unsigned i = 0; i < TIMERS; i++)
        schedule(&hpet->timers[i]);
}

static const struct state_field timer_state[] = {
    STATE_FIELD(hpet_timer, U64, config), STATE_FIELD(hpet_timer, U64, comparator),
    STATE_FIELD(hpet_timer, U64, period), STATE_FIELD(hpet_timer, U64, not_before_ns),
    STATE_FIELD(hpet_timer, BOOL, armed), STATE_END,
};

static const struct state_field hpet_state[] = {
    STATE_STRUCTS(hpet, timers, timer_state),
    STATE_FIELD(hpet, U64, config),
    STATE_FIELD(hpet, U64, status),
    STATE_FIELD(hpet, U64, counter),
    STATE_FIELD(hpet, U64, offset),
    STATE_ARRAY(hpet, BOOL, legacy_inputs),
    STATE_END,
};

const struct device_type hpet_type = {
    .name = "hpet",
    .help = "high precision event timers",
    .instance_size = sizeof(struct hpet),
    .state = hpet_state,
    .realize = hpet_realize,
    .unrealize = hpet_unrealize,
    .reset = hpet_reset,
    .state_loaded = hpet_state_loaded,
};
