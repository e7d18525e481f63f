// SPDX-License-Identifier: MIT
// How an MC146818 writes down time: BCD or binary, 12 or 24 hours, and alarms with bytes that match anything.
#pragma once

#include <stdint.h>

// Registers that hold time; the century is elsewhere.
enum {
    RTC_SECONDS,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_DAY_OF_WEEK,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_REG_A,
    RTC_REG_B,
    RTC_REG_C,
    RTC_REG_D,
    RTC_CENTURY = 0x32,
};

enum { RTC_B_24H = 0x02, RTC_B_BINARY = 0x04 };

// The time registers and the century in `cmos` from seconds since 1970, in the form its register B asks for.
void mc146818_encode_time(uint8_t cmos[128], int64_t seconds);
// The other way; fields beyond their range carry over.
int64_t mc146818_decode_time(const uint8_t cmos[128]);
// The first second after `seconds` at which the alarm registers match; -1 when they never do.
int64_t mc146818_next_alarm(const uint8_t cmos[128], int64_t seconds);
