// SPDX-License-Identifier: MIT
// Virtio: transport, rings, hostile rings, and disks, through a driver's eyes.
#include <criterion/criterion.h>
#include <string.h>

#include "disk-file.h"
#include "hw/core/rng.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "virtio-driver.h"


static struct virtio_driver driver;
static uint32_t head, length;

static void start_rng(uint64_t features)
{
    driver_create(&driver, NULL);
    bare_device(driver.machine, &virtio_rng_type, NULL);
    driver_start(&driver, VIRTIO_F_VERSION_1 | features, 1);
}

static bool any_bytes(uint64_t address, unsigned count)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum |= (uint8_t)guest_read(driver.machine, address + i, 1);
    return sum != 0;
}

Test(virtio, registers_of_an_empty_and_a_used_slot)
{
    driver_create(&driver, NULL);
    cr_assert_eq(mmio_get(&driver, 0), 0x74726976);
    cr_assert_eq(mmio_get(&driver, 4), 2);
    cr_assert_eq(mmio_get(&driver, 8), 0);
    bare_device(driver.machine, &virtio_rng_type, NULL);
    cr_assert_eq(mmio_get(&driver, 8), 4);
    cr_assert_eq(driver_offered(&driver), VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC);
    cr_assert_eq(mmio_get(&driver, 0x34), 64);
    mmio_set(&driver, 0x30, 1);
    cr_assert_eq(mmio_get(&driver, 0x34), 0);
    struct error error;
    struct device *second = device_create(driver.machine, &virtio_rng_type, NULL);
    cr_assert_lt(device_realize(second, &error), 0);
    cr_assert(strstr(error.text, "taken"));
    device_destroy(second);
    driver_destroy(&driver);
}

Test(virtio, features_not_offered_are_refused)
{
    driver_create(&driver, NULL);
    bare_device(driver.machine, &virtio_rng_type, NULL);
    mmio_set(&driver, 0x70, 3);
    mmio_set(&driver, 0x24, 0);
    mmio_set(&driver, 0x20, 1);
    mmio_set(&driver, 0x24, 1);
    mmio_set(&driver, 0x20, 1);
    mmio_set(&driver, 0x70, 11);
    cr_assert_eq(mmio_get(&driver, 0x70), 3);
    driver_destroy(&driver);
}

Test(virtio, random_bytes_and_interrupt)
{
    start_rng(0);
    driver_send(&driver, 0, 3, 2, (struct part[]){{DRIVER_DATA, 64, true}, {DRIVER_DATA + 4096, 64, true}});
    cr_assert(driver_take(&driver, 0, &head, &length));
    cr_assert_eq(head, 3);
    cr_assert_eq(length, 128);
    cr_assert(any_bytes(DRIVER_DATA, 64));
    cr_assert(any_bytes(DRIVER_DATA + 4096, 64));
    cr_assert(driver.irq.level);
    cr_assert_eq(mmio_get(&driver, 0x60), 1);
    mmio_set(&driver, 0x64, 1);
    cr_assert_not(driver.irq.level);
    guest_write(driver.machine, ring_available(0), 2, 1); // no interrupts, please
    driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA, 4, true}});
    cr_assert(driver_take(&driver, 0, &head, &length));
    cr_assert_not(driver.irq.level);
    driver_destroy(&driver);
}

Test(virtio, event_index_says_when_to_interrupt)
{
    start_rng(VIRTIO_F_EVENT_IDX);
    uint64_t used_event = ring_available(0) + 4 + 2 * RING_SIZE,
             avail_event = ring_used(0) + 4 + 8 * RING_SIZE;
    guest_write(driver.machine, used_event, 2, 1); // after the second
    driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA, 4, true}});
    mmio_set(&driver, 0x64, 1); // the first interrupt is always given
    guest_write(driver.machine, used_event, 2, 2);
    driver_send(&driver, 0, 1, 1, (struct part[]){{DRIVER_DATA, 4, true}});
    cr_assert_not(driver.irq.level);
    driver_send(&driver, 0, 2, 1, (struct part[]){{DRIVER_DATA, 4, true}});
    cr_assert(driver.irq.level);
    cr_assert_eq(guest_read(driver.machine, avail_event, 2), 3);
    driver_destroy(&driver);
}

