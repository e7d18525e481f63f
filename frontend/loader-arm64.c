// SPDX-License-Identifier: MIT
// Where an arm64 kernel goes. The boot protocol (booting.rst) wants an Image text_offset above a 2 MiB boundary. As in
// QEMU the first 2 MiB of RAM stay free below one with no offset, and raw code starts 512 KiB above the start of RAM.
#include <stdlib.h>

#include "frontend/image.h"
#include "frontend/loader-private.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"

enum { IMAGE_ALIGN = 2 << 20, RAW_OFFSET = 0x80000 };

static int place(struct machine *machine, uint64_t offset, uint8_t *data, uint64_t bytes, uint64_t memory_bytes,
                 struct error *error)
{
    if (!range_inside(offset, memory_bytes, machine->ram_size)) {
        free(data);
        return loader_no_room(machine, memory_bytes, error);
    }
    uint64_t start = machine->type->ram_base + offset;
    machine->boot.direct = true;
    machine->boot.entry = machine->boot.kernel_start = start;
    machine->boot.kernel_end = start + memory_bytes;
    return machine_add_blob(machine, "kernel", start, data, bytes, error);
}

int load_arm64_image(struct machine *machine, uint8_t *data, uint64_t size, struct error *error)
{
    struct arm64_image_info info;
    int status = image_parse_arm64(data, size, &info, error);
    if (!status && info.text_offset >= UINT64_MAX / 2)
        status = loader_no_room(machine, info.text_offset, error);
    if (status) {
        free(data);
        return status;
    }
    uint64_t offset = info.text_offset < IMAGE_ALIGN ? info.text_offset + IMAGE_ALIGN : info.text_offset;
    return place(machine, offset, data, size, info.image_size, error);
}

int load_raw(struct machine *machine, uint8_t *data, uint64_t size, struct error *error)
{
    return place(machine, RAW_OFFSET, data, size, size, error);
}
