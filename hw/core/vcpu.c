// SPDX-License-Identifier: MIT
// vCPU threads: who may run, who waits for what, and how everybody is stopped.
//
// A thread enters accel_ops.run() only under the group's mutex, when the group is neither paused nor held
// exclusively. exit_request is cleared at that point, before pending work is looked at, so that no kick is lost.
// A kick takes no lock but the one that a thread sleeps on, and that only when it sleeps.
#include "hw/core/vcpu.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "hw/core/accel.h"
#include "tcg/base/alloc.h"

void vcpu_group_init(struct vcpu_group *group)
{
    *group = (struct vcpu_group){.paused = true};
    pthread_mutex_init(&group->mutex, NULL);
    pthread_cond_init(&group->changed, NULL);
}

void vcpu_group_add(struct vcpu_group *group, struct vcpu *cpu)
{
    group->cpus = alloc_resize(group->cpus, group->count + 1, sizeof(*group->cpus));
    group->cpus[group->count] = cpu;
    cpu->index = group->count++;
    cpu->group = group;
    cpu->work_last = &cpu->work_first;
    pthread_mutex_init(&cpu->wake_mutex, NULL);
    pthread_cond_init(&cpu->wake, NULL);
}

static void wake(struct vcpu *cpu)
{
    pthread_mutex_lock(&cpu->wake_mutex);
    cpu->woken = true;
    pthread_cond_signal(&cpu->wake);
    pthread_mutex_unlock(&cpu->wake_mutex);
}

// Called with the group's mutex, which is let go of meanwhile. Whoever changed something since `waiting` was set has
// called wake.
static void sleep_until_woken(struct vcpu *cpu)
{
    pthread_mutex_unlock(&cpu->group->mutex);
    pthread_mutex_lock(&cpu->wake_mutex);
    while (!cpu->woken)
        pthread_cond_wait(&cpu->wake, &cpu->wake_mutex);
    cpu->woken = false;
    pthread_mutex_unlock(&cpu->wake_mutex);
    pthread_mutex_lock(&cpu->group->mutex);
}

static void run_queued_work(struct vcpu *cpu)
{
    struct vcpu_group *group = cpu->group;
    cpu->working = true;
    while (cpu->work_first) {
        struct vcpu_work *work = cpu->work_first;
        cpu->work_first = work->next;
        if (!cpu->work_first)
            cpu->work_last = &cpu->work_first;
        pthread_mutex_unlock(&group->mutex);
        work->fn(cpu, work->arg);
        free(work);
        pthread_mutex_lock(&group->mutex);
    }
    cpu->working = false;
}

// Work of vcpu_group_reset. It waits its turn among queued work, so that a start-up asked for later comes later.
static void reset_self(struct vcpu *cpu, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&cpu->group->mutex);
    cpu->start_pending = false;
    cpu->halted = false;
    cpu->powered_on = cpu->index == 0;
    cpu->ops->reset(cpu);
    if (cpu->powered_on && cpu->group->has_boot)
        cpu->ops->start_at(cpu, cpu->group->boot_entry, cpu->group->boot_context);
    pthread_mutex_unlock(&cpu->group->mutex);
}

// A power-on that another thread asked for. Called with the mutex held, which guest code never sees.
static void apply_pending(struct vcpu *cpu)
{
    if (cpu->start_pending) {
        cpu->start_pending = false;
        cpu->halted = false;
        cpu->ops->reset(cpu);
        cpu->ops->start_at(cpu, cpu->start_entry, cpu->start_context);
    }
}

static bool may_run(struct vcpu *cpu)
{
    struct vcpu_group *group = cpu->group;
    if (group->paused || group->exclusive || cpu->held)
        return false;
    if (cpu->accel->waits_inside)
        return true;
    if (!cpu->powered_on)
        return false;
    // A step goes on behind the instruction that waits: those may wake for any reason, and nobody would end the wait while only
    // this vCPU runs.
    if (cpu->halted && (cpu->step.on || cpu->ops->has_work(cpu)))
        cpu->halted = false;
    return !cpu->halted;
}

