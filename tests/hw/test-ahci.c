// SPDX-License-Identifier: MIT
// The SATA host as a driver uses it: single commands, queued ones, packets, errors and resets.
#include <criterion/criterion.h>
#include <string.h>

#include "disk-file.h"
#include "hw/core/block.h"
#include "hw/ide/ahci.h"
#include "hw/ide/ide-drive.h"
#include "pci-machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { AT = PCI_DEVFN(31, 2), SECTORS = 4096, CD_SECTORS = 500 };
enum {
    PX_IS = 0x10,
    PX_IE = 0x14,
    PX_CMD = 0x18,
    PX_TFD = 0x20,
    PX_SIG = 0x24,
    PX_SCTL = 0x2c,
    PX_SACT = 0x34,
    PX_CI = 0x38
};
#define ABAR UINT64_C(0xe0000000)
#define LIST (BARE_RAM_BASE + 0x1000)
#define RECEIVED (BARE_RAM_BASE + 0x2000)
#define TABLES (BARE_RAM_BASE + 0x4000) // 0x400 for each slot
#define DATA (BARE_RAM_BASE + 0x100000)

static struct pci_machine pci;

static uint32_t get(unsigned offset)
{
    return (uint32_t)guest_read(pci.machine, ABAR + offset, 4);
}

static void set(unsigned offset, uint32_t value)
{
    guest_write(pci.machine, ABAR + offset, 4, value);
}

static uint32_t port_get(unsigned offset)
{
    return get(0x100 + offset);
}

static void port_set(unsigned offset, uint32_t value)
{
    set(0x100 + offset, value);
}

static void make(bool cd)
{
    pci_machine_create(&pci, false);
    struct device *ahci = bare_device(pci.machine, &ich9_ahci_type, (const char *[]){"addr=1f.2", NULL});
    disk_file(pci.machine, "d0", cd ? CD_SECTORS : SECTORS, cd ? 2048 : 512, cd);
    bare_device(pci.machine, cd ? &ide_cd_type : &ide_hd_type, (const char *[]){"drive=d0", NULL});
    device_reset(ahci);
    config_set(pci.io, AT, 0x24, 4, (uint32_t)ABAR);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    port_set(0x00, LIST);
    port_set(0x08, RECEIVED);
    set(4, 0x80000002);
    port_set(PX_IE, UINT32_MAX);
    port_set(PX_CMD, 0x17);
}

// Puts a command into a slot; `memory` bytes at DATA + slot MiB/8 in two pieces.
static void put_command(unsigned slot, const uint8_t fis[20], unsigned memory, bool write, bool packet)
{
    uint64_t table = TABLES + slot * 0x400, data = DATA + slot * 0x20000;
    guest_write(pci.machine, LIST + slot * 32, 4, 5u | (packet ? 0x20u : 0) | (write ? 0x40u : 0) | 2u << 16);
    guest_write(pci.machine, LIST + slot * 32 + 4, 4, 0);
    guest_write(pci.machine, LIST + slot * 32 + 8, 8, table);
    for (unsigned i = 0; i < 20; i++)
        guest_write(pci.machine, table + i, 1, fis[i]);
    guest_write(pci.machine, table + 0x80, 8, data);
    guest_write(pci.machine, table + 0x8c, 4, 512 - 1);
    guest_write(pci.machine, table + 0x90, 8, data + 512);
    guest_write(pci.machine, table + 0x9c, 4, memory > 512 ? memory - 512 - 1 : 1);
}

static void put_lba(uint8_t fis[20], unsigned command, uint64_t lba, unsigned count)
{
    memset(fis, 0, 20);
    fis[0] = 0x27;
    fis[1] = 0x80;
    fis[2] = (uint8_t)command;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(lba >> (8 * i));
        fis[8 + i] = (uint8_t)(lba >> (24 + 8 * i));
    }
    fis[7] = 0x40;
    fis[12] = (uint8_t)count;
    fis[13] = (uint8_t)(count >> 8);
}

