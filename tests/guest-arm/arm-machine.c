// SPDX-License-Identifier: MIT
#include "arm-machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "target-arm/arm.h"
#include "tcg/base/alloc.h"
#include "tcg/exec/engine.h"

static const struct machine_type type = {
    .name = "bare",
    .help = "for tests",
    .arch = "aarch64",
    .default_cpus = 1,
    .max_cpus = 1,
    .instance_size = sizeof(struct machine),
};

static void give_up(const char *what, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->text);
    exit(2);
}

// Every HVC ends the run.
static bool hvc(void *opaque, struct vcpu *cpu, uint64_t regs[18])
{
    struct arm_machine *m = opaque;
    (void)regs;
    m->hvc_seen = true;
    atomic_store(&cpu->exit_request, 1);
    return true;
}

static const struct arm_firmware_ops firmware = {hvc};

static void interrupt(void *opaque, unsigned input, bool level)
{
    struct arm_machine *m = opaque;
    if (m->cpu)
        vcpu_irq_set(&m->cpu->tcg.vcpu, input, level);
}

struct arm_machine *arm_machine_create(const char *accel, const char *model, unsigned max_insns)
{
    struct arm_machine *m = ALLOC(struct arm_machine);
    struct error error = {""};
    uint64_t size = (uint64_t)ARM_MACHINE_MIB << 20, offset = 0;
    m->machine = machine_create(&type);
    if (machine_init_memory(m->machine, size, &error) || guest_ram_carve(m->machine->ram, size, &offset, &error))
        give_up("RAM", &error);
    struct mem_region_desc ram = {
        .name = "ram", .base = ARM_MACHINE_RAM, .size = size, .kind = MEM_RAM, .ram_offset = offset};
    if (!memory_map_add(m->machine->map, ram, &error))
        give_up("RAM", &error);

    struct tcg_options options = tcg_default_options();
    options.code_mib = 16;
    options.verify = true;
    if (max_insns)
        options.max_insns = max_insns;
    m->accel = tcg_accel_create(strcmp(accel, "interp") ? &tcg_accel_ops : &interp_accel_ops, &options);
    if (m->accel->ops->init(m->accel, m->machine, &error) < 0)
        give_up("accelerator", &error);

    struct arm_cpu_config config = {
        .reset_pc = ARM_MACHINE_RAM, .conduit = ARM_CONDUIT_HVC, .firmware = &firmware, .firmware_opaque = m};
    config.outputs[ARM_TIMER_VIRT] = (struct irq_line){interrupt, m, ARM_CPU_IRQ};
    config.outputs[ARM_TIMER_PHYS] = (struct irq_line){interrupt, m, ARM_CPU_FIQ};
    struct vcpu *vcpu = arm_cpu_factory.create(m->machine, model, &config, &error);
    if (!vcpu)
        give_up("processor", &error);
    vcpu_group_add(&m->machine->vcpus, vcpu);
    if (m->accel->ops->vcpu_init(m->accel, vcpu, &error) < 0)
        give_up("processor", &error);
    m->cpu = arm_cpu_of_vcpu(vcpu);
    event_clock_start(m->machine->clock);
    return m;
}

void arm_machine_destroy(struct arm_machine *m)
{
    m->accel->ops->vcpu_destroy(m->accel, &m->cpu->tcg.vcpu);
    machine_destroy(m->machine);
    m->accel->ops->destroy(m->accel);
    free(m);
}

void *arm_machine_ram(struct arm_machine *m, uint64_t gpa)
{
    const struct mem_range *range = memory_map_find(m->machine->map, gpa);
    return range->host + (gpa - range->base);
}

// One block of 1 GiB, in a table at the end of RAM.
static void map_flat(struct arm_machine *m)
{
    enum { BLOCK = 1, AF = 1 << 10, INNER_SHAREABLE = 3 << 8, FPEN = 3 << 20 };
    uint64_t table = ARM_MACHINE_RAM + ((uint64_t)ARM_MACHINE_MIB << 20) - 0x1000;
    uint64_t *entries = arm_machine_ram(m, table);
    entries[1] = ARM_MACHINE_RAM | BLOCK | AF | INNER_SHAREABLE;
    m->cpu->mair_el[1] = 0xff;
    m->cpu->ttbr0_el[1] = table;
    m->cpu->tcr_el[1] = 25 | UINT64_C(1) << 23 | UINT64_C(5) << 32; // T0SZ, EPD1, IPS
    m->cpu->sctlr_el[1] |= 1;
    m->cpu->cpacr_el1 = FPEN;
    arm_modes_changed(m->cpu);
}

struct watchdog {
    struct vcpu *vcpu;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool finished, expired;
};

static void *watch(void *opaque)
{
    struct watchdog *w = opaque;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&w->mutex);
    while (!w->finished && !w->expired)
        w->expired = pthread_cond_timedwait(&w->done, &w->mutex, &until) != 0;
    pthread_mutex_unlock(&w->mutex);
    if (w->expired)
        atomic_store(&w->vcpu->exit_request, 1);
    return NULL;
}

// Lets timers fire, for a processor that waits.
static void wait_for_work(struct arm_machine *m)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    device_lock_acquire(&m->machine->lock);
    event_clock_run(m->machine->clock);
    device_lock_release(&m->machine->lock);
    vcpu->halted = !vcpu->ops->has_work(vcpu);
    if (vcpu->halted)
        usleep(100);
}

bool arm_machine_run(struct arm_machine *m, uint64_t entry)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    struct watchdog w = {.vcpu = vcpu, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    pthread_t watcher;
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, entry, 0);
    if (m->kernel_like)
        map_flat(m);
    m->cpu->vbar_el[1] = m->vbar;
    vcpu->halted = false;
    m->hvc_seen = false;
    atomic_store(&vcpu->exit_request, 0);
    pthread_create(&watcher, NULL, watch, &w);

    vcpu->in_run = true;
    m->machine->vcpus.running = 1;
    // Invalidations kick the vCPU: what ends the loop is the HVC, or the watchdog.
    while (!m->hvc_seen && !w.expired) {
        // Cleared before the look at `stop`: whoever sets that raises the request after it.
        atomic_store(&vcpu->exit_request, 0);
        if (m->stop)
            break;
        if (vcpu->halted)
            wait_for_work(m);
        else
            m->accel->ops->run(m->accel, vcpu);
    }
    m->machine->vcpus.running = 0;
    vcpu->in_run = false;

    pthread_mutex_lock(&w.mutex);
    w.finished = true;
    pthread_cond_signal(&w.done);
    pthread_mutex_unlock(&w.mutex);
    pthread_join(watcher, NULL);
    return m->hvc_seen;
}
