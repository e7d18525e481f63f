// SPDX-License-Identifier: MIT
// PL031. The counter is an offset to machine time, so it stands still while the machine is paused; machine
// time 0 is tied to the host's wall clock at realize.
#include "hw/rtc/pl031.h"

#include <errno.h>
#include <time.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum pl031_register {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c,
    RTCIDREGS = 0xfe0,
};

enum { REGISTERS_SIZE = 0x1000 };

struct pl031 {
    struct device device;
    uint64_t base;
    struct irq_line irq;
    struct mem_region *region;
    struct event alarm;

    uint32_t offset; // counter minus machine seconds
    uint32_t match, load, mask, raw;
};

static uint32_t counter(const struct pl031 *rtc)
{
    return rtc->offset + (uint32_t)(clock_now_ns(rtc->device.machine->clock) / NS_PER_SECOND);
}

static void update_irq(struct pl031 *rtc)
{
    irq_set(&rtc->irq, rtc->raw & rtc->mask);
}

// The alarm goes off when the counter comes to the match value, also after wrapping.
static void set_alarm(struct pl031 *rtc)
{
    uint64_t now_s = clock_now_ns(rtc->device.machine->clock) / NS_PER_SECOND;
    uint32_t left = rtc->match - counter(rtc);
    if (left)
        event_set(&rtc->alarm, (now_s + left) * NS_PER_SECOND);
    else
        event_cancel(&rtc->alarm);
}

static void alarm_fired(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct pl031 *rtc = opaque;
    rtc->raw = 1;
    update_irq(rtc);
}

static uint64_t pl031_read(void *opaque, struct mmio_access access)
{
    struct pl031 *rtc = opaque;
    static const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (access.offset >= RTCIDREGS)
        return ids[(access.offset - RTCIDREGS) / 4];
    switch (access.offset) {
    case RTCDR:
        return counter(rtc);
    case RTCMR:
        return rtc->match;
    case RTCLR:
        return rtc->load;
    case RTCCR:
        return 1; // always running
    case RTCIMSC:
        return rtc->mask;
    case RTCRIS:
        return rtc->raw;
    case RTCMIS:
        return rtc->raw & rtc->mask;
    }
    log_printf(LOG_GUEST_ERRORS, "pl031: read of register 0x%x\n", (unsigned)access.offset);
    return 0;
}

static void pl031_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct pl031 *rtc = opaque;
    uint32_t value = (uint32_t)wide;
    switch (access.offset) {
    case RTCMR:
        rtc->match = value;
        if (value == counter(rtc))
            rtc->raw = 1;
        set_alarm(rtc);
        break;
    case RTCLR:
        rtc->load = value;
        rtc->offset += value - counter(rtc);
        set_alarm(rtc);
        break;
    case RTCCR:
        break; // once started it cannot be stopped
    case RTCIMSC:
        rtc->mask = value & 1;
        break;
    case RTCICR:
        rtc->raw &= ~value;
        break;
    default:
        log_printf(LOG_GUEST_ERRORS, "pl031: write of register 0x%x\n", (unsigned)access.offset);
        return;
    }
    update_irq(rtc);
}

static const struct mmio_ops pl031_ops = {pl031_read, pl031_write, 4, 4, false};

void pl031_wire(struct device *device, uint64_t base, struct irq_line irq)
{
    struct pl031 *rtc = (struct pl031 *)device;
    rtc->base = base;
    rtc->irq = irq;
}

static int pl031_realize(struct device *device, struct error *error)
{
    struct pl031 *rtc = (struct pl031 *)device;
    struct mem_region_desc desc = {.name = "pl031",
                                   .base = rtc->base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &pl031_ops,
                                   .opaque = rtc};
    event_init(&rtc->alarm, device->machine->clock, alarm_fired, rtc);
    rtc->offset = (uint32_t)time(NULL) - (uint32_t)(clock_now_ns(device->machine->clock) / NS_PER_SECOND);
    rtc->region = memory_map_add(device->machine->map, desc, error);
    return rtc->region ? 0 : -EINVAL;
}

static void pl031_unrealize(struct device *device)
{
    struct pl031 *rtc = (struct pl031 *)device;
    event_cancel(&rtc->alarm);
    memory_map_remove(device->machine->map, rtc->region);
}

// The counter is battery backed: a reset leaves it alone.
static void pl031_reset(struct device *device)
{
    struct pl031 *rtc = (struct pl031 *)device;
    rtc->match = rtc->load = rtc->mask = rtc->raw = 0;
    event_cancel(&rtc->alarm);
    update_irq(rtc);
}

static void pl031_state_loaded(struct device *device)
{
    struct pl031 *rtc = (struct pl031 *)device;
    set_alarm(rtc);
    update_irq(rtc);
}

static const struct state_field pl031_state[] = {
    STATE_FIELD(pl031, U32, offset), STATE_FIELD(pl031, U32, match), STATE_FIELD(pl031, U32, load),
    STATE_FIELD(pl031, U32, mask),   STATE_FIELD(pl031, U32, raw),   STATE_END,
};

const struct device_type pl031_type = {
    .name = "pl031",
    .help = "Arm PrimeCell real time clock (PL031)",
    .instance_size = sizeof(struct pl031),
    .state = pl031_state,
    .realize = pl031_realize,
    .unrealize = pl031_unrealize,
    .reset = pl031_reset,
    .state_loaded = pl031_state_loaded,
};
