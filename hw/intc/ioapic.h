// SPDX-License-Identifier: MIT
// I/O APIC (Intel 290566, 82093AA) of version 0x20, which has an EOI register: 24 pins that become messages
// to the local APICs. Pins are driven as "wants service" or not; the polarity bits only remember what was
// written. Edges of a masked pin are lost, as the manual says. Has a lock of its own; pins may be driven from
// any thread.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/message.h"

extern const struct device_type ioapic_type; // "ioapic"

enum { IOAPIC_PINS = 24 };
#define IOAPIC_DEFAULT_BASE UINT64_C(0xfec00000)

// `message` takes what a device would write to 0xfeexxxxx (apic_message); it is called with the lock held and
// must not call back. Before realize.
void ioapic_wire(struct device *device, uint64_t base,
                 void (*message)(void *opaque, const struct message *message), void *opaque);
struct irq_line ioapic_input(struct device *device, unsigned pin);
// A local APIC has ended a level-triggered interrupt. `opaque` is the device.
void ioapic_eoi(void *opaque, uint8_t vector);