static void wait_for(unsigned offset, uint32_t clear)
{
    for (int i = 0; i < 2000 && (port_get(offset) & clear); i++)
        io_loop_iterate(pci.machine->loop, 1);
}

static uint32_t run(unsigned slot)
{
    port_set(PX_CI, BIT32(slot));
    for (int i = 0; i < 2000 && (port_get(PX_CI) & BIT32(slot)) && !(port_get(PX_IS) & BIT32(30)); i++)
        io_loop_iterate(pci.machine->loop, 1);
    return port_get(PX_TFD);
}

Test(ahci, ports_and_signatures)
{
    make(false);
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x29228086);
    cr_assert_eq(config_get(pci.io, AT, 8, 4) >> 8, 0x010601);
    cr_assert_eq(config_get(pci.io, AT, PCI_CAPABILITY_LIST, 1), 0x80);
    cr_assert_eq(get(0x0c), 0x3f);
    cr_assert_eq(get(0) & 0x1f, 5);
    cr_assert_eq(port_get(PX_SIG), 0x101);
    cr_assert_eq(port_get(0x28), 0x113);
    cr_assert_eq(port_get(PX_TFD), 0x150);
    cr_assert_eq(get(0x180 + 0x28), 0, "nothing at the second port");
    cr_assert_eq(guest_read(pci.machine, RECEIVED + 0x40, 1), 0x34);
    pci_machine_destroy(&pci);
    make(true);
    cr_assert_eq(port_get(PX_SIG), 0xeb140101);
    pci_machine_destroy(&pci);
}

static bool has_bus(const char *name)
{
    for (const struct bus *bus = pci.machine->buses; bus; bus = bus->next)
        if (!strcmp(bus->name, name))
            return true;
    return false;
}

Test(ahci, names_of_buses)
{
    make(false);
    cr_assert(has_bus("ide.0") && has_bus("ide.5") && !has_bus("ide.6"));
    struct device *named = bare_device(pci.machine, &ich9_ahci_type, (const char *[]){"id=sata", NULL});
    cr_assert(has_bus("sata.0") && has_bus("sata.5") && !has_bus("ide.6"));
    bare_device(pci.machine, &ich9_ahci_type, (const char *[]){NULL});
    cr_assert(has_bus("ide.6") && has_bus("ide.11") && !has_bus("ide.12"));
    device_destroy(named);
    cr_assert_not(has_bus("sata.0"));
    bare_device(pci.machine, &ide_cd_type, (const char *[]){"bus=ide.11", NULL});
    pci_machine_destroy(&pci);
}

Test(ahci, identify_by_pio)
{
    make(false);
    uint8_t fis[20];
    put_lba(fis, 0xec, 0, 0);
    put_command(0, fis, 512, false, false);
    port_set(PX_IS, UINT32_MAX);
    set(8, UINT32_MAX);
    cr_assert_not(pci.levels[3]);
    cr_assert_eq(run(0) & 0x89, 0);
    cr_assert(pci.levels[3], "slot 31, INTA#");
    cr_assert_eq(get(8), 1);
    cr_assert_eq(guest_read(pci.machine, DATA + 120, 4), SECTORS);
    cr_assert_eq(guest_read(pci.machine, LIST + 4, 4), 512, "bytes moved");
    cr_assert_eq(guest_read(pci.machine, RECEIVED + 0x20, 1), 0x5f);
    port_set(PX_IS, UINT32_MAX);
    set(8, 1);
    cr_assert_not(pci.levels[3]);
    pci_machine_destroy(&pci);
}

