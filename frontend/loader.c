// SPDX-License-Identifier: MIT
// Chooses the loader for a kernel by what the file holds, and places firmware and initrd. A gzip file is expanded once
// and looked at again; expansion stops at the size of the guest's memory.
#include "frontend/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/file.h"
#include "frontend/image.h"
#include "frontend/loader-private.h"
#include "frontend/settings.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"

int loader_no_room(const struct machine *machine, uint64_t bytes, struct error *error)
{
    return error_set(error, EFBIG, "it needs %" PRIu64 " MiB where %" PRIu64 " MiB of memory are; give more with -m",
                     (bytes >> 20) + 1, machine->ram_size >> 20);
}

// Replaces the compressed kernel in *data by the kernel.
static int expand(struct machine *machine, enum image_kind kind, uint8_t **data, uint64_t *size, struct error *error)
{
    const uint8_t *payload = *data;
    uint64_t payload_size = *size;
    uint8_t *expanded;
    int status = 0;
    if (kind == IMAGE_ARM64_ZBOOT)
        status = image_parse_zboot(*data, *size, &payload, &payload_size, error);
    if (!status)
        status = image_gunzip(payload, payload_size, machine->ram_size, &expanded, size, error);
    if (!status) {
        free(*data);
        *data = expanded;
    }
    return status;
}

static int load_x86_kernel(struct machine *machine, uint8_t *data, uint64_t size, struct settings *settings,
                           struct error *error)
{
    enum image_kind kind = image_identify(data, size);
    uint64_t header, entry;
    if (kind == IMAGE_X86_LINUX)
        return load_x86_linux(machine, data, size, settings, error);
    if (kind != IMAGE_ELF_X86_64 && multiboot_find_header(data, size, &header))
        return load_multiboot(machine, data, size, header, settings, error);
    if ((kind == IMAGE_ELF_X86_64 || kind == IMAGE_ELF_X86_32) && elf_is_pvh(data, size, &entry))
        return load_pvh(machine, data, size, entry, settings, error);
    return error_set(error, EINVAL, "it is %s; machine '%s' starts x86 Linux kernels (bzImage), ELF kernels with a PVH note "
                     "and 32-bit Multiboot kernels", image_kind_name(kind), machine->type->name);
}

static int load_kernel_data(struct machine *machine, uint8_t *data, uint64_t size, struct settings *settings,
                            struct error *error)
{
    enum image_kind kind = image_identify(data, size);
    int status;
    if (!strcmp(machine->type->arch, "x86_64")) {
        status = load_x86_kernel(machine, data, size, settings, error);
        free(data);
        return status;
    }
    if (kind == IMAGE_GZIP || kind == IMAGE_ARM64_ZBOOT) {
        if ((status = expand(machine, kind, &data, &size, error))) {
            free(data);
            return status;
        }
        kind = image_identify(data, size);
    }
    switch (kind) {
    case IMAGE_ARM64:
        return load_arm64_image(machine, data, size, error);
    case IMAGE_RAW:
        return load_raw(machine, data, size, error);
    case IMAGE_ELF_ARM64:
        status = load_elf(machine, data, size, error);
        break;
    default:
        status = error_set(error, EINVAL, "it is %s; machine '%s' starts arm64 Linux kernels (plain or gzip), ELF "
                           "programs and raw code", image_kind_name(kind), machine->type->name);
    }
    free(data);
    return status;
}

static int load_kernel(struct machine *machine, struct settings *settings, struct error *error)
{
    const char *path = settings->kernel;
    uint8_t *data;
    uint64_t size;
    int status = file_read("kernel", path, machine->ram_size, &data, &size, error);
    if (status)
        return status;
    if ((status = load_kernel_data(machine, data, size, settings, error)))
        error_prefix(error, "kernel '%.200s'", path);
    return status;
}

