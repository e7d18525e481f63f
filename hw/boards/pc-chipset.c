// SPDX-License-Identifier: MIT
// North and south bridges of the PC boards, and the disk adapters in them.
#include <string.h>

#include "hw/acpi/ich9-lpc.h"
#include "hw/acpi/piix4-pm.h"
#include "hw/boards/pc-private.h"
#include "hw/core/x86-cpu-if.h"
#include "hw/ide/ahci.h"
#include "hw/ide/piix3-ide.h"
#include "hw/intc/apic.h"
#include "hw/intc/ioapic.h"
#include "hw/pci/pc-bridge.h"
#include "hw/pci/piix3.h"

enum { SCI_IRQ = 9 };

static struct pc_bridge_config bridge_config(struct pc *pc, const char *bus)
{
    return (struct pc_bridge_config){
        .bus_name = bus,
        .io = pc->io,
        .smm = pc->has_smm ? pc->smm : NULL,
        .ram_offset = pc->ram_offset,
        .low_ram_bytes = pc->low_ram,
        .firmware_offset = pc->firmware_end - PC_SHADOWED_BYTES,
        .firmware_bytes = PC_SHADOWED_BYTES,
        .message = apic_message,
        .message_opaque = pc->apic,
    };
}

static void smi(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct pc *pc = opaque;
    if (level)
        vcpu_irq_set(pc->machine.vcpus.cpus[0], X86_CPU_SMI, true);
}

static struct irq_line smi_line(struct pc *pc)
{
    return pc->has_smm ? (struct irq_line){smi, pc, 0} : (struct irq_line){0};
}

static struct device *function(struct pc *pc, const struct device_type *type, const char *address)
{
    struct error ignored;
    struct device *device = device_create(&pc->machine, type, NULL);
    device_set(device, "addr", address, &ignored);
    return device;
}

static int add_i440fx(struct pc *pc, struct error *error)
{
    struct error ignored;
    struct pc_bridge_config config = bridge_config(pc, "pci.0");
    struct device *piix3 = function(pc, &piix3_type, "1.0"), *ide = function(pc, &piix3_ide_type, "1.1");
    pc->pm = function(pc, &piix4_pm_type, "1.3");
    device_set(piix3, "multifunction", "on", &ignored);
    struct irq_line irqs[PIIX3_ISA_IRQS];
    for (unsigned i = 0; i < PIIX3_ISA_IRQS; i++)
        irqs[i] = pc_isa_irq(pc, i);
    piix3_wire(piix3, irqs);
    for (unsigned i = 0; i < PIIX3_PIRQS; i++)
        config.pirqs[i] = piix3_pirq(piix3, i);
    piix3_ide_wire(ide, (struct irq_line[]){pc_isa_irq(pc, 14), pc_isa_irq(pc, 15)});
    piix4_pm_wire(pc->pm, &(struct piix4_pm_wiring){.sci = pc_isa_irq(pc, SCI_IRQ), .smi = smi_line(pc)});
    struct device *const devices[] = {piix3, ide, pc->pm};
    int result = i440fx_create(&pc->machine, &config, &pc->pci, error);
    for (unsigned i = 0; i < 3; i++) {
        if (result)
            device_destroy(devices[i]);
        else
            result = pc_realize(devices[i], error);
    }
    return result;
}

static int add_q35(struct pc *pc, struct error *error)
{
    struct error ignored;
    struct pc_bridge_config config = bridge_config(pc, "pcie.0");
    struct device *lpc = pc->pm = function(pc, &ich9_lpc_type, "1f.0");
    struct device *ahci = function(pc, &ich9_ahci_type, "1f.2");
    device_set(lpc, "multifunction", "on", &ignored);
    struct ich9_lpc_wiring wiring = {.sci = pc_isa_irq(pc, SCI_IRQ), .smi = smi_line(pc)};
    for (unsigned i = 0; i < ICH9_ISA_IRQS; i++)
        wiring.isa_irqs[i] = pc_isa_irq(pc, i);
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        wiring.gsis[i] = ioapic_input(pc->ioapic, ICH9_ISA_IRQS + i);
    ich9_lpc_wire(lpc, &wiring);
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        config.pirqs[i] = ich9_lpc_pirq(lpc, i);
    struct device *const devices[] = {lpc, ahci};
    int result = q35_create(&pc->machine, &config, &pc->pci, error);
    for (unsigned i = 0; i < 2; i++) {
        if (result)
            device_destroy(devices[i]);
        else
            result = pc_realize(devices[i], error);
    }
    return result;
}

int pc_add_chipset(struct pc *pc, struct error *error)
{
    return pc->q35 ? add_q35(pc, error) : add_i440fx(pc, error);
}
