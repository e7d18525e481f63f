// SPDX-License-Identifier: MIT
// IDE disks and CD-ROM drives through their ports, by PIO and by bus master.
#include <criterion/criterion.h>
#include <string.h>

#include "disk-file.h"
#include "hw/core/block.h"
#include "hw/ide/ide-drive.h"
#include "hw/ide/piix3-ide.h"
#include "pci-machine.h"

enum {
    AT = PCI_DEVFN(1, 1),
    BASE = 0x1f0,
    CONTROL = 0x3f6,
    MASTER = 0xc000,
    SECTORS = 4096,
    CD_SECTORS = 500
};
enum { BSY = 0x80, DRDY = 0x40, DRQ = 8, ERR = 1 };
#define TABLE (BARE_RAM_BASE + 0x1000)
#define DATA (BARE_RAM_BASE + 0x10000)

static struct pci_machine pci;
static struct irq_sink irqs[2];

static void make(void)
{
    pci_machine_create(&pci, false);
    struct error error = {""};
    struct device *ide = device_create(pci.machine, &piix3_ide_type, NULL);
    struct irq_line lines[] = {irq_sink_line(&irqs[0]), irq_sink_line(&irqs[1])};
    piix3_ide_wire(ide, lines);
    cr_assert_eq(device_set(ide, "addr", "1.1", &error), 0);
    cr_assert_eq(device_realize(ide, &error), 0, "%s", error.text);
    device_reset(ide);
    config_set(pci.io, AT, 0x20, 4, MASTER);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

static void make_disk(void)
{
    make();
    disk_file(pci.machine, "d0", SECTORS, 512, false);
    bare_device(pci.machine, &ide_hd_type, (const char *[]){"drive=d0", "serial=S123", NULL});
}

static void make_cd(void)
{
    make();
    disk_file(pci.machine, "c0", CD_SECTORS, 2048, true);
    bare_device(pci.machine, &ide_cd_type, (const char *[]){"drive=c0", NULL});
}

static uint8_t in(unsigned reg)
{
    return (uint8_t)port_read(pci.io, (uint16_t)(BASE + reg), 1);
}

static void out(unsigned reg, unsigned value)
{
    port_write(pci.io, (uint16_t)(BASE + reg), 1, value);
}

// Waits for the drive; the status without acknowledging.
static uint8_t ready(void)
{
    for (int i = 0; i < 2000; i++) {
        uint8_t status = (uint8_t)port_read(pci.io, CONTROL, 1);
        if (!(status & BSY))
            return status;
        io_loop_iterate(pci.machine->loop, 1);
    }
    cr_assert(false, "the drive stays busy");
    return 0;
}

static void command28(unsigned command, uint32_t lba, unsigned count)
{
    out(6, 0xe0 | lba >> 24);
    out(2, count);
    out(3, lba & 0xff);
    out(4, lba >> 8 & 0xff);
    out(5, lba >> 16 & 0xff);
    out(7, command);
}

static void read_data(void *data, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 2) {
        uint16_t word = (uint16_t)port_read(pci.io, BASE, 2);
        memcpy((uint8_t *)data + i, &word, 2);
    }
}

static void write_data(const void *data, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i += 4) {
        uint32_t word;
        memcpy(&word, (const uint8_t *)data + i, 4);
        port_write(pci.io, BASE, 4, word);
    }
}

Test(ide, identify_tells_size_and_name)
{
    make_disk();
    uint16_t id[256];
    command28(0xec, 0, 0);
    cr_assert_eq(ready(), DRDY | 0x10 | DRQ);
    cr_assert(irqs[0].level);
    cr_assert_eq(in(7) & DRQ, DRQ);
    cr_assert_not(irqs[0].level, "reading the status acknowledges");
    read_data(id, 512);
    cr_assert_eq(in(7), DRDY | 0x10);
    cr_assert_eq(id[60] | (uint32_t)id[61] << 16, SECTORS);
    cr_assert_eq(id[100], SECTORS);
    cr_assert_eq(memcmp(&id[10], "1S32", 4), 0, "bytes are swapped");
    cr_assert_eq(id[49] & 0x300, 0x300);
    out(6, 0xf0); // nobody there
    cr_assert_eq(in(7), 0);
    pci_machine_destroy(&pci);
}

