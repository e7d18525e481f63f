// SPDX-License-Identifier: MIT
// The generic PCI Express host of virtual machines: windows at places that firmware tables tell, with nothing for
// software to set up ("pci-host-ecam-generic", after PCI Express 3.0 section 7.2.2). Configuration space lies in one
// window, 1 MiB for each bus; port space in another; memory windows show bus addresses equal to those of the CPUs.
// Function 0.0 says that it is a host bridge (1b36:0008), no more.
#pragma once

#include "hw/core/irq.h"
#include "hw/pci/pci.h"

extern const struct device_type gpex_host_type; // "gpex-pcihost"
extern const struct device_type gpex_root_type; // "gpex-root", function 0.0

enum { GPEX_IO_BYTES = 0x10000 };

struct gpex_config {
    const char *bus_name;  // "pcie.0"
    struct memory_map *io; // an empty map that becomes the port space
    uint64_t io_base;      // of the window that shows it, GPEX_IO_BYTES
    struct pci_range ecam; // a power of two of bytes
    unsigned memory_count; // of windows, at most PCI_HOST_RANGES
    struct pci_range memory[PCI_HOST_RANGES];
    // Level-triggered. INTA# of slot 0 is on the first one; a pin or a slot further is one further, around.
    struct irq_line intx[PCI_PINS];
    // Takes message-signalled interrupts, as pci_root_ops.message.
    void (*message)(void *opaque, const struct message *message);
    void *message_opaque;
};

// Makes the host and its function, realized. *bus is where everything else plugs in.
int gpex_create(struct machine *machine, const struct gpex_config *config, struct pci_bus **bus,
                struct error *error);
