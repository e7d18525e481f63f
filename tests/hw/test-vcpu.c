// SPDX-License-Identifier: MIT
// vCPU threads: in which order resets, power-ons and queued work take effect.
#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/accel.h"
#include "hw/core/vcpu.h"

enum { CPUS = 2 };

struct test_cpu {
    struct vcpu vcpu;
    uint64_t pc; // 0: at the reset vector
    atomic_bool ran;
    bool wants_alone; // once
    atomic_bool alone;
};

static struct test_cpu *of(struct vcpu *cpu)
{
    return (struct test_cpu *)cpu;
}

static void reset(struct vcpu *cpu)
{
    of(cpu)->pc = 0;
}

static void start_at(struct vcpu *cpu, uint64_t entry, uint64_t context)
{
    of(cpu)->pc = entry + context;
}

static bool has_work(const struct vcpu *cpu)
{
    (void)cpu;
    return false;
}

// Has the machine to itself until somebody has begun to wait for a pause, and some time more.
static void be_alone(struct vcpu *cpu)
{
    of(cpu)->wants_alone = false;
    vcpu_exclusive_begin(cpu->group, cpu);
    atomic_store(&of(cpu)->alone, true);
    while (!atomic_load(&cpu->exit_request))
        usleep(100);
    usleep(20000);
    atomic_store(&of(cpu)->alone, false);
    vcpu_exclusive_end(cpu->group, cpu);
}

static void run(struct accel *accel, struct vcpu *cpu)
{
    (void)accel;
    if (of(cpu)->wants_alone)
        be_alone(cpu);
    atomic_store(&of(cpu)->ran, true);
    while (!atomic_load(&cpu->exit_request))
        usleep(100);
}

static const struct vcpu_ops cpu_ops = {.reset = reset, .start_at = start_at, .has_work = has_work};
static const struct accel_ops accel_ops = {.run = run};
static const struct accel accel = {.ops = &accel_ops};

static void init(struct vcpu_group *group, struct test_cpu *cpus)
{
    vcpu_group_init(group);
    for (unsigned i = 0; i < CPUS; i++) {
        cpus[i].vcpu.ops = &cpu_ops;
        cpus[i].vcpu.accel = &accel;
        vcpu_group_add(group, &cpus[i].vcpu);
    }
}

static void finish(struct vcpu_group *group)
{
    vcpu_group_stop(group);
    vcpu_group_drop_work(group);
    free(group->cpus);
}

static void power_on(struct vcpu *cpu, void *arg)
{
    cr_assert_eq(vcpu_power_on(cpu, (uint64_t)(uintptr_t)arg, 1), 0);
}

static void power_off(struct vcpu *cpu, void *arg)
{
    (void)arg;
    vcpu_power_off_self(cpu);
}

static bool ran_within_seconds(struct test_cpu *cpu, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 1000 && !atomic_load(&cpu->ran); i++)
        usleep(1000);
    return atomic_load(&cpu->ran);
}

// A thread that gets the processor late finds a reset and what followed it in its queue at once.
Test(vcpu, a_start_up_after_a_reset_is_not_lost, .timeout = 20)
{
    struct vcpu_group group;
    struct test_cpu cpus[CPUS] = {0};
    init(&group, cpus);
    vcpu_group_reset(&group);
    vcpu_queue_work(&cpus[1].vcpu, power_off, NULL);
    vcpu_queue_work(&cpus[1].vcpu, power_on, (void *)0x4000);
    // The threads' own first reset comes after; a start-up that follows that is what counts.
    vcpu_group_start(&group);
    vcpu_queue_work(&cpus[1].vcpu, power_off, NULL);
    vcpu_queue_work(&cpus[1].vcpu, power_on, (void *)0x8000);
    vcpu_group_resume(&group);
    cr_assert(ran_within_seconds(&cpus[1], 10));
    cr_assert(ran_within_seconds(&cpus[0], 10));
    finish(&group);
    cr_assert_eq(cpus[1].pc, 0x8001);
    cr_assert_eq(cpus[0].pc, 0, "the first one starts at its reset vector");
}

Test(vcpu, a_reset_undoes_an_earlier_start_up, .timeout = 20)
{
    struct vcpu_group group;
    struct test_cpu cpus[CPUS] = {0};
    init(&group, cpus);
    vcpu_group_start(&group);
    vcpu_queue_work(&cpus[1].vcpu, power_on, (void *)0x4000);
    vcpu_group_reset(&group);
    vcpu_group_resume(&group);
    cr_assert(ran_within_seconds(&cpus[0], 10));
    while (vcpu_is_powered_on(&cpus[1].vcpu))
        usleep(1000);
    finish(&group);
    cr_assert_eq(cpus[1].pc, 0);
    cr_assert_not(atomic_load(&cpus[1].ran));
}

Test(vcpu, a_pause_waits_for_those_that_are_alone, .timeout = 20)
{
    struct vcpu_group group;
    struct test_cpu cpus[CPUS] = {0};
    init(&group, cpus);
    vcpu_group_start(&group);
    vcpu_queue_work(&cpus[1].vcpu, power_on, (void *)0x4000);
    cpus[0].wants_alone = cpus[1].wants_alone = true;
    vcpu_group_resume(&group);
    while (!atomic_load(&cpus[0].alone) && !atomic_load(&cpus[1].alone))
        usleep(100);
    vcpu_group_pause(&group);
    cr_expect(!atomic_load(&cpus[0].alone) && !atomic_load(&cpus[1].alone));
    finish(&group);
}
