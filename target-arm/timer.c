// SPDX-License-Identifier: MIT
// The generic timer (Arm ARM, D12): a system counter of 62.5 MHz that follows machine time, and for each CPU the EL1
// physical and virtual, EL2 physical and secure physical timers.
//
// A timer's output is high while it is enabled, not masked and its condition is met: (counter - CVAL) >= 0. It is set
// when a register changes and, by an event, when the condition comes to be met. Registers are written by the vCPU's
// thread and read by the event too, under cpu->timer_lock; that lock comes after the device lock and before those of
// the event clock and the interrupt controller.
//
// The counter's own traps and offsets beyond CNTVOFF_EL2 (FEAT_ECV) are left out.

#include "target-arm/timer.h"

#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg-private.h"

enum { NS_PER_TICK = NS_PER_SECOND / ARM_TIMER_HZ };
_Static_assert(NS_PER_TICK * ARM_TIMER_HZ == NS_PER_SECOND, "ticks are whole nanoseconds");

enum { CTL_ENABLE = 1 << 0, CTL_IMASK = 1 << 1, CTL_ISTATUS = 1 << 2 };

static const uint8_t outputs[ARM_TIMER_ID_COUNT] = {
    [ARM_TIMER_ID_PHYS] = ARM_TIMER_PHYS,
    [ARM_TIMER_ID_VIRT] = ARM_TIMER_VIRT,
    [ARM_TIMER_ID_HYP] = ARM_TIMER_HYP,
    [ARM_TIMER_ID_SECURE] = ARM_TIMER_SECURE,
};

static uint64_t physical_count(struct arm_cpu *cpu)
{
    return clock_now_ns(cpu->clock) / NS_PER_TICK;
}

static enum arm_timer_id timer_id(const struct arm_timer *t)
{
    return (enum arm_timer_id)(t - t->cpu->timers);
}

static uint64_t offset_of(const struct arm_timer *t)
{
    return timer_id(t) == ARM_TIMER_ID_VIRT ? t->cpu->cntvoff_el2 : 0;
}

static uint64_t count_of(const struct arm_timer *t)
{
    return physical_count(t->cpu) - offset_of(t);
}

static bool condition_met(const struct arm_timer *t)
{
    return (int64_t)(count_of(t) - t->cval) >= 0;
}

// When the condition will be met, in machine time.
static uint64_t due_ns(const struct arm_timer *t)
{
    uint64_t at = t->cval + offset_of(t);
    return at < CLOCK_NEVER / NS_PER_TICK ? at * NS_PER_TICK : CLOCK_NEVER;
}

static void update_locked(struct arm_timer *t)
{
    bool met = (t->ctl & CTL_ENABLE) && condition_met(t);
    bool level = met && !(t->ctl & CTL_IMASK);
    event_set(&t->event, (t->ctl & CTL_ENABLE) && !met ? due_ns(t) : CLOCK_NEVER);
    if (level != t->level) {
        t->level = level;
        irq_set(&t->cpu->config.outputs[outputs[timer_id(t)]], level);
    }
}

static void timer_event(void *opaque, uint64_t late_ns)
{
    struct arm_timer *t = opaque;
    (void)late_ns;
    pthread_mutex_lock(&t->cpu->timer_lock);
    update_locked(t);
    pthread_mutex_unlock(&t->cpu->timer_lock);
}

void arm_timers_init(struct arm_cpu *cpu)
{
    pthread_mutex_init(&cpu->timer_lock, NULL);
    for (unsigned i = 0; i < ARM_TIMER_ID_COUNT; i++) {
        cpu->timers[i].cpu = cpu;
        event_init(&cpu->timers[i].event, cpu->clock, timer_event, &cpu->timers[i]);
    }
}

void arm_timers_reset(struct arm_cpu *cpu)
{
    pthread_mutex_lock(&cpu->timer_lock);
    for (unsigned i = 0; i < ARM_TIMER_ID_COUNT; i++) {
        cpu->timers[i].ctl = 0;
        cpu->timers[i].cval = 0;
        update_locked(&cpu->timers[i]);
    }
    pthread_mutex_unlock(&cpu->timer_lock);
}

void arm_timers_destroy(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < ARM_TIMER_ID_COUNT; i++)
        event_cancel(&cpu->timers[i].event);
    pthread_mutex_destroy(&cpu->timer_lock);
}

