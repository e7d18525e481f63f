// SPDX-License-Identifier: MIT
// ACPI and SMBIOS tables: placed by their own script as firmware does it, then read as an operating system
// reads them; and disassembled and compiled again where the ACPICA tools are there.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/acpi/acpi-tables.h"
#include "hw/acpi/aml.h"
#include "hw/acpi/smbios.h"
#include "tcg/base/endian.h"

enum { PLACE_RSDP = 0xf5000, PLACE_TABLES = 0x100000, ENTRY = 128 };

static struct acpi_tables tables;

static struct acpi_config config_for(bool q35)
{
    struct acpi_config config = {.q35 = q35,
                                 .cpu_count = 3,
                                 .pm_base = 0x600,
                                 .pci_hole = 0x80000000,
                                 .pci_hole64 = UINT64_C(1) << 32,
                                 .pci_hole64_bytes = UINT64_C(1) << 36,
                                 .hpet = true,
                                 .keyboard = true,
                                 .floppy_controller = !q35,
                                 .floppy_drives = {true, false},
                                 .serials = 3};
    if (q35) {
        config.pciexbar = 0xb0000000;
        config.pciexbar_bytes = 256 << 20;
    }
    return config;
}

static uint8_t sum(const uint8_t *data, size_t length)
{
    uint8_t total = 0;
    while (length--)
        total = (uint8_t)(total + *data++);
    return total;
}

static struct acpi_blob *blob_named(const char *name)
{
    if (!strcmp(name, ACPI_FILE_RSDP))
        return &tables.rsdp;
    cr_assert_str_eq(name, ACPI_FILE_TABLES);
    return &tables.tables;
}

// What firmware does with the script.
static void run_loader(void)
{
    unsigned allocated = 0;
    for (size_t at = 0; at < tables.loader.size; at += ENTRY) {
        const uint8_t *entry = tables.loader.data + at;
        struct acpi_blob *file = blob_named((const char *)entry + 4);
        switch (load_le32(entry)) {
        case 1:
            allocated++;
            break;
        case 2: {
            uint32_t offset = load_le32(entry + 116);
            uint8_t bytes = entry[120];
            cr_assert_eq(allocated, 2);
            cr_assert_str_eq((const char *)entry + 60, ACPI_FILE_TABLES);
            cr_assert_leq(offset + bytes, file->size);
            uint64_t target = load_le(file->data + offset, bytes);
            cr_assert_lt(target, tables.tables.size);
            store_le(file->data + offset, bytes, target + PLACE_TABLES);
            break;
        }
        case 3: {
            uint32_t offset = load_le32(entry + 60), start = load_le32(entry + 64),
                     length = load_le32(entry + 68);
            cr_assert_leq((size_t)start + length, file->size);
            cr_assert(offset >= start && offset < start + length);
            file->data[offset] = (uint8_t)-sum(file->data + start, length);
            break;
        }
        default:
            cr_assert(false, "unknown command");
        }
    }
}

static const uint8_t *table_at(uint64_t address)
{
    cr_assert(address >= PLACE_TABLES && address + 8 <= PLACE_TABLES + tables.tables.size);
    const uint8_t *table = tables.tables.data + (address - PLACE_TABLES);
    cr_assert_leq(address - PLACE_TABLES + load_le32(table + 4), tables.tables.size);
    return table;
}

// The table that the RSDT lists, with its checksum checked.
static const uint8_t *find_table(const char *signature)
{
    const uint8_t *rsdt = table_at(load_le32(tables.rsdp.data + 16));
    cr_assert_eq(memcmp(rsdt, "RSDT", 4), 0);
    cr_assert_eq(sum(rsdt, load_le32(rsdt + 4)), 0);
    for (uint32_t at = 36; at < load_le32(rsdt + 4); at += 4) {
        const uint8_t *table = table_at(load_le32(rsdt + at));
        cr_assert_eq(sum(table, load_le32(table + 4)), 0);
        if (!memcmp(table, signature, 4))
            return table;
    }
    return NULL;
}

static void build(bool q35)
{
    struct acpi_config config = config_for(q35);
    acpi_tables_build(&config, &tables);
    run_loader();
}

