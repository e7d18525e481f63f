// SPDX-License-Identifier: MIT
// A PCI function for tests.
#pragma once

#include "hw/pci/pci.h"

// A function with every kind of BAR: registers that count writes, ports, memory behind a 64-bit BAR.
struct probe {
    struct pci_device pci;
    uint64_t written;
    unsigned config_writes;
    bool express;
};

extern const struct device_type probe_type; // "probe"
