// SPDX-License-Identifier: MIT
// Starts ELF kernels of two protocols after firmware: PVH (Xen's docs/misc/pvh.pandoc) and Multiboot 0.6.96. Both are
// entered in 32-bit protected mode without paging, EBX being the address of a description of the machine, which the
// loader has put into memory along with the kernel. What is missing there is firmware's to know, and filled in by the
// code here: the size of the memory map, and for PVH where the ACPI tables begin.
//
// The ROM runs in real mode at an address of firmware's choice; it asks for the memory map and goes to protected mode,
// where it enters the second part, which lies behind the kernel together with the descriptor table:
//
//   0  null descriptor   8  code, 4 GiB   0x10  data, 4 GiB   0x18  second part
#include <string.h>

#include "hw/boards/kernel-roms.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    GDT_POINTER_AT = 0xc0,
    GDT_BYTES = 24,
    BEFORE_AT = KERNEL_ROM_CODE_AT + 0x1b, // constants in the ROM's code
    AFTER_AT = KERNEL_ROM_CODE_AT + 0x24,
    SECOND_AT = KERNEL_ROM_CODE_AT + 0x5e,
    INFO_AT = GDT_BYTES + 0x0f, // and in the second part
    UNIT_AT = GDT_BYTES + 0x18,
    COUNT_FIELD_AT = GDT_BYTES + 0x1b,
    ENTRY_AT = GDT_BYTES + 0x48,

    PVH_MEMMAP_ENTRIES = 48,
    MULTIBOOT_MMAP_LENGTH = 44,
};

static const uint8_t rom_code[] = {
    0xfa,                                                 // cli
    0xfc,                                                 // cld
    0x31, 0xc0,                                           // xor   ax, ax
    0x8e, 0xd0,                                           // mov   ss, ax
    0xbc, 0x00, 0x70,                                     // mov   sp, 0x7000
    0xb8, 0x00, 0x10,                                     // mov   ax, 0x1000
    0x8e, 0xc0,                                           // mov   es, ax
    0xbf, 0x08, 0x00,                                     // mov   di, 8
    0x66, 0x31, 0xdb,                                     // xor   ebx, ebx
    0x31, 0xed,                                           // xor   bp, bp
    0x26, 0x66, 0xc7, 0x45, 0xfc, 0x00, 0x00, 0x00, 0x00, // next: mov dword es:[di - 4], BEFORE
    0x26, 0x66, 0xc7, 0x45, 0x14, 0x00, 0x00, 0x00, 0x00, // mov   dword es:[di + 20], AFTER
    0x66, 0xb8, 0x20, 0xe8, 0x00, 0x00,                   // mov   eax, 0xe820
    0x66, 0xb9, 0x14, 0x00, 0x00, 0x00,                   // mov   ecx, 20
    0x66, 0xba, 0x50, 0x41, 0x4d, 0x53,                   // mov   edx, "SMAP"
    0xcd, 0x15,                                           // int   0x15
    0x72, 0x0f,                                           // jc    done
    0x45,                                                 // inc   bp
    0x83, 0xc7, 0x18,                                     // add   di, 24
    0x81, 0xfd, 0x80, 0x00,                               // cmp   bp, 128
    0x73, 0x05,                                           // jae   done
    0x66, 0x85, 0xdb,                                     // test  ebx, ebx
    0x75, 0xc9,                                           // jnz   next
    0x2e, 0x66, 0x0f, 0x01, 0x16, GDT_POINTER_AT, 0x00,   // done: lgdt cs:[GDT_POINTER_AT]
    0x0f, 0x20, 0xc0,                                     // mov   eax, cr0
    0x0c, 0x01,                                           // or    al, 1
    0x0f, 0x22, 0xc0,                                     // mov   cr0, eax
    0x66, 0xea, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00,       // jmp   8:SECOND
};
_Static_assert(KERNEL_ROM_CODE_AT + sizeof(rom_code) <= GDT_POINTER_AT, "the code ends before its data");

static const uint8_t second_part[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0, 0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0, // descriptors
    0x66, 0xb8, 0x10, 0x00,             // mov   ax, 0x10
    0x8e, 0xd8,                         // mov   ds, ax
    0x8e, 0xc0,                         // mov   es, ax
    0x8e, 0xe0,                         // mov   fs, ax
    0x8e, 0xe8,                         // mov   gs, ax
    0x8e, 0xd0,                         // mov   ss, ax
    0xbb, 0x00, 0x00, 0x00, 0x00,       // mov   ebx, INFO
    0x0f, 0xb7, 0xed,                   // movzx ebp, bp
    0x6b, 0xed, 0x00,                   // imul  ebp, ebp, UNIT
    0x89, 0x6b, 0x00,                   // mov   [ebx + COUNT_FIELD], ebp
    0xbe, 0x00, 0x00, 0x0e, 0x00,       // mov   esi, 0xe0000
    0x81, 0x3e, 0x52, 0x53, 0x44, 0x20, // scan: cmp dword [esi], "RSD "
    0x75, 0x09,                         // jne   no
    0x81, 0x7e, 0x04, 0x50, 0x54, 0x52, 0x20, // cmp dword [esi + 4], "PTR "
    0x74, 0x0d,                         // je    found
    0x83, 0xc6, 0x10,                   // no: add esi, 16
    0x81, 0xfe, 0x00, 0x00, 0x10, 0x00, // cmp   esi, 0x100000
    0x72, 0xe4,                         // jb    scan
    0x31, 0xf6,                         // xor   esi, esi
    0x89, 0x73, 0x20,                   // found: mov [ebx + 32], esi: rsdp_paddr; of no meaning in Multiboot
    0xb8, 0x02, 0xb0, 0xad, 0x2b,       // mov   eax, 0x2badb002
    0xba, 0x00, 0x00, 0x00, 0x00,       // mov   edx, ENTRY
    0xff, 0xe2,                         // jmp   edx
};

int elfboot_add(struct machine *machine, struct error *error)
{
    const struct machine_boot *boot = &machine->boot;
    bool multiboot = boot->protocol == KERNEL_MULTIBOOT;
    uint32_t gpa = (uint32_t)round_up(boot->kernel_end, 4096);
    uint8_t *second = ALLOC_ARRAY(uint8_t, sizeof(second_part));
    memcpy(second, second_part, sizeof(second_part));
    store_le32(second + INFO_AT, (uint32_t)boot->info_gpa);
    second[UNIT_AT] = multiboot ? KERNEL_ROM_MAP_RECORD : 1;
    second[COUNT_FIELD_AT] = multiboot ? MULTIBOOT_MMAP_LENGTH : PVH_MEMMAP_ENTRIES;
    store_le32(second + ENTRY_AT, (uint32_t)boot->entry);
    int result = machine_add_blob(machine, "kernel's entry code", gpa, second, sizeof(second_part), error);
    if (result)
        return result;
    uint8_t rom[KERNEL_ROM_BYTES];
    kernel_rom_begin(rom);
    memcpy(rom + KERNEL_ROM_CODE_AT, rom_code, sizeof(rom_code));
    uint32_t filler = multiboot ? KERNEL_ROM_MAP_RECORD - 4 : 0;
    store_le32(rom + BEFORE_AT, filler);
    store_le32(rom + AFTER_AT, filler);
    store_le32(rom + SECOND_AT, gpa + GDT_BYTES);
    store_le16(rom + GDT_POINTER_AT, GDT_BYTES - 1);
    store_le32(rom + GDT_POINTER_AT + 2, gpa);
    return kernel_rom_finish(machine, rom, error);
}
