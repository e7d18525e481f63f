// SPDX-License-Identifier: MIT
// The ACPI tables of PC machines and the script by which firmware places them (QEMU's loader interface:
// fw_cfg files etc/acpi/rsdp, etc/acpi/tables and etc/table-loader). The script tells firmware to allocate
// the first two, to add their addresses to the pointers in them, and to fill in checksums.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Of a machine with reduced hardware: a transport that a virtio device is plugged into.
struct acpi_virtio {
    uint32_t base, bytes, gsi;
};

struct acpi_reduced {
    uint32_t ged_events, ged_registers, ged_gsi; // the generic event device (hw/acpi/ged.h)
    uint16_t timer_port;
    uint32_t ioapic2_base;                       // of the second I/O APIC, whose pins are GSI 24 and up
    const struct acpi_virtio *virtio;
    unsigned virtio_count;
};

struct acpi_config {
    bool q35; // or a 440FX with PIIX
    const struct acpi_reduced *reduced; // instead of either, without PCI; NULL: a PC
    unsigned cpu_count;
    const uint32_t *apic_ids; // NULL: numbered from 0
    // Where firmware puts the ACPI registers; SeaBIOS and OVMF use 0x600.
    uint16_t pm_base;
    // Addresses for PCI devices below 4 GiB begin here: the end of RAM there. They end at the I/O APIC.
    uint32_t pci_hole;
    uint64_t pci_hole64, pci_hole64_bytes; // above 4 GiB; 0: none
    // The configuration window of a Q35, where firmware puts it; 0 bytes: none.
    uint64_t pciexbar, pciexbar_bytes;
    uint8_t ioapic_id;
    bool hpet, keyboard, floppy_controller;
    bool floppy_drives[2];
    unsigned serials; // a bit for each of COM1 to COM4
};

struct acpi_blob {
    uint8_t *data;
    size_t size;
};

struct acpi_tables {
    struct acpi_blob rsdp, tables, loader;
};

// Never fails; to be released.
void acpi_tables_build(const struct acpi_config *config, struct acpi_tables *tables);
void acpi_tables_release(struct acpi_tables *tables);

#define ACPI_FILE_RSDP "etc/acpi/rsdp"
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_LOADER "etc/table-loader"

// The fw_cfg file etc/system-states: of the sleep states, only S5 can be entered.
#define ACPI_FILE_STATES "etc/system-states"
extern const uint8_t acpi_system_states[6];

// The fw_cfg file etc/e820: RAM from 0 and from 4 GiB. Returns the bytes used of `out`.
#define E820_FILE "etc/e820"
enum { E820_BYTES_MAX = 40 };
unsigned e820_build(uint64_t low_ram, uint64_t high_ram, uint8_t out[E820_BYTES_MAX]);