Test(acpi, rsdp_leads_to_all_tables)
{
    for (int q35 = 0; q35 < 2; q35++) {
        build(q35);
        cr_assert_eq(memcmp(tables.rsdp.data, "RSD PTR ", 8), 0);
        cr_assert_eq(sum(tables.rsdp.data, 20), 0);
        const uint8_t *fadt = find_table("FACP");
        cr_assert(fadt);
        cr_assert(find_table("APIC"));
        cr_assert(find_table("HPET"));
        cr_assert_eq(find_table("MCFG") != NULL, q35);
        cr_assert_eq(load_le32(fadt + 4), 244);
        const uint8_t *facs = table_at(load_le32(fadt + 36)), *dsdt = table_at(load_le32(fadt + 40));
        cr_assert_eq(memcmp(facs, "FACS", 4), 0);
        cr_assert_eq((facs - tables.tables.data) % 64, 0);
        cr_assert_eq(memcmp(dsdt, "DSDT", 4), 0);
        cr_assert_eq(sum(dsdt, load_le32(dsdt + 4)), 0);
        acpi_tables_release(&tables);
    }
}

Test(acpi, fixed_hardware_is_where_the_chips_have_it)
{
    build(false);
    const uint8_t *fadt = find_table("FACP");
    cr_assert_eq(load_le16(fadt + 46), 9);
    cr_assert_eq(load_le32(fadt + 48), 0xb2);
    cr_assert_eq(fadt[52], 0xf1);
    cr_assert_eq(load_le32(fadt + 56), 0x600);
    cr_assert_eq(load_le32(fadt + 64), 0x604);
    cr_assert_eq(load_le32(fadt + 76), 0x608);
    cr_assert_eq(load_le32(fadt + 80), 0xafe0);
    cr_assert_eq(load_le64(fadt + 120), 0xcf9);
    acpi_tables_release(&tables);
    build(true);
    fadt = find_table("FACP");
    cr_assert_eq(fadt[52], 2);
    cr_assert_eq(load_le32(fadt + 80), 0x620);
    cr_assert_eq(fadt[92], 16);
    const uint8_t *mcfg = find_table("MCFG");
    cr_assert_eq(load_le64(mcfg + 44), 0xb0000000);
    cr_assert_eq(mcfg[55], 255);
    acpi_tables_release(&tables);
}

Test(acpi, interrupt_controllers)
{
    uint32_t ids[300];
    for (unsigned i = 0; i < 300; i++)
        ids[i] = 2 * i;
    struct acpi_config config = config_for(false);
    config.cpu_count = 300;
    config.apic_ids = ids;
    acpi_tables_build(&config, &tables);
    run_loader();
    const uint8_t *madt = find_table("APIC");
    unsigned local = 0, x2apic = 0, io = 0, overrides = 0;
    for (uint32_t at = 44; at < load_le32(madt + 4); at += madt[at + 1]) {
        cr_assert_gt(madt[at + 1], 1);
        local += madt[at] == 0;
        x2apic += madt[at] == 9;
        io += madt[at] == 1 && load_le32(madt + at + 4) == 0xfec00000;
        overrides += madt[at] == 2;
    }
    cr_assert_eq(local, 128); // those with 8-bit numbers below 255
    cr_assert_eq(x2apic, 172);
    cr_assert_eq(io, 1);
    cr_assert_eq(overrides, 5);
    acpi_tables_release(&tables);
}

Test(acpi, package_lengths_and_names)
{
    struct aml aml = {0};
    aml_scope(&aml, "\\_SB");
    aml_end(&aml);
    static const uint8_t scope[] = {0x10, 0x06, '\\', '_', 'S', 'B', '_'};
    cr_assert_eq(aml.size, sizeof(scope));
    cr_assert_eq(memcmp(aml.data, scope, sizeof(scope)), 0);
    aml.size = 0;
    aml_package(&aml, 2);
    for (unsigned i = 0; i < 100; i++)
        aml_byte(&aml, 0);
    aml_end(&aml);
    cr_assert_eq(aml.size, 104);
    cr_assert_eq(aml.data[1], 0x47); // 0x67 = 103 in two bytes
    cr_assert_eq(aml.data[2], 0x06);
    aml.size = 0;
    aml_package(&aml, 2);
    for (unsigned i = 0; i < 5000; i++)
        aml_byte(&aml, 0);
    aml_end(&aml);
    cr_assert_eq(aml.data[1] >> 6, 2);
    cr_assert_eq((aml.data[1] & 15u) | aml.data[2] << 4 | aml.data[3] << 12, 5004);
    aml.size = 0;
    aml_eisa_id(&aml, "PNP0A03");
    cr_assert_eq(load_le32(aml.data + 1), 0x030ad041);
    aml.size = 0;
    aml_path(&aml, "\\A.BC.DEF1");
    cr_assert_eq(memcmp(aml.data,
                        "\\\x2f\x03"
                        "A___BC__DEF1",
                        15),
                 0);
    aml.size = 0;
    aml_integer(&aml, 0x1234567890);
    cr_assert_eq(aml.size, 9);
    free(aml.data);
}

