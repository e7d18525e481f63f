// SPDX-License-Identifier: MIT
#include "arm-machine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target-arm/arm.h"
#include "tcg/base/alloc.h"

// Every HVC ends the run.
static bool hvc(void *opaque, struct vcpu *cpu, uint64_t regs[18])
{
    struct arm_machine *m = opaque;
    if (!atomic_exchange(&m->ending, true)) {
        memcpy(m->result, regs, sizeof(m->result));
        m->hvc_seen = true;
    }
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

static struct vcpu *add_cpu(struct arm_machine *m, const char *model, unsigned index)
{
    struct arm_cpu_config config = {.index = index, .mpidr = index, .reset_pc = ARM_MACHINE_RAM, .conduit = ARM_CONDUIT_HVC,
                                    .firmware = &firmware, .firmware_opaque = m};
    if (!index) {
        config.outputs[ARM_TIMER_VIRT] = (struct irq_line){interrupt, m, ARM_CPU_IRQ};
        config.outputs[ARM_TIMER_PHYS] = (struct irq_line){interrupt, m, ARM_CPU_FIQ};
    }
    return test_machine_add_cpu(&m->base, model, &config);
}

struct arm_machine *arm_machine_create(const char *accel, const char *model, unsigned max_insns)
{
    return arm_machine_create_smp(accel, model, max_insns, 1);
}

struct arm_machine *arm_machine_create_smp(const char *accel, const char *model, unsigned max_insns, unsigned cpus)
{
    struct arm_machine *m = ALLOC(struct arm_machine);
    test_machine_create(&m->base, &arm_cpu_factory, accel, max_insns);
    test_machine_map_ram(&m->base, ARM_MACHINE_RAM, (uint64_t)TEST_MACHINE_RAM_MIB << 20);
    m->cpu = arm_cpu_of_vcpu(add_cpu(m, model, 0));
    for (unsigned i = 1; i < cpus; i++)
        add_cpu(m, model, i);
    event_clock_start(m->base.machine->clock);
    return m;
}

void arm_machine_destroy(struct arm_machine *m)
{
    test_machine_destroy(&m->base);
    free(m);
}

// One block of 1 GiB, in a table at the end of RAM.
static void map_flat(struct arm_machine *m)
{
    enum { BLOCK = 1, AF = 1 << 10, INNER_SHAREABLE = 3 << 8, FPEN = 3 << 20 };
    uint64_t table = ARM_MACHINE_RAM + ((uint64_t)TEST_MACHINE_RAM_MIB << 20) - 0x1000;
    uint64_t *entries = test_machine_ram(&m->base, table);
    entries[1] = ARM_MACHINE_RAM | BLOCK | AF | INNER_SHAREABLE;
    m->cpu->mair_el[1] = 0xff;
    m->cpu->ttbr0_el[1] = table;
    m->cpu->tcr_el[1] = 25 | UINT64_C(1) << 23 | UINT64_C(5) << 32; // T0SZ, EPD1, IPS
    m->cpu->sctlr_el[1] |= 1;
    m->cpu->cpacr_el1 = FPEN;
    arm_modes_changed(m->cpu);
}

// Lets timers fire, for a processor that waits.
static void wait_for_work(struct arm_machine *m)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    device_lock_acquire(&m->base.machine->lock);
    event_clock_run(m->base.machine->clock);
    device_lock_release(&m->base.machine->lock);
    vcpu->halted = !vcpu->ops->has_work(vcpu);
    if (vcpu->halted)
        usleep(100);
}

static bool goes_on(void *opaque)
{
    struct arm_machine *m = opaque;
    if (m->hvc_seen || m->stop)
        return false;
    if (m->cpu->tcg.vcpu.halted)
        wait_for_work(m);
    return true;
}

bool arm_machine_run(struct arm_machine *m, uint64_t entry)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, entry, 0);
    if (m->kernel_like)
        map_flat(m);
    m->cpu->vbar_el[1] = m->vbar;
    if (m->starts) {
        m->starts(m->opaque, m->cpu);
        arm_modes_changed(m->cpu);
    }
    vcpu->halted = false;
    m->hvc_seen = m->ending = false;
    test_machine_run(&m->base, vcpu, goes_on, m);
    return m->hvc_seen;
}

static bool all_go_on(void *opaque)
{
    return !((struct arm_machine *)opaque)->hvc_seen;
}

bool arm_machine_run_all(struct arm_machine *m, uint64_t entry)
{
    struct vcpu_group *group = &m->base.machine->vcpus;
    for (unsigned i = 0; i < group->count; i++)
        group->cpus[i]->ops->reset(group->cpus[i]);
    return test_machine_run_all(&m->base, entry, all_go_on, m);
}