Test(virtio, indirect_descriptors)
{
    start_rng(VIRTIO_F_INDIRECT_DESC);
    uint64_t table = DRIVER_DATA + 0x8000;
    for (unsigned i = 0; i < 3; i++) {
        guest_write(driver.machine, table + 16 * i, 8, DRIVER_DATA + 256 * i);
        guest_write(driver.machine, table + 16 * i + 8, 4, 16);
        guest_write(driver.machine, table + 16 * i + 12, 4, (i < 2 ? 3u : 2u) | (i + 1) << 16);
    }
    driver_descriptor(&driver, 0, 5, table, 48, 4, 0);
    driver_offer(&driver, 0, 5);
    driver_kick(&driver, 0);
    cr_assert(driver_take(&driver, 0, &head, &length));
    cr_assert_eq(length, 48);
    cr_assert(any_bytes(DRIVER_DATA + 512, 16));
    driver_destroy(&driver);
}

// What a hostile driver may put into a ring: the device must stop, and live again after a reset.
static void expect_broken(const char *what)
{
    driver_kick(&driver, 0);
    cr_assert_not(driver_take(&driver, 0, &head, &length), "%s was served", what);
    cr_assert_eq(mmio_get(&driver, 0x70) & 0x40, 0x40, "%s was not noticed", what);
    cr_assert_eq(mmio_get(&driver, 0x60) & 2, 2);
    driver_start(&driver, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC, 1);
    driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA, 4, true}});
    cr_assert(driver_take(&driver, 0, &head, &length), "dead after %s", what);
    driver_start(&driver, VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC, 1);
}

Test(virtio, hostile_rings, .timeout = 20)
{
    start_rng(VIRTIO_F_INDIRECT_DESC);
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, 4, 3, 0); // next is itself
    driver_offer(&driver, 0, 0);
    expect_broken("a loop");
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, 4, 3, 200);
    driver_offer(&driver, 0, 0);
    expect_broken("a next out of range");
    driver_offer(&driver, 0, 999);
    expect_broken("a head out of range");
    driver_descriptor(&driver, 0, 0, 0x10000000, 4, 2, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("an address without memory");
    driver_descriptor(&driver, 0, 0, DRIVER_BASE, 4, 2, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("the device's own registers");
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, UINT32_MAX, 2, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("a buffer larger than memory");
    driver_descriptor(&driver, 0, 0, UINT64_MAX - 1, 16, 2, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("a buffer past the end of the address space");
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, 17, 4, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("a bent indirect table");
    guest_write(driver.machine, DRIVER_DATA, 8, DRIVER_DATA);
    guest_write(driver.machine, DRIVER_DATA + 8, 8, 4ull << 32 | 16);
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, 16, 4, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("an indirect table in an indirect table");
    driver_descriptor(&driver, 0, 0, DRIVER_DATA, 4, 3, 1);
    driver_descriptor(&driver, 0, 1, DRIVER_DATA, 4, 0, 0);
    driver_offer(&driver, 0, 0);
    expect_broken("a readable part after a writable one");
    guest_write(driver.machine, ring_available(0) + 2, 2, 1000);
    expect_broken("an index far ahead");
    driver_destroy(&driver);
}

Test(virtio, rings_outside_of_memory, .timeout = 20)
{
    start_rng(0);
    static const uint64_t places[] = {0, 0x0a000000, UINT64_MAX & ~15ull, BARE_RAM_BASE - 16};
    for (unsigned part = 0; part < 3; part++) {
        for (unsigned i = 0; i < 4; i++) {
            driver_start(&driver, VIRTIO_F_VERSION_1, 1);
            mmio_set(&driver, 0x44, 0);
            mmio_set(&driver, 0x80 + 16 * part, (uint32_t)places[i]);
            mmio_set(&driver, 0x84 + 16 * part, (uint32_t)(places[i] >> 32));
            mmio_set(&driver, 0x44, 1);
            driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA, 4, true}});
            cr_assert_eq(mmio_get(&driver, 0x70) & 0x40, 0x40);
        }
    }
    driver_destroy(&driver);
}

Test(virtio, bad_queue_sizes_are_refused)
{
    driver_create(&driver, NULL);
    bare_device(driver.machine, &virtio_rng_type, NULL);
    static const uint32_t sizes[] = {0, 3, 128, 32768, UINT32_MAX};
    for (unsigned i = 0; i < 5; i++) {
        mmio_set(&driver, 0x70, 0);
        mmio_set(&driver, 0x38, sizes[i]);
        mmio_set(&driver, 0x44, 1);
        cr_assert_eq(mmio_get(&driver, 0x44), 0);
    }
    driver_destroy(&driver);
}

