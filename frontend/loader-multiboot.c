// SPDX-License-Identifier: MIT
// Multiboot kernels (Multiboot Specification 0.6.96): a header in the first 8 KiB says so. They are loaded by their ELF
// segments or by the header's own addresses, with files beside them as modules: -initrd FILE [TEXT][,FILE [TEXT]...],
// a comma in a name written twice. Left out: video modes (a kernel that asks for one gets text mode), a.out symbols.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/loader-private.h"
#include "frontend/settings.h"
#include "hw/boards/kernel-roms.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    HEADER_MAGIC = 0x1badb002,
    HEADER_SEARCH = 8192,
    HEADER_BYTES = 12,
    HEADER_ADDRESS_BYTES = 32,
    WANTS_PAGES = 1 << 0, // modules on page boundaries, as they are here in any case
    WANTS_MEMORY = 1 << 1,
    WANTS_VIDEO = 1 << 2,
    WANTS_UNKNOWN = 0xffff & ~(WANTS_PAGES | WANTS_MEMORY | WANTS_VIDEO),
    HAS_ADDRESSES = 1 << 16,
};

// The information that the kernel is handed; modules, their texts, and other texts follow it.
enum {
    INFO_MEMORY = 1 << 0,
    INFO_BOOT_DEVICE = 1 << 1,
    INFO_CMDLINE = 1 << 2,
    INFO_MODULES = 1 << 3,
    INFO_MMAP = 1 << 6,
    INFO_LOADER_NAME = 1 << 9,
    MEM_LOWER_AT = 4,
    MEM_UPPER_AT = 8,
    BOOT_DEVICE_AT = 12,
    CMDLINE_AT = 16,
    MODS_COUNT_AT = 20,
    MODS_AT = 24,
    MMAP_AT = 48,
    LOADER_NAME_AT = 64,
    INFO_BYTES = 120,
    MODULE_BYTES = 16,
    MAX_MODULES = 256,
};

struct module {
    uint32_t start, end;
    const char *text; // in the settings' arena
};

bool multiboot_find_header(const uint8_t *data, uint64_t size, uint64_t *offset)
{
    uint64_t end = size < HEADER_SEARCH ? size : HEADER_SEARCH;
    for (uint64_t at = 0; at + HEADER_BYTES <= end; at += 4) {
        if (load_le32(data + at) != HEADER_MAGIC || load_le32(data + at) + load_le32(data + at + 4) + load_le32(data + at + 8))
            continue;
        *offset = at;
        return true;
    }
    return false;
}

// By the addresses in the header: one piece of the file, and zeroes behind it.
static int load_by_addresses(struct machine *machine, const uint8_t *data, uint64_t size, uint64_t header,
                             struct error *error)
{
    if (!range_inside(header, HEADER_ADDRESS_BYTES, size))
        return error_set(error, EINVAL, "its Multiboot header is cut short");
    uint64_t header_gpa = load_le32(data + header + 12), load = load_le32(data + header + 16);
    uint64_t load_end = load_le32(data + header + 20), bss_end = load_le32(data + header + 24);
    if (header_gpa < load || header_gpa - load > header)
        return error_set(error, EINVAL, "its Multiboot header names a load address outside the file");
    uint64_t start = header - (header_gpa - load);
    uint64_t bytes = load_end ? load_end - load : size - start;
    if ((load_end && load_end < load) || !range_inside(start, bytes, size))
        return error_set(error, EINVAL, "its Multiboot header names more than the file has");
    uint64_t memory = bss_end > load + bytes ? bss_end - load : bytes;
    if (memory > machine->ram_size)
        return loader_no_room(machine, memory, error);
    uint8_t *copy = calloc(1, memory ? memory : 1);
    if (!copy)
        return error_set(error, ENOMEM, "no memory for it");
    memcpy(copy, data + start, bytes);
    machine->boot.entry = load_le32(data + header + 28);
    machine->boot.kernel_start = load;
    machine->boot.kernel_end = load + memory;
    return machine_add_blob(machine, "kernel", load, copy, memory, error);
}

// The next "FILE TEXT" of the list, commas written twice made single; moves *list behind it.
static const char *next_item(struct settings *settings, const char **list)
{
    const char *p = *list;
    char *item = arena_string(&settings->arena, p, strlen(p)), *out = item;
    while (*p && !(p[0] == ',' && p[1] != ',')) {
        p += p[0] == ',';
        *out++ = *p++;
    }
    *out = 0;
    *list = *p ? p + 1 : p;
    return item;
}

