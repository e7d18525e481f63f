// SPDX-License-Identifier: MIT
// PCI functions: their place on a bus and their configuration space. A byte of configuration space is only
// its value, the bits the guest can write and the bits that ones clear; all else follows from what changed.
#include "hw/pci/pci.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/pci/pci-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const struct state_field msix_state[] = {
    STATE_FIELD(pci_msix_entry, U64, address),
    STATE_FIELD(pci_msix_entry, U32, data),
    STATE_FIELD(pci_msix_entry, U32, control),
    STATE_FIELD(pci_msix_entry, BOOL, pending),
    STATE_END,
};

const struct state_field pci_state[] = {
    STATE_POINTER(pci_device, U8, config, config_bytes),
    STATE_FIELD(pci_device, BOOL, pin_level),
    STATE_POINTER_STRUCTS(pci_device, msix, msix_count, msix_state),
    STATE_END,
};

// Open Firmware's names (PCI Bus Binding 2.1, section 2.5): by class, or by what is in the vendor's registers.
static void firmware_name(const struct bus *bus, const struct device *device, char *out, size_t size)
{
    static const struct {
        uint16_t class;
        const char *name;
    } names[] = {{0x0100, "scsi"}, {0x0101, "ide"}, {0x0200, "ethernet"}, {0x0300, "display"}, {0x0601, "isa"}};
    (void)bus;
    const struct pci_device *pci = (const struct pci_device *)device;
    uint16_t class = load_le16(pci->initial + PCI_REVISION_ID + 2);
    char name[16];
    snprintf(name, sizeof(name), "pci%x,%x", load_le16(pci->initial + PCI_VENDOR_ID),
             load_le16(pci->initial + PCI_DEVICE_ID));
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].class == class)
            snprintf(name, sizeof(name), "%s", names[i].name);
    unsigned slot = pci->devfn >> 3, function = pci->devfn & 7;
    if (function)
        snprintf(out, size, "%s@%x,%x", name, slot, function);
    else
        snprintf(out, size, "%s@%x", name, slot);
}

void pci_bus_init(struct pci_bus *bus, struct machine *machine, const char *name, bool express,
                  struct memory_map *memory, struct memory_map *io, const struct pci_root_ops *ops,
                  void *opaque)
{
    *bus = (struct pci_bus){
        .machine = machine, .express = express, .memory = memory, .io = io, .ops = ops, .ops_opaque = opaque};
    bus->bus = (struct bus){.type = "PCI", .name = alloc_string(name), .opaque = bus, .shared = true, .firmware_name = firmware_name};
    bus_add(machine, &bus->bus);
}

void pci_bus_release(struct pci_bus *bus)
{
    if (!bus->machine)
        return;
    bus_remove(bus->machine, &bus->bus);
    free(bus->bus.name);
    bus->machine = NULL;
}

// "SLOT" or "SLOT.FUNCTION", hexadecimal.
static int parse_address(const char *text, uint8_t *devfn)
{
    char *end;
    unsigned long slot = strtoul(text, &end, 16), function = 0;
    if (end == text)
        return -EINVAL;
    if (*end == '.') {
        const char *start = end + 1;
        function = strtoul(start, &end, 16);
        if (end == start)
            return -EINVAL;
    }
    if (*end || slot > 31 || function > 7)
        return -EINVAL;
    *devfn = PCI_DEVFN(slot, function);
    return 0;
}

static int find_place(struct pci_device *device, struct error *error)
{
    struct pci_bus *bus = device->device.parent->opaque;
    const char *name = device->device.type->name;
    if (device->address) {
        if (parse_address(device->address, &device->devfn))
            return error_set(error, EINVAL, "device '%s': addr '%s' is not a slot (0 to 1f) or slot.function",
                             name, device->address);
        if (bus->devices[device->devfn])
            return error_set(error, EBUSY, "device '%s': %s on bus '%s' is taken by '%s'", name,
                             device->address, bus->bus.name, bus->devices[device->devfn]->device.type->name);
        const struct pci_device *first = bus->devices[device->devfn & ~7];
        if ((device->devfn & 7) && first && !(first->initial[PCI_HEADER_TYPE] & PCI_HEADER_MULTIFUNCTION))
            return error_set(error, EBUSY,
                             "device '%s': slot %x of bus '%s' has a device without multifunction=on", name,
                             device->devfn >> 3, bus->bus.name);
        return 0;
    }
    for (unsigned slot = bus->first_slot; slot < 32; slot++) {
        bool free_slot = true;
        for (unsigned function = 0; function < 8; function++)
            free_slot = free_slot && !bus->devices[PCI_DEVFN(slot, function)];
        if (free_slot) {
            device->devfn = PCI_DEVFN(slot, 0);
            return 0;
        }
    }
    return error_set(error, EBUSY, "device '%s': every slot of bus '%s' is taken", name, bus->bus.name);
}