Test(ide, reads_and_writes_by_ports)
{
    make_disk();
    uint32_t data[128];
    command28(0x20, 70, 2);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert(ready() & DRQ);
        in(7);
        read_data(data, 512);
        cr_assert_eq(data[0], 70 + i);
    }
    cr_assert_eq(ready(), DRDY | 0x10);
    memset(data, 0x5a, sizeof(data));
    command28(0x30, 71, 1);
    cr_assert(ready() & DRQ);
    cr_assert_not(irqs[0].level);
    write_data(data, 512);
    cr_assert_eq(ready(), DRDY | 0x10);
    cr_assert(irqs[0].level);
    command28(0x20, 71, 1);
    ready();
    read_data(data, 512);
    cr_assert_eq(data[100], 0x5a5a5a5a);
    // Blocks of several sectors, and an interrupt for each.
    out(2, 4);
    out(7, 0xc6);
    command28(0xc4, 100, 6);
    cr_assert(ready() & DRQ);
    for (uint32_t i = 0; i < 4; i++) {
        read_data(data, 512);
        cr_assert_eq(data[0], 100 + i);
    }
    cr_assert(ready() & DRQ);
    read_data(data, 512);
    cr_assert_eq(data[0], 104);
    read_data(data, 512);
    cr_assert_eq(ready(), DRDY | 0x10);
    pci_machine_destroy(&pci);
}

Test(ide, long_addresses_and_geometry)
{
    make_disk();
    uint32_t data[128];
    out(6, 0xe0);
    static const uint8_t registers[][2] = {{2, 0}, {3, 0}, {4, 0}, {5, 0}, {2, 1}, {3, 0xd2}, {4, 4}, {5, 0}};
    for (unsigned i = 0; i < 8; i++)
        out(registers[i][0], registers[i][1]);
    out(7, 0x24);
    cr_assert(ready() & DRQ);
    read_data(data, 512);
    cr_assert_eq(data[0], 0x4d2);
    out(6, 0xa1); // head 1, in cylinder 0, sector 5
    out(2, 1);
    out(3, 5);
    out(4, 0);
    out(5, 0);
    out(7, 0x20);
    cr_assert(ready() & DRQ);
    read_data(data, 512);
    cr_assert_eq(data[0], 63 + 4);
    command28(0x20, SECTORS - 1, 2); // one past the end
    cr_assert(ready() & ERR);
    cr_assert_eq(in(1), 0x10);
    command28(0xc4, 0, 1); // no multiple mode
    cr_assert(ready() & ERR);
    command28(0x87, 0, 1); // no such command
    cr_assert_eq(ready() & ERR, ERR);
    cr_assert_eq(in(1), 4);
    pci_machine_destroy(&pci);
}

static void start_master(bool to_memory)
{
    port_write(pci.io, MASTER + 4, 4, TABLE);
    port_write(pci.io, MASTER + 2, 1, 6);
    port_write(pci.io, MASTER, 1, to_memory ? 9 : 1);
}

Test(ide, bus_master_moves_data)
{
    make_disk();
    // Two regions, the second not aligned.
    guest_write(pci.machine, TABLE, 4, DATA);
    guest_write(pci.machine, TABLE + 4, 4, 512);
    guest_write(pci.machine, TABLE + 8, 4, DATA + 0x2002);
    guest_write(pci.machine, TABLE + 12, 4, 0x80000000 | 1024);
    command28(0xc8, 30, 3);
    cr_assert_not(irqs[0].level);
    start_master(true);
    ready();
    cr_assert_eq(guest_read(pci.machine, DATA, 4), 30);
    cr_assert_eq(guest_read(pci.machine, DATA + 0x2002, 4), 31);
    cr_assert_eq(guest_read(pci.machine, DATA + 0x2202, 4), 32);
    cr_assert(irqs[0].level);
    cr_assert_eq(port_read(pci.io, MASTER + 2, 1), 4, "done, with an interrupt");
    port_write(pci.io, MASTER, 1, 0);
    port_write(pci.io, MASTER + 2, 1, 4);
    cr_assert_eq(port_read(pci.io, MASTER + 2, 1), 0);
    in(7);
    // The engine may be started before the command.
    guest_write(pci.machine, DATA, 4, 0xabcdef);
    start_master(false);
    command28(0xca, 200, 3);
    cr_assert_eq(ready(), DRDY | 0x10);
    port_write(pci.io, MASTER, 1, 0);
    guest_write(pci.machine, DATA, 4, 0);
    command28(0xc8, 200, 1);
    start_master(true);
    ready();
    cr_assert_eq(guest_read(pci.machine, DATA, 4), 0xabcdef);
    port_write(pci.io, MASTER, 1, 0);
    // A table that is too short, and one that leads nowhere.
    guest_write(pci.machine, TABLE + 4, 4, 0x80000000 | 512);
    command28(0xc8, 0, 2);
    start_master(true);
    cr_assert(ready() & ERR);
    port_write(pci.io, MASTER, 1, 0);
    guest_write(pci.machine, TABLE, 4, 0x10);
    command28(0xc8, 0, 1);
    start_master(true);
    cr_assert(ready() & ERR);
    cr_assert_eq(port_read(pci.io, MASTER + 2, 1) & 2, 2);
    pci_machine_destroy(&pci);
}

