// SPDX-License-Identifier: MIT
// The parts that every PC has at the same addresses: interrupt controllers, timers, clock, keyboard controller, DMA,
// serial and parallel ports, floppy disks.
#include "hw/block/fdc.h"
#include "hw/boards/pc-private.h"
#include "hw/char/isa-parallel.h"
#include "hw/char/isa-serial.h"
#include "hw/core/x86-cpu-if.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/pc-misc.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"

enum { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_CLOCK = 8, IRQ_MOUSE = 12, IRQ_X87 = 13, TSC_HZ = 1000000000 };

// --- interrupts ---

static void isa_irq(void *opaque, unsigned irq, bool level)
{
    struct pc *pc = opaque;
    irq_set(&pc->pic_pins[irq], level);
    irq_set(&pc->ioapic_pins[irq], level);
}

struct irq_line pc_isa_irq(struct pc *pc, unsigned irq)
{
    return (struct irq_line){isa_irq, pc, irq};
}

static void cpu_intr(void *opaque, unsigned cpu, bool level)
{
    struct pc *pc = opaque;
    vcpu_irq_set(pc->machine.vcpus.cpus[cpu], X86_CPU_INTR, level);
}

static void cpu_nmi(void *opaque, unsigned cpu)
{
    struct pc *pc = opaque;
    vcpu_irq_set(pc->machine.vcpus.cpus[cpu], X86_CPU_NMI, true);
}

static void cpu_smi(void *opaque, unsigned cpu)
{
    struct pc *pc = opaque;
    vcpu_irq_set(pc->machine.vcpus.cpus[cpu], X86_CPU_SMI, true);
}

static void ignne(void *opaque, unsigned cpu, bool level)
{
    struct pc *pc = opaque;
    if (cpu < pc->machine.vcpus.count)
        vcpu_irq_set(pc->machine.vcpus.cpus[cpu], X86_CPU_IGNNE, level);
}

static int add_x87_errors(struct pc *pc, struct error *error)
{
    pc->port_f0 = device_create(&pc->machine, &port_f0_type, NULL);
    port_f0_wire(pc->port_f0, pc->io, pc_isa_irq(pc, IRQ_X87), (struct irq_line){ignne, pc, 0});
    return pc_realize(pc->port_f0, error);
}

int pc_add_interrupt_controllers(struct pc *pc, struct error *error)
{
    static const struct apic_outputs outputs = {cpu_intr, cpu_nmi, cpu_smi, pc_init_message, pc_start_up_message};
    struct machine *machine = &pc->machine;
    struct apic_config config = {.cpu_count = machine->cpu_count, .apic_ids = pc->apic_ids, .outputs = &outputs,
                                 .outputs_opaque = pc, .tsc_hz = TSC_HZ};
    pc->apic = device_create(machine, &apic_type, NULL);
    apic_configure(pc->apic, &config);
    pc->ioapic = device_create(machine, &ioapic_type, NULL);
    ioapic_wire(pc->ioapic, IOAPIC_DEFAULT_BASE, apic_message, pc->apic);
    pc->pic = device_create(machine, &i8259_type, NULL);
    apic_connect_pic(pc->apic, i8259_acknowledge, pc->pic);
    apic_connect_eoi(pc->apic, ioapic_eoi, pc->ioapic);
    i8259_wire(pc->pic, pc->io, apic_lint(pc->apic, 0));
    struct device *const parts[] = {pc->apic, pc->ioapic, pc->pic};
    int result = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (result)
            device_destroy(parts[i]);
        else
            result = pc_realize(parts[i], error);
    }
    if (result)
        return result;
    // The 8254 is at pin 2 of the I/O APIC, as the ACPI tables say; pin 0 is the 8259's.
    for (unsigned irq = 0; irq < PC_ISA_IRQS; irq++) {
        if (irq != 2)
            pc->pic_pins[irq] = i8259_input(pc->pic, irq);
        if (irq != 2)
            pc->ioapic_pins[irq] = ioapic_input(pc->ioapic, irq ? irq : 2);
        pc->isa.irqs[irq] = pc_isa_irq(pc, irq);
    }
    pc->isa.io = pc->io;
    machine->isa = &pc->isa;
    return add_x87_errors(pc, error);
}

// --- the A20 gate and resets ---

static void a20(void *opaque, unsigned gate, bool level)
{
    struct pc *pc = opaque;
    pc->a20_open[gate] = level;
    bool open = pc->a20_open[0] || pc->a20_open[1];
    for (unsigned i = 0; i < pc->machine.vcpus.count; i++) {
        vcpu_irq_set(pc->machine.vcpus.cpus[i], X86_CPU_A20M, !open);
        vcpu_kick(pc->machine.vcpus.cpus[i]); // the fall of a line does not
    }
}

