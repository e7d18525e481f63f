// SPDX-License-Identifier: MIT
#include "x86-machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw/misc/pc-misc.h"
#include "target-x86/x86.h"
#include "tcg/base/alloc.h"
#include "tcg/exec/engine.h"

static const struct machine_type type = {
    .name = "bare",
    .help = "for tests",
    .arch = "x86_64",
    .default_cpus = 1,
    .max_cpus = X86_MACHINE_CPUS,
    .instance_size = sizeof(struct machine),
};

static void give_up(const char *what, const struct error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->text);
    exit(2);
}

enum { PORT_TEXT = 0xe9, PORT_END = 0xf4, PORT_INTERRUPT = 0xf5, PORT_NMI = 0xf6, PORT_SMI = 0xf7, PORT_WAKE = 0xf8, PORT_A20 = 0x92 };

static uint64_t port_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    return access.offset; // something to compare with
}

static void port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct x86_machine *m = opaque;
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    switch (access.offset) {
    case PORT_TEXT:
        if (m->text_length + 1 < sizeof(m->text))
            m->text[m->text_length++] = (char)value;
        break;
    case PORT_END:
        if (atomic_exchange(&m->ended, true))
            break;
        m->status = (int)(value & 0xff);
        atomic_store(&vcpu->exit_request, 1);
        break;
    case PORT_INTERRUPT:
        m->vector = (uint8_t)value;
        m->asked = true;
        vcpu_irq_set(vcpu, X86_CPU_INTR, true);
        break;
    case PORT_NMI:
        vcpu_irq_set(vcpu, X86_CPU_NMI, true);
        break;
    case PORT_SMI:
        vcpu_irq_set(vcpu, X86_CPU_SMI, true);
        break;
    case PORT_WAKE:
        m->wakes = (uint8_t)value;
        break;
    case PORT_A20:
        vcpu_irq_set(vcpu, X86_CPU_A20M, !(value & 2));
        break;
    }
}

static const struct mmio_ops port_ops = {port_read, port_write, 1, 1, false};

static int acknowledge(void *opaque)
{
    enum { X87_ERROR = 0x75 }; // IRQ 13 of a PC, at the vector where BIOS has it
    struct x86_machine *m = opaque;
    int vector = m->asked ? m->vector : X87_ERROR;
    if (!m->asked)
        m->x87_error = false;
    m->asked = false;
    vcpu_irq_set(&m->cpu->tcg.vcpu, X86_CPU_INTR, m->x87_error);
    return vector;
}

static void x87_error(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct x86_machine *m = opaque;
    m->x87_error = level;
    vcpu_irq_set(&m->cpu->tcg.vcpu, X86_CPU_INTR, level || m->asked);
}

static void ignne(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct x86_machine *m = opaque;
    vcpu_irq_set(&m->cpu->tcg.vcpu, X86_CPU_IGNNE, level);
}

static struct irq_line add_port_f0(struct x86_machine *m)
{
    struct error error = {""};
    struct device *port = device_create(m->machine, &port_f0_type, NULL);
    port_f0_wire(port, m->io, (struct irq_line){x87_error, m, 0}, (struct irq_line){ignne, m, 0});
    if (device_realize(port, &error) < 0)
        give_up("port F0", &error);
    return port_f0_error(port);
}

static const struct x86_intc_ops intc = {.acknowledge = acknowledge};

static void shut_down(void *opaque)
{
    struct x86_machine *m = opaque;
    m->shut_down = true;
    atomic_store(&m->cpu->tcg.vcpu.exit_request, 1);
}

static void map_ram(struct x86_machine *m, uint64_t base, uint64_t size, uint64_t offset)
{
    struct error error = {""};
    struct mem_region_desc ram = {.name = "ram", .base = base, .size = size, .kind = MEM_RAM, .ram_offset = offset};
    if (!memory_map_add(m->machine->map, ram, &error))
        give_up("RAM", &error);
}

static void add_cpu(struct x86_machine *m, const char *model, unsigned index, struct irq_line ferr)
{
    struct error error = {""};
    struct x86_cpu_config config = {.index = index, .apic_id = index, .threads = 1, .cores = m->cpus, .sockets = 1, .io = m->io,
                                    .intc = &intc, .intc_opaque = m, .ferr = ferr, .shutdown = shut_down, .shutdown_opaque = m};
    struct vcpu *vcpu = x86_cpu_factory.create(m->machine, model, &config, &error);
    if (!vcpu)
        give_up("processor", &error);
    vcpu_group_add(&m->machine->vcpus, vcpu);
    if (m->accel->ops->vcpu_init(m->accel, vcpu, &error) < 0)
        give_up("processor", &error);
    vcpu->thread = pthread_self();
}

struct x86_machine *x86_machine_create(const char *accel, const char *model, unsigned max_insns)
{
    return x86_machine_create_smp(accel, model, max_insns, 1);
}

