// SPDX-License-Identifier: MIT
// Configuration mechanisms.
#include "hw/pci/pci-host.h"

#include <errno.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

enum { RESET_PORT = 1, RESET_CPU = 1 << 2, RESET_WRITABLE = 0x0e, CONFIG_ENABLE_SHIFT = 31 };

const struct state_field pci_config_ports_state[] = {
    STATE_FIELD(pci_config_ports, U32, address),
    STATE_FIELD(pci_config_ports, U8, reset_control),
    STATE_END,
};

static uint64_t ports_read(void *opaque, struct mmio_access access)
{
    const struct pci_config_ports *ports = opaque;
    unsigned offset = (unsigned)access.offset;
    if (offset == RESET_PORT && access.size == 1)
        return ports->reset_control;
    if (offset < 4)
        return access.size == 4 ? ports->address : mask64(access.size * 8);
    if (!(ports->address >> CONFIG_ENABLE_SHIFT))
        return mask64(access.size * 8);
    return pci_config_read(ports->bus, extract32(ports->address, 16, 8), (uint8_t)(ports->address >> 8),
                           (ports->address & 0xfc) + (offset & 3), access.size);
}

static void ports_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct pci_config_ports *ports = opaque;
    unsigned offset = (unsigned)access.offset;
    if (offset == RESET_PORT && access.size == 1) {
        // The reset is started by the bit's rising edge.
        bool reset = (value & RESET_CPU) && !(ports->reset_control & RESET_CPU);
        ports->reset_control = (uint8_t)value & RESET_WRITABLE;
        if (reset)
            machine_reset_request(ports->bus->machine);
    } else if (offset == 0 && access.size == 4) {
        ports->address = (uint32_t)value & 0x80fffffc;
    } else if (offset >= 4 && ports->address >> CONFIG_ENABLE_SHIFT) {
        pci_config_write(ports->bus, extract32(ports->address, 16, 8), (uint8_t)(ports->address >> 8),
                         (ports->address & 0xfc) + (offset & 3), access.size, (uint32_t)value);
    }
}

static const struct mmio_ops ports_ops = {ports_read, ports_write, 1, 4, false};

int pci_config_ports_map(struct pci_config_ports *ports, struct pci_bus *bus, struct error *error)
{
    ports->bus = bus;
    struct mem_region_desc desc = {.name = "pci-config",
                                   .base = PCI_CONFIG_ADDRESS_PORT,
                                   .size = 8,
                                   .kind = MEM_MMIO,
                                   .ops = &ports_ops,
                                   .opaque = ports};
    ports->region = memory_map_add(bus->io, desc, error);
    return ports->region ? 0 : -EINVAL;
}

void pci_config_ports_unmap(struct pci_config_ports *ports)
{
    if (ports->region)
        memory_map_remove(ports->bus->io, ports->region);
    ports->region = NULL;
}

void pci_config_ports_reset(struct pci_config_ports *ports)
{
    ports->address = 0;
    ports->reset_control = 0;
}

int pci_host_add_function(struct pci_bus *bus, const struct device_type *type, struct error *error)
{
    struct device *function = device_create(bus->machine, type, NULL);
    int result = device_set(function, "bus", bus->bus.name, error);
    if (!result)
        result = device_set(function, "addr", "0", error);
    if (!result)
        result = device_realize(function, error);
    if (result)
        device_destroy(function);
    return result;
}

static uint64_t ecam_read(void *opaque, struct mmio_access access)
{
    struct pci_bus *root = opaque;
    return pci_config_read(root, (unsigned)(access.offset >> 20), (uint8_t)(access.offset >> 12),
                           access.offset & 0xfff, access.size);
}

static void ecam_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct pci_bus *root = opaque;
    pci_config_write(root, (unsigned)(access.offset >> 20), (uint8_t)(access.offset >> 12),
                     access.offset & 0xfff, access.size, (uint32_t)value);
}

static const struct mmio_ops ecam_ops = {ecam_read, ecam_write, 1, 4, false};

struct mem_window pci_ecam_window(struct pci_bus *bus, uint64_t size)
{
    struct mem_region_desc desc = {.name = "pcie-ecam",
                                   .size = size,
                                   .kind = MEM_MMIO,
                                   .priority = PCI_BAR_PRIORITY + 1,
                                   .ops = &ecam_ops,
                                   .opaque = bus};
    return (struct mem_window){bus->memory, desc, NULL};
}
