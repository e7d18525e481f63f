// SPDX-License-Identifier: MIT
// Base address registers and the expansion ROM: what they say is mapped, as long as the command register
// lets the function decode and the address makes sense. A register that is being sized (all ones) or was
// never set (0, unless that is a place like others) maps nothing.
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/pci/pci-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { ROM_MAX_BYTES = 1 << 20, ROM_MIN_BYTES = 2048 };

static unsigned bar_register(unsigned number)
{
    return number == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BAR_0 + 4 * number;
}

void pci_add_bar(struct pci_device *device, unsigned number, enum pci_bar_space space, bool prefetchable,
                 struct mem_region_desc desc)
{
    struct pci_bar *bar = &device->bars[number];
    bool wide = space == PCI_BAR_MEM64;
    assert(is_power_of_two(desc.size) && desc.size >= (space == PCI_BAR_IO ? 4 : 16));
    assert(number + wide <= PCI_BARS && !bar->present);
    desc.priority = PCI_BAR_PRIORITY;
    struct memory_map *map = space == PCI_BAR_IO ? device->bus->io : device->bus->memory;
    *bar = (struct pci_bar){.present = map != NULL, .space = space, .window = {map, desc, NULL}};
    uint32_t type = space == PCI_BAR_IO ? 1 : (wide ? 4 : 0) | (prefetchable ? 8 : 0);
    uint64_t writable = ~(desc.size - 1);
    if (number == PCI_ROM_BAR) {
        pci_define(device, PCI_ROM_ADDRESS, 4, 0, (uint32_t)writable | PCI_ROM_ENABLE);
        return;
    }
    pci_define(device, bar_register(number), 4, type, (uint32_t)writable);
    if (wide)
        pci_define(device, bar_register(number) + 4, 4, 0, (uint32_t)(writable >> 32));
}

void pci_bar_set_doorbells(struct pci_device *device, unsigned number, const struct mem_doorbell *doorbells, unsigned count)
{
    struct mem_window *window = &device->bars[number].window;
    window->desc.doorbells = doorbells;
    window->desc.doorbell_count = count;
    if (window->region)
        memory_map_set_doorbells(window->map, window->region, doorbells, count);
}

bool pci_memory_reaches(const struct pci_device *device, uint64_t address, uint64_t size)
{
    const struct pci_bus *bus = device->bus;
    bool inside = !bus->range_count;
    for (unsigned i = 0; i < bus->range_count; i++)
        inside = inside || (address >= bus->ranges[i].base &&
                            range_inside(address - bus->ranges[i].base, size, bus->ranges[i].size));
    return inside && pci_command_has(device, PCI_COMMAND_MEMORY);
}

static bool decoded_address(const struct pci_device *device, unsigned number, uint64_t *address)
{
    const struct pci_bar *bar = &device->bars[number];
    unsigned at = bar_register(number);
    uint64_t value = pci_get(device, at, 4);
    if (bar->space == PCI_BAR_MEM64)
        value |= (uint64_t)pci_get(device, at + 4, 4) << 32;
    if (number == PCI_ROM_BAR && !(value & PCI_ROM_ENABLE))
        return false;
    value &= ~(bar->window.desc.size - 1);
    *address = value;
    if (!value && !device->bus->zero_is_place)
        return false;
    uint64_t last = value + (bar->window.desc.size - 1);
    if (bar->space == PCI_BAR_IO)
        return last < 0xffff && pci_command_has(device, PCI_COMMAND_IO);
    return last != UINT32_MAX && last != UINT64_MAX &&
           pci_memory_reaches(device, value, bar->window.desc.size);
}

void pci_update_bars(struct pci_device *device)
{
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        uint64_t address = 0;
        bool decoded = device->bars[i].present && decoded_address(device, i, &address);
        mem_window_show(&device->bars[i].window, decoded, address);
    }
}

void pci_remove_bars(struct pci_device *device)
{
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++)
        mem_window_hide(&device->bars[i].window);
}

bool pci_bar_address(const struct pci_device *device, unsigned number, uint64_t *address)
{
    const struct mem_window *window = &device->bars[number].window;
    *address = window->desc.base;
    return window->region != NULL;
}

// Reads the whole file; zeroes follow it up to the size of the BAR.
static int read_rom(struct pci_device *device, int fd, const char *file, struct error *error)
{
    struct guest_ram *ram = device->device.machine->ram;
    struct stat status;
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size || status.st_size > ROM_MAX_BYTES)
        return error_set(error, EINVAL, "expansion ROM '%s' is not a file of 1 byte to %d KiB", file,
                         ROM_MAX_BYTES >> 10);
    uint64_t size = ROM_MIN_BYTES, offset;
    while (size < (uint64_t)status.st_size || size < GUEST_PAGE_SIZE)
        size *= 2;
    int result = guest_ram_carve(ram, size, &offset, error);
    if (result)
        return result;
    for (off_t done = 0; done < status.st_size;) {
        ssize_t n = pread(fd, ram->host + offset + done, (size_t)(status.st_size - done), done);
        if (n <= 0)
            return error_set(error, EIO, "cannot read expansion ROM '%s': %s", file,
                             n ? strerror(errno) : "it became shorter");
        done += n;
    }
    struct mem_region_desc desc = {.name = "pci-rom", .size = size, .kind = MEM_ROM, .ram_offset = offset};
    pci_add_bar(device, PCI_ROM_BAR, PCI_BAR_MEM32, false, desc);
    return 0;
}

// A plain name is looked up where firmware is installed.
static int open_rom(const char *file)
{
    static const char *const folders[] = {"/usr/share/seabios", "/usr/share/qemu", "/usr/lib/ipxe/qemu"};
    char path[PATH_MAX];
    if (strchr(file, '/'))
        return open(file, O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], file);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
            return fd;
    }
    return -1;
}

int pci_add_rom(struct pci_device *device, const char *file, struct error *error)
{
    if (device->rom_file)
        file = device->rom_file;
    if (!device->rom_bar || !file || !*file)
        return 0;
    int fd = open_rom(file);
    if (fd < 0)
        return error_set(error, errno, "cannot open expansion ROM '%s': %s", file, strerror(errno));
    int result = read_rom(device, fd, file, error);
    close(fd);
    return result;
}

bool pci_dma_read(struct pci_device *device, uint64_t address, void *buffer, uint64_t length)
{
    return pci_command_has(device, PCI_COMMAND_MASTER) &&
           dma_read(device->bus->memory, address, buffer, length);
}

bool pci_dma_write(struct pci_device *device, uint64_t address, const void *buffer, uint64_t length)
{
    return pci_command_has(device, PCI_COMMAND_MASTER) &&
           dma_write(device->bus->memory, address, buffer, length);
}

void *pci_dma_map(struct pci_device *device, uint64_t address, uint64_t *length, bool write)
{
    return pci_command_has(device, PCI_COMMAND_MASTER) ? dma_map(device->bus->memory, address, length, write)
                                                       : NULL;
}

void pci_dma_wrote(struct pci_device *device, const void *pointer, uint64_t length)
{
    dma_wrote(device->bus->memory, pointer, length);
}
