// SPDX-License-Identifier: MIT
// INIT and start-up messages to processors (Intel SDM volume 3, sections 9.4 and 11.6). They are carried out on the CPU's
// own thread. However many a guest sends, a CPU has one of each waiting and one piece of work queued: an INIT undoes what
// came before it, and the first start-up after it counts.
#include "hw/boards/pc-private.h"

enum { START_UP_VECTOR = 0xff, START_UP = 1 << 8, INIT = 1 << 9, QUEUED = 1 << 10 };

// The first CPU begins anew at once, the others wait for start-up with their power off.
static void init(struct vcpu *cpu)
{
    cpu->halted = false;
    if (cpu->index)
        vcpu_power_off_self(cpu);
    else
        (cpu->ops->init ? cpu->ops->init : cpu->ops->reset)(cpu);
}

// Work that was queued before a reset of the machine is done before the CPU's reset, so what was sent since is not its.
static void take_messages(struct vcpu *cpu, void *resets)
{
    struct pc *pc = pc_of(cpu->machine);
    if (atomic_load(&pc->resets) != (uintptr_t)resets)
        return;
    uint32_t messages = atomic_exchange(&pc->messages[cpu->index], 0);
    if (messages & INIT)
        init(cpu);
    if (messages & START_UP)
        vcpu_power_on(cpu, (uint64_t)(messages & START_UP_VECTOR) << 12, 0);
}

static void queue(struct pc *pc, unsigned cpu, uint32_t before)
{
    if (!(before & QUEUED))
        vcpu_queue_work(pc->machine.vcpus.cpus[cpu], take_messages, (void *)(uintptr_t)atomic_load(&pc->resets));
}

void pc_init_message(void *opaque, unsigned cpu)
{
    struct pc *pc = opaque;
    queue(pc, cpu, atomic_exchange(&pc->messages[cpu], INIT | QUEUED));
}

void pc_start_up_message(void *opaque, unsigned cpu, uint8_t vector)
{
    struct pc *pc = opaque;
    uint32_t before = atomic_load(&pc->messages[cpu]);
    do {
        if (before & START_UP)
            return;
    } while (!atomic_compare_exchange_weak(&pc->messages[cpu], &before, before | START_UP | QUEUED | vector));
    queue(pc, cpu, before);
}

void pc_drop_messages(struct pc *pc)
{
    atomic_fetch_add(&pc->resets, 1);
    for (unsigned i = 0; i < pc->machine.cpu_count; i++)
        atomic_store(&pc->messages[i], 0);
}
