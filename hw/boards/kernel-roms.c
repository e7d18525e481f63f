// SPDX-License-Identifier: MIT
// What the option ROMs that start kernels have in common: a Plug and Play header (Plug and Play BIOS Specification
// 1.0a, section 3.2) by which firmware knows where to begin.
#include "hw/boards/kernel-roms.h"

#include <string.h>

#include "hw/core/machine.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/endian.h"

enum { PNP_AT = 0x20, CHECKSUM_AT = 6 };

// The byte at `at` makes all of them add up to zero.
static void set_checksum(uint8_t *bytes, size_t count, size_t at)
{
    uint8_t sum = 0;
    bytes[at] = 0;
    for (size_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

void kernel_rom_begin(uint8_t rom[KERNEL_ROM_BYTES])
{
    static const uint8_t head[] = {0x55, 0xaa, KERNEL_ROM_BYTES / 512, 0xcb}; // initialization: retf
    uint8_t *pnp = rom + PNP_AT;
    memset(rom, 0, KERNEL_ROM_BYTES);
    memcpy(rom, head, sizeof(head));
    store_le16(rom + 0x1a, PNP_AT);
    memcpy(pnp, "$PnP", 4);
    pnp[4] = 1;
    pnp[5] = 2; // in units of 16 bytes
    store_le16(pnp + 0x1a, KERNEL_ROM_CODE_AT);
    set_checksum(pnp, 32, 9);
}

int kernel_rom_finish(struct machine *machine, uint8_t rom[KERNEL_ROM_BYTES], struct error *error)
{
    set_checksum(rom, KERNEL_ROM_BYTES, CHECKSUM_AT);
    return fw_cfg_add_file(machine->fw_cfg, kernel_rom_file(machine), rom, KERNEL_ROM_BYTES, error);
}

const char *kernel_rom_file(const struct machine *machine)
{
    static const char *const files[] = {
        [KERNEL_LINUX] = "genroms/linuxboot.bin",
        [KERNEL_PVH] = "genroms/pvh.bin",
        [KERNEL_MULTIBOOT] = "genroms/multiboot.bin",
    };
    return files[machine->boot.protocol];
}

int kernel_rom_add(struct machine *machine, struct error *error)
{
    switch (machine->boot.protocol) {
    case KERNEL_LINUX:
        return linuxboot_add(machine, error);
    case KERNEL_PVH:
    case KERNEL_MULTIBOOT:
        return elfboot_add(machine, error);
    default:
        return 0;
    }
}