Test(acpi, e820)
{
    uint8_t out[E820_BYTES_MAX];
    cr_assert_eq(e820_build(0x80000000, 0, out), 20);
    cr_assert_eq(load_le64(out + 8), 0x80000000);
    cr_assert_eq(load_le32(out + 16), 1);
    cr_assert_eq(e820_build(0x80000000, 0x40000000, out), 40);
    cr_assert_eq(load_le64(out + 20), UINT64_C(1) << 32);
    cr_assert_eq(load_le64(out + 28), 0x40000000);
}

// String `number` of the structure that begins at `at`.
static const char *smbios_string(const uint8_t *data, size_t at, unsigned number)
{
    const char *text = (const char *)data + at + data[at + 1];
    while (--number)
        text += strlen(text) + 1;
    return text;
}

Test(acpi, smbios_structures)
{
    struct smbios_config config = {.manufacturer = "Maker",
                                   .product = "Board",
                                   .version = "7",
                                   .uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77},
                                   .cpu_count = 2,
                                   .low_ram = UINT64_C(2) << 30,
                                   .high_ram = UINT64_C(30) << 30};
    struct smbios_tables smbios;
    smbios_build(&config, &smbios);
    unsigned counts[128] = {0}, total = 0;
    uint64_t mib = 0;
    size_t at = 0, largest = 0;
    while (at < smbios.size) {
        const uint8_t *s = smbios.data + at;
        cr_assert_lt(s[0], 128);
        if (s[0] == 1) {
            cr_assert_str_eq(smbios_string(smbios.data, at, s[5]), "Board");
            cr_assert_eq(s[7], 0, "no serial number");
            cr_assert_eq(load_le32(s + 8), 0x00112233);
            cr_assert_eq(load_le16(s + 12), 0x4455);
        }
        if (s[0] == 17)
            mib += load_le16(s + 12);
        counts[s[0]]++;
        total++;
        size_t end = at + s[1];
        while (smbios.data[end] || smbios.data[end + 1])
            end++;
        end += 2;
        largest = end - at > largest ? end - at : largest;
        at = end;
    }
    cr_assert_eq(at, smbios.size);
    cr_assert_eq(counts[4], 2);
    cr_assert_eq(counts[17], 2);
    cr_assert_eq(counts[19], 2);
    cr_assert_eq(counts[127], 1);
    cr_assert_eq(mib, 32 << 10);
    cr_assert_eq(memcmp(smbios.anchor, "_SM_", 4), 0);
    cr_assert_eq(load_le16(smbios.anchor + 8), largest);
    cr_assert_eq(load_le16(smbios.anchor + 22), smbios.size);
    cr_assert_eq(load_le16(smbios.anchor + 28), total);
    free(smbios.data);
    config.cpu_count = 100000; // stays in bounds
    config.high_ram = UINT64_C(1) << 45;
    smbios_build(&config, &smbios);
    cr_assert_leq(smbios.size, 0xffff);
    free(smbios.data);
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

Test(acpi, tools_understand_the_tables, .timeout = 60)
{
    if (system("command -v iasl >/dev/null"))
        cr_skip_test("no iasl");
    char folder[] = "/tmp/lyrebird-acpi-XXXXXX", command[256];
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    for (int q35 = 0; q35 < 2; q35++) {
        build(q35);
        static const char *const names[] = {"FACP", "APIC", "HPET", "MCFG", "WAET"};
        const uint8_t *dsdt = table_at(load_le32(find_table("FACP") + 40));
        write_file("dsdt.dat", dsdt, load_le32(dsdt + 4));
        // What comes out must compile to as many bytes without an error.
        cr_assert_eq(system("iasl -d dsdt.dat >log 2>&1 && iasl -p again dsdt.dsl >log2 2>&1"), 0, "see %s",
                     folder);
        cr_assert_eq(system("grep -q ' 0 Errors' log2"), 0);
        cr_assert_eq(system("! grep -Eqi 'error|warning|unresolved' log"), 0, "see %s", folder);
        for (unsigned i = 0; i < 5; i++) {
            const uint8_t *table = find_table(names[i]);
            if (!table)
                continue;
            write_file("table.dat", table, load_le32(table + 4));
            cr_assert_eq(
                system("iasl -d table.dat >log 2>&1 && ! grep -Eqi 'error|warning|invalid' log table.dsl"), 0,
                "%s: see %s", names[i], folder);
        }
        acpi_tables_release(&tables);
    }
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}
