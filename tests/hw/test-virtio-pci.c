// SPDX-License-Identifier: MIT
// Virtio over PCI through a driver's eyes: both interfaces, all kinds of interrupts, and what a driver gets
// wrong.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "disk-file.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio-pci.h"
#include "pci-machine.h"

enum { AT = PCI_DEVFN(4, 0), PORTS = 0xc000, RING = 8 };
#define BAR4 UINT64_C(0x380000000) // above 4 GiB, as firmware likes it
#define TABLE UINT64_C(0xe0000000)
#define QUEUE (BARE_RAM_BASE + 0x10000)
#define DATA (BARE_RAM_BASE + 0x100000)

static struct pci_machine pci;
static uint64_t common, isr, device_config, notify;
static uint16_t available;

static void enable(void)
{
    config_set(pci.io, AT, 0x10, 4, PORTS);
    config_set(pci.io, AT, 0x14, 4, (uint32_t)TABLE);
    config_set(pci.io, AT, 0x20, 4, (uint32_t)BAR4);
    config_set(pci.io, AT, 0x24, 4, BAR4 >> 32);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    for (unsigned at = 0; (at = config_capability(pci.io, AT, PCI_CAP_ID_VENDOR, at));) {
        uint64_t where = BAR4 + config_get(pci.io, AT, at + 8, 4);
        switch (config_get(pci.io, AT, at + 3, 1)) {
        case 1:
            common = where;
            break;
        case 2:
            notify = where;
            break;
        case 3:
            isr = where;
            break;
        case 4:
            device_config = where;
            break;
        }
    }
}

static struct device *plug(const struct device_type *type, const char *const *properties)
{
    pci_machine_create(&pci, false);
    struct device *device = bare_device(pci.machine, type, properties);
    enable();
    return device;
}

static const char *const at_slot[] = {"addr=4", NULL};

static uint32_t get(unsigned offset, unsigned size)
{
    return (uint32_t)guest_read(pci.machine, common + offset, size);
}

static void set(unsigned offset, unsigned size, uint32_t value)
{
    guest_write(pci.machine, common + offset, size, value);
}

// Queue 0 with the descriptors, the available ring and the used ring a page apart.
static void start_modern(uint64_t features, uint16_t vector)
{
    set(0x14, 1, 0);
    set(0x14, 1, 3);
    for (unsigned word = 0; word < 2; word++) {
        set(0x08, 4, word);
        set(0x0c, 4, (uint32_t)(features >> (32 * word)));
    }
    set(0x14, 1, 11);
    cr_assert_eq(get(0x14, 1), 11, "features refused");
    set(0x16, 2, 0);
    set(0x18, 2, RING);
    set(0x1a, 2, vector);
    cr_assert_eq(get(0x1a, 2), vector);
    for (unsigned i = 0; i < 3; i++) {
        guest_write(pci.machine, QUEUE + i * 0x1000, 4, 0);
        guest_write(pci.machine, common + 0x20 + 8 * i, 8, QUEUE + i * 0x1000);
    }
    set(0x1c, 2, 1);
    cr_assert_eq(get(0x1c, 2), 1);
    set(0x14, 1, 15);
    available = 0;
}

static void offer(uint64_t address, uint32_t length, uint64_t ring)
{
    guest_write(pci.machine, QUEUE, 8, address);
    guest_write(pci.machine, QUEUE + 8, 4, length);
    guest_write(pci.machine, QUEUE + 12, 4, 2); // device writes
    guest_write(pci.machine, ring + 4 + 2 * (available % RING), 2, 0);
    guest_write(pci.machine, ring + 2, 2, ++available);
}

static uint16_t used(void)
{
    return (uint16_t)guest_read(pci.machine, QUEUE + 0x2002, 2);
}

Test(virtio_pci, identity)
{
    static const struct {
        const struct device_type *type;
        uint32_t id, class_revision;
        uint16_t subsystem;
        bool legacy;
    } kinds[] = {
        {&virtio_rng_pci_type, 0x10051af4, 0x00ff0000, 4, true},
        {&virtio_rng_pci_transitional_type, 0x10051af4, 0x00ff0000, 4, true},
        {&virtio_rng_pci_non_transitional_type, 0x10441af4, 0x00ff0001, 0x1100, false},
        {&virtio_serial_pci_type, 0x10031af4, 0x07800000, 3, true},
        {&virtio_serial_pci_non_transitional_type, 0x10431af4, 0x07800001, 0x1100, false},
        {&virtio_gpu_pci_type, 0x10501af4, 0x03800001, 0x1100, false},
        {&virtio_keyboard_pci_type, 0x10521af4, 0x09000001, 0x1100, false},
        {&virtio_mouse_pci_type, 0x10521af4, 0x09020001, 0x1100, false},
        {&virtio_tablet_pci_type, 0x10521af4, 0x09800001, 0x1100, false},
        {&virtio_multitouch_pci_type, 0x10521af4, 0x09800001, 0x1100, false},
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        plug(kinds[i].type, at_slot);
        cr_assert_eq(config_get(pci.io, AT, 0, 4), kinds[i].id);
        cr_assert_eq(config_get(pci.io, AT, 8, 4), kinds[i].class_revision);
        cr_assert_eq(config_get(pci.io, AT, PCI_SUBSYSTEM_ID, 2), kinds[i].subsystem);
        cr_assert_eq(config_get(pci.io, AT, 0x10, 4) & 1, kinds[i].legacy);
        pci_machine_destroy(&pci);
    }
}

