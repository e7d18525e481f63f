// SPDX-License-Identifier: MIT
// What PC firmware reads to learn about the board: fw_cfg items and files (docs/specs/fw_cfg in QEMU's documentation),
// and the older places in CMOS memory.
#include <stdlib.h>
#include <string.h>

#include "hw/acpi/acpi-tables.h"
#include "hw/acpi/smbios.h"
#include "hw/block/fdc.h"
#include "hw/boards/pc-private.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/pci/pc-bridge.h"
#include "hw/rtc/mc146818.h"

enum {
    CMOS_FLOPPY = 0x10,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KIB = 0x15,     // 2 bytes
    CMOS_EXTENDED_KIB = 0x17, // 2 bytes, and again at 0x30
    CMOS_ABOVE_16M = 0x34,    // 2 bytes, in 64 KiB
    CMOS_ABOVE_4G = 0x5b, // 3 bytes, in 64 KiB
    CMOS_CPUS = 0x5f,
    PM_BASE = 0x600,
    IOAPIC_ID = 0,
};

int pc_add_fw_cfg(struct pc *pc, struct error *error)
{
    struct machine *machine = &pc->machine;
    struct device *cfg = device_create(machine, &fw_cfg_io_type, NULL);
    fw_cfg_wire_io(cfg, pc->io);
    int result = pc_realize(cfg, error);
    if (result)
        return result;
    fw_cfg_add_le16(cfg, FW_CFG_NB_CPUS, (uint16_t)machine->cpu_count);
    fw_cfg_add_le16(cfg, FW_CFG_MAX_CPUS, (uint16_t)machine->cpu_count);
    fw_cfg_add_le64(cfg, FW_CFG_RAM_SIZE, machine->ram_size);
    fw_cfg_add_le32(cfg, FW_CFG_IRQ0_OVERRIDE, 1);
    machine->fw_cfg = cfg;
    return 0;
}

static void cmos_le(struct pc *pc, unsigned index, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        mc146818_set_cmos(pc->rtc, (uint8_t)(index + i), (uint8_t)(value >> 8 * i));
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

static void fill_cmos(struct pc *pc)
{
    uint64_t low = pc->low_ram;
    cmos_le(pc, CMOS_BASE_KIB, 640, 2);
    uint64_t extended = low > 1 << 20 ? at_most((low >> 10) - 1024, 65535) : 0;
    cmos_le(pc, CMOS_EXTENDED_KIB, extended, 2);
    cmos_le(pc, 0x30, extended, 2);
    cmos_le(pc, CMOS_ABOVE_16M, low > 16 << 20 ? at_most((low - (16 << 20)) >> 16, 65535) : 0, 2);
    cmos_le(pc, CMOS_ABOVE_4G, pc->high_ram >> 16, 3);
    cmos_le(pc, CMOS_CPUS, pc->machine.cpu_count - 1, 1);
    unsigned a = pc->fdc ? fdc_drive_type(pc->fdc, 0) : FDC_DRIVE_NONE;
    unsigned b = pc->fdc ? fdc_drive_type(pc->fdc, 1) : FDC_DRIVE_NONE;
    cmos_le(pc, CMOS_FLOPPY, a << 4 | b, 1);
    unsigned floppies = (a != 0) + (b != 0);
    // Coprocessor, mouse; and how many floppy disk drives.
    cmos_le(pc, CMOS_EQUIPMENT, 0x06 | (floppies ? (floppies - 1) << 6 | 1 : 0), 1);
}

int pc_add_acpi(struct pc *pc, const struct acpi_config *config, struct error *error)
{
    struct acpi_tables tables;
    acpi_tables_build(config, &tables);
    const struct {
        const char *name;
        const struct acpi_blob *blob;
    } files[] = {{ACPI_FILE_RSDP, &tables.rsdp}, {ACPI_FILE_TABLES, &tables.tables}, {ACPI_FILE_LOADER, &tables.loader}};
    int result = 0;
    for (unsigned i = 0; i < 3 && !result; i++)
        result = fw_cfg_add_file(pc->machine.fw_cfg, files[i].name, files[i].blob->data, (uint32_t)files[i].blob->size,
                                 error);
    acpi_tables_release(&tables);
    return result;
}

static int add_acpi(struct pc *pc, struct error *error)
{
    struct machine *machine = &pc->machine;
    struct acpi_config config = {
        .q35 = pc->q35,
        .cpu_count = machine->cpu_count,
        .apic_ids = pc->apic_ids,
        .pm_base = PM_BASE,
        .pci_hole = (uint32_t)pc->low_ram,
        .ioapic_id = IOAPIC_ID,
        .hpet = pc->has_hpet,
        .keyboard = true,
        .floppy_controller = pc->fdc != NULL,
    };
    if (pc->q35) {
        config.pciexbar = UINT64_C(0xb0000000);
        config.pciexbar_bytes = PC_PCIEXBAR_BYTES;
    }
    for (unsigned i = 0; i < MACHINE_FLOPPIES; i++)
        config.floppy_drives[i] = machine->floppy_drives[i];
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        config.serials |= (machine->serials[i] != NULL) << i;
    return pc_add_acpi(pc, &config, error);
}

int pc_add_smbios(struct pc *pc, struct error *error)
{
    struct smbios_config config = {.manufacturer = "Lyrebird", .product = pc->pci ? pc->q35 ? "Q35 PC" : "i440FX PC" : "microvm",
                                   .version = pc->machine.type->name, .cpu_count = pc->machine.cpu_count,
                                   .low_ram = pc->low_ram, .high_ram = pc->high_ram};
    struct smbios_tables tables;
    smbios_build(&config, &tables);
    int result = fw_cfg_add_file(pc->machine.fw_cfg, SMBIOS_FILE_TABLES, tables.data, (uint32_t)tables.size, error);
    if (!result)
        result = fw_cfg_add_file(pc->machine.fw_cfg, SMBIOS_FILE_ANCHOR, tables.anchor, sizeof(tables.anchor), error);
    free(tables.data);
    return result;
}

int pc_add_e820(struct pc *pc, struct error *error)
{
    uint8_t e820[E820_BYTES_MAX];
    unsigned bytes = e820_build(pc->low_ram, pc->high_ram, e820);
    return fw_cfg_add_file(pc->machine.fw_cfg, E820_FILE, e820, bytes, error);
}

int pc_fill_fw_cfg(struct pc *pc, struct error *error)
{
    struct device *cfg = pc->machine.fw_cfg;
    fill_cmos(pc);
    int result = pc_add_e820(pc, error);
    if (!result)
        result = fw_cfg_add_file(cfg, ACPI_FILE_STATES, acpi_system_states, sizeof(acpi_system_states), error);
    if (!result)
        result = pc_add_boot_order(pc, error);
    if (!result)
        result = pc_add_smbios(pc, error);
    if (!result && pc->has_acpi)
        result = add_acpi(pc, error);
    return result;
}
