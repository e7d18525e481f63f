// SPDX-License-Identifier: MIT
// Static tables (ACPI 6.3, chapter 5) and the loader script.
#include "hw/acpi/acpi-tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hw/acpi/acpi-internal.h"
#include "hw/acpi/ged.h"
#include "hw/acpi/ich9-lpc.h"
#include "hw/acpi/piix4-pm.h"
#include "tcg/base/endian.h"

enum {
    HEADER_BYTES = 36,
    CHECKSUM_AT = 9,
    FACS_BYTES = 64,
    RSDP_BYTES = 20,
    RSDP_CHECKSUM_AT = 8,
    RSDP_RSDT_AT = 16,
    SCI_IRQ = 9,
    SMI_COMMAND_PORT = 0xb2,
    RESET_PORT = 0xcf9,
    ICH9_GPE_OFFSET = 0x20,
    ICH9_GPE_BYTES = 16,
    CMOS_CENTURY = 0x32,
    TABLES_MAX = 8,
};

enum { IO_APIC_BASE = 0xfec00000u, LOCAL_APIC_BASE = 0xfee00000u, HPET_BASE = 0xfed00000u };

const uint8_t acpi_system_states[6] = {0x80, 0, 0, 1, 2, 0x80};

enum loader_command { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER = 2, LOADER_ADD_CHECKSUM = 3 };
enum { LOADER_BYTES = 128, LOADER_NAME = 56, ZONE_HIGH = 1, ZONE_FSEG = 2 };

struct builder {
    const struct acpi_config *config;
    struct aml tables; // used as a buffer of bytes
    uint8_t rsdp[RSDP_BYTES];
    struct aml loader;
    size_t table_at[TABLES_MAX]; // what the RSDT lists
    unsigned table_count;
};

static uint8_t *add_command(struct builder *b, enum loader_command command)
{
    static const uint8_t zeroes[LOADER_BYTES];
    aml_bytes(&b->loader, zeroes, sizeof(zeroes));
    uint8_t *entry = b->loader.data + b->loader.size - LOADER_BYTES;
    store_le32(entry, command);
    return entry;
}

static void add_allocate(struct builder *b, const char *file, uint32_t alignment, uint8_t zone)
{
    uint8_t *entry = add_command(b, LOADER_ALLOCATE);
    memcpy(entry + 4, file, strlen(file));
    store_le32(entry + 4 + LOADER_NAME, alignment);
    entry[8 + LOADER_NAME] = zone;
}

// A pointer in `file` into the tables; it holds the offset there.
static void add_pointer(struct builder *b, const char *file, size_t at, uint8_t bytes)
{
    uint8_t *entry = add_command(b, LOADER_ADD_POINTER);
    memcpy(entry + 4, file, strlen(file));
    memcpy(entry + 4 + LOADER_NAME, ACPI_FILE_TABLES, strlen(ACPI_FILE_TABLES));
    store_le32(entry + 4 + 2 * LOADER_NAME, (uint32_t)at);
    entry[8 + 2 * LOADER_NAME] = bytes;
}

static void add_checksum(struct builder *b, const char *file, size_t at, size_t start, size_t bytes)
{
    uint8_t *entry = add_command(b, LOADER_ADD_CHECKSUM);
    memcpy(entry + 4, file, strlen(file));
    store_le32(entry + 4 + LOADER_NAME, (uint32_t)at);
    store_le32(entry + 8 + LOADER_NAME, (uint32_t)start);
    store_le32(entry + 12 + LOADER_NAME, (uint32_t)bytes);
}

static size_t begin_table(struct builder *b, const char *signature, uint8_t revision)
{
    struct aml *out = &b->tables;
    size_t at = out->size;
    aml_bytes(out, signature, 4);
    aml_le(out, 0, 4); // length
    aml_byte(out, revision);
    aml_byte(out, 0);
    aml_bytes(out, "LYRE  ", 6);
    aml_bytes(out, "LYREBIRD", 8);
    aml_le(out, 1, 4);
    aml_bytes(out, "LYRE", 4);
    aml_le(out, 1, 4);
    return at;
}

static void end_table(struct builder *b, size_t at, bool listed)
{
    size_t bytes = b->tables.size - at;
    store_le32(b->tables.data + at + 4, (uint32_t)bytes);
    add_checksum(b, ACPI_FILE_TABLES, at + CHECKSUM_AT, at, bytes);
    if (listed) {
        assert(b->table_count < TABLES_MAX);
        b->table_at[b->table_count++] = at;
    }
}