Test(virtio, legacy_interface)
{
    driver_create(&driver, (const char *const[]){"force-legacy", "on", NULL});
    bare_device(driver.machine, &virtio_rng_type, NULL);
    cr_assert_eq(mmio_get(&driver, 4), 1);
    mmio_set(&driver, 0x70, 3);
    mmio_set(&driver, 0x28, 4096);
    mmio_set(&driver, 0x20, 0);
    mmio_set(&driver, 0x38, 8);
    mmio_set(&driver, 0x3c, 4096);
    uint64_t ring = BARE_RAM_BASE + 0x10000;
    mmio_set(&driver, 0x40, (uint32_t)(ring / 4096));
    cr_assert_eq(mmio_get(&driver, 0x40), ring / 4096);
    mmio_set(&driver, 0x70, 7);
    guest_write(driver.machine, ring, 8, DRIVER_DATA);
    guest_write(driver.machine, ring + 8, 8, 2ull << 32 | 32);
    guest_write(driver.machine, ring + 128 + 2, 2, 1);
    mmio_set(&driver, 0x50, 0);
    cr_assert_eq(guest_read(driver.machine, ring + 4096 + 2, 2), 1);
    cr_assert_eq(guest_read(driver.machine, ring + 4096 + 8, 4), 32);
    driver_destroy(&driver);
}

// --- block ----------------------------------------------------------------------------------------------------------

static void start_blk(bool readonly, const char *const *properties)
{
    driver_create(&driver, NULL);
    disk_file(driver.machine, "disk", 256, 512, readonly);
    bare_device(driver.machine, &virtio_blk_type, properties);
    driver_start(&driver, driver_offered(&driver), 1);
}

static const char *const disk_properties[] = {"drive=disk", "serial=LYRE-0001", NULL};

// A request with its header at DRIVER_DATA, one data part and the status after it. The status.
static unsigned blk_request(uint32_t type, uint64_t sector, uint64_t data, uint32_t bytes, bool write)
{
    uint64_t status = DRIVER_DATA + 0x100;
    guest_write(driver.machine, DRIVER_DATA, 8, type);
    guest_write(driver.machine, DRIVER_DATA + 8, 8, sector);
    guest_write(driver.machine, status, 1, 0xee);
    struct part parts[] = {{DRIVER_DATA, 16, false}, {data, bytes, write}, {status, 1, true}};
    if (!bytes)
        parts[1] = parts[2];
    driver_send(&driver, 0, 0, bytes ? 3 : 2, parts);
    driver_wait(&driver, 0, &head, &length);
    return (unsigned)guest_read(driver.machine, status, 1);
}

Test(virtio_blk, reads_writes_and_the_rest)
{
    start_blk(false, disk_properties);
    struct machine *machine = driver.machine;
    uint64_t data = DRIVER_DATA + 0x1000;
    cr_assert_eq(guest_read(machine, DRIVER_BASE + 0x100, 4), 256, "capacity");
    cr_assert_eq(blk_request(0, 7, data, 1024, true), 0);
    cr_assert_eq(length, 1025);
    cr_assert_eq(guest_read(machine, data, 4), 7);
    cr_assert_eq(guest_read(machine, data + 512, 4), 8);
    guest_write(machine, data, 8, UINT64_C(0x1122334455667788));
    cr_assert_eq(blk_request(1, 9, data, 512, false), 0);
    cr_assert_eq(blk_request(4, 0, 0, 0, false), 0);
    guest_write(machine, data, 8, 0);
    cr_assert_eq(blk_request(0, 9, data, 512, true), 0);
    cr_assert_eq(guest_read(machine, data, 8), UINT64_C(0x1122334455667788));
    cr_assert_eq(blk_request(8, 0, data, 20, true), 0);
    cr_assert_eq(guest_read(machine, data, 4), 0x4552594c); // "LYRE"
    // Write zeroes to sectors 20 and 21, then discard 30.
    guest_write(machine, data, 8, 20);
    guest_write(machine, data + 8, 8, 2);
    cr_assert_eq(blk_request(13, 0, data, 16, false), 0);
    cr_assert_eq(blk_request(0, 21, data, 512, true), 0);
    cr_assert_eq(guest_read(machine, data, 8), 0);
    guest_write(machine, data, 8, 30);
    guest_write(machine, data + 8, 8, 1);
    cr_assert_eq(blk_request(11, 0, data, 16, false), 0);
    cr_assert(driver.irq.level);
    driver_destroy(&driver);
}

