// SPDX-License-Identifier: MIT
// -drive: what its parameters mean, and opening the image.
#include "frontend/drives.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/image.h"
#include "frontend/settings.h"
#include "hw/core/block.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

const char *const drive_interface_names[DRIVE_INTERFACES + 1] = {
    [DRIVE_NONE] = "none",     [DRIVE_IDE] = "ide",       [DRIVE_FLOPPY] = "floppy",
    [DRIVE_VIRTIO] = "virtio", [DRIVE_PFLASH] = "pflash",
};

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
        (status = keyval_bool(list, "read-only", &options->readonly, error)) ||
        (status = keyval_bool(list, "snapshot", &options->snapshot, error)))
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

// Which of the places that a board has for images that are parts of it.
static int choose_place(const struct drive *drive, const bool *taken, unsigned count, uint32_t *chosen,
                        struct error *error)
{
    uint32_t place = drive->unit != DRIVE_ANYWHERE ? drive->unit : drive->index;
    if (place == DRIVE_ANYWHERE)
        for (place = 0; place < count - 1 && taken[place];)
            place++;
    if (place >= count)
        return error_set(error, EINVAL, "there are places 0 to %u for if=%s, not %" PRIu32, count - 1,
                         drive_interface_names[drive->interface], place);
    if (taken[place])
        return error_set(error, EEXIST, "if=%s,unit=%" PRIu32 " is given twice; give another unit=N",
                         drive_interface_names[drive->interface], place);
    *chosen = place;
    return 0;
}

static int place_flash(struct machine *machine, const struct drive *drive, struct error *error)
{
    bool taken[MACHINE_FLASHES];
    uint32_t place;
    for (unsigned i = 0; i < MACHINE_FLASHES; i++)
        taken[i] = machine->flashes[i] != NULL;
    int status = choose_place(drive, taken, MACHINE_FLASHES, &place, error);
    if (!status)
        machine->flashes[place] = drive->block;
    return status;
}

static int place_floppy(struct machine *machine, const struct drive *drive, struct error *error)
{
    uint32_t place;
    if (!machine->type->floppy_drives)
        return error_set(error, EINVAL, "machine '%s' has no floppy disk drives", machine->type->name);
    int status = choose_place(drive, machine->floppy_drives, machine->type->floppy_drives, &place, error);
    if (status)
        return status;
    machine->floppy_drives[place] = true;
    machine->floppies[place] = drive->block;
    return 0;
}

static int parse_place(const struct keyval_list *list, struct drive *drive, struct error *error)
{
    const struct {
        const char *key;
        uint32_t *place;
    } places[] = {{"bus", &drive->bus}, {"unit", &drive->unit}, {"index", &drive->index}};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        uint64_t value = DRIVE_ANYWHERE;
        int status = keyval_unsigned(list, places[i].key, UINT16_MAX, &value, error);
        if (status)
            return status;
        *places[i].place = (uint32_t)value;
    }
    if (drive->index != DRIVE_ANYWHERE && (drive->bus != DRIVE_ANYWHERE || drive->unit != DRIVE_ANYWHERE))
        return error_set(error, EINVAL, "index= says what bus= and unit= do; give one or the others");
    return 0;
}

static int parse_interface(const struct machine *machine, const struct keyval_list *list, struct drive *drive,
                           struct error *error)
{
    const char *name = keyval_get(list, "if");
    if (!name)
        name = machine->type->default_drive ? machine->type->default_drive : "virtio";
    unsigned i = 0;
    while (i < DRIVE_INTERFACES && strcmp(drive_interface_names[i], name))
        i++;
    if (i == DRIVE_INTERFACES && strcmp(name, "scsi") == 0)
        return error_set(error, ENOTSUP, "if=scsi: SCSI adapters are not built yet; use if=virtio%s",
                         machine->type->default_drive ? " or if=ide" : "");
    if (i == DRIVE_INTERFACES) {
        const char *near = nearest_name(name, drive_interface_names);
        return error_set(error, EINVAL, near ? "unknown if=%s; did you mean '%s'?"
                         : "unknown if=%s; use ide, floppy, virtio, pflash or none", name, near);
    }
    drive->interface = (enum drive_interface)i;
    return 0;
}

