// SPDX-License-Identifier: MIT
#include "x86-machine.h"

#include <pthread.h>
#include <stdlib.h>

#include "hw/misc/pc-misc.h"
#include "target-x86/x86.h"
#include "tcg/base/alloc.h"

enum { PORT_A20 = 0x92, PORT_END = 0xf4, PORT_INTERRUPT = 0xf5, PORT_NMI = 0xf6, PORT_SMI = 0xf7, PORT_WAKE = 0xf8 };

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
    struct device *port = device_create(m->base.machine, &port_f0_type, NULL);
    port_f0_wire(port, m->io, (struct irq_line){x87_error, m, 0}, (struct irq_line){ignne, m, 0});
    if (device_realize(port, &error) < 0)
        test_machine_give_up("port F0", &error);
    return port_f0_error(port);
}

static const struct x86_intc_ops intc = {.acknowledge = acknowledge};

static void shut_down(void *opaque)
{
    struct x86_machine *m = opaque;
    m->shut_down = true;
    atomic_store(&m->cpu->tcg.vcpu.exit_request, 1);
}

static void add_cpu(struct x86_machine *m, const char *model, unsigned index, struct irq_line ferr)
{
    struct x86_cpu_config config = {.index = index, .apic_id = index, .threads = 1, .cores = m->cpus, .sockets = 1, .io = m->io,
                                    .intc = &intc, .intc_opaque = m, .ferr = ferr, .shutdown = shut_down, .shutdown_opaque = m};
    struct vcpu *vcpu = test_machine_add_cpu(&m->base, model, &config);
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
    test_machine_create(&m->base, &x86_cpu_factory, accel, max_insns);
    test_machine_map_ram(&m->base, X86_MACHINE_RAM, (uint64_t)TEST_MACHINE_RAM_MIB << 20);
    test_machine_map_ram(&m->base, 0, (uint64_t)2 << 20);
    m->io = machine_add_map(m->base.machine, NULL);
    struct mem_region_desc ports = {
        .name = "ports", .base = 0, .size = 0x8000, .kind = MEM_MMIO, .priority = -1, .ops = &port_ops, .opaque = m};
    if (!memory_map_add(m->io, ports, &error))
        test_machine_give_up("ports", &error);
    m->cpus = cpus;
    struct irq_line ferr = add_port_f0(m);
    for (unsigned i = 0; i < cpus; i++)
        add_cpu(m, model, i, i ? (struct irq_line){0} : ferr);
    m->cpu = x86_cpu_of_vcpu(m->base.machine->vcpus.cpus[0]);
    event_clock_start(m->base.machine->clock);
    for (unsigned i = 0; i < cpus; i++)
        m->base.machine->vcpus.cpus[i]->ops->reset(m->base.machine->vcpus.cpus[i]);
    return m;
}

void x86_machine_destroy(struct x86_machine *m)
{
    test_machine_destroy(&m->base);
    free(m);
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

static bool goes_on(void *opaque)
{
    struct x86_machine *m = opaque;
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    if (m->ended || m->shut_down || (vcpu->halted && !vcpu->ops->has_work(vcpu) && !wake(m)))
        return false;
    vcpu->halted = false;
    return true;
}

bool x86_machine_run(struct x86_machine *m)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    m->ended = m->shut_down = false;
    m->status = -1;
    vcpu->halted = false;
    m->cpu->halt = X86_RUNS;
    return test_machine_run(&m->base, vcpu, goes_on, m);
}

static bool all_go_on(void *opaque)
{
    struct x86_machine *m = opaque;
    return !m->ended && !m->shut_down;
}

bool x86_machine_run_all(struct x86_machine *m, uint64_t entry)
{
    m->status = -1;
    return test_machine_run_all(&m->base, entry, all_go_on, m) && m->ended;
}
