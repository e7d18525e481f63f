// SPDX-License-Identifier: MIT
#include "virtio-driver.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hw/virtio/virtio-mmio.h"

uint64_t ring_descriptors(unsigned queue)
{
    return BARE_RAM_BASE + 0x10000 + queue * 0x3000u;
}

uint64_t ring_available(unsigned queue)
{
    return ring_descriptors(queue) + 0x1000;
}

uint64_t ring_used(unsigned queue)
{
    return ring_descriptors(queue) + 0x2000;
}

void driver_create(struct virtio_driver *driver, const char *const *properties)
{
    *driver = (struct virtio_driver){.machine = bare_machine_create()};
    struct device *slot = device_create(driver->machine, &virtio_mmio_type, NULL);
    struct error error = {""};
    for (; properties && *properties; properties += 2)
        cr_assert_eq(device_set(slot, properties[0], properties[1], &error), 0, "%s", error.text);
    virtio_mmio_wire(slot, DRIVER_BASE, irq_sink_line(&driver->irq), "virtio-mmio-bus.0");
    cr_assert_eq(device_realize(slot, &error), 0, "%s", error.text);
    device_reset(slot);
}

void driver_destroy(struct virtio_driver *driver)
{
    bare_machine_destroy(driver->machine);
}

uint32_t mmio_get(struct virtio_driver *driver, unsigned offset)
{
    return (uint32_t)guest_read(driver->machine, DRIVER_BASE + offset, 4);
}

void mmio_set(struct virtio_driver *driver, unsigned offset, uint32_t value)
{
    guest_write(driver->machine, DRIVER_BASE + offset, 4, value);
}

uint64_t driver_offered(struct virtio_driver *driver)
{
    mmio_set(driver, 0x14, 1);
    uint64_t high = mmio_get(driver, 0x10);
    mmio_set(driver, 0x14, 0);
    return high << 32 | mmio_get(driver, 0x10);
}

void driver_start(struct virtio_driver *driver, uint64_t features, unsigned queues)
{
    mmio_set(driver, 0x70, 0);
    mmio_set(driver, 0x70, 3);
    for (unsigned word = 0; word < 2; word++) {
        mmio_set(driver, 0x24, word);
        mmio_set(driver, 0x20, (uint32_t)(features >> (32 * word)));
    }
    mmio_set(driver, 0x70, 11);
    cr_assert_eq(mmio_get(driver, 0x70), 11, "features refused");
    for (unsigned q = 0; q < queues; q++) {
        uint64_t parts[] = {ring_descriptors(q), ring_available(q), ring_used(q)};
        mmio_set(driver, 0x30, q);
        cr_assert_eq(mmio_get(driver, 0x44), 0);
        mmio_set(driver, 0x38, RING_SIZE);
        for (unsigned i = 0; i < 3; i++) {
            guest_write(driver->machine, parts[i], 4, 0);
            mmio_set(driver, 0x80 + 0x10 * i, (uint32_t)parts[i]);
            mmio_set(driver, 0x84 + 0x10 * i, (uint32_t)(parts[i] >> 32));
        }
        mmio_set(driver, 0x44, 1);
        cr_assert_eq(mmio_get(driver, 0x44), 1);
        driver->available[q] = driver->used[q] = 0;
    }
    mmio_set(driver, 0x70, 15);
}

void driver_descriptor(struct virtio_driver *driver, unsigned queue, unsigned index, uint64_t address,
                       uint32_t length, uint16_t flags, uint16_t next)
{
    uint64_t at = ring_descriptors(queue) + 16 * index;
    guest_write(driver->machine, at, 8, address);
    guest_write(driver->machine, at + 8, 4, length);
    guest_write(driver->machine, at + 12, 2, flags);
    guest_write(driver->machine, at + 14, 2, next);
}

void driver_offer(struct virtio_driver *driver, unsigned queue, uint16_t head)
{
    uint16_t slot = driver->available[queue]++ % RING_SIZE;
    guest_write(driver->machine, ring_available(queue) + 4 + 2 * slot, 2, head);
    guest_write(driver->machine, ring_available(queue) + 2, 2, driver->available[queue]);
}

void driver_kick(struct virtio_driver *driver, unsigned queue)
{
    mmio_set(driver, 0x50, queue);
}

void driver_send(struct virtio_driver *driver, unsigned queue, uint16_t head, unsigned count,
                 const struct part *parts)
{
    for (unsigned i = 0; i < count; i++) {
        uint16_t flags = (uint16_t)((parts[i].write ? 2 : 0) | (i + 1 < count ? 1 : 0));
        driver_descriptor(driver, queue, head + i, parts[i].address, parts[i].length, flags,
                          (uint16_t)(head + i + 1));
    }
    driver_offer(driver, queue, head);
    driver_kick(driver, queue);
}

bool driver_take(struct virtio_driver *driver, unsigned queue, uint32_t *head, uint32_t *length)
{
    uint16_t index = (uint16_t)guest_read(driver->machine, ring_used(queue) + 2, 2);
    if (index == driver->used[queue])
        return false;
    uint64_t entry = ring_used(queue) + 4 + 8 * (driver->used[queue]++ % RING_SIZE);
    *head = (uint32_t)guest_read(driver->machine, entry, 4);
    *length = (uint32_t)guest_read(driver->machine, entry + 4, 4);
    return true;
}

void driver_wait(struct virtio_driver *driver, unsigned queue, uint32_t *head, uint32_t *length)
{
    for (int i = 0; i < 2000; i++) {
        if (driver_take(driver, queue, head, length))
            return;
        io_loop_iterate(driver->machine->loop, 1);
    }
    cr_assert(false, "no answer");
}