// A pointer that is the next bytes of the tables.
static void put_pointer(struct builder *b, size_t target, uint8_t bytes)
{
    add_pointer(b, ACPI_FILE_TABLES, b->tables.size, bytes);
    aml_le(&b->tables, target, bytes);
}

// A generic address: space, width in bits, offset, access size, address.
static void put_address(struct aml *out, enum aml_space space, uint8_t bits, uint64_t address)
{
    aml_byte(out, (uint8_t)(address || space == AML_SYSTEM_IO ? space : 0));
    aml_byte(out, bits);
    aml_byte(out, 0);
    aml_byte(out, 0);
    aml_le(out, address, 8);
}

static void put_facs(struct builder *b)
{
    uint8_t facs[FACS_BYTES] = "FACS";
    store_le32(facs + 4, FACS_BYTES);
    aml_bytes(&b->tables, facs, sizeof(facs));
}

static void put_fadt(struct builder *b, size_t facs, size_t dsdt)
{
    struct aml *out = &b->tables;
    const struct acpi_config *config = b->config;
    bool q35 = config->q35;
    uint32_t pm = config->pm_base, gpe = q35 ? pm + ICH9_GPE_OFFSET : PIIX4_GPE_PORT;
    uint8_t gpe_bytes = q35 ? ICH9_GPE_BYTES : PIIX4_GPE_BYTES;
    size_t at = begin_table(b, "FACP", 3);
    put_pointer(b, facs, 4);
    put_pointer(b, dsdt, 4);
    aml_byte(out, 1); // interrupt model: both
    aml_byte(out, 0); // no preferred profile
    aml_le(out, SCI_IRQ, 2);
    aml_le(out, SMI_COMMAND_PORT, 4);
    aml_byte(out, q35 ? ICH9_ACPI_ENABLE : PIIX4_ACPI_ENABLE);
    aml_byte(out, q35 ? ICH9_ACPI_DISABLE : PIIX4_ACPI_DISABLE);
    aml_byte(out, 0); // S4BIOS
    aml_byte(out, 0); // processor performance control
    const uint32_t blocks[] = {pm, 0, pm + 4, 0, 0, pm + 8, gpe, 0};
    for (unsigned i = 0; i < 8; i++)
        aml_le(out, blocks[i], 4);
    const uint8_t lengths[] = {4, 2, 0, 4, gpe_bytes, 0, 0, 0};
    aml_bytes(out, lengths, sizeof(lengths));
    aml_le(out, 0xfff, 2); // no C2
    aml_le(out, 0xfff, 2); // no C3
    aml_le(out, 0, 8);     // cache flush, duty cycle, and day and month alarms of the clock
    aml_byte(out, CMOS_CENTURY);
    aml_le(out, config->keyboard ? 2 : 0, 2);
    aml_byte(out, 0);
    // WBINVD works, C1 on all CPUs, no sleep button, RTC wakes from S4, the power management timer is to be
    // preferred, reset by register.
    aml_le(out, 1 << 0 | 1 << 2 | 1 << 5 | 1 << 7 | 1 << 10 | 1 << 15, 4);
    put_address(out, AML_SYSTEM_IO, 8, RESET_PORT);
    aml_byte(out, 0x0f); // what resets
    aml_le(out, 0, 3);
    aml_le(out, 0, 8); // the 64-bit pointers: the ones above count
    aml_le(out, 0, 8);
    put_address(out, AML_SYSTEM_IO, 32, pm);
    put_address(out, AML_SYSTEM_MEMORY, 0, 0);
    put_address(out, AML_SYSTEM_IO, 16, pm + 4);
    put_address(out, AML_SYSTEM_MEMORY, 0, 0);
    put_address(out, AML_SYSTEM_MEMORY, 0, 0);
    put_address(out, AML_SYSTEM_IO, 32, pm + 8);
    put_address(out, AML_SYSTEM_IO, (uint8_t)(gpe_bytes * 8), gpe);
    put_address(out, AML_SYSTEM_MEMORY, 0, 0);
    end_table(b, at, true);
}

