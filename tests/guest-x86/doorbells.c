// SPDX-License-Identifier: MIT
// doorbells ACCEL IMAGE: a device gets the stores that its doorbells are for, wherever it is at the moment. With KVM, the kernel
// takes them, and the I/O loop calls the device.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accesses.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-mmio.h"
#include "hw/virtio/virtio-pci.h"

enum { DEVICE = 0x50000000, OTHER = 0x60000000, PORTS = 0x9000 };

static bool kvm;

// --- a device that writes down what it gets ---

static char got[512];

static uint64_t device_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    (void)access;
    return 0;
}

static void device_write(void *opaque, struct mmio_access access, uint64_t value)
{
    size_t at = strlen(got);
    snprintf(got + at, sizeof(got) - at, "%s%x/%u=%x ", (const char *)opaque, (unsigned)access.offset, access.size,
             (unsigned)value);
}

static const struct mmio_ops device_ops = {device_read, device_write, 1, 4, false};

static const struct mem_doorbell bells[] = {
    {0x50, 4, false, 3}, {0x50, 4, false, 5}, {0x60, 2, true, 0x77}, {0x1ff0, 4, false, 0}, {0x52, 1, false, 9}};

static struct mem_region *map_device(struct memory_map *map, const char *name, uint64_t base)
{
    struct error error;
    struct mem_region_desc desc = {.name = name, .base = base, .size = 0x2000, .kind = MEM_MMIO, .ops = &device_ops,
                                   .opaque = (void *)name,
                                   .doorbells = bells, .doorbell_count = sizeof(bells) / sizeof(bells[0])};
    return memory_map_add(map, desc, &error);
}

static void expect_got(const char *wanted, const char *when)
{
    expect(!strcmp(got, wanted), "%s: the device got '%s', not '%s'", when, got, wanted);
    got[0] = '\0';
}

static void stores_ring(struct x86_machine *m, uint32_t base)
{
    accesses_loop(m);
    access_make(m, STORE | 4, base + 0x50, 5);
    expect_got(kvm ? "" : "m50/4=5 ", "a doorbell, before the I/O loop comes round");
    accesses_loop(m);
    expect_got(kvm ? "m50/4=5 " : "", "a doorbell, behind it");
    access_make(m, STORE | 2, base + 0x60, 0x77);
    accesses_loop(m);
    expect_got("m60/2=77 ", "a doorbell of any value");
    // Whatever differs in size, value, or place comes at once.
    struct access others[] = {{STORE | 4, base + 0x50, 4, 1}, {STORE | 2, base + 0x50, 5, 1}, {STORE | 4, base + 0x60, 1, 1},
                              {STORE | 4, base + 0x54, 5, 1}, {STORE | 1, base + 0x52, 8, 1}};
    accesses_make(m, others, sizeof(others) / sizeof(others[0]));
    expect_got("m50/4=4 m50/2=5 m60/4=1 m54/4=5 m52/1=8 ", "stores beside doorbells");
    accesses_loop(m);
    expect_got("", "stores beside doorbells, once more");
}

static void test_device(struct x86_machine *m)
{
    struct machine *machine = m->base.machine;
    struct mem_region *region = map_device(machine->map, "m", DEVICE);
    access_make(m, STORE | 4, DEVICE + 0x50, 3); // nobody has told the kernel yet
    expect_got("m50/4=3 ", "a doorbell that is new");
    stores_ring(m, DEVICE);

    // It moves before it has rung.
    access_make(m, STORE | 4, DEVICE + 0x50, 3);
    device_lock_acquire(&machine->lock);
    memory_map_remove(machine->map, region);
    region = map_device(machine->map, "m", OTHER);
    device_lock_release(&machine->lock);
    expect_got("m50/4=3 ", "a doorbell that has moved");
    struct mem_region *stranger = map_device(machine->map, "s", DEVICE);
    access_make(m, STORE | 4, DEVICE + 0x50, 3);
    expect_got("s50/4=3 ", "another device in its place");
    stores_ring(m, OTHER);
    memory_map_remove(machine->map, stranger);

    // Something else hides a part of it.
    struct error error;
    struct mem_region_desc above = {.name = "above", .base = OTHER, .size = 0x1000, .kind = MEM_MMIO, .priority = 1,
                                    .ops = &device_ops, .opaque = (void *)"a"};
    struct mem_region *hides = memory_map_add(machine->map, above, &error);
    accesses_loop(m);
    struct access both[] = {{STORE | 4, OTHER + 0x50, 3, 1}, {STORE | 4, OTHER + 0x1ff0, 0, 2}};
    accesses_make(m, both, 2);
    accesses_loop(m);
    expect_got(kvm ? "a50/4=3 m1ff0/4=0 " : "a50/4=3 m1ff0/4=0 m1ff0/4=0 ", "what is hidden and what is not");
    memory_map_remove(machine->map, hides);

    // Ports, and what is held back when the machine stops.
    map_device(m->io, "p", PORTS);
    accesses_loop(m);
    struct access ports[] = {{OUT | 4, PORTS + 0x50, 3, 1}, {OUT | 2, PORTS + 0x60, 0x1234, 1}, {OUT | 1, PORTS + 0x52, 9, 1}};
    accesses_make(m, ports, 3);
    expect_got(kvm ? "" : "p50/4=3 p60/2=1234 p52/1=9 ", "ports");
    device_lock_acquire(&machine->lock);
    machine_flush(machine);
    device_lock_release(&machine->lock);
    expect(!kvm || (strstr(got, "p50/4=3 ") && strstr(got, "p60/2=77 ") && strstr(got, "p52/1=9 ")),
           "ports: the device got '%s'", got);
    got[0] = '\0';
    accesses_loop(m);
    expect_got("", "ports, once more");
}