Test(ahci, reads_and_writes_by_dma)
{
    make(false);
    uint8_t fis[20];
    put_lba(fis, 0x25, 1000, 4);
    put_command(3, fis, 2048, false, false);
    cr_assert_eq(run(3) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA + 3 * 0x20000, 4), 1000);
    cr_assert_eq(guest_read(pci.machine, DATA + 3 * 0x20000 + 1536, 4), 1003);
    cr_assert_eq(guest_read(pci.machine, LIST + 3 * 32 + 4, 4), 2048);
    put_lba(fis, 0x35, 2000, 2);
    put_command(0, fis, 1024, true, false);
    guest_write(pci.machine, DATA + 512, 4, 0xfeed);
    cr_assert_eq(run(0) & 0x89, 0);
    put_lba(fis, 0x24, 2001, 1); // by PIO
    put_command(1, fis, 512, false, false);
    cr_assert_eq(run(1) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA + 0x20000, 4), 0xfeed);
    // Messages instead of the pin.
    config_set(pci.io, AT, 0x84, 4, 0xfee00000);
    config_set(pci.io, AT, 0x8c, 2, 0x33);
    config_set(pci.io, AT, 0x82, 2, 1);
    port_set(PX_IS, UINT32_MAX);
    set(8, 1);
    run(1);
    cr_assert_gt(pci.messages, 0);
    cr_assert_eq(pci.message.data, 0x33);
    pci_machine_destroy(&pci);
}

Test(ahci, queued_commands)
{
    make(false);
    uint8_t fis[20];
    for (unsigned slot = 0; slot < 32; slot++) {
        put_lba(fis, 0x60, 100 + 2 * slot, 0);
        fis[3] = 2; // sectors
        fis[12] = (uint8_t)(slot << 3);
        put_command(slot, fis, 1024, false, false);
    }
    port_set(PX_IS, UINT32_MAX);
    port_set(PX_SACT, UINT32_MAX);
    port_set(PX_CI, UINT32_MAX);
    cr_assert_eq(port_get(PX_CI), 0, "all are taken");
    wait_for(PX_SACT, UINT32_MAX);
    cr_assert_eq(port_get(PX_SACT), 0);
    cr_assert_eq(port_get(PX_IS), 8);
    for (unsigned slot = 0; slot < 32; slot++) {
        cr_assert_eq(guest_read(pci.machine, DATA + slot * 0x20000, 4), 100 + 2 * slot);
        cr_assert_eq(guest_read(pci.machine, DATA + slot * 0x20000 + 512, 4), 101 + 2 * slot);
    }
    put_lba(fis, 0x61, 50, 0);
    fis[3] = 1;
    fis[12] = 7 << 3;
    put_command(7, fis, 512, true, false);
    guest_write(pci.machine, DATA + 7 * 0x20000, 4, 0xbeef);
    port_set(PX_SACT, 0x80);
    port_set(PX_CI, 0x80);
    wait_for(PX_SACT, 0x80);
    put_lba(fis, 0xc8, 50, 1);
    put_command(0, fis, 512, false, false);
    cr_assert_eq(run(0) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA, 4), 0xbeef);
    pci_machine_destroy(&pci);
}

Test(ahci, errors_stop_the_port_until_it_is_restarted)
{
    make(false);
    uint8_t fis[20];
    put_lba(fis, 0x25, SECTORS, 1);
    put_command(0, fis, 512, false, false);
    put_lba(fis, 0x25, 5, 1);
    put_command(1, fis, 512, false, false);
    port_set(PX_IS, UINT32_MAX);
    port_set(PX_CI, 3);
    cr_assert_eq(port_get(PX_TFD) & 1, 1);
    cr_assert_eq(port_get(PX_IS) & BIT32(30), BIT32(30));
    cr_assert_eq(port_get(PX_CI), 3);
    cr_assert_eq(port_get(PX_CMD) & 0x8000, 0x8000);
    port_set(PX_CMD, 0x16);
    cr_assert_eq(port_get(PX_CI), 0);
    cr_assert_eq(port_get(PX_CMD) & 0x8000, 0);
    port_set(PX_IS, UINT32_MAX);
    port_set(PX_SCTL, 1);
    port_set(PX_SCTL, 0);
    cr_assert_eq(port_get(0x30), BIT32(26));
    cr_assert_eq(port_get(PX_SIG), 0x101);
    port_set(PX_CMD, 0x17);
    cr_assert_eq(run(1) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA + 0x20000, 4), 5);
    // A command list that is nowhere.
    port_set(PX_IS, UINT32_MAX);
    port_set(4, 0xff);
    port_set(PX_CI, 1);
    cr_assert_eq(port_get(PX_IS) & BIT32(30), BIT32(30));
    set(4, 1); // resets everything
    cr_assert_eq(get(4), 0x80000000);
    cr_assert_eq(port_get(4), 0);
    pci_machine_destroy(&pci);
}

