// SPDX-License-Identifier: MIT
#include "test-machine.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hw/kvm/kvm.h"
#include "tcg/exec/engine.h"

static const struct machine_type type = {
    .name = "bare",
    .help = "for tests",
    .arch = "none",
    .default_cpus = 1,
    .max_cpus = TEST_MACHINE_CPUS,
    .instance_size = sizeof(struct machine),
};

bool test_machine_host_has_kvm(void)
{
    int host = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = host < 0 ? -1 : ioctl(host, KVM_CREATE_VM, 0);
    if (vm < 0)
        perror("no KVM: /dev/kvm");
    if (vm >= 0)
        close(vm);
    if (host >= 0)
        close(host);
    return vm >= 0;
}

_Noreturn void test_machine_give_up(const char *what, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->text);
    exit(2);
}

void test_machine_create(struct test_machine *m, const struct cpu_factory *factory, const char *accel, unsigned max_insns)
{
    struct error error = {""};
    uint64_t size = (uint64_t)TEST_MACHINE_RAM_MIB << 20, devices = (uint64_t)TEST_MACHINE_DEVICES_MIB << 20;
    m->machine = machine_create(&type);
    m->machine->cpu_factory = factory;
    if (machine_init_memory(m->machine, size + devices, &error) || guest_ram_carve(m->machine->ram, size, &m->ram_offset, &error))
        test_machine_give_up("RAM", &error);
    struct tcg_options options = tcg_default_options();
    options.code_mib = 16;
    options.verify = true;
    if (max_insns)
        options.max_insns = max_insns;
    bool regions = !strcmp(accel, "regions") || !strcmp(accel, "interp-regions"), hot = !strcmp(accel, "hot"), tiers = !strcmp(accel, "tiers");
    options.tier2 = regions || hot || tiers;
    options.tier2_threshold = regions ? 1 : hot ? 8 : TEST_MACHINE_TIERS_THRESHOLD;
    if (tiers)
        options.tier2_threads = 0;
    m->accel = !strcmp(accel, "kvm") ? kvm_accel_create(KVM_IRQCHIP_OFF)
                                     : tcg_accel_create(strncmp(accel, "interp", 6) ? &tcg_accel_ops : &interp_accel_ops, &options);
    if (m->accel->ops->init(m->accel, m->machine, &error) < 0)
        test_machine_give_up("accelerator", &error);
}

void test_machine_destroy(struct test_machine *m)
{
    struct vcpu_group *group = &m->machine->vcpus;
    for (unsigned i = 0; i < group->count; i++)
        m->accel->ops->vcpu_destroy(m->accel, group->cpus[i]);
    machine_destroy(m->machine);
    m->accel->ops->destroy(m->accel);
}

void test_machine_map_ram(struct test_machine *m, uint64_t base, uint64_t bytes)
{
    struct error error = {""};
    struct mem_region_desc ram = {
        .name = "ram", .base = base, .size = bytes, .kind = MEM_RAM, .ram_offset = m->ram_offset};
    if (!memory_map_add(m->machine->map, ram, &error))
        test_machine_give_up("RAM", &error);
}

struct vcpu *test_machine_add_cpu(struct test_machine *m, const char *model, const void *config)
{
    struct error error = {""};
    struct vcpu *vcpu = m->machine->cpu_factory->create(m->machine, model, config, &error);
    if (!vcpu)
        test_machine_give_up("processor", &error);
    vcpu_group_add(&m->machine->vcpus, vcpu);
    if (m->accel->ops->vcpu_init(m->accel, vcpu, &error) < 0)
        test_machine_give_up("processor", &error);
    return vcpu;
}

void *test_machine_ram(const struct test_machine *m, uint64_t gpa)
{
    const struct mem_range *range = memory_map_find(m->machine->map, gpa);
    return range->host + (gpa - range->base);
}

void test_machine_wrote(struct test_machine *m, uint64_t gpa, uint64_t bytes)
{
    guest_ram_wrote(m->machine->ram, (uint64_t)((uint8_t *)test_machine_ram(m, gpa) - m->machine->ram->host), bytes);
}

struct watchdog {
    struct vcpu *vcpu;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool finished;
    atomic_bool expired;
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
        vcpu_kick(w->vcpu);
    return NULL;
}

bool test_machine_run(struct test_machine *m, struct vcpu *vcpu, bool (*goes_on)(void *opaque), void *opaque)
{
    struct watchdog w = {.vcpu = vcpu, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    pthread_t watcher;
    pthread_create(&watcher, NULL, watch, &w);
    vcpu->in_run = true;
    m->machine->vcpus.running = 1;
    for (;;) {
        // Before the look at what ends the run: whoever sets that raises the request after it. Invalidations raise it too.
        atomic_store(&vcpu->exit_request, 0);
        if (w.expired || vcpu->held || !goes_on(opaque)) // held: the engine has given up
            break;
        if (!vcpu->halted)
            m->accel->ops->run(m->accel, vcpu);
    }
    m->machine->vcpus.running = 0;
    vcpu->in_run = false;

    pthread_mutex_lock(&w.mutex);
    w.finished = true;
    pthread_cond_signal(&w.done);
    pthread_mutex_unlock(&w.mutex);
    pthread_join(watcher, NULL);
    return !w.expired && !vcpu->held;
}

static uint64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static void start_up(struct vcpu *vcpu, void *entry)
{
    vcpu_power_on(vcpu, *(const uint64_t *)entry, 0);
}

bool test_machine_run_all(struct test_machine *m, uint64_t entry, bool (*goes_on)(void *opaque), void *opaque)
{
    struct vcpu_group *group = &m->machine->vcpus;
    uint64_t until = seconds() + 200;
    vcpu_group_set_boot(group, entry, 0);
    vcpu_group_start(group);
    for (unsigned i = 1; i < group->count; i++)
        vcpu_queue_work(group->cpus[i], start_up, &entry);
    vcpu_group_resume(group);
    bool good = true;
    while (good && goes_on(opaque)) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        good = seconds() < until;
    }
    vcpu_group_pause(group);
    vcpu_group_stop(group);
    return good;
}