Test(ide, stopping_the_bus_master_waits_for_either_drive)
{
    make_disk();
    disk_file(pci.machine, "d1", SECTORS, 512, false);
    bare_device(pci.machine, &ide_hd_type, (const char *[]){"drive=d1", "bus=ide.0", "unit=1", NULL});
    guest_write(pci.machine, TABLE, 4, DATA);
    guest_write(pci.machine, TABLE + 4, 4, 0x80000000 | 512);
    guest_write(pci.machine, DATA, 4, 0);
    command28(0xc8, 77, 1);
    start_master(true);
    out(6, 0xf0); // the other one
    port_write(pci.io, MASTER, 1, 0);
    cr_assert_eq(guest_read(pci.machine, DATA, 4), 77);
    cr_assert_eq(port_read(pci.io, MASTER + 2, 1) & 1, 0);
    pci_machine_destroy(&pci);
}

Test(ide, soft_reset_and_interrupt_mask)
{
    make_disk();
    port_write(pci.io, CONTROL, 1, 2);
    command28(0xec, 0, 0);
    ready();
    cr_assert_not(irqs[0].level);
    port_write(pci.io, CONTROL, 1, 0);
    cr_assert(irqs[0].level);
    port_write(pci.io, CONTROL, 1, 4);
    port_write(pci.io, CONTROL, 1, 0);
    cr_assert_not(irqs[0].level);
    cr_assert_eq(in(7), DRDY | 0x10);
    cr_assert_eq(in(2), 1);
    cr_assert_eq(in(3), 1);
    cr_assert_eq(in(4), 0);
    pci_machine_destroy(&pci);
}

static void packet(const char *bytes, unsigned feature, unsigned limit)
{
    uint8_t raw[12] = {0};
    memcpy(raw, bytes, 12);
    out(6, 0xa0);
    out(1, feature);
    out(4, limit & 0xff);
    out(5, limit >> 8);
    out(7, 0xa0);
    cr_assert(ready() & DRQ);
    cr_assert_eq(in(2), 1);
    write_data(raw, 12);
}

Test(ide, cdrom_identity_and_reading)
{
    make_cd();
    uint8_t data[8192];
    cr_assert_eq(in(4), 0x14);
    cr_assert_eq(in(5), 0xeb);
    out(7, 0xec);
    cr_assert(ready() & ERR);
    out(7, 0xa1);
    cr_assert(ready() & DRQ);
    read_data(data, 512);
    cr_assert_eq(data[1], 0x85);
    irqs[0].level = false;
    packet("\x12\0\0\0\x24\0\0\0\0\0\0", 0, 0xfffe);
    cr_assert(ready() & DRQ);
    cr_assert_eq(in(4) | in(5) << 8, 36);
    cr_assert_eq(in(2), 2);
    read_data(data, 36);
    cr_assert_eq(data[0], 5);
    cr_assert(ready() == (DRDY | 0x10));
    cr_assert_eq(in(2), 3);
    packet("\x25\0\0\0\0\0\0\0\0\0\0", 0, 8);
    ready();
    read_data(data, 8);
    cr_assert_eq(data[2] << 8 | data[3], CD_SECTORS - 1);
    cr_assert_eq(data[6] << 8 | data[7], 2048);
    // Two sectors in blocks of 2048 bytes.
    packet("\x28\0\0\0\0\x11\0\0\2\0\0", 0, 2048);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert(ready() & DRQ);
        cr_assert_eq(in(4) | in(5) << 8, 2048);
        read_data(data, 2048);
        cr_assert_eq(data[0], 0x11 + i);
    }
    cr_assert_eq(ready(), DRDY | 0x10);
    packet("\x43\0\0\0\0\0\0\0\x14\0\0", 0, 0xfffe);
    ready();
    read_data(data, 20);
    cr_assert_eq(data[1], 18);
    cr_assert_eq(data[14], 0xaa);
    cr_assert_eq(data[18] << 8 | data[19], CD_SECTORS);
    packet("\x28\0\0\0\x10\0\0\0\1\0\0", 0, 2048); // past the end
    cr_assert(ready() & ERR);
    packet("\x03\0\0\0\x12\0\0\0\0\0\0", 0, 0xfffe);
    ready();
    read_data(data, 18);
    cr_assert_eq(data[2], 5);
    cr_assert_eq(data[12], 0x21);
    pci_machine_destroy(&pci);
}

