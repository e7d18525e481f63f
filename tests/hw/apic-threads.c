// SPDX-License-Identifier: MIT
// Interrupt controllers of a PC used from several threads at once, as vCPUs do: a token goes round by interprocessor
// interrupts while timers fire and lines change. A plain program, so that the thread sanitizer can watch it.
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "pc-interrupts.h"

enum { CPUS = 3, ROUNDS = 3000, TOKEN = 0x50, TIMER = 0x41, LEVEL = 0x60, PIN = 5 };

struct test_cpu {
    unsigned index;
    unsigned tokens, timers, levels, externals;
    pthread_t thread;
};

static const struct machine_type type = {
    .name = "apics", .arch = "none", .default_cpus = 1, .max_cpus = 1, .instance_size = sizeof(struct machine)};

struct bench {
    struct machine *machine;
    struct memory_map *io;
    struct pc_interrupts chips;
    struct test_cpu cpus[CPUS];
};

struct runner {
    struct bench *bench;
    struct test_cpu *cpu;
};

static void set(struct bench *bench, unsigned cpu, uint64_t offset, uint32_t value)
{
    lapic_put(&bench->chips, cpu, offset, value);
}

static void out(struct bench *bench, uint16_t port, uint8_t value)
{
    memory_map_write(bench->io, (struct mem_requester){0}, port, 1, value);
}

static void serve(struct bench *bench, struct test_cpu *cpu, struct irq_line *pin)
{
    int vector = lapic_take(&bench->chips, cpu->index);
    if (vector == TOKEN) {
        cpu->tokens++;
        set(bench, cpu->index, LAPIC_ICR + 0x10, (cpu->index + 1) % CPUS << 24);
        set(bench, cpu->index, LAPIC_ICR, 0x4000 | TOKEN);
    } else if (vector == TIMER) {
        cpu->timers++;
        set(bench, cpu->index, LAPIC_INITIAL, 1000);
    } else if (vector == LEVEL) {
        cpu->levels++;
        irq_set(pin, false);
    } else if (vector >= 8 && vector < 16) {
        cpu->externals++;
        out(bench, 0x20, 0x20);
        return;
    }
    if (vector >= 0)
        set(bench, cpu->index, LAPIC_EOI, 0);
}

static void *run(void *opaque)
{
    struct runner *runner = opaque;
    struct bench *bench = runner->bench;
    struct test_cpu *cpu = runner->cpu;
    struct irq_line pin = ioapic_input(bench->chips.ioapic, PIN + cpu->index);
    struct irq_line line = i8259_input(bench->chips.pic, 3 + cpu->index);
    unsigned rounds = 0;
    while (cpu->tokens < ROUNDS) {
        if (rounds++ % 8 == 0) {
            irq_set(&pin, true);
            irq_pulse(&line);
        }
        if (atomic_load(&bench->chips.cpus[cpu->index].intr))
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

static void build(struct bench *bench)
{
    static const uint32_t ids[CPUS] = {0, 1, 2};
    struct error error;
    struct machine *machine = bench->machine = machine_create(&type);
    assert(!machine_init_memory(machine, 1 << 20, &error));
    bench->io = memory_map_create(machine->ram, &machine->lock);
    pc_interrupts_create(&bench->chips, machine, bench->io, CPUS, ids);
    static const uint8_t init[][2] = {{0x20, 0x11}, {0x21, 0x08}, {0x21, 0x04}, {0x21, 0x01}};
    for (unsigned i = 0; i < 4; i++)
        out(bench, init[i][0], init[i][1]);
    for (unsigned i = 0; i < CPUS; i++) {
        bench->cpus[i].index = i;
        set(bench, i, LAPIC_SVR, 0x1ff);
        set(bench, i, LAPIC_TIMER, TIMER);
        set(bench, i, LAPIC_DIVIDE, 0xb);
        set(bench, i, LAPIC_INITIAL, 1000);
        ioapic_route(&bench->chips, PIN + i, (uint8_t)i, 0x8000 | LEVEL);
    }
    set(bench, 0, LAPIC_LINT0, 0x700);
}

int main(void)
{
    struct bench bench = {0};
    struct runner runners[CPUS];
    pthread_t last;
    build(&bench);
    event_clock_start(bench.machine->clock);
    set(&bench, 0, LAPIC_ICR, 0x44000 | TOKEN); // to itself
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