// What kind of drive it is, but for its image.
static int parse(const struct machine *machine, const struct keyval_list *list, struct drive *drive, struct error *error)
{
    static const char *const known[] = {"file", "if", "format", "id", "readonly", "read-only", "bus", "unit",
                                        "index", "cache", "media", "discard", "snapshot", NULL};
    const char *media = keyval_get(list, "media");
    *drive = (struct drive){.text = list->text, .id = keyval_get(list, "id")};
    int status = keyval_check(list, known, error);
    if (status || (status = parse_interface(machine, list, drive, error)) || (status = parse_place(list, drive, error)))
        return status;
    drive->cdrom = media && !strcmp(media, "cdrom");
    if (media && !drive->cdrom && strcmp(media, "disk"))
        return error_set(error, EINVAL, "media must be disk or cdrom, not '%s'", media);
    if (drive->cdrom && drive->interface == DRIVE_FLOPPY)
        return error_set(error, EINVAL, "media=cdrom does not go into a floppy disk drive");
    if (drive->interface == DRIVE_NONE && !drive->id)
        return error_set(error, EINVAL, "with if=none it needs a name for a -device to refer to: add id=NAME");
    bool removable = drive->interface == DRIVE_FLOPPY || (drive->cdrom && drive->interface == DRIVE_IDE);
    if (!keyval_get(list, "file") && !removable)
        return error_set(error, EINVAL, "no image is named; add file=FILE");
    return 0;
}

// Names as QEMU gives them: by interface, kind and number.
static const char *default_id(struct settings *settings, const struct drive *drive, unsigned number)
{
    char name[40];
    const char *kind = drive->interface != DRIVE_IDE ? "" : drive->cdrom ? "-cd" : "-hd";
    int n = snprintf(name, sizeof(name), "%s%s%u", drive_interface_names[drive->interface], kind, number);
    return arena_string(&settings->arena, name, (size_t)n);
}

static int open_image(struct machine *machine, const struct settings *settings, const struct keyval_list *list,
                      struct drive *drive, struct error *error)
{
    struct block_options options = {.path = keyval_get(list, "file"), .snapshot = settings->snapshot};
    int status;
    if (!options.path)
        return 0;
    if ((status = parse_image_options(list, &options, error)) ||
        (status = check_format(options.path, keyval_get(list, "format"), error)))
        return status;
    options.readonly = options.readonly || drive->cdrom;
    if ((status = block_raw_file_open(&options, machine->loop, &drive->block, error)))
        return status;
    drive->block->id = alloc_string(drive->id);
    if ((status = backend_list_add(&machine->backends, BACKEND_DRIVE, drive->id, drive->block, error)))
        block_close(drive->block);
    return status;
}

static int create(struct machine *machine, struct settings *settings, const struct keyval_list *list, struct drive *drive,
                  unsigned number, struct error *error)
{
    int status = parse(machine, list, drive, error);
    if (status)
        return status;
    if (!drive->id)
        drive->id = default_id(settings, drive, number);
    if ((status = open_image(machine, settings, list, drive, error)))
        return status;
    if (drive->interface == DRIVE_PFLASH)
        return place_flash(machine, drive, error);
    return drive->interface == DRIVE_FLOPPY ? place_floppy(machine, drive, error) : 0;
}

int drives_open(struct machine *machine, struct settings *settings, struct drives *drives, struct error *error)
{
    *drives = (struct drives){ARENA_ARRAY(&settings->arena, struct drive, settings->drives.count + 1),
                              settings->drives.count};
    for (size_t i = 0; i < settings->drives.count; i++) {
        const struct keyval_list *list = &settings->drives.items[i];
        int status = create(machine, settings, list, &drives->items[i], (unsigned)i, error);
        if (status) {
            error_prefix(error, "%s", list->text);
            return status;
        }
    }
    if (machine->type->default_floppy && !settings->nodefaults)
        machine->floppy_drives[0] = true;
    return 0;
}