static int load_modules(struct machine *machine, struct settings *settings, struct module *modules, unsigned *count,
                        struct error *error)
{
    const char *list = settings->initrd ? settings->initrd : "";
    *count = 0;
    while (*list) {
        struct module *module = &modules[*count];
        uint8_t *data;
        uint64_t size, start;
        if (*count == MAX_MODULES)
            return error_set(error, E2BIG, "more than %d modules", MAX_MODULES);
        module->text = next_item(settings, &list);
        const char *path = arena_string(&settings->arena, module->text, strcspn(module->text, " "));
        int status = file_read("module", path, machine->ram_size, &data, &size, error);
        if (status || (status = loader_place_behind(machine, path, data, size, &start, error)))
            return status;
        module->start = (uint32_t)start;
        module->end = (uint32_t)(start + size);
        (*count)++;
    }
    return 0;
}

// Texts are put behind each other.
struct texts {
    uint8_t *info;
    uint64_t gpa, used;
};

static uint32_t add_text(struct texts *texts, const char *text)
{
    uint32_t gpa = (uint32_t)(texts->gpa + texts->used);
    memcpy(texts->info + texts->used, text, strlen(text) + 1);
    texts->used += strlen(text) + 1;
    return gpa;
}

static int add_info(struct machine *machine, const struct settings *settings, const struct module *modules, unsigned count,
                    struct error *error)
{
    static const char loader_name[] = "lyrebird";
    const char *append = machine->boot.command_line;
    const char *line[] = {settings->kernel, append ? " " : "", append ? append : ""};
    uint64_t low = machine->ram_size < UINT64_C(2) << 30 ? machine->ram_size : UINT64_C(2) << 30;
    uint64_t bytes = INFO_BYTES + count * MODULE_BYTES + sizeof(loader_name) + 1;
    for (size_t i = 0; i < ARRAY_SIZE(line); i++)
        bytes += strlen(line[i]);
    for (unsigned i = 0; i < count; i++)
        bytes += strlen(modules[i].text) + 1;
    uint8_t *info = ALLOC_ARRAY(uint8_t, bytes);
    memset(info, 0, bytes);
    struct texts texts = {info, loader_next_place(machine), INFO_BYTES + count * MODULE_BYTES};
    store_le32(info, INFO_MEMORY | INFO_BOOT_DEVICE | INFO_CMDLINE | INFO_MODULES | INFO_MMAP | INFO_LOADER_NAME);
    store_le32(info + MEM_LOWER_AT, 640);
    store_le32(info + MEM_UPPER_AT, (uint32_t)(low >> 10) - 1024);
    store_le32(info + BOOT_DEVICE_AT, 0x8000ffff); // the first disk, no partition
    store_le32(info + MODS_COUNT_AT, count);
    store_le32(info + MODS_AT, (uint32_t)texts.gpa + INFO_BYTES);
    store_le32(info + MMAP_AT, KERNEL_ROM_MAP_GPA - 4);
    for (unsigned i = 0; i < count; i++) {
        uint8_t *row = info + INFO_BYTES + i * MODULE_BYTES;
        store_le32(row, modules[i].start);
        store_le32(row + 4, modules[i].end);
        store_le32(row + 8, add_text(&texts, modules[i].text));
    }
    store_le32(info + LOADER_NAME_AT, add_text(&texts, loader_name));
    store_le32(info + CMDLINE_AT, (uint32_t)(texts.gpa + texts.used));
    for (size_t i = 0; i < ARRAY_SIZE(line); i++) {
        memcpy(info + texts.used, line[i], strlen(line[i]));
        texts.used += strlen(line[i]);
    }
    return loader_place_behind(machine, "Multiboot information", info, bytes, &machine->boot.info_gpa, error);
}

int load_multiboot(struct machine *machine, const uint8_t *data, uint64_t size, uint64_t header, struct settings *settings,
                   struct error *error)
{
    uint32_t flags = load_le32(data + header + 4);
    struct module *modules;
    unsigned count;
    int status;
    if (flags & WANTS_UNKNOWN)
        return error_set(error, ENOTSUP, "its Multiboot header wants 0x%" PRIx32 ", which is not understood",
                         flags & WANTS_UNKNOWN);
    if (flags & HAS_ADDRESSES)
        status = load_by_addresses(machine, data, size, header, error);
    else
        status = load_elf_segments(machine, data, size, error);
    if (status)
        return status;
    modules = ALLOC_ARRAY(struct module, MAX_MODULES);
    status = load_modules(machine, settings, modules, &count, error);
    if (!status)
        status = add_info(machine, settings, modules, count, error);
    free(modules);
    machine->boot.protocol = KERNEL_MULTIBOOT;
    return status;
}