// More than there can be: the rest comes the slow way.
static void test_too_many(struct x86_machine *m)
{
    enum { MANY = 400 };
    static struct mem_doorbell many[MANY];
    struct error error;
    for (unsigned i = 0; i < MANY; i++)
        many[i] = (struct mem_doorbell){i * 4, 4, false, i};
    struct mem_region_desc desc = {.name = "many", .base = 0x70000000, .size = 0x1000, .kind = MEM_MMIO, .ops = &device_ops,
                                   .opaque = (void *)"n", .doorbells = many, .doorbell_count = MANY};
    struct mem_region *region = memory_map_add(m->base.machine->map, desc, &error);
    accesses_loop(m);
    static struct access all[MANY];
    for (unsigned i = 0; i < MANY; i++)
        all[i] = (struct access){STORE | 4, 0x70000000 + i * 4, i, 1};
    for (unsigned i = 0; i < MANY; i += 20) { // as many as `got` has room for
        accesses_make(m, all + i, 20);
        accesses_loop(m);
        for (unsigned n = i; n < i + 20; n++) {
            char text[32];
            snprintf(text, sizeof(text), "n%x/4=%x ", n * 4, n);
            expect(strstr(got, text), "of many doorbells number %u has not rung", n);
        }
        got[0] = '\0';
    }
    memory_map_remove(m->base.machine->map, region);
}

// --- virtio: a source of random numbers ---

enum { RING = 0x10200000, DATA = RING + 0x4000, BYTES = 64 }; // descriptors, available and used ring are a page each

static void offer(struct x86_machine *m, unsigned count)
{
    uint64_t *descriptor = test_machine_ram(&m->base, RING);
    uint16_t *available = test_machine_ram(&m->base, RING + 0x1000);
    descriptor[0] = DATA;
    descriptor[1] = BYTES | UINT64_C(2) << 32; // the device writes
    memset(test_machine_ram(&m->base, DATA), 0, BYTES);
    available[1] = (uint16_t)count;
}

static bool served(struct x86_machine *m, unsigned count)
{
    const uint16_t *used = test_machine_ram(&m->base, RING + 0x2000);
    const uint8_t *data = test_machine_ram(&m->base, DATA);
    unsigned sum = 0;
    for (unsigned i = 0; i < BYTES; i++)
        sum |= data[i];
    return used[1] == count && sum;
}

// The store that tells the device has been made.
static void expect_served(struct x86_machine *m, unsigned count, const char *what)
{
    expect(kvm != served(m, count), "%s: %s", what, kvm ? "the kernel has not taken the doorbell" : "the device is late");
    accesses_loop(m);
    expect(served(m, count), "%s: a request is not served", what);
}

static void ring_virtio(struct x86_machine *m, uint32_t what, uint32_t address, const char *name)
{
    accesses_loop(m);
    for (unsigned i = 1; i <= 3; i++) {
        offer(m, i);
        access_make(m, what, address, 0);
        expect_served(m, i, name);
    }
}

static void clear_rings(struct x86_machine *m)
{
    memset(test_machine_ram(&m->base, RING), 0, 0x4000);
}

