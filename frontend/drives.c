// SPDX-License-Identifier: MIT
// -drive: the image, its cache mode, and where the guest sees it.
#include "frontend/drives.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/image.h"
#include "frontend/registry.h"
#include "frontend/settings.h"
#include "hw/core/block.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"

static const struct cache_mode {
    const char *name;
    bool write_through, direct, unsafe;
} cache_modes[] = {
    {"writeback", false, false, false}, {"none", false, true, false},   {"writethrough", true, false, false},
    {"directsync", true, true, false},  {"unsafe", false, false, true},
};

// Fills in everything about the image but its path.
static int parse_image_options(const struct keyval_list *list, struct block_options *options, struct error *error)
{
    const char *cache = keyval_get(list, "cache"), *discard = keyval_get(list, "discard");
    int status;
    if ((status = keyval_bool(list, "readonly", &options->readonly, error)) ||
        (status = keyval_bool(list, "read-only", &options->readonly, error)))
        return status;
    if (cache) {
        size_t i = 0;
        while (i < ARRAY_SIZE(cache_modes) && strcmp(cache_modes[i].name, cache))
            i++;
        if (i == ARRAY_SIZE(cache_modes))
            return error_set(error, EINVAL, "unknown cache mode '%s'; use writeback, none, writethrough, directsync or "
                             "unsafe", cache);
        options->write_through = cache_modes[i].write_through;
        options->direct = cache_modes[i].direct;
        options->unsafe = cache_modes[i].unsafe;
    }
    if (discard && (!strcmp(discard, "unmap") || !strcmp(discard, "on")))
        options->discard = true;
    else if (discard && strcmp(discard, "ignore") && strcmp(discard, "off"))
        return error_set(error, EINVAL, "discard must be unmap or ignore, not '%s'", discard);
    return 0;
}

// Only raw images are built. A guessed format is as dangerous as convenient: a guest could write another format's
// header into its raw disk. So what looks like another one is refused unless format=raw says otherwise.
static int check_format(const char *path, const char *format, struct error *error)
{
    uint8_t head[IMAGE_HEAD_BYTES];
    uint64_t size, total;
    if (format && !strcmp(format, "raw"))
        return 0;
    if (format)
        return error_set(error, ENOTSUP, "format '%s' is not built yet; convert the image to raw", format);
    // Devices and pipes of the host are left to the opener.
    if (file_peek("image", path, head, sizeof(head), &size, &total, NULL))
        return 0;
    if (image_identify(head, size) == IMAGE_QCOW2)
        return error_set(error, ENOTSUP, "'%s' is %s; that format is not built yet; convert the image to raw", path,
                         image_kind_name(IMAGE_QCOW2));
    return 0;
}

static int place_pflash(struct machine *machine, const struct keyval_list *list, struct block_backend *block,
                        struct error *error)
{
    uint64_t unit = 0;
    while (unit < MACHINE_FLASHES - 1 && machine->flashes[unit])
        unit++;
    int status = keyval_unsigned(list, keyval_get(list, "unit") ? "unit" : "index", MACHINE_FLASHES - 1, &unit, error);
    if (!status && machine->flashes[unit])
        status = error_set(error, EEXIST, "flash %" PRIu64 " has an image already; give another unit=N", unit);
    if (!status)
        machine->flashes[unit] = block;
    return status;
}

// The device that shows the drive, on PCI if the machine has that.
static int place_virtio(const struct machine *machine, struct settings *settings, const char *id, struct error *error)
{
    const char *driver = "virtio-blk-device";
    for (const struct bus *bus = machine->buses; bus; bus = bus->next)
        if (!strcmp(bus->type, "PCI"))
            driver = "virtio-blk-pci";
    if (!registry_find_device(driver, error))
        return -ENOENT;
    struct keyval_list device = {.text = driver};
    keyval_set(&settings->arena, &device, "driver", driver);
    keyval_set(&settings->arena, &device, "drive", id);
    setting_group_add(settings, &settings->devices, device);
    return 0;
}

static int create(struct machine *machine, struct settings *settings, const struct keyval_list *list, unsigned number,
                  struct error *error)
{
    static const char *const known[] = {"file",     "if",    "format",  "id",    "readonly", "read-only",
                                        "unit",     "index", "cache",   "media", "discard",  NULL};
    static const char *const interfaces[] = {"none", "virtio", "pflash", NULL};
    int status = keyval_check(list, known, error);
    if (status)
        return status;
    const char *path = keyval_get(list, "file"), *interface = keyval_get(list, "if"), *id = keyval_get(list, "id");
    const char *media = keyval_get(list, "media");
    if (!path)
        return error_set(error, EINVAL, "no image is named; add file=FILE");
    if (media && strcmp(media, "disk"))
        return error_set(error, ENOTSUP, "media=%s is not built yet; only media=disk is", media);
    interface = interface ? interface : "virtio";
    bool none = !strcmp(interface, "none"), pflash = !strcmp(interface, "pflash");
    if (!none && !pflash && strcmp(interface, "virtio")) {
        const char *near = nearest_name(interface, interfaces);
        return error_set(error, EINVAL, near ? "unknown if=%s; did you mean '%s'?"
                         : "unknown if=%s; use none, virtio or pflash", interface, near);
    }
    if (!pflash && keyval_get(list, "unit"))
        return error_set(error, EINVAL, "unit= is for if=pflash");
    if (none && !id)
        return error_set(error, EINVAL, "with if=none it needs a name for a -device to refer to: add id=NAME");
    if (!id) {
        char name[32];
        int n = snprintf(name, sizeof(name), "%s%u", interface, number);
        id = arena_string(&settings->arena, name, (size_t)n);
    }
    struct block_options options = {.path = path};
    struct block_backend *block;
    if ((status = parse_image_options(list, &options, error)) ||
        (status = check_format(path, keyval_get(list, "format"), error)) ||
        (status = block_raw_file_open(&options, machine->loop, &block, error)))
        return status;
    if ((status = backend_list_add(&machine->backends, BACKEND_DRIVE, id, block, error))) {
        block_close(block);
        return status;
    }
    if (pflash)
        return place_pflash(machine, list, block, error);
    return none ? 0 : place_virtio(machine, settings, id, error);
}

int drives_create(struct machine *machine, struct settings *settings, struct error *error)
{
    for (size_t i = 0; i < settings->drives.count; i++) {
        int status = create(machine, settings, &settings->drives.items[i], (unsigned)i, error);
        if (status) {
            error_prefix(error, "-drive %.120s", settings->drives.items[i].text);
            return status;
        }
    }
    return 0;
}
