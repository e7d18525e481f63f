// SPDX-License-Identifier: MIT
// One channel of an 8254, as a function of time in clock ticks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/device.h"

struct i8254_channel {
    uint8_t mode;   // 0 to 5
    uint8_t access; // 1: low byte, 2: high byte, 3: low then high
    bool bcd, gate;
    bool running;    // a count has been loaded (modes 1 and 5: and the gate has started it)
    bool null_count; // written, and not yet in the counting element
    bool write_high, read_high, count_latched, status_latched;
    uint8_t low_byte; // first half of a count being written
    uint8_t status;
    uint16_t latched;
    uint32_t count;      // the count in use, 1 to 65536
    uint32_t next_count; // modes 2 and 3: from `next_tick` on, 0: none; modes 1 and 5: from the next start on
    uint64_t next_tick;
    uint64_t start_tick; // when `count` began to count
    uint64_t held_ticks; // what had been counted when the gate closed
};

extern const struct state_field i8254_channel_state[];

void i8254_channel_reset(struct i8254_channel *channel);
void i8254_channel_control(struct i8254_channel *channel, uint8_t control, uint64_t tick);
void i8254_channel_latch(struct i8254_channel *channel, bool count, bool status, uint64_t tick);
void i8254_channel_write(struct i8254_channel *channel, uint8_t value, uint64_t tick);
uint8_t i8254_channel_read(struct i8254_channel *channel, uint64_t tick);
void i8254_channel_set_gate(struct i8254_channel *channel, bool gate, uint64_t tick);
bool i8254_channel_output(struct i8254_channel *channel, uint64_t tick);
// The first tick after `tick` at which the output rises; UINT64_MAX when it does not.
uint64_t i8254_channel_next_rise(struct i8254_channel *channel, uint64_t tick);
// Brings values that came from outside into their ranges.
void i8254_channel_sanitize(struct i8254_channel *channel);
