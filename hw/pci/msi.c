// SPDX-License-Identifier: MIT
// Message-signalled interrupts: MSI with one vector and a 64-bit address, MSI-X with its table and pending
// bits alone in a BAR (the table in the first half, the pending bits in the second).
#include <assert.h>
#include <string.h>

#include "hw/pci/pci-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { ENTRY_BYTES = 16, VECTOR_MASKED = 1 };

static void send_message(struct pci_device *device, uint64_t address, uint32_t data, struct message_notifier *notifier)
{
    const struct pci_bus *bus = device->bus;
    // A message is a write like any other. Every function is on bus 0.
    struct message message = {.address = address, .data = data, .requester = device->devfn, .notifier = notifier};
    if (pci_command_has(device, PCI_COMMAND_MASTER) && bus->ops && bus->ops->message)
        bus->ops->message(bus->ops_opaque, &message);
}

void pci_add_msi(struct pci_device *device, unsigned offset)
{
    unsigned at = pci_add_capability(device, PCI_CAP_ID_MSI, offset, PCI_MSI_DATA + 2);
    device->msi_at = (uint16_t)at;
    pci_define(device, at + PCI_MSI_CONTROL, 2, PCI_MSI_64BIT, PCI_MSI_ENABLE);
    pci_define(device, at + PCI_MSI_ADDRESS, 4, 0, 0xfffffffc);
    pci_define(device, at + PCI_MSI_ADDRESS_HIGH, 4, 0, 0xffffffff);
    pci_define(device, at + PCI_MSI_DATA, 2, 0, 0xffff);
}

bool pci_msi_enabled(const struct pci_device *device)
{
    return device->msi_at && (pci_get(device, device->msi_at + PCI_MSI_CONTROL, 2) & PCI_MSI_ENABLE);
}

void pci_msi_notify(struct pci_device *device)
{
    if (!pci_msi_enabled(device))
        return;
    unsigned at = device->msi_at;
    uint64_t address = pci_get(device, at + PCI_MSI_ADDRESS, 4) |
                       (uint64_t)pci_get(device, at + PCI_MSI_ADDRESS_HIGH, 4) << 32;
    send_message(device, address, pci_get(device, at + PCI_MSI_DATA, 2), NULL);
}

bool pci_msix_enabled(const struct pci_device *device)
{
    return device->msix_at && (pci_get(device, device->msix_at + PCI_MSIX_CONTROL, 2) & PCI_MSIX_ENABLE);
}

static bool masked(const struct pci_device *device, const struct pci_msix_entry *entry)
{
    uint32_t control = pci_get(device, device->msix_at + PCI_MSIX_CONTROL, 2);
    return (control & PCI_MSIX_FUNCTION_MASK) || (entry->control & VECTOR_MASKED);
}

void pci_msix_notify(struct pci_device *device, unsigned vector)
{
    if (!pci_msix_enabled(device) || vector >= device->msix_count)
        return;
    struct pci_msix_entry *entry = &device->msix[vector];
    entry->pending = masked(device, entry);
    if (!entry->pending)
        send_message(device, entry->address, entry->data, &entry->notifier);
}

void pci_msi_idle(struct pci_device *device)
{
    for (unsigned i = 0; i < device->msix_count; i++)
        message_notifier_release(&device->msix[i].notifier);
}

void pci_msi_written(struct pci_device *device)
{
    if (!pci_msix_enabled(device))
        pci_msi_idle(device);
    for (unsigned i = 0; i < device->msix_count && pci_msix_enabled(device); i++)
        if (device->msix[i].pending)
            pci_msix_notify(device, i);
}

void pci_msi_reset(struct pci_device *device)
{
    pci_msi_idle(device);
    for (unsigned i = 0; i < device->msix_count; i++)
        device->msix[i] = (struct pci_msix_entry){.control = VECTOR_MASKED};
}

static uint64_t msix_read(void *opaque, struct mmio_access access)
{
    const struct pci_device *device = opaque;
    uint64_t table_bytes = (uint64_t)device->msix_count * ENTRY_BYTES;
    uint64_t pending_at = device->bars[device->msix_bar].window.desc.size / 2;
    if (access.offset < table_bytes) {
        const struct pci_msix_entry *entry = &device->msix[access.offset / ENTRY_BYTES];
        uint8_t raw[ENTRY_BYTES];
        store_le64(raw, entry->address);
        store_le32(raw + 8, entry->data);
        store_le32(raw + 12, entry->control);
        return load_le(raw + access.offset % ENTRY_BYTES, access.size);
    }
    uint64_t value = 0;
    for (unsigned i = 0; access.offset >= pending_at && i < access.size * 8u; i++) {
        uint64_t vector = (access.offset - pending_at) * 8 + i;
        if (vector < device->msix_count && device->msix[vector].pending)
            value |= BIT64(i);
    }
    return value;
}

static void msix_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct pci_device *device = opaque;
    if (access.offset >= (uint64_t)device->msix_count * ENTRY_BYTES)
        return;
    struct pci_msix_entry *entry = &device->msix[access.offset / ENTRY_BYTES];
    switch (access.offset % ENTRY_BYTES) {
    case 0:
        entry->address =
            access.size == 8 ? value & ~UINT64_C(3) : deposit64(entry->address, 0, 32, value & ~UINT64_C(3));
        break;
    case 4:
        entry->address = deposit64(entry->address, 32, 32, value);
        break;
    case 8:
        entry->data = (uint32_t)value;
        if (access.size == 8)
            entry->control = (uint32_t)(value >> 32) & VECTOR_MASKED;
        break;
    case 12:
        entry->control = (uint32_t)value & VECTOR_MASKED;
        break;
    }
    pci_msi_written(device);
}

static const struct mmio_ops msix_ops = {msix_read, msix_write, 4, 8, false};

void pci_add_msix(struct pci_device *device, unsigned bar, unsigned count)
{
    assert(count && count <= PCI_MSIX_MAX);
    uint64_t size = GUEST_PAGE_SIZE;
    while (size / 2 < (uint64_t)count * ENTRY_BYTES)
        size *= 2;
    unsigned at = pci_add_capability(device, PCI_CAP_ID_MSIX, 0, 12);
    device->msix_at = (uint16_t)at;
    device->msix_bar = (uint8_t)bar;
    device->msix_count = count;
    device->msix = ALLOC_ARRAY(struct pci_msix_entry, count);
    pci_define(device, at + PCI_MSIX_CONTROL, 2, count - 1, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    pci_define(device, at + PCI_MSIX_TABLE, 4, bar, 0);
    pci_define(device, at + PCI_MSIX_PBA, 4, (uint32_t)(size / 2) | bar, 0);
    struct mem_region_desc desc = {
        .name = "msix", .size = size, .kind = MEM_MMIO, .ops = &msix_ops, .opaque = device};
    pci_add_bar(device, bar, PCI_BAR_MEM32, false, desc);
    pci_msi_reset(device);
}
