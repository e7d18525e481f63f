// SPDX-License-Identifier: MIT
// MC146818. The guest's time is machine time plus `offset_ns`, except while SET or the divider's reset hold
// the registers still; then it is what the registers say.
#include "hw/rtc/mc146818.h"

#include <time.h>

#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "hw/rtc/mc146818-time.h"
#include "tcg/base/bits.h"

enum { RTC_PORT = 0x70, CMOS_BYTES = 128, PS2_CENTURY = 0x37, DIVIDER_HZ = 32768 };
enum { A_UIP = 0x80, A_DIVIDER = 0x70, A_DIVIDER_RESET = 0x60, A_RATE = 0x0f };
enum { B_SET = 0x80 };
// Interrupts: the same bits in register B (enabled) and C (flags).
enum { INT_PERIODIC = 0x40, INT_ALARM = 0x20, INT_UPDATE = 0x10, INT_ALL = 0x70, C_IRQF = 0x80 };
enum { D_VALID = 0x80 };

// In the year 2477.
#define LAST_SECOND INT64_C(16000000000)

// Update in progress is announced this long before the registers change.
#define UIP_NS UINT64_C(244141)

struct mc146818 {
    struct device device;
    struct memory_map *io;
    struct irq_line irq;
    struct port_set ports;
    struct event event;

    uint8_t index;
    uint8_t cmos[CMOS_BYTES]; // time registers are current only while the clock is held
    uint64_t offset_ns;       // the guest's time minus machine time
    uint64_t seen_ns;         // the guest's time up to which flags have been worked out
};

static uint64_t guest_now_ns(const struct mc146818 *rtc)
{
    return rtc->offset_ns + clock_now_ns(rtc->device.machine->clock);
}

