// SPDX-License-Identifier: MIT
// A PVH kernel that prints what it was handed.
#include "print.h"

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};

struct module {
    uint64_t address, size, cmdline, reserved;
};

struct memory {
    uint64_t address, size;
    uint32_t type, reserved;
};

static uint32_t zeroed[1024];

__asm__(".section .note, \"a\"; .long 4, 4, 18; .asciz \"Xen\"; .long entry; .text\n"
        ".globl entry; entry: mov $stack_top, %esp; push %ebx; call main\n"
        ".bss; .balign 16; .space 4096; stack_top: .text");

void main(const struct start_info *info)
{
    uint64_t ram = 0, total = 0;
    print("PVH kernel\n");
    print_state();
    field("magic", info->magic);
    field("version", info->version);
    print("line=<");
    print((const char *)(uint32_t)info->cmdline);
    print(">\n");
    for (uint32_t i = 0; i < 1024; i++)
        total += zeroed[i];
    field("zeroed", total);
    field("modules", info->nr_modules);
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        const struct module *module = (const struct module *)(uint32_t)info->modlist + i;
        print("module=<");
        print_bytes((uint32_t)module->address, (uint32_t)module->size);
        print(">\n");
    }
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        const struct memory *row = (const struct memory *)(uint32_t)info->memmap + i;
        if (row->type == 1)
            ram += row->size;
        total |= row->reserved;
    }
    field("ram-mib", (ram + (1 << 19)) >> 20);
    field("reserved", total);
    print("rsdp=<");
    print_bytes((uint32_t)info->rsdp, info->rsdp ? 8 : 0);
    print(">\n");
    finish();
}
