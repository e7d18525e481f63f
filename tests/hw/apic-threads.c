// SPDX-License-Identifier: MIT
// Interrupt controllers of a PC used from several threads at once, as vCPUs do: a token goes round by interprocessor
// interrupts while timers fire and lines change. A plain program, so that the thread sanitizer can watch it.
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "hw/core/machine.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"

enum { CPUS = 3, ROUNDS = 3000, TOKEN = 0x50, TIMER = 0x41, LEVEL = 0x60, PIN = 5 };
enum { EOI = 0xb0, SVR = 0xf0, ICR = 0x300, LVT_TIMER = 0x320, LINT0 = 0x350, INITIAL = 0x380, DIVIDE = 0x3e0 };

struct test_cpu {
    unsigned index;
    atomic_bool intr;
    unsigned tokens, timers, levels, externals;
    pthread_t thread;
};

static const struct machine_type type = {
    .name = "apics", .arch = "none", .default_cpus = 1, .max_cpus = 1, .instance_size = sizeof(struct machine)};

struct bench {
    struct machine *machine;
    struct memory_map *io;
    struct device *apic, *pic, *ioapic;
    struct test_cpu cpus[CPUS];
};

struct runner {
    struct bench *bench;
    struct test_cpu *cpu;
};

static void intr(void *opaque, unsigned cpu, bool level)
{
    atomic_store(&((struct bench *)opaque)->cpus[cpu].intr, level);
}

static void ignore(void *opaque, unsigned cpu)
{
    (void)opaque;
    (void)cpu;
}

static void start_up(void *opaque, unsigned cpu, uint8_t vector)
{
    (void)opaque;
    (void)cpu;
    (void)vector;
}

static const struct apic_outputs outputs = {intr, ignore, ignore, ignore, start_up};

static void put(struct bench *bench, unsigned cpu, uint64_t address, uint32_t value)
{
    struct mem_requester who = {.cpu = (uint16_t)cpu};
    memory_map_write(bench->machine->map, who, address, 4, value);
}

static void set(struct bench *bench, unsigned cpu, uint64_t offset, uint32_t value)
{
    put(bench, cpu, APIC_DEFAULT_BASE + offset, value);
}

static void out(struct bench *bench, uint16_t port, uint8_t value)
{
    memory_map_write(bench->io, (struct mem_requester){0}, port, 1, value);
}

static void serve(struct bench *bench, struct test_cpu *cpu, struct irq_line *pin)
{
    int vector = apic_intc_ops.acknowledge(apic_intc_opaque(bench->apic, cpu->index));
    if (vector == TOKEN) {
        cpu->tokens++;
        set(bench, cpu->index, ICR + 0x10, (cpu->index + 1) % CPUS << 24);
        set(bench, cpu->index, ICR, 0x4000 | TOKEN);
    } else if (vector == TIMER) {
        cpu->timers++;
        set(bench, cpu->index, INITIAL, 1000);
    } else if (vector == LEVEL) {
        cpu->levels++;
        irq_set(pin, false);
    } else if (vector >= 8 && vector < 16) {
        cpu->externals++;
        out(bench, 0x20, 0x20);
        return;
    }
    if (vector >= 0)
        set(bench, cpu->index, EOI, 0);
}

static void *run(void *opaque)
{
    struct runner *runner = opaque;
    struct bench *bench = runner->bench;
    struct test_cpu *cpu = runner->cpu;
    struct irq_line pin = ioapic_input(bench->ioapic, PIN + cpu->index);
    struct irq_line line = i8259_input(bench->pic, 3 + cpu->index);
    unsigned rounds = 0;
    while (cpu->tokens < ROUNDS) {
        if (rounds++ % 8 == 0) {
            irq_set(&pin, true);
            irq_pulse(&line);
        }
        if (atomic_load(&cpu->intr))
            serve(bench, cpu, &pin);
        else
            sched_yield();
    }
    return NULL;
}

static void *finisher(void *opaque)
{
    struct bench *bench = opaque;
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(bench->cpus[i].thread, NULL);
    machine_shutdown_request(bench->machine, SHUTDOWN_HOST);
    return NULL;
}

static void realize(struct device *device)
{
    struct error error = {""};
    if (device_realize(device, &error)) {
        fprintf(stderr, "%s\n", error.text);
        assert(false);
    }
    device_reset(device);
}

static void build(struct bench *bench)
{
    static const uint32_t ids[CPUS] = {0, 1, 2};
    struct apic_config config = {
        .cpu_count = CPUS, .apic_ids = ids, .outputs = &outputs, .outputs_opaque = bench};
    struct error error;
    struct machine *machine = bench->machine = machine_create(&type);
    assert(!machine_init_memory(machine, 1 << 20, &error));
    bench->io = memory_map_create(machine->ram, &machine->lock);
    bench->apic = device_create(machine, &apic_type, NULL);
    apic_configure(bench->apic, &config);
    bench->pic = device_create(machine, &i8259_type, NULL);
    i8259_wire(bench->pic, bench->io, apic_lint(bench->apic, 0));
    bench->ioapic = device_create(machine, &ioapic_type, NULL);
    ioapic_wire(bench->ioapic, IOAPIC_DEFAULT_BASE, apic_message, bench->apic);
    apic_connect_pic(bench->apic, i8259_acknowledge, bench->pic);
    apic_connect_eoi(bench->apic, ioapic_eoi, bench->ioapic);
    realize(bench->apic);
    realize(bench->pic);
    realize(bench->ioapic);
    static const uint8_t init[][2] = {{0x20, 0x11}, {0x21, 0x08}, {0x21, 0x04}, {0x21, 0x01}};
    for (unsigned i = 0; i < 4; i++)
        out(bench, init[i][0], init[i][1]);
    for (unsigned i = 0; i < CPUS; i++) {
        bench->cpus[i].index = i;
        set(bench, i, SVR, 0x1ff);
        set(bench, i, LVT_TIMER, TIMER);
        set(bench, i, DIVIDE, 0xb);
        set(bench, i, INITIAL, 1000);
        put(bench, 0, IOAPIC_DEFAULT_BASE, 0x11 + 2 * (PIN + i));
        put(bench, 0, IOAPIC_DEFAULT_BASE + 0x10, i << 24);
        put(bench, 0, IOAPIC_DEFAULT_BASE, 0x10 + 2 * (PIN + i));
        put(bench, 0, IOAPIC_DEFAULT_BASE + 0x10, 0x8000 | LEVEL);
    }
    set(bench, 0, LINT0, 0x700);
}

int main(void)
{
    struct bench bench = {0};
    struct runner runners[CPUS];
    pthread_t last;
    build(&bench);
    event_clock_start(bench.machine->clock);
    set(&bench, 0, ICR, 0x44000 | TOKEN); // to itself
    for (unsigned i = 0; i < CPUS; i++) {
        runners[i] = (struct runner){&bench, &bench.cpus[i]};
        pthread_create(&bench.cpus[i].thread, NULL, run, &runners[i]);
    }
    pthread_create(&last, NULL, finisher, &bench);
    while (!atomic_load(&bench.machine->requests))
        io_loop_iterate(bench.machine->loop, 10);
    pthread_join(last, NULL);
    unsigned timers = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        assert(bench.cpus[i].tokens == ROUNDS && bench.cpus[i].levels > 0);
        timers += bench.cpus[i].timers;
    }
    assert(timers > 0 && bench.cpus[0].externals > 0 && !bench.cpus[1].externals);
    struct memory_map *io = bench.io;
    machine_destroy(bench.machine);
    memory_map_destroy(io);
    return 0;
}