// Nothing of the fixed hardware: sleep and reset registers, and the power button is a device.
static void put_fadt_reduced(struct builder *b, size_t dsdt)
{
    enum { WBINVD = 1 << 0, POWER_BUTTON_DEVICE = 1 << 4, SLEEP_BUTTON_DEVICE = 1 << 5, RESET_REGISTER = 1 << 10,
           HW_REDUCED = 1 << 20 };
    struct aml *out = &b->tables;
    uint32_t registers = b->config->reduced->ged_registers, timer = b->config->reduced->timer_port;
    size_t at = begin_table(b, "FACP", 5);
    aml_le(out, 0, 4); // no FACS
    put_pointer(b, dsdt, 4);
    for (unsigned i = 44; i < 112; i += 4)
        aml_le(out, i == 76 ? timer : i == 88 ? UINT32_C(4) << 24 : 0, 4); // the timer's block and its length
    aml_le(out, WBINVD | POWER_BUTTON_DEVICE | SLEEP_BUTTON_DEVICE | RESET_REGISTER | HW_REDUCED, 4);
    put_address(out, AML_SYSTEM_MEMORY, 8, registers + ACPI_GED_RESET);
    aml_byte(out, ACPI_GED_RESET_VALUE);
    aml_le(out, 0, 3);
    aml_le(out, 0, 8); // the 64-bit pointers: the ones above count
    aml_le(out, 0, 8);
    for (unsigned i = 0; i < 8; i++)
        put_address(out, i == 5 ? AML_SYSTEM_IO : AML_SYSTEM_MEMORY, i == 5 ? 32 : 0, i == 5 ? timer : 0);
    put_address(out, AML_SYSTEM_MEMORY, 8, registers + ACPI_GED_SLEEP_CONTROL);
    put_address(out, AML_SYSTEM_MEMORY, 8, registers + ACPI_GED_SLEEP_STATUS);
    end_table(b, at, true);
}

static void put_ioapic(struct aml *out, uint8_t id, uint32_t base, uint32_t first_gsi)
{
    aml_byte(out, 1);
    aml_byte(out, 12);
    aml_byte(out, id);
    aml_byte(out, 0);
    aml_le(out, base, 4);
    aml_le(out, first_gsi, 4);
}

static void put_override(struct aml *out, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    aml_byte(out, 2);
    aml_byte(out, 10);
    aml_byte(out, 0); // ISA
    aml_byte(out, irq);
    aml_le(out, gsi, 4);
    aml_le(out, flags, 2);
}

static void put_madt(struct builder *b)
{
    enum { LOCAL_APIC = 0, IO_APIC_PINS = 24, LOCAL_NMI = 4, X2APIC = 9, X2APIC_NMI = 10, LEVEL_HIGH = 0x0d };
    struct aml *out = &b->tables;
    const struct acpi_config *config = b->config;
    bool wide = false;
    size_t at = begin_table(b, "APIC", 3);
    aml_le(out, LOCAL_APIC_BASE, 4);
    aml_le(out, 1, 4); // there are 8259s
    for (unsigned i = 0; i < config->cpu_count; i++) {
        uint32_t id = config->apic_ids ? config->apic_ids[i] : i;
        bool x2apic = id >= 255 || i >= 255;
        wide = wide || x2apic;
        aml_byte(out, x2apic ? X2APIC : LOCAL_APIC);
        aml_byte(out, x2apic ? 16 : 8);
        if (x2apic) {
            aml_le(out, 0, 2);
            aml_le(out, id, 4);
            aml_le(out, 1, 4);
            aml_le(out, i, 4);
        } else {
            aml_byte(out, (uint8_t)i);
            aml_byte(out, (uint8_t)id);
            aml_le(out, 1, 4);
        }
    }
    put_ioapic(out, config->ioapic_id, IO_APIC_BASE, 0);
    if (config->reduced && config->reduced->ioapic2_base)
        put_ioapic(out, (uint8_t)(config->ioapic_id + 1), config->reduced->ioapic2_base, IO_APIC_PINS);
    put_override(out, 0, 2, 0); // the timer
    static const uint8_t level[] = {5, 9, 10, 11};
    for (unsigned i = 0; i < sizeof(level); i++)
        put_override(out, level[i], level[i], LEVEL_HIGH);
    // NMI is LINT1 on all CPUs.
    static const uint8_t nmi[] = {LOCAL_NMI, 6, 0xff, 0, 0, 1};
    static const uint8_t x2apic_nmi[] = {X2APIC_NMI, 12, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0};
    aml_bytes(out, nmi, sizeof(nmi));
    if (wide)
        aml_bytes(out, x2apic_nmi, sizeof(x2apic_nmi));
    end_table(b, at, true);
}

