// SPDX-License-Identifier: MIT
// Local APIC timer. Its bus clock is 1 GHz, so that it counts nanoseconds before division. An event is queued
// only while the timer's entry is not masked.
#include "hw/intc/apic-internal.h"

#include "hw/core/machine.h"

// A guest cannot use periodic interrupts that are closer together; they run into each other.
#define MIN_PERIOD_NS UINT64_C(20000)
#define LONGEST_NS (UINT64_C(1) << 62)

enum apic_timer_mode apic_timer_mode(const struct apic_cpu *cpu)
{
    return (enum apic_timer_mode)extract32(cpu->lvt[LVT_TIMER], 17, 2);
}

// Bits 3, 1 and 0 of the register: 0 to 6 for 2 to 128, 7 for 1.
unsigned apic_timer_divide_log2(const struct apic_cpu *cpu)
{
    return (((cpu->divide & 3) | (cpu->divide >> 1 & 4)) + 1) & 7;
}

static uint64_t now_ns(const struct apic_cpu *cpu)
{
    return clock_now_ns(cpu->timer.clock);
}

static uint64_t whole_count_ns(const struct apic_cpu *cpu)
{
    return (uint64_t)cpu->initial_count << apic_timer_divide_log2(cpu);
}

static uint64_t read_tsc(const struct apic_cpu *cpu, uint64_t now)
{
    const struct apic_config *config = &cpu->apic->config;
    if (config->read_tsc)
        return config->read_tsc(config->tsc_opaque, cpu->index);
    return (uint64_t)((unsigned __int128)now * config->tsc_hz / NS_PER_SECOND);
}

static uint64_t deadline_ns(const struct apic_cpu *cpu, uint64_t now)
{
    uint64_t tsc = read_tsc(cpu, now), hz = cpu->apic->config.tsc_hz;
    if (!cpu->deadline_tsc || !hz)
        return CLOCK_NEVER;
    if (tsc >= cpu->deadline_tsc)
        return now;
    unsigned __int128 left = ((unsigned __int128)(cpu->deadline_tsc - tsc) * NS_PER_SECOND + hz - 1) / hz;
    return now + (left > LONGEST_NS ? LONGEST_NS : (uint64_t)left);
}

static uint64_t due_ns(const struct apic_cpu *cpu, uint64_t now)
{
    if ((cpu->lvt[LVT_TIMER] & LVT_MASKED) || !apic_hardware_enabled(cpu))
        return CLOCK_NEVER;
    if (apic_timer_mode(cpu) == TIMER_DEADLINE)
        return deadline_ns(cpu, now);
    uint64_t whole = whole_count_ns(cpu);
    if (!whole)
        return CLOCK_NEVER;
    if (apic_timer_mode(cpu) == TIMER_PERIODIC)
        return cpu->start_ns + ((now - cpu->start_ns) / whole + 1) * whole;
    return cpu->start_ns + whole > now ? cpu->start_ns + whole : CLOCK_NEVER;
}

// With the time of the poll before, and of the count's start: one that ends between two readings of the clock would never interrupt.
static void arm(struct apic_cpu *cpu, uint64_t now)
{
    cpu->timer_at_ns = due_ns(cpu, now);
    event_set(&cpu->timer, cpu->timer_at_ns);
}

void apic_timer_arm(struct apic_cpu *cpu)
{
    arm(cpu, now_ns(cpu));
}

static void poll_at(struct apic_cpu *cpu, uint64_t now)
{
    if (now < cpu->timer_at_ns) // CLOCK_NEVER included
        return;
    cpu->timer_at_ns = CLOCK_NEVER;
    if (apic_timer_mode(cpu) == TIMER_DEADLINE) {
        if (read_tsc(cpu, now) < cpu->deadline_tsc) { // the counter was slower than it said
            arm(cpu, now);
            return;
        }
        cpu->deadline_tsc = 0;
    }
    apic_accept(cpu, &(struct apic_request){.mode = DELIVER_FIXED, .vector = (uint8_t)cpu->lvt[LVT_TIMER]});
    if (apic_timer_mode(cpu) == TIMER_PERIODIC) {
        uint64_t next = due_ns(cpu, now);
        cpu->timer_at_ns = next < now + MIN_PERIOD_NS ? now + MIN_PERIOD_NS : next;
        event_set(&cpu->timer, cpu->timer_at_ns);
    }
}

void apic_timer_poll(struct apic_cpu *cpu)
{
    poll_at(cpu, now_ns(cpu));
}

static void timer_fired(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct apic_cpu *cpu = opaque;
    pthread_mutex_lock(&cpu->apic->lock);
    // The CPU may have set it anew while we waited for the lock; then the event is queued again.
    apic_timer_poll(cpu);
    pthread_mutex_unlock(&cpu->apic->lock);
}

void apic_timer_init(struct apic_cpu *cpu, struct event_clock *clock)
{
    event_init(&cpu->timer, clock, timer_fired, cpu);
    cpu->timer_at_ns = CLOCK_NEVER;
}

static uint32_t count_at(const struct apic_cpu *cpu, uint64_t now)
{
    uint64_t whole = whole_count_ns(cpu), passed = now - cpu->start_ns;
    if (!whole || apic_timer_mode(cpu) == TIMER_DEADLINE)
        return 0;
    if (apic_timer_mode(cpu) == TIMER_PERIODIC)
        passed %= whole;
    else if (passed >= whole)
        return 0;
    return cpu->initial_count - (uint32_t)(passed >> apic_timer_divide_log2(cpu));
}

uint32_t apic_timer_current(const struct apic_cpu *cpu)
{
    return count_at(cpu, now_ns(cpu));
}

void apic_timer_set_count(struct apic_cpu *cpu, uint32_t count)
{
    if (apic_timer_mode(cpu) == TIMER_DEADLINE)
        return;
    uint64_t now = now_ns(cpu);
    poll_at(cpu, now);
    cpu->initial_count = count;
    cpu->start_ns = now;
    arm(cpu, now);
}

void apic_timer_set_divide(struct apic_cpu *cpu, uint32_t value)
{
    uint64_t now = now_ns(cpu);
    poll_at(cpu, now);
    uint64_t counted = cpu->initial_count - count_at(cpu, now);
    cpu->divide = value & 0xb;
    // It goes on from where it is, at the new speed.
    cpu->start_ns = now - (counted << apic_timer_divide_log2(cpu));
    arm(cpu, now);
}

void apic_timer_set_lvt(struct apic_cpu *cpu, uint32_t lvt)
{
    uint64_t now = now_ns(cpu);
    poll_at(cpu, now);
    bool was_deadline = apic_timer_mode(cpu) == TIMER_DEADLINE;
    cpu->lvt[LVT_TIMER] = lvt;
    if (was_deadline != (apic_timer_mode(cpu) == TIMER_DEADLINE)) {
        cpu->deadline_tsc = 0;
        cpu->initial_count = 0;
    }
    arm(cpu, now);
}

void apic_timer_set_deadline(struct apic_cpu *cpu, uint64_t tsc)
{
    if (apic_timer_mode(cpu) != TIMER_DEADLINE)
        return;
    cpu->deadline_tsc = tsc;
    apic_timer_arm(cpu);
}

uint64_t apic_timer_deadline(struct apic_cpu *cpu)
{
    if (apic_timer_mode(cpu) != TIMER_DEADLINE)
        return 0;
    apic_timer_poll(cpu);
    return cpu->deadline_tsc;
}