static bool held(const struct mc146818 *rtc)
{
    return (rtc->cmos[RTC_REG_B] & B_SET) || (rtc->cmos[RTC_REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

// Number of 32768 Hz ticks between periodic interrupts, 0 for none.
static uint32_t period_ticks(const struct mc146818 *rtc)
{
    unsigned rate = rtc->cmos[RTC_REG_A] & A_RATE;
    if (!rate || (rtc->cmos[RTC_REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET)
        return 0;
    return UINT32_C(1) << ((rate < 3 ? rate + 7 : rate) - 1);
}

static uint64_t ns_to_ticks(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * DIVIDER_HZ / NS_PER_SECOND);
}

static uint64_t tick_to_ns(uint64_t tick)
{
    return (uint64_t)(((unsigned __int128)tick * NS_PER_SECOND + DIVIDER_HZ - 1) / DIVIDER_HZ);
}

// Sets the flags of what has happened since somebody last looked.
static void catch_up(struct mc146818 *rtc, uint64_t now_ns)
{
    uint8_t *flags = &rtc->cmos[RTC_REG_C];
    uint32_t period = period_ticks(rtc);
    if (period && ns_to_ticks(now_ns) / period != ns_to_ticks(rtc->seen_ns) / period)
        *flags |= INT_PERIODIC;
    int64_t second = (int64_t)(now_ns / NS_PER_SECOND), seen = (int64_t)(rtc->seen_ns / NS_PER_SECOND);
    if (!held(rtc) && second > seen) {
        *flags |= INT_UPDATE;
        if (!(*flags & INT_ALARM)) {
            int64_t alarm = mc146818_next_alarm(rtc->cmos, seen);
            *flags |= alarm >= 0 && alarm <= second ? INT_ALARM : 0;
        }
    }
    rtc->seen_ns = now_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// When the next interrupt that the guest waits for comes, in its time.
static uint64_t next_interrupt_ns(const struct mc146818 *rtc, uint64_t now_ns)
{
    uint8_t wanted = rtc->cmos[RTC_REG_B] & INT_ALL & (uint8_t)~rtc->cmos[RTC_REG_C];
    uint64_t next = CLOCK_NEVER;
    uint32_t period = period_ticks(rtc);
    if ((wanted & INT_PERIODIC) && period)
        next = tick_to_ns((ns_to_ticks(now_ns) / period + 1) * period);
    if (held(rtc))
        return next;
    if (wanted & INT_UPDATE)
        next = earlier(next, (now_ns / NS_PER_SECOND + 1) * NS_PER_SECOND);
    if (wanted & INT_ALARM) {
        int64_t alarm = mc146818_next_alarm(rtc->cmos, (int64_t)(now_ns / NS_PER_SECOND));
        next = alarm < 0 ? next : earlier(next, (uint64_t)alarm * NS_PER_SECOND);
    }
    return next;
}

// After any change of registers, flags or time.
static void update(struct mc146818 *rtc, uint64_t now_ns)
{
    bool pending = rtc->cmos[RTC_REG_B] & rtc->cmos[RTC_REG_C] & INT_ALL;
    rtc->cmos[RTC_REG_C] = (uint8_t)((rtc->cmos[RTC_REG_C] & INT_ALL) | (pending ? C_IRQF : 0));
    irq_set(&rtc->irq, pending);
    uint64_t next = pending ? CLOCK_NEVER : next_interrupt_ns(rtc, now_ns);
    event_set(&rtc->event, next == CLOCK_NEVER ? next : next - rtc->offset_ns);
}

static void event_fired(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct mc146818 *rtc = opaque;
    uint64_t now_ns = guest_now_ns(rtc);
    catch_up(rtc, now_ns);
    update(rtc, now_ns);
}

// Sets the clock; `fraction_ns` of the second have passed.
static void set_clock(struct mc146818 *rtc, int64_t seconds, uint64_t fraction_ns)
{
    // The registers can say what nanoseconds since 1970 in 64 bits cannot.
    uint64_t within = seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : (uint64_t)seconds;
    uint64_t ns = within * NS_PER_SECOND + fraction_ns;
    rtc->offset_ns = ns - clock_now_ns(rtc->device.machine->clock);
    rtc->seen_ns = ns;
}

static bool is_time(uint8_t index)
{
    return index == RTC_CENTURY || (index <= RTC_YEAR && index != RTC_SECONDS_ALARM &&
                                    index != RTC_MINUTES_ALARM && index != RTC_HOURS_ALARM);
}

static uint8_t read_register(struct mc146818 *rtc)
{
    uint8_t index = rtc->index == PS2_CENTURY ? RTC_CENTURY : rtc->index;
    uint64_t now_ns = guest_now_ns(rtc);
    if (is_time(index) && !held(rtc))
        mc146818_encode_time(rtc->cmos, (int64_t)(now_ns / NS_PER_SECOND));
    uint8_t value = rtc->cmos[index];
    if (index == RTC_REG_A && !held(rtc) && now_ns % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS)
        value |= A_UIP;
    if (index == RTC_REG_D)
        value = D_VALID;
    if (index == RTC_REG_C) {
        catch_up(rtc, now_ns);
        update(rtc, now_ns);
        value = rtc->cmos[RTC_REG_C];
        rtc->cmos[RTC_REG_C] = 0;
        update(rtc, now_ns);
    }
    return value;
}

static void write_control(struct mc146818 *rtc, uint8_t index, uint8_t value, uint64_t now_ns)
{
    bool was_held = held(rtc);
    bool was_reset = (rtc->cmos[RTC_REG_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
    if (!was_held)
        mc146818_encode_time(rtc->cmos, (int64_t)(now_ns / NS_PER_SECOND));
    // The registers keep their bytes when their form is changed; what they mean is up to the guest.
    rtc->cmos[index] = index == RTC_REG_A ? value & (uint8_t)~A_UIP : value;
    if (was_held && !held(rtc)) // the first update comes half a second after the divider's reset
        set_clock(rtc, mc146818_decode_time(rtc->cmos),
                  was_reset ? NS_PER_SECOND / 2 : now_ns % NS_PER_SECOND);
}

static void write_register(struct mc146818 *rtc, uint8_t value)
{
    uint8_t index = rtc->index == PS2_CENTURY ? RTC_CENTURY : rtc->index;
    uint64_t now_ns = guest_now_ns(rtc);
    catch_up(rtc, now_ns);
    if (index == RTC_REG_C || index == RTC_REG_D)
        return;
    if (index == RTC_REG_A || index == RTC_REG_B) {
        write_control(rtc, index, value, now_ns);
    } else if (is_time(index) && !held(rtc)) {
        mc146818_encode_time(rtc->cmos, (int64_t)(now_ns / NS_PER_SECOND));
        rtc->cmos[index] = value;
        set_clock(rtc, mc146818_decode_time(rtc->cmos), now_ns % NS_PER_SECOND);
    } else {
        rtc->cmos[index] = value;
    }
    update(rtc, guest_now_ns(rtc));
}

static uint64_t rtc_read(void *opaque, struct mmio_access access)
{
    return access.offset ? read_register(opaque) : 0xff; // the index cannot be read
}

static void rtc_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct mc146818 *rtc = opaque;
    if (access.offset)
        write_register(rtc, (uint8_t)value);
    else
        rtc->index = value & (CMOS_BYTES - 1);
}

static const struct mmio_ops rtc_ops = {rtc_read, rtc_write, 1, 1, false};
static const struct port_range rtc_ports[] = {{RTC_PORT, 2, &rtc_ops}};

void mc146818_set_cmos(struct device *device, uint8_t index, uint8_t value)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    if (index > RTC_REG_D && index < CMOS_BYTES)
        rtc->cmos[index] = value;
}

uint8_t mc146818_get_cmos(const struct device *device, uint8_t index)
{
    return ((const struct mc146818 *)device)->cmos[index & (CMOS_BYTES - 1)];
}

void mc146818_set_time(struct device *device, int64_t seconds)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    set_clock(rtc, seconds, 0);
    mc146818_encode_time(rtc->cmos, seconds);
    update(rtc, guest_now_ns(rtc));
}

void mc146818_wire(struct device *device, struct memory_map *io, struct irq_line irq)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    rtc->io = io;
    rtc->irq = irq;
}

static void mc146818_init(struct device *device)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    rtc->cmos[RTC_REG_A] = 0x26; // 32768 Hz crystal, 1024 Hz
    rtc->cmos[RTC_REG_B] = RTC_B_24H;
}

static int mc146818_realize(struct device *device, struct error *error)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    event_init(&rtc->event, device->machine->clock, event_fired, rtc);
    struct timespec host;
    clock_gettime(CLOCK_REALTIME, &host);
    set_clock(rtc, host.tv_sec, (uint64_t)host.tv_nsec);
    return port_set_map(&rtc->ports, rtc->io, "rtc", rtc_ports, ARRAY_SIZE(rtc_ports), rtc, error);
}

static void mc146818_unrealize(struct device *device)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    event_cancel(&rtc->event);
    port_set_unmap(&rtc->ports);
}

