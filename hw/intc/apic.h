// SPDX-License-Identifier: MIT
// The local APICs of all CPUs of a PC (Intel SDM volume 3, chapter 11): xAPIC registers in the page at
// 0xfee00000, which shows each CPU its own, and x2APIC registers by MSR; interprocessor and device messages;
// timer. One device and one lock serve all CPUs, since a message may look at every one of them.
//
// Left out: moving the register page, level-triggered LINT pins (they count as edges), focus processor
// checking, CMCI, and what would raise the thermal and performance entries.
//
// Lock order: device lock, I/O APIC or 8259, this one. Outputs are called with the lock held; the
// end-of-interrupt and 8259 acknowledge functions without.
#pragma once

#include "hw/core/device.h"
#include "hw/core/irq.h"
#include "hw/core/message.h"
#include "hw/core/x86-cpu-if.h"

extern const struct device_type apic_type; // "apic"

enum { APIC_MAX_CPUS = 512 };
#define APIC_DEFAULT_BASE UINT64_C(0xfee00000)

// What messages do to a CPU. With the APICs' lock held: must not call back. `cpu` is the machine's number. A
// CPU that gets `init` goes to the wait-for-SIPI state; `start_up` says at which page (4 KiB) it begins, and
// is for the CPU to ignore when it does not wait.
struct apic_outputs {
    void (*intr)(void *opaque, unsigned cpu, bool level);
    void (*nmi)(void *opaque, unsigned cpu);
    void (*smi)(void *opaque, unsigned cpu);
    void (*init)(void *opaque, unsigned cpu);
    void (*start_up)(void *opaque, unsigned cpu, uint8_t vector);
};

struct apic_config {
    unsigned cpu_count;
    const uint32_t *apic_ids; // of each CPU; copied
    const struct apic_outputs *outputs;
    void *outputs_opaque;
    uint64_t tsc_hz;
    // The CPU's time stamp counter now, for the deadline timer. NULL: machine time at tsc_hz.
    uint64_t (*read_tsc)(void *opaque, unsigned cpu);
    void *tsc_opaque;
};

// Before realize.
void apic_configure(struct device *device, const struct apic_config *config);
// The 8259's acknowledge function, for external interrupts through LINT0.
void apic_connect_pic(struct device *device, int (*acknowledge)(struct device *pic), struct device *pic);
// Whom to tell that a level-triggered interrupt has ended: the I/O APICs.
void apic_connect_eoi(struct device *device, void (*eoi)(void *opaque, uint8_t vector), void *opaque);
// LINT0 (the 8259's INTR) and LINT1 (NMI) of every CPU.
struct irq_line apic_lint(struct device *device, unsigned pin);
// What a device or I/O APIC writes to 0xfeexxxxx. `opaque` is the device. Any thread, no APIC lock held.
void apic_message(void *opaque, const struct message *message);

// For struct x86_cpu_config. The first are the device's, which are apic_intc_ops unless another does its work.
const struct x86_intc_ops *apic_intc(struct device *device);
extern const struct x86_intc_ops apic_intc_ops;
void *apic_intc_opaque(struct device *device, unsigned cpu);
