// SPDX-License-Identifier: MIT
// Between the files of the PCI core.
#pragma once

#include "hw/pci/pci.h"

// Maps and unmaps what the registers say now (pci-bar.c).
void pci_update_bars(struct pci_device *device);
void pci_remove_bars(struct pci_device *device);
// Tells the host what the pin is, as far as the guest lets it through (pci-irq.c).
void pci_update_pin(struct pci_device *device);
// After a write to the capability's control or mask registers (msi.c).
void pci_msi_written(struct pci_device *device);
void pci_msi_reset(struct pci_device *device);
// No vector's messages are sent for now, or are other ones.
void pci_msi_idle(struct pci_device *device);
