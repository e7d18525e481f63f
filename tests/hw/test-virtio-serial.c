// SPDX-License-Identifier: MIT
// Virtio consoles and serial ports through a driver's eyes.
#include <criterion/criterion.h>
#include <string.h>

#include "fake-chardev.h"
#include "hw/core/dma.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio.h"
#include "virtio-driver.h"

static struct virtio_driver driver;
static uint32_t head, length;

static struct fake_chardev *start_console(uint64_t features, unsigned queues)
{
    driver_create(&driver, NULL);
    struct fake_chardev *line = fake_chardev_create(driver.machine, "line");
    bare_device(driver.machine, &virtio_serial_type, NULL);
    bare_device(driver.machine, &virtconsole_type, (const char *const[]){"chardev=line", NULL});
    driver_start(&driver, VIRTIO_F_VERSION_1 | features, queues);
    return line;
}

Test(virtio_serial, a_console_without_multiport)
{
    struct fake_chardev *line = start_console(0, 2);
    cr_assert(dma_write(driver.machine->map, DRIVER_DATA, "hello world", 11));
    driver_send(&driver, 1, 0, 2, (struct part[]){{DRIVER_DATA, 6, false}, {DRIVER_DATA + 6, 5, false}});
    cr_assert_str_eq(line->out, "hello world");
    cr_assert(driver_take(&driver, 1, &head, &length));
    // A line that takes only a part gets the rest later, and nothing twice.
    line->limit = 15;
    driver_send(&driver, 1, 2, 1, (struct part[]){{DRIVER_DATA, 11, false}});
    cr_assert_not(driver_take(&driver, 1, &head, &length));
    line->limit = 1000;
    chardev_writable(&line->chardev);
    cr_assert_str_eq(line->out, "hello worldhello world");
    cr_assert(driver_take(&driver, 1, &head, &length));
    cr_assert_eq(fake_chardev_type(line, "x"), 0, "no buffer yet");
    driver_send(&driver, 0, 0, 1, (struct part[]){{DRIVER_DATA + 0x100, 16, true}});
    cr_assert_eq(fake_chardev_type(line, "typed"), 5);
    cr_assert(driver_take(&driver, 0, &head, &length));
    cr_assert_eq(length, 5);
    cr_assert_eq(guest_read(driver.machine, DRIVER_DATA + 0x100, 4), 0x65707974);
    driver_destroy(&driver);
}

static void expect_message(unsigned buffer, unsigned port, unsigned event, unsigned value)
{
    cr_assert(driver_take(&driver, 2, &head, &length), "no message %u", event);
    cr_assert_eq(head, buffer);
    uint64_t raw = guest_read(driver.machine, DRIVER_DATA + 0x1000 + 0x100 * buffer, 8);
    cr_assert_eq(raw, port | (uint64_t)event << 32 | (uint64_t)value << 48);
}

static void send_message(unsigned port, unsigned event, unsigned value)
{
    guest_write(driver.machine, DRIVER_DATA, 8, port | (uint64_t)event << 32 | (uint64_t)value << 48);
    driver_send(&driver, 3, 0, 1, (struct part[]){{DRIVER_DATA, 8, false}});
}

Test(virtio_serial, ports_are_announced_and_opened)
{
    driver_create(&driver, NULL);
    fake_chardev_create(driver.machine, "line");
    struct fake_chardev *agent = fake_chardev_create(driver.machine, "agent");
    bare_device(driver.machine, &virtio_serial_type, NULL);
    bare_device(driver.machine, &virtconsole_type, (const char *const[]){"chardev=line", NULL});
    bare_device(driver.machine, &virtserialport_type,
                (const char *const[]){"chardev=agent", "name=org.example.agent", NULL});
    driver_start(&driver, VIRTIO_F_VERSION_1 | 2, 6);
    for (uint16_t i = 0; i < 8; i++)
        driver_send(&driver, 2, i, 1, (struct part[]){{DRIVER_DATA + 0x1000 + 0x100u * i, 0x100, true}});
    send_message(0, 0, 1);
    expect_message(0, 0, 1, 1);
    expect_message(1, 1, 1, 1);
    send_message(1, 3, 1);
    expect_message(2, 1, 7, 1);
    cr_assert_eq(length, 8 + strlen("org.example.agent"));
    expect_message(3, 1, 6, 1);
    driver_send(&driver, 4, 0, 1, (struct part[]){{DRIVER_DATA + 0x4000, 16, true}});
    cr_assert_eq(fake_chardev_type(agent, "x"), 0, "nobody has it open");
    send_message(1, 6, 1);
    cr_assert_eq(fake_chardev_type(agent, "x"), 1);
    send_message(77, 3, 1); // no such port: nothing happens
    send_message(0, 3, 1);
    expect_message(4, 0, 4, 1);
    driver_destroy(&driver);
}
