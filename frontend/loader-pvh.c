// SPDX-License-Identifier: MIT
// PVH kernels (Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h): ELF programs with a note that says where
// to enter them in 32-bit mode. They are handed a record that names command line, initrd and memory map.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/elf.h"
#include "frontend/file.h"
#include "frontend/loader-private.h"
#include "frontend/settings.h"
#include "hw/boards/kernel-roms.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

// struct hvm_start_info, and struct hvm_modlist_entry behind it.
enum {
    MAGIC = 0x336ec578,
    VERSION_AT = 4,
    NR_MODULES_AT = 12,
    MODLIST_AT = 16,
    CMDLINE_AT = 24,
    MEMMAP_AT = 40,
    START_INFO_BYTES = 56,
    MODULE_BYTES = 32,
    LINE_AT = START_INFO_BYTES + MODULE_BYTES,
};

bool elf_is_pvh(const uint8_t *data, uint64_t size, uint64_t *entry)
{
    enum { XEN_ELFNOTE_PHYS32_ENTRY = 18 };
    const uint8_t *value;
    uint64_t bytes;
    if (!elf_find_note(data, size, "Xen", XEN_ELFNOTE_PHYS32_ENTRY, &value, &bytes) || bytes < 4)
        return false;
    *entry = load_le32(value);
    return true;
}

int load_pvh(struct machine *machine, const uint8_t *data, uint64_t size, uint64_t entry, const struct settings *settings,
             struct error *error)
{
    struct machine_boot *boot = &machine->boot;
    const char *line = boot->command_line ? boot->command_line : "";
    size_t line_bytes = strlen(line) + 1;
    int status = load_elf_segments(machine, data, size, error);
    if (status)
        return status;
    if (settings->initrd) {
        uint8_t *initrd;
        uint64_t initrd_bytes;
        if ((status = file_read("initrd", settings->initrd, machine->ram_size, &initrd, &initrd_bytes, error)) ||
            (status = loader_place_behind(machine, "initrd", initrd, initrd_bytes, &boot->initrd_start, error)))
            return status;
        boot->initrd_end = boot->initrd_start + initrd_bytes;
    }
    // The record's own address is needed in it.
    uint64_t gpa = loader_next_place(machine);
    uint8_t *info = ALLOC_ARRAY(uint8_t, LINE_AT + line_bytes);
    memset(info, 0, LINE_AT);
    store_le32(info, MAGIC);
    store_le32(info + VERSION_AT, 1);
    store_le32(info + NR_MODULES_AT, settings->initrd ? 1 : 0);
    store_le64(info + MODLIST_AT, gpa + START_INFO_BYTES);
    store_le64(info + CMDLINE_AT, gpa + LINE_AT);
    store_le64(info + MEMMAP_AT, KERNEL_ROM_MAP_GPA);
    store_le64(info + START_INFO_BYTES, boot->initrd_start);
    store_le64(info + START_INFO_BYTES + 8, boot->initrd_end - boot->initrd_start);
    memcpy(info + LINE_AT, line, line_bytes);
    boot->protocol = KERNEL_PVH;
    boot->entry = entry;
    return loader_place_behind(machine, "start info", info, LINE_AT + line_bytes, &boot->info_gpa, error);
}
