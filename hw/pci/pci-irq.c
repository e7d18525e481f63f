// SPDX-License-Identifier: MIT
// Interrupt pins. The pins of all devices on an input of the host are wired together, so the host sees the
// level change with the first device that pulls and the last that lets go.
#include <assert.h>

#include "hw/pci/pci-internal.h"

void pci_update_pin(struct pci_device *device)
{
    struct pci_bus *bus = device->bus;
    uint16_t status = (uint16_t)pci_get(device, PCI_STATUS, 2);
    bool level = device->pin_level && !pci_command_has(device, PCI_COMMAND_INTX_DISABLE);
    pci_put(device, PCI_STATUS, 2,
            device->pin_level ? status | PCI_STATUS_INTERRUPT : status & ~PCI_STATUS_INTERRUPT);
    if (level == device->pin_sent || !device->class->interrupt_pin || !bus->ops)
        return;
    device->pin_sent = level;
    unsigned input = bus->ops->map_irq(bus->ops_opaque, device->devfn, device->class->interrupt_pin - 1u);
    assert(input < PCI_HOST_INPUTS);
    bool before = bus->input_counts[input] != 0;
    bus->input_counts[input] += level ? 1 : -1u;
    bool after = bus->input_counts[input] != 0;
    if (before != after)
        bus->ops->set_irq(bus->ops_opaque, input, after);
}

void pci_set_irq(struct pci_device *device, bool level)
{
    if (device->pin_level == level)
        return;
    device->pin_level = level;
    pci_update_pin(device);
}
