// SPDX-License-Identifier: MIT
// The six modes. The output of each, for a count N and `e` elapsed ticks:
//
//   0  low for N, then high          1  low for N after the gate rises, high else
//   2  high for N-1, low for 1, ...  3  high for (N+1)/2, low for N/2, ...
//   4  high, low at N for one tick   5  as 4, from the gate's rise on
#include "hw/timer/i8254-channel.h"

#include "tcg/base/bits.h"

enum { ACCESS_LOW = 1, ACCESS_HIGH = 2, ACCESS_BOTH = 3 };
enum { STATUS_OUTPUT = 0x80, STATUS_NULL = 0x40 };

const struct state_field i8254_channel_state[] = {
    STATE_FIELD(i8254_channel, U8, mode),
    STATE_FIELD(i8254_channel, U8, access),
    STATE_FIELD(i8254_channel, BOOL, bcd),
    STATE_FIELD(i8254_channel, BOOL, gate),
    STATE_FIELD(i8254_channel, BOOL, running),
    STATE_FIELD(i8254_channel, BOOL, null_count),
    STATE_FIELD(i8254_channel, BOOL, write_high),
    STATE_FIELD(i8254_channel, BOOL, read_high),
    STATE_FIELD(i8254_channel, BOOL, count_latched),
    STATE_FIELD(i8254_channel, BOOL, status_latched),
    STATE_FIELD(i8254_channel, U8, low_byte),
    STATE_FIELD(i8254_channel, U8, status),
    STATE_FIELD(i8254_channel, U16, latched),
    STATE_FIELD(i8254_channel, U32, count),
    STATE_FIELD(i8254_channel, U32, next_count),
    STATE_FIELD(i8254_channel, U64, next_tick),
    STATE_FIELD(i8254_channel, U64, start_tick),
    STATE_FIELD(i8254_channel, U64, held_ticks),
    STATE_END,
};

static bool periodic(const struct i8254_channel *channel)
{
    return channel->mode == 2 || channel->mode == 3;
}

static bool started_by_gate(const struct i8254_channel *channel)
{
    return channel->mode == 1 || channel->mode == 5;
}

static uint32_t full_range(const struct i8254_channel *channel)
{
    return channel->bcd ? 10000 : 0x10000;
}

static uint64_t elapsed(const struct i8254_channel *channel, uint64_t tick)
{
    // The gate does not stop a channel that it has started.
    return channel->gate || started_by_gate(channel) ? tick - channel->start_tick : channel->held_ticks;
}

static void start(struct i8254_channel *channel, uint32_t count, uint64_t tick)
{
    channel->count = count;
    channel->next_count = 0;
    channel->start_tick = tick;
    channel->held_ticks = 0;
    channel->running = true;
    channel->null_count = false;
}

// Takes over a count whose turn has come.
static void settle(struct i8254_channel *channel, uint64_t tick)
{
    if (periodic(channel) && channel->next_count && channel->gate && tick >= channel->next_tick)
        start(channel, channel->next_count, channel->next_tick);
}

void i8254_channel_reset(struct i8254_channel *channel)
{
    *channel =
        (struct i8254_channel){.mode = 3, .access = ACCESS_BOTH, .gate = channel->gate, .count = 0x10000};
}

void i8254_channel_control(struct i8254_channel *channel, uint8_t control, uint64_t tick)
{
    unsigned mode = extract32(control, 1, 3);
    channel->mode = (uint8_t)(mode > 5 ? mode - 4 : mode);
    channel->access = (uint8_t)extract32(control, 4, 2);
    channel->bcd = control & 1;
    channel->running = channel->write_high = channel->read_high = false;
    channel->count_latched = channel->status_latched = false;
    channel->null_count = true;
    channel->next_count = 0;
    channel->start_tick = tick;
    channel->held_ticks = 0;
}

// Ticks until the count that is in use has run out, for modes that then take a new one.
static uint64_t end_of_cycle(const struct i8254_channel *channel, uint64_t tick)
{
    uint64_t phase = elapsed(channel, tick) % channel->count, high = (channel->count + 1) / 2;
    if (channel->mode == 3 && phase < high && high < channel->count)
        return tick + high - phase; // a square wave changes at either half
    return tick + channel->count - phase;
}

static void set_count(struct i8254_channel *channel, uint32_t raw, uint64_t tick)
{
    uint32_t count = raw;
    if (channel->bcd) // digits beyond 9 count on as they would in a decimal counter
        count = (raw & 15) + (raw >> 4 & 15) * 10 + (raw >> 8 & 15) * 100 + (raw >> 12) * 1000;
    count = count ? count : full_range(channel);
    if (started_by_gate(channel)) {
        channel->next_count = count;
        channel->null_count = true;
    } else if (periodic(channel) && channel->running) {
        channel->next_count = count;
        channel->null_count = true;
        channel->next_tick = end_of_cycle(channel, tick);
    } else {
        start(channel, count, tick);
    }
}

