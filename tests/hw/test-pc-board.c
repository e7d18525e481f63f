// SPDX-License-Identifier: MIT
// The PC board with CPUs that have no threads: what messages between processors come to.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "hw/boards/pc.h"
#include "hw/core/machine.h"

enum { CPUS = 3 };
#define ICR UINT64_C(0xfee00300)
enum { INIT_OTHERS = 0xc4500, START_UP_OTHERS = 0xc4600 };

static struct machine *machine;

static void cpu_reset(struct vcpu *cpu)
{
    (void)cpu;
}

static void cpu_start_at(struct vcpu *cpu, uint64_t entry, uint64_t context)
{
    (void)cpu, (void)entry, (void)context;
}

static void cpu_destroy(struct vcpu *cpu)
{
    free(cpu);
}

static const struct vcpu_ops cpu_ops = {.reset = cpu_reset, .start_at = cpu_start_at, .destroy = cpu_destroy};

static struct vcpu *cpu_create(struct machine *owner, const char *model, const void *config, struct error *error)
{
    (void)model, (void)config, (void)error;
    struct vcpu *cpu = calloc(1, sizeof(*cpu));
    cpu->ops = &cpu_ops;
    cpu->machine = owner;
    return cpu;
}

static const struct cpu_factory factory = {.create = cpu_create};

// What a CPU's thread does before it runs guest code.
static void do_work(unsigned number)
{
    struct vcpu *cpu = machine->vcpus.cpus[number];
    while (cpu->work_first) {
        struct vcpu_work *work = cpu->work_first;
        cpu->work_first = work->next;
        if (!cpu->work_first)
            cpu->work_last = &cpu->work_first;
        work->fn(cpu, work->arg);
        free(work);
    }
}

static unsigned queued(unsigned number)
{
    unsigned count = 0;
    for (const struct vcpu_work *work = machine->vcpus.cpus[number]->work_first; work; work = work->next)
        count++;
    return count;
}

static void send(uint32_t icr)
{
    struct mem_requester first = {.cpu = 0};
    cr_assert_eq(memory_map_write(machine->map, first, ICR, 4, icr), MEM_OK);
}

static void setup(void)
{
    struct error error = {""};
    machine = machine_create(&pc_type);
    machine->cpu_count = CPUS;
    machine->cpu_factory = &factory;
    cr_assert_eq(machine_build(machine, &error), 0, "%s", error.text);
    cr_assert_eq(machine_finish(machine, &error), 0, "%s", error.text);
    machine_reset(machine);
    for (unsigned i = 0; i < CPUS; i++)
        do_work(i);
}

static void teardown(void)
{
    machine_destroy(machine);
}

TestSuite(pc_board, .init = setup, .fini = teardown);

Test(pc_board, init_and_start_up)
{
    send(INIT_OTHERS);
    send(START_UP_OTHERS | 0x9f);
    for (unsigned i = 1; i < CPUS; i++) {
        do_work(i);
        cr_assert(machine->vcpus.cpus[i]->start_pending);
        cr_assert_eq(machine->vcpus.cpus[i]->start_entry, 0x9f000);
    }
    cr_assert_eq(queued(0), 0, "not to itself");
    send(START_UP_OTHERS | 0x10); // it runs already
    do_work(1);
    cr_assert_eq(machine->vcpus.cpus[1]->start_entry, 0x9f000);
    send(INIT_OTHERS);
    do_work(1);
    cr_assert_not(vcpu_is_powered_on(machine->vcpus.cpus[1]));
}

Test(pc_board, messages_that_nobody_takes_do_not_pile_up)
{
    for (unsigned i = 0; i < 1000; i++) {
        send(INIT_OTHERS);
        send(START_UP_OTHERS | (0x20 + i % 2));
        send(START_UP_OTHERS | 0x30);
    }
    cr_assert_eq(queued(1), 1);
    cr_assert_eq(queued(2), 1);
    do_work(1);
    cr_assert_eq(machine->vcpus.cpus[1]->start_entry, 0x21000, "the first start-up after the last INIT");
}

Test(pc_board, a_start_up_before_an_init_is_undone)
{
    send(START_UP_OTHERS | 0x20);
    send(INIT_OTHERS);
    do_work(1);
    cr_assert_not(vcpu_is_powered_on(machine->vcpus.cpus[1]));
}

Test(pc_board, a_reset_undoes_messages_but_none_after_it)
{
    send(START_UP_OTHERS | 0x20);
    machine_reset(machine);
    do_work(1);
    cr_assert_not(vcpu_is_powered_on(machine->vcpus.cpus[1]));
    send(START_UP_OTHERS | 0x20);
    machine_reset(machine);
    send(START_UP_OTHERS | 0x40);
    do_work(1);
    cr_assert(vcpu_is_powered_on(machine->vcpus.cpus[1]));
    cr_assert_eq(machine->vcpus.cpus[1]->start_entry, 0x40000);
}
