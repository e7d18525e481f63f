// SPDX-License-Identifier: MIT
// A machine with a PCI root bus and configuration ports but no chipset, and what tests do with functions.
#pragma once

#include "bare-machine.h"
#include "hw/pci/pci-host.h"

struct pci_machine {
    struct machine *machine;
    struct memory_map *io;
    struct pci_bus bus;
    struct pci_config_ports ports;
    bool levels[PCI_HOST_INPUTS];
    unsigned messages;
    struct message message; // the last one
};

void pci_machine_create(struct pci_machine *pci, bool express);
void pci_machine_destroy(struct pci_machine *pci);

uint64_t port_read(struct memory_map *io, uint16_t port, unsigned size);
void port_write(struct memory_map *io, uint16_t port, unsigned size, uint64_t value);
// Configuration space of a function on bus 0, through the ports.
uint32_t config_get(struct memory_map *io, uint8_t devfn, unsigned offset, unsigned size);
void config_set(struct memory_map *io, uint8_t devfn, unsigned offset, unsigned size, uint32_t value);
// The capability's offset, 0 when the function has none such after `after` (0: from the start).
unsigned config_capability(struct memory_map *io, uint8_t devfn, unsigned id, unsigned after);