// Well above the kernel, which may move itself, but low enough for the early page tables of small machines. Boards put
// their device tree behind it, so some memory at the end stays free.
static int load_initrd(struct machine *machine, const char *path, struct error *error)
{
    enum { PREFERRED_OFFSET = 128 << 20, ALIGN = 64 << 10, KEEP_FREE = 4 << 20 };
    uint64_t base = machine->type->ram_base, end = base + machine->ram_size - KEEP_FREE;
    uint64_t half = machine->ram_size / 2;
    uint8_t *data;
    uint64_t size;
    int status = file_read("initrd", path, machine->ram_size, &data, &size, error);
    if (status)
        return status;
    uint64_t lowest = round_up(machine->boot.kernel_end, ALIGN);
    uint64_t start = base + (half < PREFERRED_OFFSET ? half : PREFERRED_OFFSET);
    if (start < lowest || !range_inside(start, size, end))
        start = lowest;
    if (start < base || !range_inside(start, size, end)) {
        free(data);
        return error_set(error, EFBIG, "initrd '%.200s' (%" PRIu64 " MiB) does not fit beside the kernel in %" PRIu64
                         " MiB of memory; give more with -m", path, (size >> 20) + 1, machine->ram_size >> 20);
    }
    machine->boot.initrd_start = start;
    machine->boot.initrd_end = start + size;
    return machine_add_blob(machine, "initrd", start, data, size, error);
}

// Firmware that ends where the address space does begins in its last 16 bytes, by a jump; that is all that one image has
// in common with the next. Chips hold whole units of 64 KiB.
static int check_rom(const char *path, const uint8_t *data, uint64_t size, struct error *error)
{
    enum { UNIT_BYTES = 64 << 10, START_BYTES = 16 };
    if (size % UNIT_BYTES)
        return error_set(error, EINVAL, "firmware '%.200s' has %" PRIu64 " bytes; PC firmware is a multiple of 64 KiB", path,
                         size);
    const uint8_t *start = data + size - START_BYTES;
    if ((start[0] == 0 || start[0] == 0xff) && !memcmp(start, start + 1, START_BYTES - 1))
        return error_set(error, EINVAL, "firmware '%.200s' has no code at its end, where a PC starts; is it firmware?", path);
    return 0;
}

static int load_firmware(struct machine *machine, const char *path, struct error *error)
{
    uint8_t *data;
    uint64_t size;
    if (machine->flashes[0])
        return error_set(error, EINVAL, "-bios '%.200s' and a drive with if=pflash,unit=0 want the same flash; give one",
                         path);
    int status = file_read("firmware", path, machine->type->firmware_bytes, &data, &size, error);
    if (status)
        return status;
    uint64_t gpa = machine->type->firmware_base;
    if (machine->type->firmware_at_end && (status = check_rom(path, data, size, error))) {
        free(data);
        return status;
    }
    if (machine->type->firmware_at_end)
        gpa += machine->type->firmware_bytes - size;
    return machine_add_blob(machine, "firmware", gpa, data, size, error);
}

// Firmware of Debian's packages, for machines that cannot do without.
static int load_default_firmware(struct machine *machine, struct error *error)
{
    static const char *const folders[] = {"/usr/share/seabios", "/usr/share/qemu"};
    char path[256];
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], machine->type->default_firmware);
        if (!access(path, R_OK))
            return load_firmware(machine, path, error);
    }
    return error_set(error, ENOENT, "machine '%s' needs firmware: install Debian's package seabios (%s), or give -bios FILE",
                     machine->type->name, machine->type->default_firmware);
}

// The user's, and behind it what the board has to say.
static const char *command_line(struct machine *machine, struct settings *settings)
{
    const char *more = machine->type->kernel_arguments ? machine->type->kernel_arguments(machine) : NULL;
    if (!settings->append || !more || !settings->kernel)
        return settings->append ? settings->append : settings->kernel ? more : NULL;
    size_t used = strlen(settings->append), bytes = used + strlen(more) + 2;
    char *line = ARENA_ARRAY(&settings->arena, char, bytes);
    snprintf(line, bytes, "%s %s", settings->append, more);
    return line;
}

int loader_load(struct machine *machine, struct settings *settings, struct error *error)
{
    int status = 0;
    machine->boot.command_line = command_line(machine, settings);
    if (!settings->bios && !settings->kernel && !machine->flashes[0] && !machine->start_paused &&
        !machine->type->default_firmware)
        return error_set(error, EINVAL, "nothing to start on machine '%s'; give -kernel FILE or -bios FILE, or -S to "
                         "start it stopped", machine->type->name);
    if (settings->bios)
        status = load_firmware(machine, settings->bios, error);
    else if (machine->type->default_firmware && !machine->flashes[0])
        status = load_default_firmware(machine, error);
    if (!status && settings->kernel)
        status = load_kernel(machine, settings, error);
    if (!status && settings->initrd && machine->boot.protocol == KERNEL_NONE)
        status = load_initrd(machine, settings->initrd, error);
    return status;
}
