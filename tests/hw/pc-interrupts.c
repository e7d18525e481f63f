// SPDX-License-Identifier: MIT
#include "pc-interrupts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pc_interrupts_cpu *cpu_of(void *opaque, unsigned cpu)
{
    return &((struct pc_interrupts *)opaque)->cpus[cpu];
}

static void intr(void *opaque, unsigned cpu, bool level)
{
    struct pc_interrupts_cpu *c = cpu_of(opaque, cpu);
    if (!atomic_exchange(&c->intr, level) && level)
        atomic_fetch_add(&c->interrupts, 1);
}

static void nmi(void *opaque, unsigned cpu)
{
    cpu_of(opaque, cpu)->nmis++;
}

static void smi(void *opaque, unsigned cpu)
{
    cpu_of(opaque, cpu)->smis++;
}

static void init(void *opaque, unsigned cpu)
{
    cpu_of(opaque, cpu)->inits++;
}

static void start_up(void *opaque, unsigned cpu, uint8_t vector)
{
    cpu_of(opaque, cpu)->start_ups++;
    cpu_of(opaque, cpu)->page = vector;
}

static void realize(struct machine *machine, struct device *device)
{
    struct error error = {""};
    device_lock_acquire(&machine->lock);
    if (device_realize(device, &error)) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    device_reset(device);
    device_lock_release(&machine->lock);
}

void pc_interrupts_create(struct pc_interrupts *p, struct machine *machine, struct memory_map *io, unsigned count,
                          const uint32_t *apic_ids)
{
    static const struct apic_outputs outputs = {intr, nmi, smi, init, start_up};
    struct apic_config config = {.cpu_count = count, .apic_ids = apic_ids, .outputs = &outputs, .outputs_opaque = p,
                                 .tsc_hz = PC_INTERRUPTS_TSC_HZ};
    memset(p, 0, sizeof(*p));
    p->machine = machine;
    p->apic = device_create(machine, &apic_type, NULL);
    apic_configure(p->apic, &config);
    p->pic = device_create(machine, &i8259_type, NULL);
    i8259_wire(p->pic, io, apic_lint(p->apic, 0));
    p->ioapic = device_create(machine, &ioapic_type, NULL);
    ioapic_wire(p->ioapic, IOAPIC_DEFAULT_BASE, apic_message, p->apic);
    apic_connect_pic(p->apic, i8259_acknowledge, p->pic);
    apic_connect_eoi(p->apic, ioapic_eoi, p->ioapic);
    realize(machine, p->apic);
    realize(machine, p->pic);
    realize(machine, p->ioapic);
}

static uint32_t get(struct machine *machine, unsigned cpu, uint64_t gpa)
{
    uint64_t value;
    if (memory_map_read(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, gpa, 4, &value))
        abort();
    return (uint32_t)value;
}

static void put(struct machine *machine, unsigned cpu, uint64_t gpa, uint32_t value)
{
    if (memory_map_write(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, gpa, 4, value))
        abort();
}

uint32_t lapic_get(struct pc_interrupts *p, unsigned cpu, uint64_t offset)
{
    return get(p->machine, cpu, APIC_DEFAULT_BASE + offset);
}

void lapic_put(struct pc_interrupts *p, unsigned cpu, uint64_t offset, uint32_t value)
{
    put(p->machine, cpu, APIC_DEFAULT_BASE + offset, value);
}

uint32_t ioapic_get(struct pc_interrupts *p, uint8_t index)
{
    put(p->machine, 0, IOAPIC_DEFAULT_BASE, index);
    return get(p->machine, 0, IOAPIC_DEFAULT_BASE + 0x10);
}

void ioapic_put(struct pc_interrupts *p, uint8_t index, uint32_t value)
{
    put(p->machine, 0, IOAPIC_DEFAULT_BASE, index);
    put(p->machine, 0, IOAPIC_DEFAULT_BASE + 0x10, value);
}

void ioapic_route(struct pc_interrupts *p, unsigned pin, uint8_t destination, uint32_t low)
{
    ioapic_put(p, (uint8_t)(0x11 + 2 * pin), (uint32_t)destination << 24);
    ioapic_put(p, (uint8_t)(0x10 + 2 * pin), low);
}

int lapic_take(struct pc_interrupts *p, unsigned cpu)
{
    return apic_intc_ops.acknowledge(apic_intc_opaque(p->apic, cpu));
}
