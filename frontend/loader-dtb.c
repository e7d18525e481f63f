// SPDX-License-Identifier: MIT
// A device tree given with -dtb. The file is untrusted: libfdt checks the whole of it before anything is read.
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/loader.h"
#include "frontend/settings.h"
#include "hw/core/machine.h"
#include "tcg/base/endian.h"

enum { DTB_LIMIT = 1 << 20, ROOM_FOR_CHANGES = 4096 };

// The first node of type "memory" says where RAM is and how much, in the cells that the root prescribes.
static int set_memory(void *fdt, const struct machine *machine)
{
    uint8_t reg[16];
    int address_cells = fdt_address_cells(fdt, 0), size_cells = fdt_size_cells(fdt, 0);
    int node = fdt_node_offset_by_prop_value(fdt, -1, "device_type", "memory", sizeof("memory"));
    if (node < 0)
        return 0; // the kernel then learns it elsewhere (UEFI) or not at all, as the author wanted
    if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2)
        return -FDT_ERR_BADNCELLS;
    store_be64(reg, machine->type->ram_base);
    store_be64(reg + 8, machine->ram_size);
    memmove(reg, reg + 8 - 4 * address_cells, 4 * (size_t)address_cells);
    memmove(reg + 4 * address_cells, reg + 16 - 4 * size_cells, 4 * (size_t)size_cells);
    return fdt_setprop(fdt, node, "reg", reg, 4 * (address_cells + size_cells));
}

static int set_chosen(void *fdt, const struct machine_boot *boot)
{
    int node = fdt_path_offset(fdt, "/chosen"), status = 0;
    if (node < 0)
        node = fdt_add_subnode(fdt, 0, "chosen");
    if (node < 0)
        return node;
    if (boot->command_line)
        status = fdt_setprop_string(fdt, node, "bootargs", boot->command_line);
    if (!status && boot->initrd_end > boot->initrd_start)
        status = fdt_setprop_u64(fdt, node, "linux,initrd-start", boot->initrd_start);
    if (!status && boot->initrd_end > boot->initrd_start)
        status = fdt_setprop_u64(fdt, node, "linux,initrd-end", boot->initrd_end);
    return status;
}

int loader_load_dtb(struct machine *machine, const struct settings *settings, struct error *error)
{
    const char *path = settings->dtb;
    uint8_t *data;
    uint64_t size;
    if (!path)
        return 0;
    int status = file_read("dtb", path, DTB_LIMIT, &data, &size, error);
    if (status)
        return status;
    size_t text = machine->boot.command_line ? strlen(machine->boot.command_line) : 0;
    size_t room = size + text + ROOM_FOR_CHANGES;
    void *fdt = fdt_check_full(data, size) ? NULL : malloc(room);
    if (!fdt) {
        free(data);
        return error_set(error, EINVAL, "dtb '%.200s' is not a device tree, or is damaged", path);
    }
    status = fdt_open_into(data, fdt, (int)room);
    free(data);
    if (!status)
        status = set_chosen(fdt, &machine->boot);
    if (!status)
        status = set_memory(fdt, machine);
    if (status) {
        free(fdt);
        return error_set(error, EINVAL, "dtb '%.200s' cannot be completed: %s", path, fdt_strerror(status));
    }
    // Written after the board's own tree, over it.
    return machine_add_blob(machine, "dtb", machine->dtb_gpa, fdt, fdt_totalsize(fdt), error);
}