static void define_header(struct pci_device *device)
{
    const struct pci_class *class = device->class;
    pci_define(device, PCI_VENDOR_ID, 2, class->vendor_id, 0);
    pci_define(device, PCI_DEVICE_ID, 2, class->device_id, 0);
    pci_define(device, PCI_COMMAND, 2, 0,
               PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR |
                   PCI_COMMAND_INTX_DISABLE);
    pci_define_clears(device, PCI_STATUS, 2, PCI_STATUS_ERRORS);
    pci_define(device, PCI_REVISION_ID, 4, class->class_code << 8 | class->revision, 0);
    pci_define(device, PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
    pci_define(device, PCI_HEADER_TYPE, 1, device->multifunction ? PCI_HEADER_MULTIFUNCTION : 0, 0);
    pci_define(device, PCI_SUBSYSTEM_VENDOR_ID, 2, class->subsystem_vendor_id, 0);
    pci_define(device, PCI_SUBSYSTEM_ID, 2, class->subsystem_id, 0);
    pci_define(device, PCI_INTERRUPT_LINE, 1, 0, 0xff);
    pci_define(device, PCI_INTERRUPT_PIN, 1, class->interrupt_pin, 0);
}

int pci_realize(struct pci_device *device, const struct pci_class *class, struct error *error)
{
    device->class = class;
    int result = find_place(device, error);
    if (result)
        return result;
    device->bus = device->device.parent->opaque;
    device->config_bytes = device->bus->express ? PCI_EXPRESS_CONFIG_BYTES : PCI_CONFIG_BYTES;
    device->config = ALLOC_ARRAY(uint8_t, device->config_bytes);
    device->initial = ALLOC_ARRAY(uint8_t, device->config_bytes);
    device->writable = ALLOC_ARRAY(uint8_t, device->config_bytes);
    device->clears = ALLOC_ARRAY(uint8_t, device->config_bytes);
    device->capability_end = PCI_CONFIG_HEADER_END;
    device->capability_last = 0;
    define_header(device);
    device->bus->devices[device->devfn] = device;
    return 0;
}

void pci_unrealize(struct pci_device *device)
{
    if (!device->bus)
        return;
    pci_set_irq(device, false);
    pci_msi_idle(device);
    pci_remove_bars(device);
    device->bus->devices[device->devfn] = NULL;
    device->bus = NULL;
    free(device->config);
    free(device->initial);
    free(device->writable);
    free(device->clears);
    free(device->msix);
}

void pci_reset(struct pci_device *device)
{
    device->pin_level = false;
    memcpy(device->config, device->initial, device->config_bytes);
    pci_msi_reset(device);
    pci_update_pin(device);
    pci_update_bars(device);
}

void pci_state_loaded(struct pci_device *device)
{
    pci_update_pin(device);
    pci_update_bars(device);
    pci_msi_idle(device);
}

void pci_define(struct pci_device *device, unsigned offset, unsigned size, uint32_t value, uint32_t writable)
{
    assert(range_inside(offset, size, device->config_bytes));
    store_le(device->initial + offset, size, value);
    store_le(device->config + offset, size, value);
    store_le(device->writable + offset, size, writable);
}

void pci_define_clears(struct pci_device *device, unsigned offset, unsigned size, uint32_t bits)
{
    assert(range_inside(offset, size, device->config_bytes));
    store_le(device->clears + offset, size, bits);
}

uint32_t pci_get(const struct pci_device *device, unsigned offset, unsigned size)
{
    return (uint32_t)load_le(device->config + offset, size);
}

void pci_put(struct pci_device *device, unsigned offset, unsigned size, uint32_t value)
{
    store_le(device->config + offset, size, value);
}

unsigned pci_add_capability(struct pci_device *device, enum pci_capability id, unsigned offset, unsigned size)
{
    if (!offset)
        offset = (unsigned)round_up(device->capability_end, 4);
    assert(range_inside(offset, size, PCI_CONFIG_BYTES));
    unsigned link = device->capability_last ? device->capability_last + 1 : PCI_CAPABILITY_LIST;
    pci_define(device, link, 1, offset, 0);
    pci_define(device, offset, 1, id, 0);
    pci_define(device, offset + 1, 1, 0, 0);
    pci_define(device, PCI_STATUS, 2, pci_get(device, PCI_STATUS, 2) | PCI_STATUS_CAP_LIST, 0);
    device->capability_last = offset;
    if (offset + size > device->capability_end)
        device->capability_end = offset + size;
    return offset;
}

bool pci_command_has(const struct pci_device *device, enum pci_command bit)
{
    return pci_get(device, PCI_COMMAND, 2) & bit;
}

static void config_write(struct pci_device *device, unsigned offset, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        uint8_t *byte = &device->config[offset + i], mask = device->writable[offset + i];
        *byte = (uint8_t)((*byte & ~mask) | (value & mask));
        *byte &= (uint8_t) ~(value & device->clears[offset + i]);
    }
    if (offset < PCI_CONFIG_HEADER_END) {
        pci_update_bars(device);
        pci_update_pin(device);
    }
    pci_msi_written(device);
    if (device->class->config_written)
        device->class->config_written(device, offset, size);
}

// No bridges yet: there is only bus 0.
static struct pci_device *find_function(struct pci_bus *root, unsigned bus, uint8_t devfn)
{
    return bus ? NULL : root->devices[devfn];
}

uint32_t pci_config_read(struct pci_bus *root, unsigned bus, uint8_t devfn, unsigned offset, unsigned size)
{
    struct pci_device *device = find_function(root, bus, devfn);
    if (!device || !range_inside(offset, size, device->config_bytes))
        return (uint32_t)mask64(size * 8);
    if (device->class->config_reading)
        device->class->config_reading(device, offset, size);
    return pci_get(device, offset, size);
}

void pci_config_write(struct pci_bus *root, unsigned bus, uint8_t devfn, unsigned offset, unsigned size,
                      uint32_t value)
{
    struct pci_device *device = find_function(root, bus, devfn);
    if (device && range_inside(offset, size, device->config_bytes))
        config_write(device, offset, size, value);
}