// Battery backed: a reset only turns interrupts off.
static void mc146818_reset(struct device *device)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    uint64_t now_ns = guest_now_ns(rtc);
    rtc->cmos[RTC_REG_B] &= (uint8_t)~INT_ALL;
    rtc->cmos[RTC_REG_C] = 0;
    rtc->seen_ns = now_ns;
    rtc->index = 0;
    update(rtc, now_ns);
}

static void mc146818_state_loaded(struct device *device)
{
    struct mc146818 *rtc = (struct mc146818 *)device;
    rtc->index &= CMOS_BYTES - 1;
    update(rtc, guest_now_ns(rtc));
}

static const struct state_field mc146818_state[] = {
    STATE_FIELD(mc146818, U8, index),
    STATE_ARRAY(mc146818, U8, cmos),
    STATE_FIELD(mc146818, U64, offset_ns),
    STATE_FIELD(mc146818, U64, seen_ns),
    STATE_END,
};

const struct device_type mc146818_type = {
    .name = "mc146818rtc",
    .help = "real time clock and CMOS memory (MC146818)",
    .instance_size = sizeof(struct mc146818),
    .state = mc146818_state,
    .init = mc146818_init,
    .realize = mc146818_realize,
    .unrealize = mc146818_unrealize,
    .reset = mc146818_reset,
    .state_loaded = mc146818_state_loaded,
};
