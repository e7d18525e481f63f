// SPDX-License-Identifier: MIT
// How software reaches configuration space: mechanism #1 (ports 0xcf8 and 0xcfc, PCI Local Bus Specification
// 3.0 section 3.2.2.3.2) and the memory-mapped one of PCI Express (section 7.2.2). Host bridges embed these.
//
// Port 0xcf9, the reset control register of the chipset, lies in the middle of the address port; a byte
// access there goes to its own handlers.
#pragma once

#include "hw/pci/pci.h"

enum { PCI_CONFIG_ADDRESS_PORT = 0xcf8, PCI_CONFIG_DATA_PORT = 0xcfc };

struct pci_config_ports {
    struct pci_bus *bus;
    struct mem_region *region;
    uint8_t reset_control;

    uint32_t address;
};

extern const struct state_field pci_config_ports_state[];

// Maps the eight ports into the bus's port space. A hard or soft reset by port 0xcf9 resets the machine.
int pci_config_ports_map(struct pci_config_ports *ports, struct pci_bus *bus, struct error *error);
void pci_config_ports_unmap(struct pci_config_ports *ports);
void pci_config_ports_reset(struct pci_config_ports *ports);

// The host bridge's own function, 0.0 on its bus, realized.
int pci_host_add_function(struct pci_bus *bus, const struct device_type *type, struct error *error);

// The memory-mapped window, 1 MiB for each bus, as a description of what the host bridge shows where it
// wants; its opaque pointer is the root bus.
struct mem_window pci_ecam_window(struct pci_bus *bus, uint64_t size);
