// SPDX-License-Identifier: MIT
// How the functions of a bus signal interrupts, and what keeps them from it. Of an MSI-X table the vectors that are not
// masked, or pending.
#include <inttypes.h>

#include "hw/pci/pci-internal.h"

static void print_pin(struct pci_device *function, FILE *out)
{
    const struct pci_bus *bus = function->bus;
    unsigned pin = function->class->interrupt_pin - 1u;
    fprintf(out, "    INT%c# to input %u of the host bridge, %s%s\n", 'A' + (int)pin,
            bus->ops->map_irq(bus->ops_opaque, function->devfn, pin), function->pin_level ? "asserted" : "idle",
            pci_command_has(function, PCI_COMMAND_INTX_DISABLE) ? ", disabled in the command register" : "");
}

static void print_message(uint64_t address, uint32_t data, FILE *out)
{
    fprintf(out, "0x%" PRIx32 " to 0x%" PRIx64, data, address);
}

static void print_msi(struct pci_device *function, FILE *out)
{
    unsigned at = function->msi_at;
    fputs("    MSI ", out);
    print_message(pci_get(function, at + PCI_MSI_ADDRESS, 4) | (uint64_t)pci_get(function, at + PCI_MSI_ADDRESS_HIGH, 4)
                                                                   << 32,
                  pci_get(function, at + PCI_MSI_DATA, 2), out);
    fputc('\n', out);
}

static void print_msix(struct pci_device *function, FILE *out)
{
    bool masked = pci_get(function, function->msix_at + PCI_MSIX_CONTROL, 2) & PCI_MSIX_FUNCTION_MASK;
    fprintf(out, "    MSI-X, %" PRIu32 " vectors%s\n", function->msix_count, masked ? ", the function is masked" : "");
    for (uint32_t i = 0; i < function->msix_count; i++) {
        const struct pci_msix_entry *entry = &function->msix[i];
        if ((entry->control & 1) && !entry->pending)
            continue;
        fprintf(out, "      vector %" PRIu32 ": ", i);
        print_message(entry->address, entry->data, out);
        fprintf(out, "%s%s\n", entry->control & 1 ? ", masked" : "", entry->pending ? ", pending" : "");
    }
}

void pci_print_irq(const struct pci_bus *bus, FILE *out)
{
    fprintf(out, "PCI bus %s:\n", bus->bus.name);
    for (unsigned devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
        struct pci_device *function = bus->devices[devfn];
        if (!function)
            continue;
        bool pin = function->class->interrupt_pin && bus->ops, msi = pci_msi_enabled(function),
             msix = pci_msix_enabled(function);
        if (!pin && !msi && !msix)
            continue;
        fprintf(out, "  00:%02x.%u %s%s\n", devfn >> 3, devfn & 7, function->device.type->name,
                (msi || msix) && !pci_command_has(function, PCI_COMMAND_MASTER) ? ", no bus master: messages are lost"
                                                                                : "");
        if (msix)
            print_msix(function, out);
        else if (msi)
            print_msi(function, out);
        else
            print_pin(function, out);
    }
}
