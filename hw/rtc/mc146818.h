// SPDX-License-Identifier: MIT
// The real time clock and CMOS memory of a PC: an MC146818 (Motorola ADI-856) with 128 bytes, ports 0x70 and
// 0x71, and the century at 0x32 as IBM placed it (0x37 shows the same byte). The clock starts from the host's
// UTC and then follows machine time. Left out: daylight saving, square wave output and the NMI mask of port
// 0x70.
//
// Flags are worked out when somebody looks; an event is queued only for an interrupt that is enabled and not
// yet pending, so an unserviced clock is quiet.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"

struct memory_map;

extern const struct device_type mc146818_type; // "mc146818rtc"

// Before realize.
void mc146818_wire(struct device *device, struct memory_map *io, struct irq_line irq);
// A byte of CMOS memory (0x0e to 0x7f) for firmware to find; kept through resets. The century is the clock's.
void mc146818_set_cmos(struct device *device, uint8_t index, uint8_t value);
uint8_t mc146818_get_cmos(const struct device *device, uint8_t index);
// The time the guest sees, in seconds since 1970 (a local time zone is the caller's arithmetic). After
// realize; device lock held, or before the machine runs.
void mc146818_set_time(struct device *device, int64_t seconds);
