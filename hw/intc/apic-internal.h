// SPDX-License-Identifier: MIT
// What the parts of the local APIC share. Everything is called with the lock held.
#pragma once

#include <pthread.h>

#include "hw/core/clock.h"
#include "hw/core/memory-map.h"
#include "hw/intc/apic.h"
#include "tcg/base/bits.h"

// Registers by number: offset / 16 in the page, or MSR - 0x800.
enum apic_register {
    APIC_ID = 0x02,
    APIC_VERSION = 0x03,
    APIC_TPR = 0x08,
    APIC_APR = 0x09,
    APIC_PPR = 0x0a,
    APIC_EOI = 0x0b,
    APIC_RRD = 0x0c,
    APIC_LDR = 0x0d,
    APIC_DFR = 0x0e,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10, // 8 of each
    APIC_TMR = 0x18,
    APIC_IRR = 0x20,
    APIC_ESR = 0x28,
    APIC_ICR = 0x30,
    APIC_ICR_HIGH = 0x31,
    APIC_LVT = 0x32, // first of six
    APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39,
    APIC_DIVIDE = 0x3e,
    APIC_SELF_IPI = 0x3f,
};

enum apic_lvt { LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
enum apic_timer_mode { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_DEADLINE };
enum apic_delivery {
    DELIVER_FIXED,
    DELIVER_LOWEST,
    DELIVER_SMI,
    DELIVER_NMI = 4,
    DELIVER_INIT,
    DELIVER_START_UP,
    DELIVER_EXTINT,
};
enum { ESR_SEND_VECTOR = 1 << 5, ESR_RECEIVE_VECTOR = 1 << 6, ESR_REGISTER = 1 << 7 };

#define LVT_MASKED BIT32(16)
#define SVR_ENABLE BIT32(8)
#define SVR_NO_EOI_BROADCAST BIT32(12)
#define BASE_BSP BIT64(8)
#define BASE_EXTD BIT64(10)
#define BASE_ENABLE BIT64(11)

enum { APIC_FIRST_VECTOR = 16, APIC_NOTHING = -1, APIC_REFUSED = -2 };

struct apic_cpu {
    struct apic *apic;
    unsigned index;
    uint32_t id;
    bool driven; // INTR as last told

    uint64_t base; // IA32_APIC_BASE
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t ldr, dfr, svr, esr, new_errors, icr, icr_high, lvt[LVT_COUNT], initial_count, divide;
    uint8_t tpr;
    bool extint;           // an external interrupt came by message
    uint64_t start_ns;     // when the timer began to count
    uint64_t deadline_tsc; // 0: none
    uint64_t timer_at_ns;  // when the timer is due, CLOCK_NEVER: it is not
    struct event timer;
};

// What differs where another does the work.
struct apic_engine {
    void (*message)(struct apic *apic, const struct message *message);
    irq_handler_fn *lint_set;
    const struct x86_intc_ops *intc;
};

struct apic {
    struct device device;
    const struct apic_engine *engine;
    struct apic_config config;
    pthread_mutex_t lock;
    struct mem_region *region;
    int (*pic_acknowledge)(struct device *pic);
    struct device *pic;
    void (*eoi)(void *opaque, uint8_t vector);
    void *eoi_opaque;
    uint32_t cpu_count;
    struct apic_cpu *cpus;
    bool lint[2]; // levels of the pins
};

static inline bool apic_hardware_enabled(const struct apic_cpu *cpu)
{
    return cpu->base & BASE_ENABLE;
}

static inline bool apic_is_x2apic(const struct apic_cpu *cpu)
{
    return cpu->base & BASE_EXTD;
}

static inline enum apic_delivery apic_lvt_mode(uint32_t lvt)
{
    return (enum apic_delivery)extract32(lvt, 8, 3);
}

static inline bool apic_software_enabled(const struct apic_cpu *cpu)
{
    return apic_hardware_enabled(cpu) && (cpu->svr & SVR_ENABLE);
}

// After an INIT message or reset: registers, not the base; and what follows from them.
void apic_reset_registers(struct apic_cpu *cpu);
void apic_reset_cpu(struct apic_cpu *cpu);
// IA32_APIC_BASE after reset.
uint64_t apic_reset_base(unsigned cpu);

extern const struct state_field apic_state[];

// --- apic-deliver.c ---

struct apic_request {
    enum apic_delivery mode;
    uint8_t vector;
    bool level;   // level triggered
    bool logical; // destination mode
    bool wide;    // the destination has 32 bits
    uint32_t destination;
};

uint8_t apic_ppr(const struct apic_cpu *cpu);
// Tells the CPU whether there is something for it.
void apic_update(struct apic_cpu *cpu);
// Delivers to one CPU.
void apic_accept(struct apic_cpu *cpu, const struct apic_request *request);
// Delivers to those that the destination names.
void apic_route(struct apic *apic, const struct apic_request *request);
// Carries out what was written to the interrupt command register.
void apic_send_ipi(struct apic_cpu *cpu);
// The vector to take now, or APIC_NOTHING.
int apic_take(struct apic_cpu *cpu);
// Whether the 8259 (or a message in its place) has an interrupt for this CPU.
bool apic_wants_pic(const struct apic_cpu *cpu);
// The vector whose end is to be told to the I/O APICs, or APIC_NOTHING.
int apic_end_of_interrupt(struct apic_cpu *cpu);
void apic_raise_error(struct apic_cpu *cpu, uint32_t error);
void apic_set_lint(struct apic_cpu *cpu, unsigned pin, bool rises);
bool apic_vector_in(const uint32_t set[8], unsigned vector);
// Whether the CPU would be interrupted by this one now, if it were requested.
bool apic_lets_through(const struct apic_cpu *cpu, unsigned vector);

// --- apic-registers.c ---

// False: there is no such register.
bool apic_register_read(struct apic_cpu *cpu, unsigned number, uint32_t *value);
// APIC_NOTHING, APIC_REFUSED (no such register), or what apic_end_of_interrupt said.
int apic_register_write(struct apic_cpu *cpu, unsigned number, uint32_t value);
uint32_t apic_ldr(const struct apic_cpu *cpu);

// --- apic-timer.c ---

void apic_timer_init(struct apic_cpu *cpu, struct event_clock *clock);
uint32_t apic_timer_current(const struct apic_cpu *cpu);
void apic_timer_set_count(struct apic_cpu *cpu, uint32_t count);
void apic_timer_set_divide(struct apic_cpu *cpu, uint32_t value);
void apic_timer_set_lvt(struct apic_cpu *cpu, uint32_t lvt);
void apic_timer_set_deadline(struct apic_cpu *cpu, uint64_t tsc);
uint64_t apic_timer_deadline(struct apic_cpu *cpu);
// Interrupts if the timer is due, whether or not the event has come round to it.
void apic_timer_poll(struct apic_cpu *cpu);
// Queues the event for the state that is.
void apic_timer_arm(struct apic_cpu *cpu);
enum apic_timer_mode apic_timer_mode(const struct apic_cpu *cpu);
unsigned apic_timer_divide_log2(const struct apic_cpu *cpu);

// --- apic-print.c ---

void apic_print_irq(struct device *device, FILE *out);