static void put_hpet(struct builder *b)
{
    struct aml *out = &b->tables;
    size_t at = begin_table(b, "HPET", 1);
    aml_le(out, 0x8086a201, 4); // three 64-bit comparators, legacy replacement
    put_address(out, AML_SYSTEM_MEMORY, 0, HPET_BASE);
    aml_byte(out, 0);
    aml_le(out, 0, 2);
    aml_byte(out, 0);
    end_table(b, at, true);
}

static void put_mcfg(struct builder *b)
{
    struct aml *out = &b->tables;
    size_t at = begin_table(b, "MCFG", 1);
    aml_le(out, 0, 8);
    aml_le(out, b->config->pciexbar, 8);
    aml_le(out, 0, 2); // segment
    aml_byte(out, 0);
    aml_byte(out, (uint8_t)((b->config->pciexbar_bytes >> 20) - 1));
    aml_le(out, 0, 4);
    end_table(b, at, true);
}

// Tells Windows that the clock and the timer need no workarounds.
static void put_waet(struct builder *b)
{
    size_t at = begin_table(b, "WAET", 1);
    aml_le(&b->tables, 1 << 1, 4);
    end_table(b, at, true);
}

static size_t put_rsdt(struct builder *b)
{
    size_t at = begin_table(b, "RSDT", 1);
    for (unsigned i = 0; i < b->table_count; i++)
        put_pointer(b, b->table_at[i], 4);
    end_table(b, at, false);
    return at;
}

void acpi_tables_build(const struct acpi_config *config, struct acpi_tables *result)
{
    struct builder b = {.config = config};
    add_allocate(&b, ACPI_FILE_RSDP, 16, ZONE_FSEG);
    add_allocate(&b, ACPI_FILE_TABLES, 64, ZONE_HIGH);
    put_facs(&b); // first, for it must be aligned to 64
    size_t dsdt = begin_table(&b, "DSDT", 1);
    (config->reduced ? acpi_dsdt_reduced : acpi_dsdt)(&b.tables, config);
    end_table(&b, dsdt, false);
    if (config->reduced)
        put_fadt_reduced(&b, dsdt);
    else
        put_fadt(&b, 0, dsdt);
    put_madt(&b);
    if (config->hpet)
        put_hpet(&b);
    if (config->pciexbar_bytes)
        put_mcfg(&b);
    put_waet(&b);
    size_t rsdt = put_rsdt(&b);

    memcpy(b.rsdp, "RSD PTR ", 8);
    memcpy(b.rsdp + 9, "LYRE  ", 6);
    store_le32(b.rsdp + RSDP_RSDT_AT, (uint32_t)rsdt);
    add_pointer(&b, ACPI_FILE_RSDP, RSDP_RSDT_AT, 4);
    add_checksum(&b, ACPI_FILE_RSDP, RSDP_CHECKSUM_AT, 0, RSDP_BYTES);

    struct aml rsdp = {0};
    aml_bytes(&rsdp, b.rsdp, RSDP_BYTES);
    result->rsdp = (struct acpi_blob){rsdp.data, rsdp.size};
    result->tables = (struct acpi_blob){b.tables.data, b.tables.size};
    result->loader = (struct acpi_blob){b.loader.data, b.loader.size};
}

void acpi_tables_release(struct acpi_tables *tables)
{
    free(tables->rsdp.data);
    free(tables->tables.data);
    free(tables->loader.data);
    *tables = (struct acpi_tables){0};
}

unsigned e820_build(uint64_t low_ram, uint64_t high_ram, uint8_t out[E820_BYTES_MAX])
{
    enum { ENTRY_BYTES = 20, E820_RAM = 1 };
    const uint64_t bases[] = {0, UINT64_C(1) << 32}, sizes[] = {low_ram, high_ram};
    unsigned used = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (!sizes[i])
            continue;
        store_le64(out + used, bases[i]);
        store_le64(out + used + 8, sizes[i]);
        store_le32(out + used + 16, E820_RAM);
        used += ENTRY_BYTES;
    }
    return used;
}