Test(ahci, packets)
{
    make(true);
    uint8_t fis[20];
    put_lba(fis, 0xa0, 0, 0);
    fis[3] = 1; // DMA
    put_command(0, fis, 4096, false, true);
    static const uint8_t read_10[12] = {0x28, 0, 0, 0, 0, 40, 0, 0, 2, 0, 0, 0};
    for (unsigned i = 0; i < 12; i++)
        guest_write(pci.machine, TABLES + 0x40 + i, 1, read_10[i]);
    cr_assert_eq(run(0) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA, 4), 40);
    cr_assert_eq(guest_read(pci.machine, DATA + 2048, 4), 41);
    cr_assert_eq(guest_read(pci.machine, LIST + 4, 4), 4096);
    fis[3] = 0; // by PIO, in blocks of 2 KiB
    fis[5] = 0;
    fis[6] = 8;
    put_command(1, fis, 4096, false, true);
    for (unsigned i = 0; i < 12; i++)
        guest_write(pci.machine, TABLES + 0x440 + i, 1, read_10[i]);
    cr_assert_eq(run(1) & 0x89, 0);
    cr_assert_eq(guest_read(pci.machine, DATA + 0x20000 + 2048, 4), 41);
    cr_assert_eq(guest_read(pci.machine, LIST + 36, 4), 4096);
    pci_machine_destroy(&pci);
}

static void hostile(bool cd)
{
    make(cd);
    uint32_t seed = 5;
    static const uint8_t commands[] = {0x60, 0x61, 0x25, 0x35, 0x24, 0x34, 0xec,
                                       0xa0, 0xa1, 0xc4, 0xc6, 0xea, 0x90};
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t value = seed >> 8, slot = value & 31;
        uint8_t fis[20];
        switch (seed >> 29) {
        case 0:
        case 1:
            put_lba(fis, commands[value % sizeof(commands)], value >> 12, value >> 6 & 7);
            fis[3] = value >> 9 & 7;
            fis[1] = i % 20 ? 0x80 : 0;
            fis[15] = (uint8_t)i;
            fis[12] = i % 2 ? (uint8_t)(slot << 3) : fis[12];
            put_command(slot, fis, value & 0x1ffff, i & 1, i & 2);
            break;
        case 2:
        case 3:
            port_set(PX_SACT, i % 2 ? BIT32(slot) : 0);
            port_set(PX_CI, BIT32(slot));
            break;
        case 4:
            guest_write(pci.machine, TABLES + (value & 0x3fff), 4, seed);
            break;
        case 5:
            io_loop_iterate(pci.machine->loop, 0);
            break;
        case 6:
            if (i % 10 == 0)
                port_set(value & 0x3c, seed);
            break;
        default:
            port_set(PX_CMD, i % 16 ? 0x17 : 0x16);
            port_set(0x00, LIST);
            port_set(0x04, 0);
        }
    }
    set(4, 1);
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x29228086);
    pci_machine_destroy(&pci);
}

Test(ahci, hostile_disk, .timeout = 30)
{
    hostile(false);
}

Test(ahci, hostile_cdrom, .timeout = 30)
{
    hostile(true);
}
