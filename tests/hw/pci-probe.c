// SPDX-License-Identifier: MIT
#include "pci-probe.h"

#include "hw/core/machine.h"

static uint64_t probe_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    return 0x5500 + access.offset;
}

static void probe_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    ((struct probe *)opaque)->written = value;
}

static const struct mmio_ops probe_ops = {probe_read, probe_write, 1, 4, false};

static void probe_config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)offset;
    (void)size;
    ((struct probe *)device)->config_writes++;
}

static const struct pci_class probe_class = {.vendor_id = 0x1234,
                                             .device_id = 0x5678,
                                             .subsystem_vendor_id = 0x1af4,
                                             .subsystem_id = 0x1100,
                                             .revision = 3,
                                             .class_code = 0x020000,
                                             .interrupt_pin = 1,
                                             .config_written = probe_config_written};

static int probe_realize(struct device *device, struct error *error)
{
    struct probe *probe = (struct probe *)device;
    int result = pci_realize(&probe->pci, &probe_class, error);
    if (result)
        return result;
    struct mem_region_desc registers = {
        .name = "probe", .size = 0x1000, .kind = MEM_MMIO, .ops = &probe_ops, .opaque = probe};
    pci_add_bar(&probe->pci, 0, PCI_BAR_MEM32, false, registers);
    registers.size = 32;
    pci_add_bar(&probe->pci, 1, PCI_BAR_IO, false, registers);
    uint64_t offset;
    result = guest_ram_carve(device->machine->ram, 0x10000, &offset, error);
    struct mem_region_desc memory = {
        .name = "probe-ram", .size = 0x10000, .kind = MEM_RAM, .ram_offset = offset};
    pci_add_bar(&probe->pci, 2, PCI_BAR_MEM64, true, memory);
    pci_add_msix(&probe->pci, 4, 3);
    pci_add_msi(&probe->pci, 0);
    if (!result)
        result = pci_add_rom(&probe->pci, NULL, error);
    if (result)
        pci_unrealize(&probe->pci);
    return result;
}

static void probe_unrealize(struct device *device)
{
    pci_unrealize((struct pci_device *)device);
}

static void probe_reset(struct device *device)
{
    pci_reset((struct pci_device *)device);
}

static const struct property probe_properties[] = {
    PCI_PROPERTIES(probe, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type probe_type = {
    .name = "probe",
    .bus = "PCI",
    .instance_size = sizeof(struct probe),
    .properties = probe_properties,
    .state = pci_state,
    .realize = probe_realize,
    .unrealize = probe_unrealize,
    .reset = probe_reset,
};
