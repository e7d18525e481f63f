// SPDX-License-Identifier: MIT
// AHCI host: its registers, its interrupt, the PCI function.
#include "hw/ide/ahci.h"

#include "hw/core/machine.h"
#include "hw/ide/ahci-internal.h"
#include "tcg/base/bits.h"

enum host_register {
    CAP = 0x00,
    GHC = 0x04,
    IS = 0x08,
    PI = 0x0c,
    VS = 0x10,
    PORTS_AT = 0x100,
    PORT_BYTES = 0x80
};

#define GHC_AE BIT32(31)
enum { GHC_HR = 1 << 0, GHC_IE = 1 << 1 };

// 64-bit addresses, NCQ, 1.5 Gb/s, AHCI only, 32 slots.
#define CAP_VALUE (BIT32(31) | BIT32(30) | 1u << 20 | BIT32(18) | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))
enum { VERSION_1_0 = 0x10000 };

enum {
    REGISTERS_BAR = 5,
    REGISTERS_BYTES = 4096,
    INDEX_BAR = 4,
    INDEX_PORTS = 32,
    INDEX_AT = 16,
    DATA_AT = 20
};
enum { MSI_AT = 0x80, SATA_AT = 0xa8, SATA_REVISION = 0x10, SATA_BAR4_INDEX = 0x48 };

void ahci_update(struct ahci *host)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (host->ports[i].is & host->ports[i].ie)
            host->is |= BIT32(i);
    bool level = host->is && (host->ghc & GHC_IE);
    if (level && pci_msi_enabled(&host->pci))
        pci_msi_notify(&host->pci);
    pci_set_irq(&host->pci, level && !pci_msi_enabled(&host->pci));
}

static void host_reset(struct ahci *host)
{
    host->ghc = GHC_AE;
    host->is = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ahci_port_reset(&host->ports[i]);
    ahci_update(host);
}

static uint32_t host_read(const struct ahci *host, unsigned offset)
{
    switch (offset) {
    case CAP:
        return CAP_VALUE;
    case GHC:
        return host->ghc;
    case IS:
        return host->is;
    case PI:
        return (1u << AHCI_PORTS) - 1;
    case VS:
        return VERSION_1_0;
    }
    unsigned port = (offset - PORTS_AT) / PORT_BYTES;
    return offset >= PORTS_AT && port < AHCI_PORTS
               ? ahci_port_read(&host->ports[port], (offset - PORTS_AT) % PORT_BYTES)
               : 0;
}

static void host_write(struct ahci *host, unsigned offset, uint32_t value)
{
    unsigned port = (offset - PORTS_AT) / PORT_BYTES;
    if (offset == GHC && (value & GHC_HR)) {
        host_reset(host);
    } else if (offset == GHC) {
        host->ghc = GHC_AE | (value & GHC_IE);
        ahci_update(host);
    } else if (offset == IS) {
        host->is &= ~value;
        ahci_update(host);
    } else if (offset >= PORTS_AT && port < AHCI_PORTS) {
        ahci_port_write(&host->ports[port], (offset - PORTS_AT) % PORT_BYTES, value);
    }
}

static uint64_t registers_read(void *opaque, struct mmio_access access)
{
    return host_read(opaque, (unsigned)access.offset);
}

static void registers_write(void *opaque, struct mmio_access access, uint64_t value)
{
    host_write(opaque, (unsigned)access.offset, (uint32_t)value);
}

static const struct mmio_ops registers_ops = {registers_read, registers_write, 4, 4, false};

// A pair of ports through which real mode code reaches the registers.
static uint64_t index_read(void *opaque, struct mmio_access access)
{
    const struct ahci *host = opaque;
    return access.offset == INDEX_AT  ? host->index
           : access.offset == DATA_AT ? host_read(host, host->index)
                                      : 0;
}

static void index_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct ahci *host = opaque;
    if (access.offset == INDEX_AT)
        host->index = (uint32_t)value & (REGISTERS_BYTES - 4);
    else if (access.offset == DATA_AT)
        host_write(host, host->index, (uint32_t)value);
}

static const struct mmio_ops index_ops = {index_read, index_write, 4, 4, false};

static const struct pci_class ahci_class = {
    .vendor_id = 0x8086,
    .device_id = 0x2922,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .revision = 2,
    .class_code = 0x010601,
    .interrupt_pin = 1,
};

static int ahci_realize(struct device *device, struct error *error)
{
    struct ahci *host = (struct ahci *)device;
    struct pci_device *pci = &host->pci;
    int result = pci_realize(pci, &ahci_class, error);
    if (result)
        return result;
    // The list begins with MSI.
    pci_add_msi(pci, MSI_AT);
    pci_add_capability(pci, PCI_CAP_ID_SATA, SATA_AT, 8);
    pci_define(pci, SATA_AT + 2, 2, SATA_REVISION, 0);
    pci_define(pci, SATA_AT + 4, 4, SATA_BAR4_INDEX, 0);
    struct mem_region_desc desc = {
        .name = "ahci", .size = REGISTERS_BYTES, .kind = MEM_MMIO, .ops = &registers_ops, .opaque = host};
    pci_add_bar(pci, REGISTERS_BAR, PCI_BAR_MEM32, false, desc);
    desc.size = INDEX_PORTS;
    desc.ops = &index_ops;
    pci_add_bar(pci, INDEX_BAR, PCI_BAR_IO, false, desc);
    // The bus that was added last is taken first.
    unsigned first_bus = ide_free_number(device->machine);
    for (unsigned i = AHCI_PORTS; i-- > 0;)
        ahci_port_init(host, first_bus, i);
    return 0;
}

static void ahci_unrealize(struct device *device)
{
    struct ahci *host = (struct ahci *)device;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        ide_socket_release(&host->ports[i].socket, device->machine);
    pci_unrealize(&host->pci);
}

static void ahci_reset(struct device *device)
{
    struct ahci *host = (struct ahci *)device;
    host_reset(host);
    host->index = 0;
    pci_reset(&host->pci);
}

static void ahci_state_loaded(struct device *device)
{
    pci_state_loaded((struct pci_device *)device);
}

static const struct property ahci_properties[] = {
    PCI_PROPERTIES(ahci, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field ahci_state[] = {
    STATE_STRUCT_FIELD(ahci, pci, pci_state),
    STATE_STRUCTS(ahci, ports, ahci_port_state),
    STATE_FIELD(ahci, U32, ghc),
    STATE_FIELD(ahci, U32, is),
    STATE_FIELD(ahci, U32, index),
    STATE_END,
};

const struct device_type ich9_ahci_type = {
    .name = "ich9-ahci",
    .help = "SATA adapter of the ICH9",
    .bus = "PCI",
    .instance_size = sizeof(struct ahci),
    .properties = ahci_properties,
    .state = ahci_state,
    .user_creatable = true,
    .realize = ahci_realize,
    .unrealize = ahci_unrealize,
    .reset = ahci_reset,
    .state_loaded = ahci_state_loaded,
};
