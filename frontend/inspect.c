// SPDX-License-Identifier: MIT
// Choosing machine and options from what a file holds.
#include "frontend/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/image.h"
#include "frontend/registry.h"
#include "frontend/settings.h"
#include "hw/core/machine.h"

enum { DEFAULT_RAM_MIB = 1024 };

// A PC has firmware that starts disks; other firmware, or a kernel, may be for any machine.
static int choose_disk(struct settings *settings, bool cd, struct error *error)
{
    bool starts = settings->bios || settings->drives.count || settings->kernel;
    const struct machine_type *type = settings->machine ? registry_find_machine(settings->machine, error) : NULL;
    if (settings->machine && !type)
        return -ENOENT;
    if (!starts && type && !type->default_firmware)
        return error_set(error, ENOENT, "'%s' is a disk image, which firmware must start; add -bios FILE (such as "
                         "QEMU_EFI.fd of Debian's qemu-efi-aarch64)", settings->file);
    struct keyval_list drive = {.text = settings->file};
    keyval_set(&settings->arena, &drive, "file", settings->file);
    keyval_set(&settings->arena, &drive, "format", "raw");
    if (cd)
        keyval_set(&settings->arena, &drive, "media", "cdrom");
    setting_group_add(settings, &settings->drives, drive);
    if (!settings->machine && !settings->bios && !settings->kernel)
        settings->machine = "pc";
    return 0;
}

static int choose(struct settings *settings, enum image_kind kind, struct error *error)
{
    switch (kind) {
    case IMAGE_ARM64:
    case IMAGE_ARM64_ZBOOT:
    case IMAGE_ELF_ARM64:
    case IMAGE_GZIP:
    case IMAGE_X86_LINUX:
        if (settings->kernel)
            return error_set(error, EINVAL, "'%s' and -kernel '%s': there can be one kernel", settings->file,
                             settings->kernel);
        settings->kernel = settings->file;
        return 0;
    case IMAGE_DISK:
    case IMAGE_ISO:
        return choose_disk(settings, kind == IMAGE_ISO, error);
    case IMAGE_RAW:
        return error_set(error, EINVAL, "'%s' is no kernel or disk image that is known; say what it is with -kernel, "
                         "-bios or -drive", settings->file);
    default:
        return error_set(error, ENOTSUP, "'%s' is %s; no machine that runs it is built yet", settings->file,
                         image_kind_name(kind));
    }
}

int inspect_file(struct settings *settings, struct error *error)
{
    uint8_t head[IMAGE_HEAD_BYTES];
    uint64_t size, total;
    if (!settings->file)
        return 0;
    int status = file_peek("file", settings->file, head, sizeof(head), &size, &total, error);
    if (status)
        return status;
    enum image_kind kind = image_identify(head, size);
    if ((status = choose(settings, kind, error)))
        return status;
    if (!settings->machine)
        settings->machine = kind == IMAGE_X86_LINUX ? "pc" : "virt";
    if (!settings->cpu)
        settings->cpu = "max";
    if (!settings->ram_bytes)
        settings->ram_bytes = (uint64_t)DEFAULT_RAM_MIB << 20;
    fprintf(stderr, "lyrebird: %s is %s: -M %s -cpu %s -m %uM %s\n", settings->file, image_kind_name(kind),
            settings->machine, settings->cpu, (unsigned)(settings->ram_bytes >> 20),
            settings->kernel == settings->file ? "-kernel" : "-drive");
    return 0;
}