struct x86_machine *x86_machine_create_smp(const char *accel, const char *model, unsigned max_insns, unsigned cpus)
{
    struct x86_machine *m = ALLOC(struct x86_machine);
    struct error error = {""};
    uint64_t size = (uint64_t)X86_MACHINE_MIB << 20, offset = 0;
    m->machine = machine_create(&type);
    if (machine_init_memory(m->machine, size, &error) || guest_ram_carve(m->machine->ram, size, &offset, &error))
        give_up("RAM", &error);
    map_ram(m, X86_MACHINE_RAM, size, offset);
    map_ram(m, 0, (uint64_t)2 << 20, offset);

    struct tcg_options options = tcg_default_options();
    options.code_mib = 16;
    options.verify = true;
    if (max_insns)
        options.max_insns = max_insns;
    m->accel = tcg_accel_create(strcmp(accel, "interp") ? &tcg_accel_ops : &interp_accel_ops, &options);
    if (m->accel->ops->init(m->accel, m->machine, &error) < 0)
        give_up("accelerator", &error);

    m->io = machine_add_map(m->machine, NULL);
    struct mem_region_desc ports = {
        .name = "ports", .base = 0, .size = 0x8000, .kind = MEM_MMIO, .priority = -1, .ops = &port_ops, .opaque = m};
    if (!memory_map_add(m->io, ports, &error))
        give_up("ports", &error);
    m->cpus = cpus;
    struct irq_line ferr = add_port_f0(m);
    for (unsigned i = 0; i < cpus; i++)
        add_cpu(m, model, i, i ? (struct irq_line){0} : ferr);
    m->cpu = x86_cpu_of_vcpu(m->machine->vcpus.cpus[0]);
    event_clock_start(m->machine->clock);
    for (unsigned i = 0; i < cpus; i++)
        m->machine->vcpus.cpus[i]->ops->reset(m->machine->vcpus.cpus[i]);
    return m;
}

void x86_machine_destroy(struct x86_machine *m)
{
    for (unsigned i = 0; i < m->cpus; i++)
        m->accel->ops->vcpu_destroy(m->accel, m->machine->vcpus.cpus[i]);
    machine_destroy(m->machine);
    m->accel->ops->destroy(m->accel);
    free(m);
}

void *x86_machine_ram(struct x86_machine *m, uint64_t gpa)
{
    const struct mem_range *range = memory_map_find(m->machine->map, gpa);
    return range->host + (gpa - range->base);
}

void x86_machine_wrote(struct x86_machine *m, uint64_t gpa, uint64_t bytes)
{
    guest_ram_wrote(m->machine->ram, (uint64_t)((uint8_t *)x86_machine_ram(m, gpa) - m->machine->ram->host), bytes);
}

static uint64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

struct watchdog {
    struct vcpu *vcpu;
    uint64_t until;
    atomic_bool finished, expired;
};

static void *watch(void *opaque)
{
    struct watchdog *w = opaque;
    while (!w->finished && !w->expired) {
        struct timespec nap = {.tv_nsec = 20000000};
        nanosleep(&nap, NULL);
        if (seconds() > w->until) {
            w->expired = true;
            atomic_store(&w->vcpu->exit_request, 1);
        }
    }
    return NULL;
}

// What port 0xf8 has said for this halt.
static bool wake(struct x86_machine *m)
{
    unsigned line = m->wakes & 15;
    m->wakes >>= 4;
    if (line == 1 || line == 2)
        vcpu_irq_set(&m->cpu->tcg.vcpu, line == 1 ? X86_CPU_SMI : X86_CPU_NMI, true);
    return m->cpu->tcg.vcpu.ops->has_work(&m->cpu->tcg.vcpu);
}

// A case or a program; the watchdog is only for programs that loop.
bool x86_machine_run(struct x86_machine *m)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    struct watchdog w = {.vcpu = vcpu, .until = seconds() + 20};
    pthread_t watcher;
    m->ended = m->shut_down = false;
    m->status = -1;
    vcpu->halted = false;
    m->cpu->halt = X86_RUNS;
    vcpu->in_run = true;
    m->machine->vcpus.running = 1;
    atomic_store(&vcpu->exit_request, 0);
    pthread_create(&watcher, NULL, watch, &w);
    while (!m->ended && !m->shut_down && !w.expired) {
        atomic_store(&vcpu->exit_request, 0);
        if (vcpu->halted && !vcpu->ops->has_work(vcpu) && !wake(m))
            break;
        vcpu->halted = false;
        m->accel->ops->run(m->accel, vcpu);
    }
    m->machine->vcpus.running = 0;
    vcpu->in_run = false;
    w.finished = true;
    pthread_join(watcher, NULL);
    return !w.expired;
}

static void start_up(struct vcpu *vcpu, void *entry)
{
    vcpu_power_on(vcpu, *(const uint64_t *)entry, 0);
}

bool x86_machine_run_all(struct x86_machine *m, uint64_t entry)
{
    struct vcpu_group *group = &m->machine->vcpus;
    uint64_t until = seconds() + 40;
    m->status = -1;
    vcpu_group_set_boot(group, entry, 0);
    vcpu_group_start(group);
    for (unsigned i = 1; i < m->cpus; i++)
        vcpu_queue_work(group->cpus[i], start_up, &entry);
    vcpu_group_resume(group);
    while (!m->ended && !m->shut_down && seconds() < until)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    vcpu_group_pause(group);
    vcpu_group_stop(group);
    return m->ended;
}