void i8254_channel_write(struct i8254_channel *channel, uint8_t value, uint64_t tick)
{
    settle(channel, tick);
    if (channel->access == ACCESS_LOW) {
        set_count(channel, value, tick);
    } else if (channel->access == ACCESS_HIGH) {
        set_count(channel, (uint32_t)value << 8, tick);
    } else if (channel->write_high) {
        channel->write_high = false;
        set_count(channel, channel->low_byte | (uint32_t)value << 8, tick);
    } else {
        channel->write_high = true;
        channel->low_byte = value;
        if (channel->mode == 0) { // the first byte stops it, with the output low
            channel->running = false;
            channel->null_count = true;
        }
    }
}

static uint16_t counting_element(struct i8254_channel *channel, uint64_t tick)
{
    settle(channel, tick);
    if (!channel->running)
        return (uint16_t)channel->count;
    uint64_t e = elapsed(channel, tick), n = channel->count;
    uint32_t value;
    if (channel->mode == 2) {
        value = (uint32_t)(n - e % n);
    } else if (channel->mode == 3) {
        uint64_t phase = e % n, high = (n + 1) / 2;
        // An odd count loses one on loading, so that both halves go down by two.
        value = (uint32_t)((n & ~UINT64_C(1)) - 2 * (phase < high ? phase : phase - high));
    } else {
        uint64_t range = full_range(channel);
        value = (uint32_t)((n + range - e % range) % range);
    }
    if (!channel->bcd)
        return (uint16_t)value;
    value %= 10000;
    return (uint16_t)(value % 10 | value / 10 % 10 << 4 | value / 100 % 10 << 8 | value / 1000 << 12);
}

bool i8254_channel_output(struct i8254_channel *channel, uint64_t tick)
{
    settle(channel, tick);
    if (!channel->running)
        return channel->mode != 0;
    uint64_t e = elapsed(channel, tick), n = channel->count;
    switch (channel->mode) {
    case 0:
    case 1:
        return e >= n;
    case 2:
        return !channel->gate || e % n != n - 1;
    case 3:
        return !channel->gate || e % n < (n + 1) / 2;
    default:
        return e != n;
    }
}

uint64_t i8254_channel_next_rise(struct i8254_channel *channel, uint64_t tick)
{
    settle(channel, tick);
    if (!channel->running || (!channel->gate && !started_by_gate(channel)))
        return UINT64_MAX;
    uint64_t e = elapsed(channel, tick), n = channel->count;
    if (!periodic(channel)) {
        uint64_t rise = channel->mode < 2 ? n : n + 1;
        return e < rise ? tick + rise - e : UINT64_MAX;
    }
    uint64_t rise = tick + n - e % n;
    // A square wave of one tick never falls.
    if (n == 1 && !channel->next_count)
        return channel->mode == 3 ? UINT64_MAX : rise;
    return channel->next_count && channel->next_tick < rise ? channel->next_tick : rise;
}

void i8254_channel_latch(struct i8254_channel *channel, bool count, bool status, uint64_t tick)
{
    if (status && !channel->status_latched) {
        bool output = i8254_channel_output(channel, tick);
        channel->status = (uint8_t)((output ? STATUS_OUTPUT : 0) | (channel->null_count ? STATUS_NULL : 0) |
                                    channel->access << 4 | channel->mode << 1 | channel->bcd);
        channel->status_latched = true;
    }
    if (count && !channel->count_latched) {
        channel->latched = counting_element(channel, tick);
        channel->count_latched = true;
    }
}

uint8_t i8254_channel_read(struct i8254_channel *channel, uint64_t tick)
{
    if (channel->status_latched) {
        channel->status_latched = false;
        return channel->status;
    }
    uint16_t value = channel->count_latched ? channel->latched : counting_element(channel, tick);
    bool high = channel->access == ACCESS_HIGH || (channel->access == ACCESS_BOTH && channel->read_high);
    bool last = channel->access != ACCESS_BOTH || high;
    channel->read_high = !last;
    if (last)
        channel->count_latched = false;
    return (uint8_t)(high ? value >> 8 : value);
}

void i8254_channel_set_gate(struct i8254_channel *channel, bool gate, uint64_t tick)
{
    if (gate == channel->gate)
        return;
    settle(channel, tick);
    if (!gate)
        channel->held_ticks = elapsed(channel, tick);
    channel->gate = gate;
    uint32_t count = channel->next_count ? channel->next_count : channel->count;
    if (started_by_gate(channel)) {
        if (gate && (channel->running || channel->next_count))
            start(channel, count, tick);
    } else if (gate && channel->running) {
        if (periodic(channel))
            start(channel, count, tick);
        else
            channel->start_tick = tick - channel->held_ticks;
    }
}

void i8254_channel_sanitize(struct i8254_channel *channel)
{
    channel->mode = channel->mode > 5 ? 3 : channel->mode;
    channel->access = channel->access & 3 ? channel->access & 3 : ACCESS_BOTH;
    if (channel->count < 1 || channel->count > 0x10000)
        channel->count = 0x10000;
    if (channel->next_count > 0x10000)
        channel->next_count = 0;
}
