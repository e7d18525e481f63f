// SPDX-License-Identifier: MIT
// Starts a Linux kernel after firmware has set the machine up: an option ROM that has fw_cfg's DMA put the parts of the
// kernel into memory and enters the kernel's real-mode code as its boot protocol says (Documentation/arch/x86/boot.rst).
//
//   0x10000  real-mode code, with heap and stack up to 0x1e000      0x20000  command line      1 MiB  the rest
#include <string.h>

#include "hw/boards/kernel-roms.h"
#include "hw/boards/pc.h"
#include "hw/core/machine.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/endian.h"

enum {
    PARTS_AT = 0xc0, // DMA commands, copied to where they can be written
    PARTS = 4,
    SETUP_GPA = 0x10000,
    DMA_READ_ITEM = 1 << 3 | 1 << 1, // select, read
};

static const uint8_t code[] = {
    0xfa,                               // cli
    0xfc,                               // cld
    0x31, 0xc0,                         // xor   ax, ax
    0x8e, 0xc0,                         // mov   es, ax
    0x8e, 0xd0,                         // mov   ss, ax
    0xbc, 0x00, 0x70,                   // mov   sp, 0x7000
    0xbe, PARTS_AT, 0x00,               // mov   si, PARTS_AT
    0xbf, 0x00, 0x70,                   // mov   di, 0x7000
    0xb9, 0x20, 0x00,                   // mov   cx, 32
    0x2e, 0xf3, 0xa5,                   // rep movsw from cs
    0x8e, 0xd8,                         // mov   ds, ax
    0x66, 0x31, 0xc0,                   // xor   eax, eax
    0xba, 0x14, 0x05,                   // mov   dx, 0x514
    0x66, 0xef,                         // out   dx, eax      upper half of the command's address
    0xbb, 0x00, 0x70,                   // mov   bx, 0x7000
    0x66, 0x83, 0x7f, 0x04, 0x00,       // next: cmp dword [bx + 4], 0
    0x74, 0x17,                         // je    skip         an empty part
    0x66, 0x0f, 0xb7, 0xc3,             // movzx eax, bx
    0x66, 0x0f, 0xc8,                   // bswap eax
    0xba, 0x18, 0x05,                   // mov   dx, 0x518
    0x66, 0xef,                         // out   dx, eax
    0x66, 0x8b, 0x07,                   // wait: mov eax, [bx]
    0x66, 0xa9, 0xff, 0xff, 0xff, 0xfe, // test  eax, ~error
    0x75, 0xf5,                         // jnz   wait
    0x83, 0xc3, 0x10,                   // skip: add bx, 16
    0x81, 0xfb, 0x40, 0x70,             // cmp   bx, 0x7040
    0x75, 0xd9,                         // jne   next
    0xb8, 0x00, 0x10,                   // mov   ax, 0x1000
    0x8e, 0xd8,                         // mov   ds, ax
    0x8e, 0xc0,                         // mov   es, ax
    0x8e, 0xe0,                         // mov   fs, ax
    0x8e, 0xe8,                         // mov   gs, ax
    0x8e, 0xd0,                         // mov   ss, ax
    0xbc, 0x00, 0xe0,                   // mov   sp, 0xe000
    0xea, 0x00, 0x00, 0x20, 0x10,       // jmp   0x1020:0
};
_Static_assert(KERNEL_ROM_CODE_AT + sizeof(code) <= PARTS_AT, "the code ends before the commands");

static void add_part(uint8_t *rom, unsigned n, enum fw_cfg_key key, uint64_t gpa, uint64_t bytes)
{
    uint8_t *command = rom + PARTS_AT + 16 * n;
    store_be32(command, (uint32_t)key << 16 | DMA_READ_ITEM);
    store_be32(command + 4, (uint32_t)bytes);
    store_be64(command + 8, gpa);
}

int linuxboot_add(struct machine *machine, struct error *error)
{
    const struct machine_boot *boot = &machine->boot;
    struct device *cfg = machine->fw_cfg;
    uint8_t rom[KERNEL_ROM_BYTES];
    kernel_rom_begin(rom);
    memcpy(rom + KERNEL_ROM_CODE_AT, code, sizeof(code));
    const char *line = boot->command_line ? boot->command_line : "";
    fw_cfg_add(cfg, FW_CFG_CMDLINE_DATA, line, (uint32_t)strlen(line) + 1);
    // UEFI firmware has its own way to start these parts, and asks for their sizes.
    fw_cfg_add_le32(cfg, FW_CFG_CMDLINE_SIZE, (uint32_t)strlen(line) + 1);
    fw_cfg_add_le32(cfg, FW_CFG_SETUP_SIZE, (uint32_t)boot->setup_bytes);
    fw_cfg_add_le32(cfg, FW_CFG_KERNEL_SIZE, (uint32_t)(boot->kernel_end - boot->kernel_start));
    fw_cfg_add_le32(cfg, FW_CFG_INITRD_SIZE, (uint32_t)(boot->initrd_end - boot->initrd_start));
    add_part(rom, 0, FW_CFG_SETUP_DATA, SETUP_GPA, boot->setup_bytes);
    add_part(rom, 1, FW_CFG_CMDLINE_DATA, PC_COMMAND_LINE_GPA, strlen(line) + 1);
    add_part(rom, 2, FW_CFG_KERNEL_DATA, boot->kernel_start, boot->kernel_end - boot->kernel_start);
    add_part(rom, 3, FW_CFG_INITRD_DATA, boot->initrd_start, boot->initrd_end - boot->initrd_start);
    return kernel_rom_finish(machine, rom, error);
}