static void reset(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct pc *pc = opaque;
    if (level)
        machine_reset_request(&pc->machine);
}

// --- parts ---

int pc_add_timers(struct pc *pc, struct error *error)
{
    struct machine *machine = &pc->machine;
    struct irq_line timer = pc_isa_irq(pc, IRQ_TIMER), clock = pc_isa_irq(pc, IRQ_CLOCK);
    if (pc->has_hpet) {
        struct hpet_config config = {.base = HPET_DEFAULT_BASE, .routes = pc->q35 ? 0xff0104 : 0x4,
                                     .legacy = {timer, clock}};
        for (unsigned i = 0; i < IOAPIC_PINS; i++)
            config.gsi[i] = ioapic_input(pc->ioapic, i);
        pc->hpet = device_create(machine, &hpet_type, NULL);
        hpet_configure(pc->hpet, &config);
        int result = pc_realize(pc->hpet, error);
        if (result)
            return result;
        timer = hpet_legacy_input(pc->hpet, HPET_LEGACY_TIMER);
        clock = hpet_legacy_input(pc->hpet, HPET_LEGACY_CLOCK);
    }
    if (pc->has_pit) {
        struct device *pit = device_create(machine, &i8254_type, NULL);
        i8254_wire(pit, pc->io, timer);
        int result = pc_realize(pit, error);
        if (result)
            return result;
    }
    if (!pc->has_rtc)
        return 0;
    pc->rtc = device_create(machine, &mc146818_type, NULL);
    mc146818_wire(pc->rtc, pc->io, clock);
    return pc_realize(pc->rtc, error);
}

static int add_keyboard(struct pc *pc, struct error *error)
{
    struct i8042_wiring wiring = {.io = pc->io, .keyboard = pc_isa_irq(pc, IRQ_KEYBOARD),
                                  .mouse = pc_isa_irq(pc, IRQ_MOUSE), .a20 = {a20, pc, 0}, .reset = {reset, pc, 0}};
    struct device *keyboard = device_create(&pc->machine, &i8042_type, NULL);
    i8042_wire(keyboard, &wiring);
    int result = pc_realize(keyboard, error);
    if (result)
        return result;
    struct device *port92 = device_create(&pc->machine, &port92_type, NULL);
    port92_wire(port92, pc->io, (struct irq_line){a20, pc, 1}, (struct irq_line){reset, pc, 1});
    return pc_realize(port92, error);
}

int pc_add_serial_ports(struct pc *pc, struct error *error)
{
    for (unsigned i = 0; i < ISA_SERIAL_PORTS; i++) {
        if (!pc->machine.serials[i])
            continue;
        const struct isa_serial_port *port = &isa_serial_ports[i];
        struct device *serial = device_create(&pc->machine, &isa_serial_type, NULL);
        isa_serial_wire(serial, pc->io, port->iobase, pc_isa_irq(pc, port->irq));
        isa_serial_connect(serial, pc->machine.serials[i]);
        int result = pc_realize(serial, error);
        if (result)
            return result;
    }
    return 0;
}

static int add_dma(struct pc *pc, struct error *error)
{
    pc->dma = device_create(&pc->machine, &i8237_type, NULL);
    i8237_wire(pc->dma, pc->io);
    return pc_realize(pc->dma, error);
}

// A PIIX3 has the controller always, a Q35 when there is a drive for it.
static int add_floppy(struct pc *pc, struct error *error)
{
    const struct machine *machine = &pc->machine;
    if (pc->q35 && !machine->floppy_drives[0] && !machine->floppy_drives[1])
        return 0;
    pc->fdc = device_create(&pc->machine, &fdc_type, NULL);
    fdc_wire(pc->fdc, pc->io, pc_isa_irq(pc, FDC_IRQ), i8237_dma(pc->dma));
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        if (machine->floppy_drives[i])
            fdc_connect(pc->fdc, i, machine->floppies[i]);
    return pc_realize(pc->fdc, error);
}

int pc_add_isa_parts(struct pc *pc, struct error *error)
{
    int result = pc_add_timers(pc, error);
    if (!result)
        result = add_keyboard(pc, error);
    if (!result)
        result = pc_add_serial_ports(pc, error);
    if (!result)
        result = add_dma(pc, error);
    return result ? result : add_floppy(pc, error);
}
