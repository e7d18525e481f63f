// SPDX-License-Identifier: MIT
// The images of UEFI firmware, as the monitor shows them.
#include <inttypes.h>
#include <string.h>

#include "frontend/guest-uefi.h"
#include "frontend/monitor-private.h"

static void print_image(FILE *out, const struct uefi_image *image, bool all)
{
    fprintf(out, "0x%010" PRIx64 " %6" PRIu64 " KiB  %s\n", image->base, (image->bytes + 1023) >> 10, image->name);
    if (!all)
        return;
    if (image->path)
        fprintf(out, "    %s\n", image->path);
    for (unsigned i = 0; i < image->section_count; i++)
        fprintf(out, "    0x%" PRIx64 " %s\n", image->sections[i].address, image->sections[i].name);
}

// [-a|NAME]
void monitor_info_images(struct monitor *monitor, const char *arguments)
{
    struct uefi_images *images = guest_uefi_find(monitor->machine, UEFI_THOROUGH);
    FILE *out = monitor->out;
    bool all = !strcmp(arguments, "-a"), any = false;
    if (!images) {
        fprintf(out, "no UEFI firmware is there that tells of its images (yet, or any longer)\n");
        return;
    }
    if (!*arguments || all)
        fprintf(out, "%s 0x%" PRIx32 ", system table at 0x%" PRIx64 ", %u images\n", images->vendor, images->revision,
                images->system_table, images->count);
    for (unsigned i = 0; i < images->count; i++)
        if (!*arguments || all || !strcmp(arguments, images->images[i].name)) {
            print_image(out, &images->images[i], *arguments);
            any = true;
        }
    if (!any && *arguments && !all)
        fprintf(out, "there is no image '%s'\n", arguments);
    uefi_images_destroy(images);
}