static void *vcpu_thread(void *arg)
{
    struct vcpu *cpu = arg;
    struct vcpu_group *group = cpu->group;
    pthread_mutex_lock(&group->mutex);
    while (!group->quit) {
        atomic_store(&cpu->exit_request, 0);
        if (cpu->work_first || cpu->start_pending) {
            run_queued_work(cpu);
            apply_pending(cpu);
            pthread_cond_broadcast(&group->changed);
        }
        if (!may_run(cpu)) {
            // Set before has_work is asked again, so that vcpu_kick either is seen there or sees `waiting`.
            atomic_store(&cpu->waiting, true);
            atomic_thread_fence(memory_order_seq_cst);
            if (!may_run(cpu) && !cpu->work_first && !cpu->start_pending && !group->quit)
                sleep_until_woken(cpu);
            atomic_store(&cpu->waiting, false);
            continue;
        }
        cpu->in_run = true;
        group->running++;
        pthread_mutex_unlock(&group->mutex);
        cpu->accel->ops->run((struct accel *)cpu->accel, cpu);
        pthread_mutex_lock(&group->mutex);
        cpu->in_run = false;
        group->running--;
        if (cpu->stop.reason != VCPU_RUNS) {
            cpu->held = true;
            if (group->stopped)
                group->stopped(group->stopped_opaque);
        }
        pthread_cond_broadcast(&group->changed);
    }
    pthread_mutex_unlock(&group->mutex);
    return NULL;
}

static void kick_all_locked(struct vcpu_group *group)
{
    for (unsigned i = 0; i < group->count; i++)
        vcpu_kick(group->cpus[i]);
}

void vcpu_group_start(struct vcpu_group *group)
{
    vcpu_group_reset(group);
    for (unsigned i = 0; i < group->count; i++) {
        struct vcpu *cpu = group->cpus[i];
        if (pthread_create(&cpu->thread, NULL, vcpu_thread, cpu))
            abort();
        cpu->thread_started = true;
    }
}

void vcpu_group_resume(struct vcpu_group *group)
{
    pthread_mutex_lock(&group->mutex);
    group->paused = false;
    kick_all_locked(group);
    pthread_mutex_unlock(&group->mutex);
}

void vcpu_group_pause(struct vcpu_group *group)
{
    pthread_mutex_lock(&group->mutex);
    group->paused = true;
    kick_all_locked(group);
    while (group->running || group->queued)
        pthread_cond_wait(&group->changed, &group->mutex);
    pthread_mutex_unlock(&group->mutex);
}

static bool has_work(const struct vcpu_group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        const struct vcpu *cpu = group->cpus[i];
        if (cpu->thread_started && (cpu->work_first || cpu->working || cpu->start_pending))
            return true;
    }
    return false;
}

void vcpu_group_settle(struct vcpu_group *group)
{
    pthread_mutex_lock(&group->mutex);
    while (has_work(group))
        pthread_cond_wait(&group->changed, &group->mutex);
    pthread_mutex_unlock(&group->mutex);
}

void vcpu_hold(struct vcpu *cpu, bool held)
{
    pthread_mutex_lock(&cpu->group->mutex);
    cpu->held = held;
    if (!held)
        cpu->stop = (struct vcpu_stop){0};
    vcpu_kick(cpu);
    pthread_mutex_unlock(&cpu->group->mutex);
}

void vcpu_group_stop(struct vcpu_group *group)
{
    pthread_mutex_lock(&group->mutex);
    group->quit = true;
    kick_all_locked(group);
    pthread_mutex_unlock(&group->mutex);
    for (unsigned i = 0; i < group->count; i++) {
        if (group->cpus[i]->thread_started)
            pthread_join(group->cpus[i]->thread, NULL);
        group->cpus[i]->thread_started = false;
    }
}

void vcpu_group_drop_work(struct vcpu_group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        struct vcpu *cpu = group->cpus[i];
        for (struct vcpu_work *work = cpu->work_first, *next; work; work = next) {
            next = work->next;
            free(work);
        }
        cpu->work_first = NULL;
        cpu->work_last = &cpu->work_first;
    }
}

void vcpu_group_reset(struct vcpu_group *group)
{
    for (unsigned i = 0; i < group->count; i++)
        vcpu_queue_work(group->cpus[i], reset_self, NULL);
}