Test(ide, cdrom_by_bus_master_and_without_a_disc)
{
    make_cd();
    guest_write(pci.machine, TABLE, 4, DATA);
    guest_write(pci.machine, TABLE + 4, 4, 0x80000000 | 6144);
    packet("\x28\0\0\0\0\x20\0\0\3\0\0", 1, 0);
    start_master(true);
    cr_assert_eq(ready(), DRDY | 0x10);
    cr_assert_eq(in(2), 3);
    cr_assert_eq(guest_read(pci.machine, DATA + 4096, 4), 0x22);
    port_write(pci.io, MASTER, 1, 0);
    pci_machine_destroy(&pci);
    make();
    bare_device(pci.machine, &ide_cd_type, NULL);
    packet("\0\0\0\0\0\0\0\0\0\0\0", 0, 8);
    cr_assert(ready() & ERR);
    cr_assert_eq(in(1) >> 4, 2);
    pci_machine_destroy(&pci);
}

Test(ide, places_and_errors)
{
    struct error error;
    make_disk();
    struct device *other = device_create(pci.machine, &ide_hd_type, NULL);
    cr_assert_lt(device_realize(other, &error), 0);
    cr_assert(strstr(error.text, "drive=ID"));
    device_destroy(other);
    other = device_create(pci.machine, &ide_cd_type, NULL);
    device_set(other, "bus", "ide.0", &error);
    device_set(other, "unit", "0", &error);
    cr_assert_lt(device_realize(other, &error), 0);
    device_set(other, "unit", "1", &error);
    cr_assert_eq(device_realize(other, &error), 0, "%s", error.text);
    out(6, 0xb0);
    cr_assert_eq(in(5), 0xeb);
    bare_device(pci.machine, &ide_cd_type, (const char *[]){"bus=ide.1", "unit=1", NULL});
    port_write(pci.io, 0x176, 1, 0xb0);
    cr_assert_eq(port_read(pci.io, 0x174, 1), 0x14);
    pci_machine_destroy(&pci);
}

static void hostile(bool cd)
{
    if (cd)
        make_cd();
    else
        make_disk();
    uint32_t seed = cd;
    static const uint8_t commands[] = {0xa0, 0xec, 0x20, 0x30, 0xc8, 0xca, 0x25,
                                       0x35, 0xc4, 0xc5, 0xc6, 0xef, 0xb0, 0xe7};
    for (unsigned i = 0; i < 30000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t value = seed >> 9;
        uint64_t ignored;
        switch (seed >> 28) {
        case 0:
            out(7, i % 3 ? commands[value % sizeof(commands)] : value & 0xff);
            break;
        case 1:
            port_write(pci.io, MASTER + (value & 7), 1, value >> 3);
            break;
        case 2:
            guest_write(pci.machine, TABLE + (value & 0xfc), 4,
                        i % 2 ? DATA + (value & 0xffff) : value & 0x8000ffff);
            break;
        case 3:
            port_write(pci.io, MASTER + 4, 4, TABLE);
            port_write(pci.io, MASTER, 1, i & 9);
            break;
        case 4:
            port_write(pci.io, CONTROL, 1, i % 50 ? 0 : value & 0xff);
            break;
        case 5:
            io_loop_iterate(pci.machine->loop, 0);
            break;
        case 6:
        case 7:
        case 8:
            memory_map_read(pci.io, (struct mem_requester){0}, BASE + (value & 7), 4, &ignored);
            break;
        case 9:
        case 10:
            memory_map_write(pci.io, (struct mem_requester){0}, BASE, 4, i % 2 ? value & 0xff : value);
            break;
        default:
            out(1 + value % 6, i % 2 ? 0 : value >> 4 & 0xff);
        }
    }
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x70108086);
    pci_machine_destroy(&pci);
}

Test(ide, hostile_disk, .timeout = 30)
{
    hostile(false);
}

Test(ide, hostile_cdrom, .timeout = 30)
{
    hostile(true);
}
