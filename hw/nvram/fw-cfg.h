// SPDX-License-Identifier: MIT
// The firmware configuration device (docs/specs/fw_cfg in QEMU's documentation): numbered items of bytes that
// firmware reads, by a data register or by DMA, and a directory of named ones. Memory-mapped layout: data at
// 0, selector (big-endian) at 8, DMA address (big-endian) at 16. At I/O ports: selector (little-endian) at
// 0x510, data at 0x511, DMA address (big-endian) at 0x514. Only files that say so are writable, by DMA.
#pragma once

#include "hw/core/device.h"

struct memory_map;

extern const struct device_type fw_cfg_type;    // "fw_cfg_mem"
extern const struct device_type fw_cfg_io_type; // "fw_cfg_io"

enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    // Of the PC.
    FW_CFG_ACPI_TABLES = 0x8000,
    FW_CFG_SMBIOS_ENTRIES = 0x8001,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
    FW_CFG_E820_TABLE = 0x8003,
    FW_CFG_HPET = 0x8004,
};

// Before realize: where "fw_cfg_mem" is, or the ports that "fw_cfg_io" is in.
void fw_cfg_wire(struct device *device, uint64_t base);
void fw_cfg_wire_io(struct device *device, struct memory_map *io);
// Copies the bytes. An item that is there already is replaced.
void fw_cfg_add(struct device *device, enum fw_cfg_key key, const void *data, uint32_t length);
void fw_cfg_add_le16(struct device *device, enum fw_cfg_key key, uint16_t value);
void fw_cfg_add_le32(struct device *device, enum fw_cfg_key key, uint32_t value);
void fw_cfg_add_le64(struct device *device, enum fw_cfg_key key, uint64_t value);
// A named file ("etc/...", "opt/..."), shown in the directory sorted by name. -EINVAL for a name of more than
// 55 bytes, -EEXIST, -ENOSPC.
int fw_cfg_add_file(struct device *device, const char *name, const void *data, uint32_t length,
                    struct error *error);
// The same for a file that the guest writes, whole or in parts, each of which ends in a call of `written`, with the
// device lock, with the contents as they are then. `opaque` must outlive the device.
typedef void fw_cfg_written_fn(void *opaque, const uint8_t *data, uint32_t length);
int fw_cfg_add_writable_file(struct device *device, const char *name, uint32_t length, fw_cfg_written_fn *written,
                             void *opaque, struct error *error);
