// SPDX-License-Identifier: MIT
#include "hw/rtc/mc146818-time.h"

#include <stdbool.h>
#include <time.h>

enum { PM = 0x80, DONT_CARE = 0xc0, DAY_SECONDS = 86400, ANY = -1 };

static uint8_t encode(const uint8_t *cmos, unsigned value)
{
    if (cmos[RTC_REG_B] & RTC_B_BINARY)
        return (uint8_t)value;
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static int decode(const uint8_t *cmos, uint8_t raw)
{
    return cmos[RTC_REG_B] & RTC_B_BINARY ? raw : (raw >> 4) * 10 + (raw & 15);
}

static uint8_t encode_hour(const uint8_t *cmos, unsigned hour)
{
    if (cmos[RTC_REG_B] & RTC_B_24H)
        return encode(cmos, hour);
    return (uint8_t)(encode(cmos, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0));
}

static int decode_hour(const uint8_t *cmos, uint8_t raw)
{
    if (cmos[RTC_REG_B] & RTC_B_24H)
        return decode(cmos, raw);
    return decode(cmos, raw & ~PM) % 12 + (raw & PM ? 12 : 0);
}

void mc146818_encode_time(uint8_t cmos[128], int64_t seconds)
{
    time_t host = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&host, &tm))
        return;
    unsigned year = (unsigned)tm.tm_year + 1900;
    cmos[RTC_SECONDS] = encode(cmos, (unsigned)tm.tm_sec);
    cmos[RTC_MINUTES] = encode(cmos, (unsigned)tm.tm_min);
    cmos[RTC_HOURS] = encode_hour(cmos, (unsigned)tm.tm_hour);
    cmos[RTC_DAY_OF_WEEK] = encode(cmos, (unsigned)tm.tm_wday + 1);
    cmos[RTC_DAY] = encode(cmos, (unsigned)tm.tm_mday);
    cmos[RTC_MONTH] = encode(cmos, (unsigned)tm.tm_mon + 1);
    cmos[RTC_YEAR] = encode(cmos, year % 100);
    cmos[RTC_CENTURY] = encode(cmos, year / 100 % 100);
}

int64_t mc146818_decode_time(const uint8_t cmos[128])
{
    struct tm tm = {
        .tm_sec = decode(cmos, cmos[RTC_SECONDS]),
        .tm_min = decode(cmos, cmos[RTC_MINUTES]),
        .tm_hour = decode_hour(cmos, cmos[RTC_HOURS]),
        .tm_mday = decode(cmos, cmos[RTC_DAY]),
        .tm_mon = decode(cmos, cmos[RTC_MONTH]) - 1,
        .tm_year = decode(cmos, cmos[RTC_CENTURY]) * 100 + decode(cmos, cmos[RTC_YEAR]) - 1900,
    };
    return timegm(&tm);
}

static int alarm_field(const uint8_t *cmos, unsigned index)
{
    uint8_t raw = cmos[index];
    if (raw >= DONT_CARE)
        return ANY;
    return index == RTC_HOURS_ALARM ? decode_hour(cmos, raw) : decode(cmos, raw);
}

int64_t mc146818_next_alarm(const uint8_t cmos[128], int64_t seconds)
{
    int want_hour = alarm_field(cmos, RTC_HOURS_ALARM), want_minute = alarm_field(cmos, RTC_MINUTES_ALARM);
    int want_second = alarm_field(cmos, RTC_SECONDS_ALARM);
    int64_t first = seconds + 1, end = first + DAY_SECONDS;
    for (int64_t at = first; at < end;) {
        int64_t of_day = ((at % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS;
        bool hour = want_hour == ANY || of_day / 3600 == want_hour;
        bool minute = want_minute == ANY || of_day / 60 % 60 == want_minute;
        bool second = want_second == ANY || of_day % 60 == want_second;
        if (hour && minute && second)
            return at;
        // To the start of the next hour or minute that may match.
        at += !hour ? 3600 - of_day % 3600 : !minute ? 60 - of_day % 60 : 1;
    }
    return -1;
}