void vcpu_group_set_boot(struct vcpu_group *group, uint64_t entry, uint64_t context)
{
    pthread_mutex_lock(&group->mutex);
    group->has_boot = true;
    group->boot_entry = entry;
    group->boot_context = context;
    pthread_mutex_unlock(&group->mutex);
}

void vcpu_exclusive_begin(struct vcpu_group *group, struct vcpu *self)
{
    pthread_mutex_lock(&group->mutex);
    bool inside = self && self->in_run;
    // A caller inside run() counts as stopped while it waits, or two of them would wait for each other; but not for a pause.
    if (inside) {
        group->running--;
        group->queued++;
        pthread_cond_broadcast(&group->changed);
    }
    while (group->exclusive)
        pthread_cond_wait(&group->changed, &group->mutex);
    group->exclusive = true;
    for (unsigned i = 0; i < group->count; i++)
        if (group->cpus[i] != self)
            vcpu_kick(group->cpus[i]);
    while (group->running)
        pthread_cond_wait(&group->changed, &group->mutex);
    if (inside) {
        group->queued--;
        group->running++;
    }
    pthread_mutex_unlock(&group->mutex);
}

void vcpu_exclusive_end(struct vcpu_group *group, struct vcpu *self)
{
    pthread_mutex_lock(&group->mutex);
    group->exclusive = false;
    // A pause that came meanwhile waits for the caller, who sees it at the next poll.
    if (self && self->in_run && (group->paused || group->quit))
        atomic_store(&self->exit_request, 1);
    for (unsigned i = 0; i < group->count; i++)
        wake(group->cpus[i]);
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->mutex);
}

static void kick(struct vcpu *cpu, uint32_t why)
{
    atomic_fetch_or(&cpu->exit_request, why);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&cpu->waiting))
        wake(cpu);
    if (cpu->accel && cpu->accel->ops->kick)
        cpu->accel->ops->kick((struct accel *)cpu->accel, cpu);
}

void vcpu_irq_set(struct vcpu *cpu, unsigned line, bool level)
{
    assert(line < 32);
    uint32_t bit = UINT32_C(1) << line;
    if (!level) {
        atomic_fetch_and(&cpu->irq_lines, ~bit);
        return;
    }
    if (!(atomic_fetch_or(&cpu->irq_lines, bit) & bit))
        kick(cpu, VCPU_EXIT_FOR_LINES);
}

void vcpu_kick(struct vcpu *cpu)
{
    kick(cpu, VCPU_EXIT);
}

void vcpu_queue_work(struct vcpu *cpu, void (*fn)(struct vcpu *, void *), void *arg)
{
    struct vcpu_work *work = ALLOC(struct vcpu_work);
    work->fn = fn;
    work->arg = arg;
    pthread_mutex_lock(&cpu->group->mutex);
    *cpu->work_last = work;
    cpu->work_last = &work->next;
    vcpu_kick(cpu);
    pthread_mutex_unlock(&cpu->group->mutex);
}

int vcpu_power_on(struct vcpu *cpu, uint64_t entry, uint64_t context)
{
    pthread_mutex_lock(&cpu->group->mutex);
    int result = cpu->powered_on ? -EALREADY : 0;
    if (!result) {
        cpu->powered_on = true;
        cpu->start_pending = true;
        cpu->start_entry = entry;
        cpu->start_context = context;
        vcpu_kick(cpu);
    }
    pthread_mutex_unlock(&cpu->group->mutex);
    return result;
}

void vcpu_power_off_self(struct vcpu *cpu)
{
    pthread_mutex_lock(&cpu->group->mutex);
    cpu->powered_on = false;
    cpu->start_pending = false;
    atomic_store(&cpu->exit_request, 1);
    pthread_mutex_unlock(&cpu->group->mutex);
}

bool vcpu_is_powered_on(struct vcpu *cpu)
{
    pthread_mutex_lock(&cpu->group->mutex);
    bool on = cpu->powered_on;
    pthread_mutex_unlock(&cpu->group->mutex);
    return on;
}

void vcpu_set_power(struct vcpu *cpu, bool on)
{
    pthread_mutex_lock(&cpu->group->mutex);
    cpu->powered_on = on;
    pthread_mutex_unlock(&cpu->group->mutex);
}