static void test_virtio_mmio(struct x86_machine *m)
{
    enum { AT = 0x40000000 };
    struct device *slot = device_create(m->base.machine, &virtio_mmio_type, NULL);
    virtio_mmio_wire(slot, AT, (struct irq_line){0}, "virtio-mmio-bus.0");
    accesses_realize(m, slot);
    accesses_add_device(m, &virtio_rng_type);
    struct access setup[] = {{STORE | 4, AT + 0x70, 3, 1},  {STORE | 4, AT + 0x24, 1, 1},       {STORE | 4, AT + 0x20, 1, 1},
                             {STORE | 4, AT + 0x70, 11, 1}, {STORE | 4, AT + 0x38, 16, 1},      {STORE | 4, AT + 0x80, RING, 1},
                             {STORE | 4, AT + 0x90, RING + 0x1000, 1}, {STORE | 4, AT + 0xa0, RING + 0x2000, 1},
                             {STORE | 4, AT + 0x44, 1, 1},  {STORE | 4, AT + 0x70, 15, 1}};
    clear_rings(m);
    accesses_make(m, setup, sizeof(setup) / sizeof(setup[0]));
    ring_virtio(m, STORE | 4, AT + 0x50, "virtio-mmio");
    // A doorbell that is behind a reset is for nobody.
    offer(m, 4);
    access_make(m, STORE | 4, AT + 0x50, 0);
    device_lock_acquire(&m->base.machine->lock);
    for (struct device *device = m->base.machine->devices; device; device = device->next)
        device_reset(device);
    device_lock_release(&m->base.machine->lock);
    accesses_loop(m);
    expect(kvm != served(m, 4), "virtio-mmio: a request from before a reset");
}

static void test_virtio_pci(struct x86_machine *m)
{
    enum { BAR = 0x48000000, LEGACY = 0xc000, NOTIFY = 0x3000 };
    accesses_add_pci(m);
    accesses_add_device(m, &virtio_rng_pci_transitional_type);
    access_config(m, 0x10, LEGACY);
    access_config(m, 0x20, BAR);
    access_config(m, 0x24, 0);
    access_config(m, 0x04, 7); // memory, ports, bus master

    struct access modern[] = {{STORE | 1, BAR + 0x14, 3, 1},           {STORE | 4, BAR + 0x08, 1, 1},
                              {STORE | 4, BAR + 0x0c, 1, 1},           {STORE | 1, BAR + 0x14, 11, 1},
                              {STORE | 2, BAR + 0x18, 16, 1},          {STORE | 4, BAR + 0x20, RING, 1},
                              {STORE | 4, BAR + 0x28, RING + 0x1000, 1}, {STORE | 4, BAR + 0x30, RING + 0x2000, 1},
                              {STORE | 2, BAR + 0x1c, 1, 1},           {STORE | 1, BAR + 0x14, 15, 1}};
    clear_rings(m);
    accesses_make(m, modern, sizeof(modern) / sizeof(modern[0]));
    ring_virtio(m, STORE | 2, BAR + NOTIFY, "virtio-pci");
    access_make(m, STORE | 1, BAR + 0x14, 0);

    // The ports of before 1.0, where a queue of 64 entries is one piece.
    struct access legacy[] = {{OUT | 4, LEGACY + 0x04, 0, 1}, {OUT | 2, LEGACY + 0x0e, 0, 1},
                              {OUT | 4, LEGACY + 0x08, RING >> 12, 1}, {OUT | 1, LEGACY + 0x12, 7, 1}};
    clear_rings(m);
    accesses_make(m, legacy, sizeof(legacy) / sizeof(legacy[0]));
    accesses_loop(m);
    uint16_t *available = test_machine_ram(&m->base, RING + 16 * 64);
    const uint16_t *used = test_machine_ram(&m->base, RING + 0x1000);
    offer(m, 0);
    available[1] = 1;
    access_make(m, OUT | 2, LEGACY + 0x10, 0);
    expect(used[1] == !kvm, "virtio-pci before 1.0: the doorbell");
    accesses_loop(m);
    expect(used[1] == 1, "virtio-pci before 1.0: a request is not served");
}

int main(int argc, char **argv)
{
    struct x86_machine *m = accesses_begin(argc, argv);
    kvm = !strcmp(argv[1], "kvm");
    test_device(m);
    test_too_many(m);
    test_virtio_mmio(m);
    test_virtio_pci(m);
    x86_machine_destroy(m);
    return 0;
}
