// SPDX-License-Identifier: MIT
// The generic host. Where no function answers inside its windows, reads give all ones and writes are lost: no external
// abort, so that software can probe.
#include "hw/pci/gpex.h"

#include <errno.h>

#include "hw/core/machine.h"
#include "hw/pci/pci-host.h"

enum { NOBODY_PRIORITY = PCI_BAR_PRIORITY - 1 };

struct gpex {
    struct device device;
    struct gpex_config config;
    struct pci_root_ops ops;
    struct pci_bus bus;
    struct mem_window ecam, io, nobody_io;
    struct mem_window nobody[PCI_HOST_RANGES];
};

static unsigned map_irq(void *opaque, uint8_t devfn, unsigned pin)
{
    (void)opaque;
    return ((devfn >> 3) + pin) % PCI_PINS;
}

static void set_irq(void *opaque, unsigned input, bool level)
{
    const struct gpex *host = opaque;
    irq_set(&host->config.intx[input], level);
}

static void pass_message(void *opaque, const struct message *message)
{
    const struct gpex *host = opaque;
    if (host->config.message)
        host->config.message(host->config.message_opaque, message);
}

// Port accesses go through the map of ports, which takes the device lock where it is wanted. Every port answers there.
static uint64_t io_read(void *opaque, struct mmio_access access)
{
    const struct gpex *host = opaque;
    uint64_t value;
    memory_map_read(host->config.io, (struct mem_requester){access.cpu, access.secure}, access.offset, access.size,
                    &value);
    return value;
}

static void io_write(void *opaque, struct mmio_access access, uint64_t value)
{
    const struct gpex *host = opaque;
    memory_map_write(host->config.io, (struct mem_requester){access.cpu, access.secure}, access.offset, access.size,
                     value);
}

static const struct mmio_ops io_ops = {io_read, io_write, 1, 4, true};

static int show(struct mem_window *window, struct memory_map *map, struct mem_region_desc desc, struct error *error)
{
    *window = (struct mem_window){map, desc, memory_map_add(map, desc, error)};
    return window->region ? 0 : -EINVAL;
}

static int show_nobody(struct mem_window *window, struct memory_map *map, struct pci_range range, struct error *error)
{
    struct mem_region_desc desc = {.name = "pci-nobody",
                                   .base = range.base,
                                   .size = range.size,
                                   .kind = MEM_MMIO,
                                   .priority = NOBODY_PRIORITY,
                                   .ops = &mem_nobody_ops};
    return show(window, map, desc, error);
}

static int show_windows(struct gpex *host, struct error *error)
{
    const struct gpex_config *config = &host->config;
    struct memory_map *map = host->device.machine->map;
    struct mem_region_desc io = {.name = "pci-io",
                                 .base = config->io_base,
                                 .size = GPEX_IO_BYTES,
                                 .kind = MEM_MMIO,
                                 .ops = &io_ops,
                                 .opaque = host};
    struct mem_region_desc ecam = pci_ecam_window(&host->bus, config->ecam.size).desc;
    ecam.base = config->ecam.base;
    int result = show(&host->io, map, io, error);
    if (!result)
        result = show_nobody(&host->nobody_io, config->io, (struct pci_range){0, GPEX_IO_BYTES}, error);
    if (!result)
        result = show(&host->ecam, map, ecam, error);
    for (unsigned i = 0; i < config->memory_count && !result; i++)
        result = show_nobody(&host->nobody[i], map, config->memory[i], error);
    return result;
}

static void gpex_unrealize(struct device *device)
{
    struct gpex *host = (struct gpex *)device;
    mem_window_hide(&host->io);
    mem_window_hide(&host->nobody_io);
    mem_window_hide(&host->ecam);
    for (unsigned i = 0; i < PCI_HOST_RANGES; i++)
        mem_window_hide(&host->nobody[i]);
    pci_bus_release(&host->bus);
}

static int gpex_realize(struct device *device, struct error *error)
{
    struct gpex *host = (struct gpex *)device;
    const struct gpex_config *config = &host->config;
    host->ops = (struct pci_root_ops){map_irq, set_irq, pass_message};
    pci_bus_init(&host->bus, device->machine, config->bus_name, true, device->machine->map, config->io, &host->ops,
                 host);
    host->bus.zero_is_place = true; // of port space: UEFI firmware begins there
    host->bus.range_count = config->memory_count;
    for (unsigned i = 0; i < config->memory_count; i++)
        host->bus.ranges[i] = config->memory[i];
    int result = show_windows(host, error);
    if (result)
        gpex_unrealize(device);
    return result;
}

static void gpex_print_irq(struct device *device, FILE *out)
{
    pci_print_irq(&((struct gpex *)device)->bus, out);
}

const struct device_type gpex_host_type = {
    .name = "gpex-pcihost",
    .help = "generic PCI Express host",
    .instance_size = sizeof(struct gpex),
    .realize = gpex_realize,
    .unrealize = gpex_unrealize,
    .print_irq = gpex_print_irq,
};

static const struct pci_class gpex_root_class = {
    .vendor_id = 0x1b36,
    .device_id = 0x0008,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .class_code = 0x060000,
};

static int gpex_root_realize(struct device *device, struct error *error)
{
    return pci_realize((struct pci_device *)device, &gpex_root_class, error);
}

static void gpex_root_unrealize(struct device *device)
{
    pci_unrealize((struct pci_device *)device);
}

static void gpex_root_reset(struct device *device)
{
    pci_reset((struct pci_device *)device);
}

static void gpex_root_state_loaded(struct device *device)
{
    pci_state_loaded((struct pci_device *)device);
}

struct gpex_root {
    struct pci_device pci;
};

static const struct property gpex_root_properties[] = {
    PCI_PROPERTIES(gpex_root, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type gpex_root_type = {
    .name = "gpex-root",
    .help = "function 0.0 of the generic PCI Express host",
    .bus = "PCI",
    .instance_size = sizeof(struct gpex_root),
    .properties = gpex_root_properties,
    .state = pci_state,
    .realize = gpex_root_realize,
    .unrealize = gpex_root_unrealize,
    .reset = gpex_root_reset,
    .state_loaded = gpex_root_state_loaded,
};

int gpex_create(struct machine *machine, const struct gpex_config *config, struct pci_bus **bus, struct error *error)
{
    struct gpex *host = (struct gpex *)device_create(machine, &gpex_host_type, NULL);
    host->config = *config;
    int result = device_realize(&host->device, error);
    if (result) {
        device_destroy(&host->device);
        return result;
    }
    *bus = &host->bus;
    return pci_host_add_function(*bus, &gpex_root_type, error);
}
