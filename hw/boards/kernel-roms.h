// SPDX-License-Identifier: MIT
// Option ROMs that start a kernel (-kernel) once x86 firmware has set the machine up. Firmware finds them in fw_cfg as
// something to boot from.
#pragma once

#include <stdint.h>

#include "tcg/base/error.h"

struct machine;

// Where a ROM has firmware's memory map put for kernels of the protocols that want it: records of 24 bytes. Those of
// PVH begin with an address, those of Multiboot with their size of 20 bytes before it.
enum { KERNEL_ROM_MAP_GPA = 0x10008, KERNEL_ROM_MAP_RECORD = 24 };

// Adds the ROM for the protocol of machine->boot, if it has a kernel.
int kernel_rom_add(struct machine *machine, struct error *error);
// Its fw_cfg file; NULL: there is none.
const char *kernel_rom_file(const struct machine *machine);

// Between the files of these ROMs: a Plug and Play header, and code that begins at KERNEL_ROM_CODE_AT.
enum { KERNEL_ROM_BYTES = 512, KERNEL_ROM_CODE_AT = 0x40 };
void kernel_rom_begin(uint8_t rom[KERNEL_ROM_BYTES]);
int kernel_rom_finish(struct machine *machine, uint8_t rom[KERNEL_ROM_BYTES], struct error *error);
int linuxboot_add(struct machine *machine, struct error *error);
int elfboot_add(struct machine *machine, struct error *error);
