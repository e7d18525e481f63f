// SPDX-License-Identifier: MIT
// A Multiboot kernel that prints what it was handed. With ADDRESSES it is loaded by the addresses in its header.
#include "print.h"

struct info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods, syms[4], mmap_length, mmap;
    uint32_t drives_length, drives, config_table, loader_name;
};

struct module {
    uint32_t start, end, text, reserved;
};

struct __attribute__((packed)) memory {
    uint32_t size;
    uint64_t address, length;
    uint32_t type;
};

static uint32_t zeroed[1024];

#ifdef ADDRESSES
#define FLAGS "0x10003"
#else
#define FLAGS "0x3"
#endif
__asm__(".section .header, \"a\"; header: .long 0x1badb002, " FLAGS ", -(0x1badb002 + " FLAGS ")\n"
        ".long header, load_start, load_end, bss_end, entry\n"
        ".text; .globl entry; entry: mov $stack_top, %esp; push %ebx; push %eax; call main\n"
        ".bss; .balign 16; .space 4096; stack_top: .text");

void main(uint32_t magic, const struct info *info)
{
    uint64_t ram = 0, total = 0;
    print("Multiboot kernel\n");
    print_state();
    field("magic", magic);
    field("flags", info->flags);
    field("mem_lower", info->mem_lower);
    field("mem_upper", info->mem_upper);
    print("line=<");
    print((const char *)info->cmdline);
    print(">\nloader=<");
    print((const char *)info->loader_name);
    print(">\n");
    for (uint32_t i = 0; i < 1024; i++)
        total += zeroed[i];
    field("zeroed", total);
    field("modules", info->mods_count);
    for (uint32_t i = 0; i < info->mods_count; i++) {
        const struct module *module = (const struct module *)info->mods + i;
        print("module=<");
        print((const char *)module->text);
        print("><");
        print_bytes(module->start, module->end - module->start);
        print(">\n");
        total |= module->start & 4095;
    }
    field("unaligned", total);
    for (uint32_t at = info->mmap; at < info->mmap + info->mmap_length;) {
        const struct memory *row = (const struct memory *)at;
        if (row->type == 1)
            ram += row->length;
        at += row->size + 4;
    }
    field("ram-mib", (ram + (1 << 19)) >> 20);
    finish();
}