Test(virtio_pci, what_came_with_1_0_has_no_interface_from_before)
{
    struct error error = {""};
    pci_machine_create(&pci, false);
    struct device *device = device_create(pci.machine, &virtio_gpu_pci_type, NULL);
    cr_assert_eq(device_set(device, "disable-legacy", "off", &error), 0);
    cr_assert_lt(device_realize(device, &error), 0);
    cr_assert_str_eq(error.text, "device 'virtio-gpu-pci' has no interface from before virtio 1.0; leave out disable-legacy=off");
    cr_assert_eq(device_set(device, "disable-legacy", "on", &error), 0);
    cr_assert_eq(device_set(device, "disable-modern", "on", &error), 0);
    cr_assert_lt(device_realize(device, &error), 0, "nothing would be left");
    device_destroy(device);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, modern_with_pin)
{
    plug(&virtio_rng_pci_type, at_slot);
    cr_assert_eq(get(0x12, 2), 1);
    set(0x00, 4, 1);
    cr_assert_eq(get(0x04, 4) & 1, 1, "version 1 is offered");
    cr_assert_eq(get(0x18, 2), 64);
    start_modern(VIRTIO_F_VERSION_1, 0xffff);
    offer(DATA, 64, QUEUE + 0x1000);
    guest_write(pci.machine, notify, 2, 0);
    cr_assert_eq(used(), 1);
    cr_assert(pci.levels[0]);
    cr_assert_eq(guest_read(pci.machine, isr, 1), 1);
    cr_assert_not(pci.levels[0]);
    cr_assert_eq(guest_read(pci.machine, isr, 1), 0);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); // no longer a bus master
    offer(DATA, 64, QUEUE + 0x1000);
    guest_write(pci.machine, notify, 2, 0);
    cr_assert_eq(used(), 1);
    set(0x14, 1, 0);
    cr_assert_eq(get(0x1c, 2), 0);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, modern_with_vectors)
{
    plug(&virtio_rng_pci_non_transitional_type, at_slot);
    unsigned msix = config_capability(pci.io, AT, PCI_CAP_ID_MSIX, 0);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    guest_write(pci.machine, TABLE + 16, 8, 0xfee00000);
    guest_write(pci.machine, TABLE + 24, 8, 0x51);
    set(0x10, 2, 9);
    cr_assert_eq(get(0x10, 2), 0xffff, "there is no such vector");
    set(0x10, 2, 0);
    cr_assert_eq(get(0x10, 2), 0);
    start_modern(VIRTIO_F_VERSION_1, 1);
    offer(DATA, 64, QUEUE + 0x1000);
    guest_write(pci.machine, notify, 2, 0);
    cr_assert_eq(used(), 1);
    cr_assert_eq(pci.messages, 1);
    cr_assert_eq(pci.message.data, 0x51);
    cr_assert_not(pci.levels[0]);
    device_reset(&pci.bus.devices[AT]->device);
    enable();
    cr_assert_eq(get(0x1a, 2), 0xffff);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, legacy_queue)
{
    plug(&virtio_rng_pci_type, at_slot);
    port_write(pci.io, PORTS + 0x12, 1, 3);
    cr_assert_neq(port_read(pci.io, PORTS, 4), 0);
    port_write(pci.io, PORTS + 4, 4, 0);
    cr_assert_eq(port_read(pci.io, PORTS + 0xc, 2), 64);
    port_write(pci.io, PORTS + 0xe, 2, 1);
    cr_assert_eq(port_read(pci.io, PORTS + 0xc, 2), 0);
    port_write(pci.io, PORTS + 0xe, 2, 0);
    // 64 descriptors of 16 bytes, then the available ring, and the used ring in the next page.
    port_write(pci.io, PORTS + 8, 4, QUEUE >> 12);
    cr_assert_eq(port_read(pci.io, PORTS + 8, 4), QUEUE >> 12);
    port_write(pci.io, PORTS + 0x12, 1, 7);
    offer(DATA, 64, QUEUE + 0x400);
    port_write(pci.io, PORTS + 0x10, 2, 0);
    cr_assert_eq(guest_read(pci.machine, QUEUE + 0x1002, 2), 1);
    cr_assert(pci.levels[0]);
    cr_assert_eq(port_read(pci.io, PORTS + 0x13, 1), 1);
    cr_assert_not(pci.levels[0]);
    port_write(pci.io, PORTS + 8, 4, 0);
    cr_assert_eq(port_read(pci.io, PORTS + 0x12, 1), 0);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, disk_and_its_configuration)
{
    pci_machine_create(&pci, true);
    disk_file(pci.machine, "d0", 2048, 512, false);
    // The disk's own properties are the function's.
    bare_device(pci.machine, &virtio_blk_pci_type,
                (const char *[]){"addr=4", "drive=d0", "serial=abc", NULL});
    enable();
    cr_assert_eq(guest_read(pci.machine, device_config, 8), 2048);
    cr_assert_eq(port_read(pci.io, PORTS + 0x14, 4), 2048);
    unsigned msix = config_capability(pci.io, AT, PCI_CAP_ID_MSIX, 0);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    cr_assert_eq(port_read(pci.io, PORTS + 0x18, 4), 2048, "moved by the vectors");
    cr_assert_eq(port_read(pci.io, PORTS + 0x14, 2), 0xffff);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, window_through_configuration_space)
{
    plug(&virtio_rng_pci_type, at_slot);
    unsigned at = 0;
    while ((at = config_capability(pci.io, AT, PCI_CAP_ID_VENDOR, at)) &&
           config_get(pci.io, AT, at + 3, 1) != 5)
        ;
    cr_assert(at);
    config_set(pci.io, AT, at + 4, 1, 4);
    config_set(pci.io, AT, at + 8, 4, 0x18); // the queue's size
    config_set(pci.io, AT, at + 12, 4, 2);
    cr_assert_eq(config_get(pci.io, AT, at + 16, 2), 64);
    config_set(pci.io, AT, at + 8, 4, 0x14);
    config_set(pci.io, AT, at + 12, 4, 1);
    config_set(pci.io, AT, at + 16, 1, 1);
    cr_assert_eq(get(0x14, 1), 1);
    config_set(pci.io, AT, at + 8, 4, 0xfffffffe); // past the end
    config_set(pci.io, AT, at + 12, 4, 4);
    config_set(pci.io, AT, at + 16, 4, 1);
    config_get(pci.io, AT, at + 16, 4);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, properties_and_errors)
{
    struct error error;
    pci_machine_create(&pci, false);
    struct device *device = device_create(pci.machine, &virtio_blk_pci_type, NULL);
    cr_assert_eq(device_set(device, "queue-size", "128", &error), 0, "%s", error.text);
    cr_assert_lt(device_set(device, "nonsense", "1", &error), 0);
    cr_assert_lt(device_realize(device, &error), 0);
    cr_assert(strstr(error.text, "drive"), "%s", error.text);
    device_destroy(device);
    device = device_create(pci.machine, &virtio_rng_pci_type, NULL);
    cr_assert_eq(device_set(device, "disable-legacy", "on", &error), 0);
    cr_assert_eq(device_set(device, "disable-modern", "on", &error), 0);
    cr_assert_lt(device_realize(device, &error), 0);
    device_destroy(device);
    // Ports find the bus of a serial device in a function, by its id.
    device = device_create(pci.machine, &virtio_serial_pci_type, "s");
    cr_assert_eq(device_realize(device, &error), 0, "%s", error.text);
    struct device *port = device_create(pci.machine, &virtserialport_type, NULL);
    cr_assert_eq(device_set(port, "bus", "s.0", &error), 0);
    cr_assert_eq(device_realize(port, &error), 0, "%s", error.text);
    device_destroy(port);
    device_destroy(device);
    cr_assert_null(pci.machine->devices);
    pci_machine_destroy(&pci);
}

Test(virtio_pci, hostile_registers)
{
    plug(&virtio_serial_pci_type, at_slot);
    uint32_t seed = 7;
    for (unsigned i = 0; i < 30000; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned size = 1u << (seed >> 29) % 3, offset = (seed >> 6) & 0x3f & ~(size - 1);
        uint32_t value = i % 3 ? seed >> 20 : seed;
        uint64_t ignored;
        if (i % 5 == 0)
            memory_map_write(pci.io, (struct mem_requester){0}, PORTS + offset % 0x20, size, value);
        else if (i % 5 == 1)
            guest_write(pci.machine, notify + offset * 4, size, value);
        else
            guest_write(pci.machine, common + offset, size, value);
        memory_map_read(pci.machine->map, (struct mem_requester){0}, BAR4 + (seed >> 12 & 0x3fff), size,
                        &ignored);
        if (i % 100 == 0)
            set(0x14, 1, 0);
    }
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x10031af4);
    pci_machine_destroy(&pci);
}