// --- registers -----------------------------------------------------------------------------------------------------

// Timer registers differ in op1 and CRm only.
static struct arm_timer *timer_of(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    unsigned op1 = reg->encoding >> 11 & 7, crm = reg->encoding >> 3 & 15;
    if (op1 == 4)
        return &cpu->timers[ARM_TIMER_ID_HYP];
    if (op1 == 7)
        return &cpu->timers[ARM_TIMER_ID_SECURE];
    return &cpu->timers[crm == 3 ? ARM_TIMER_ID_VIRT : ARM_TIMER_ID_PHYS];
}

uint64_t arm_timer_read_cntpct(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return physical_count(cpu);
}

uint64_t arm_timer_read_cntvct(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return physical_count(cpu) - cpu->cntvoff_el2;
}

// Only the highest exception level may write the frequency, which changes what it reads as and nothing else.
void arm_timer_write_cntfrq(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    unsigned highest = arm_has(cpu, ARM_FEAT_EL3) ? 3 : arm_has(cpu, ARM_FEAT_EL2) ? 2 : 1;
    if (cpu->el == highest)
        cpu->cntfrq_el0 = (uint32_t)value;
}

static void update(struct arm_timer *t)
{
    pthread_mutex_lock(&t->cpu->timer_lock);
    update_locked(t);
    pthread_mutex_unlock(&t->cpu->timer_lock);
}

void arm_timer_write_cntvoff(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    pthread_mutex_lock(&cpu->timer_lock);
    cpu->cntvoff_el2 = value;
    update_locked(&cpu->timers[ARM_TIMER_ID_VIRT]);
    pthread_mutex_unlock(&cpu->timer_lock);
}

uint64_t arm_timer_read_cval(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return timer_of(cpu, reg)->cval;
}

void arm_timer_write_cval(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_timer *t = timer_of(cpu, reg);
    pthread_mutex_lock(&cpu->timer_lock);
    t->cval = value;
    update_locked(t);
    pthread_mutex_unlock(&cpu->timer_lock);
}

uint64_t arm_timer_read_tval(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    struct arm_timer *t = timer_of(cpu, reg);
    return (uint32_t)(t->cval - count_of(t));
}

void arm_timer_write_tval(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_timer *t = timer_of(cpu, reg);
    arm_timer_write_cval(cpu, reg, count_of(t) + (uint64_t)(int64_t)(int32_t)value);
}

uint64_t arm_timer_read_ctl(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    struct arm_timer *t = timer_of(cpu, reg);
    return t->ctl | ((t->ctl & CTL_ENABLE) && condition_met(t) ? CTL_ISTATUS : 0);
}

void arm_timer_write_ctl(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_timer *t = timer_of(cpu, reg);
    pthread_mutex_lock(&cpu->timer_lock);
    t->ctl = value & (CTL_ENABLE | CTL_IMASK);
    pthread_mutex_unlock(&cpu->timer_lock);
    update(t);
}

// --- traps: CNTKCTL_EL1 for EL0, CNTHCTL_EL2 for EL0 and EL1 ---

enum { EL0PCTEN = 1 << 0, EL0VCTEN = 1 << 1, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9, EL1PCTEN = 1 << 0, EL1PCEN = 1 << 1 };

static unsigned trap(const struct arm_cpu *cpu, uint64_t el0_enables, uint64_t el2_enable)
{
    if (cpu->el == 0 && !(cpu->cntkctl_el1 & el0_enables))
        return 1;
    if (cpu->el < 2 && el2_enable && arm_has(cpu, ARM_FEAT_EL2) && !(cpu->cnthctl_el2 & el2_enable))
        return 2;
    return 0;
}

unsigned arm_timer_trap_cntfrq(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap(cpu, EL0PCTEN | EL0VCTEN, 0);
}

unsigned arm_timer_trap_cntpct(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap(cpu, EL0PCTEN, EL1PCTEN);
}

unsigned arm_timer_trap_cntvct(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap(cpu, EL0VCTEN, 0);
}

unsigned arm_timer_trap_cntp(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap(cpu, EL0PTEN, EL1PCEN);
}

unsigned arm_timer_trap_cntv(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap(cpu, EL0VTEN, 0);
}