Test(virtio_blk, bad_requests_fail_alone)
{
    start_blk(false, disk_properties);
    uint64_t data = DRIVER_DATA + 0x1000;
    cr_assert_eq(blk_request(0, 255, data, 1024, true), 1, "past the end");
    cr_assert_eq(blk_request(0, UINT64_MAX, data, 512, true), 1);
    cr_assert_eq(blk_request(0, UINT64_MAX / 512, data, 512, true), 1);
    cr_assert_eq(blk_request(0, 0, data, 100, true), 1, "not whole sectors");
    cr_assert_eq(blk_request(99, 0, data, 512, true), 2, "unknown");
    guest_write(driver.machine, data, 8, UINT64_MAX);
    guest_write(driver.machine, data + 8, 8, UINT32_MAX);
    cr_assert_eq(blk_request(11, 0, data, 16, false), 1);
    cr_assert_eq(blk_request(13, 0, data, 16, false), 1);
    cr_assert_eq(blk_request(11, 0, data, 24, false), 1);
    cr_assert_eq(blk_request(0, 1, data, 512, true), 0, "the next good one works");
    driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA, 16, false}}); // nowhere to put the status
    cr_assert_eq(mmio_get(&driver, 0x70) & 0x40, 0x40);
    driver_destroy(&driver);
}

Test(virtio_blk, read_only_disk)
{
    start_blk(true, disk_properties);
    cr_assert(driver_offered(&driver) & 1 << 5);
    cr_assert_eq(blk_request(1, 0, DRIVER_DATA + 0x1000, 512, false), 1);
    cr_assert_eq(blk_request(0, 5, DRIVER_DATA + 0x1000, 512, true), 0);
    driver_destroy(&driver);
}

Test(virtio_blk, several_in_flight_and_a_reset_in_between, .timeout = 20)
{
    start_blk(false, disk_properties);
    for (unsigned round = 0; round < 20; round++) {
        for (uint16_t i = 0; i < 5; i++) {
            uint64_t header = DRIVER_DATA + 0x200 * i;
            guest_write(driver.machine, header, 8, 0);
            guest_write(driver.machine, header + 8, 8, i);
            driver_send(&driver, 0, (uint16_t)(3 * i), 3,
                        (struct part[]){{header, 16, false},
                                        {DRIVER_DATA + 0x10000 * (i + 1u), 0x8000, true},
                                        {header + 32, 1, true}});
        }
        if (round % 2) {
            mmio_set(&driver, 0x70, 0);
            cr_assert_eq(guest_read(driver.machine, ring_used(0) + 2, 2) <= 5, 1);
            driver_start(&driver, driver_offered(&driver), 1);
            continue;
        }
        unsigned seen = 0;
        for (unsigned i = 0; i < 5; i++) {
            driver_wait(&driver, 0, &head, &length);
            seen |= 1u << head / 3;
        }
        cr_assert_eq(seen, 31);
        cr_assert_eq(guest_read(driver.machine, DRIVER_DATA + 0x50000, 1), 4);
        driver_start(&driver, driver_offered(&driver), 1);
    }
    driver_destroy(&driver);
}

Test(virtio_blk, asks_for_a_drive)
{
    driver_create(&driver, NULL);
    struct device *device = device_create(driver.machine, &virtio_blk_type, NULL);
    struct error error;
    cr_assert_lt(device_realize(device, &error), 0);
    cr_assert(strstr(error.text, "drive"));
    device_destroy(device);
    driver_destroy(&driver);
}

// --- anything -------------------------------------------------------------------------------------------------------

Test(virtio, random_rings_and_registers, .timeout = 60)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct rng rng = rng_from_seed(seed);
        start_blk(false, disk_properties);
        for (unsigned i = 0; i < 3000; i++) {
            uint32_t r[4];
            rng_fill(&rng, r, sizeof(r));
            if (i % 50 == 0)
                driver_start(&driver, driver_offered(&driver), 1);
            if (r[0] % 4 == 0)
                mmio_set(&driver, r[1] % 0x140 & ~3u, r[2]);
            else if (r[0] % 4 == 1)
                guest_write(driver.machine, ring_descriptors(0) + r[1] % 0x3000 / 8 * 8, 4,
                            r[2] & r[3] & 0xffff);
            else if (r[0] % 4 == 2)
                driver_descriptor(&driver, 0, r[1] % RING_SIZE, DRIVER_DATA + (r[2] & 0x1ffff), r[3] % 2000,
                                  r[1] >> 16 & 7, r[2] >> 24 & 15);
            else
                driver_offer(&driver, 0, r[1] % RING_SIZE);
            driver_kick(&driver, 0);
        }
        // A reset mends all of it.
        driver_start(&driver, driver_offered(&driver), 1);
        cr_assert_eq(blk_request(0, 3, DRIVER_DATA + 0x1000, 512, true), 0);
        cr_assert_eq(guest_read(driver.machine, DRIVER_DATA + 0x1000, 4), 3);
        driver_destroy(&driver);
    }
}
